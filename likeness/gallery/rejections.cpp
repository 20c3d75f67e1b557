#include "likeness/gallery/rejections.h"

#include <algorithm>

#include "likeness/gallery/known_faces.h"

namespace likeness {

RejectedFaces::RejectedFaces(const Rejections& rejections, const Comparison& comparison) {
  const Embeddings compared = comparison.comparable(rejections.embeddings);
  for (std::size_t i = 0; i < rejections.list.size(); ++i) {
    Embeddings& own = by_person_[rejections.list[i].person];
    own.dimension = compared.dimension;
    own.values.insert(own.values.end(), compared[i].begin(), compared[i].end());
  }
}

std::optional<double> RejectedFaces::cosine(std::int64_t person, std::span<const float> compared) const {
  const auto own = by_person_.find(person);
  if (own == by_person_.end()) return std::nullopt;
  std::vector<double> cosines(own->second.size());
  dots(own->second, compared, cosines);
  return std::ranges::max(cosines);
}

std::vector<std::int64_t> answered(const Rejections& rejections, const Embeddings& faces,
                                   EmbeddingFormat format) {
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < rejections.list.size(); ++i) {
    for (std::size_t j = 0; j < faces.size(); ++j) {
      if (!same_vector(rejections.embeddings[i], faces[j], format)) continue;
      ids.push_back(rejections.list[i].id);
      break;
    }
  }
  return ids;
}

}  // namespace likeness
