#include "likeness/gallery/doubts.h"

#include <algorithm>

#include "likeness/embed/embeddings.h"
#include "likeness/gallery/person_faces.h"

namespace likeness {
namespace {

/// `raw` tells copies of one photo, `compared` how alike people are.
std::optional<double> similarity_to_others(const Embeddings& raw, const Embeddings& compared,
                                           std::size_t face) {
  std::vector<double> copies(raw.size());
  std::vector<double> cosines(raw.size());
  dots(raw, raw[face], copies);
  dots(compared, compared[face], cosines);
  const auto copy = [](double cosine) { return cosine >= PersonFaces::kSamePhoto; };
  // Where most photos are so alike, they are no copies but how this model sees the person.
  const auto same = static_cast<std::size_t>(std::count_if(copies.begin(), copies.end(), copy));
  const bool leave_out = 2 * same <= copies.size();
  std::vector<std::int64_t> ids;
  Embeddings first{compared.dimension, {}};
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < compared.size(); ++i) {
    if (i == face || (leave_out && copy(copies[i]))) continue;
    if (ids.size() == PersonFaces::kMost) {
      rest.push_back(i);
      continue;
    }
    ids.push_back(static_cast<std::int64_t>(i));
    first.values.insert(first.values.end(), compared[i].begin(), compared[i].end());
  }
  if (ids.empty()) return std::nullopt;
  PersonFaces::Answer answer = PersonFaces(ids, first).compare(compared[face]);
  for (const std::size_t i : rest) answer.offer(static_cast<std::int64_t>(i), cosines[i]);
  return answer.similarity;
}

}  // namespace

std::vector<FaceDoubt> doubts(const GalleryView& view, std::int64_t person) {
  std::vector<std::int64_t> ids;
  for (const StoredFace& face : view.store().faces(person)) ids.push_back(face.id);
  const FaceEmbeddings faces = view.store().embeddings(ids);
  const Embeddings compared = view.comparison().comparable(faces.embeddings);
  std::vector<FaceDoubt> found;
  for (std::size_t i = 0; i < faces.faces.size(); ++i)
    found.push_back({faces.faces[i].face, similarity_to_others(faces.embeddings, compared, i)});
  std::stable_sort(found.begin(), found.end(), [](const FaceDoubt& a, const FaceDoubt& b) {
    if (!a.similarity || !b.similarity) return a.similarity.has_value() && !b.similarity.has_value();
    return *a.similarity < *b.similarity;
  });
  return found;
}

}  // namespace likeness
