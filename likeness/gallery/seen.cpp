#include "likeness/gallery/seen.h"

#include <algorithm>
#include <stdexcept>

#include "likeness/gallery/store_checks.h"

namespace likeness {

std::optional<SeenCentres::Likest> SeenCentres::likest(std::span<const float> compared) const {
  if (groups_.empty()) return std::nullopt;
  std::vector<double> cosines(groups_.size());
  dots(compared_, compared, cosines);
  const auto best = std::ranges::max_element(cosines);
  return Likest{groups_[static_cast<std::size_t>(best - cosines.begin())], *best};
}

void SeenCentres::set(std::int64_t group, std::span<const float> compared) {
  const auto place = std::ranges::lower_bound(groups_, group);
  const auto row =
      compared_.values.begin() + (place - groups_.begin()) * static_cast<std::ptrdiff_t>(compared_.dimension);
  if (place != groups_.end() && *place == group) {
    std::ranges::copy(compared, row);
  } else {
    compared_.values.insert(row, compared.begin(), compared.end());
    groups_.insert(place, group);
  }
}

void SeenCentres::remove(std::int64_t group) {
  const auto place = std::ranges::lower_bound(groups_, group);
  if (place == groups_.end() || *place != group) return;
  const auto row =
      compared_.values.begin() + (place - groups_.begin()) * static_cast<std::ptrdiff_t>(compared_.dimension);
  compared_.values.erase(row, row + static_cast<std::ptrdiff_t>(compared_.dimension));
  groups_.erase(place);
}

std::vector<float> centre_of(const Embeddings& faces) {
  Embeddings centre{faces.dimension, std::vector<float>(faces.dimension)};
  for (std::size_t i = 0; i < faces.size(); ++i) {
    for (std::size_t j = 0; j < faces.dimension; ++j) centre.values[j] += faces[i][j];
  }
  l2_normalize(centre);
  const bool nowhere = std::ranges::none_of(centre.values, [](float value) { return value != 0; });
  return nowhere ? std::vector<float>(faces[0].begin(), faces[0].end()) : std::move(centre.values);
}

void require_seen(const NewSeenFace& face, std::size_t dimension) {
  require_embedding(face.embedding, dimension);
  require_crop(face.crop);
  require_photo_size(face.photo_size);
}

}  // namespace likeness
