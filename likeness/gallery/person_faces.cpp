#include "likeness/gallery/person_faces.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace likeness {
namespace {

/// What two faces share of their weight.
double shared(double cosine) {
  return std::clamp((cosine - PersonFaces::kAlike) / (PersonFaces::kCopy - PersonFaces::kAlike), 0.0, 1.0);
}

double similarity_of(double nearest, double middle) { return (nearest + middle) / 2; }

}  // namespace

PersonFaces::PersonFaces(std::span<const std::int64_t> ids, const Embeddings& faces)
    : ids_(ids.begin(), ids.end()), faces_(faces) {
  if (ids.size() != faces.size()) throw std::invalid_argument("as many ids as faces are needed");
  // Each pair is multiplied once: this is most of a search's work on people.
  Embeddings kept{faces_.dimension, {}};
  std::vector<double> products;  // of each kept face with those kept before it
  std::vector<double> row;
  for (std::size_t i = 0; i < faces_.size() && kept.size() < kMost; ++i) {
    row.resize(kept.size());
    dots(kept, faces_[i], row);
    if (std::ranges::any_of(row, [](double cosine) { return cosine >= kSameFace; })) continue;
    products.insert(products.end(), row.begin(), row.end());
    kept.values.insert(kept.values.end(), faces_[i].begin(), faces_[i].end());
  }
  const auto product = [&](std::size_t i, std::size_t j) {
    return i > j ? products[i * (i - 1) / 2 + j] : products[j * (j - 1) / 2 + i];
  };
  std::vector<double> sum(faces_.dimension);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    double crowd = 1;
    for (std::size_t j = 0; j < kept.size(); ++j) {
      if (i != j) crowd += shared(product(i, j));
    }
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += double{kept[i][k]} / crowd;
  }
  double length = 0;
  for (const double value : sum) length += value * value;
  length = std::sqrt(length);
  // Faces that cancel each other out have no middle: its cosine is 0.
  middle_.resize(sum.size());
  for (std::size_t k = 0; k < sum.size() && length > 0; ++k) middle_[k] = static_cast<float>(sum[k] / length);
}

PersonFaces::Answer PersonFaces::compare(std::span<const float> query) const {
  if (ids_.empty()) throw std::logic_error("a person without faces");
  Answer answer{.nearest_cosine = -2};
  std::vector<double> cosines(ids_.size());
  dots(faces_, query, cosines);
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    const double cosine = cosines[i];
    if (cosine <= answer.nearest_cosine) continue;
    answer.nearest = ids_[i];
    answer.nearest_cosine = cosine;
  }
  answer.middle_cosine = dot(middle_, query);
  answer.similarity = similarity_of(answer.nearest_cosine, answer.middle_cosine);
  return answer;
}

void PersonFaces::Answer::offer(std::int64_t face, double cosine) {
  if (cosine <= nearest_cosine) return;
  nearest = face;
  nearest_cosine = cosine;
  similarity = similarity_of(cosine, middle_cosine);
}

}  // namespace likeness
