#include "likeness/gallery/person_faces.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

constexpr std::size_t kDimension = 64;

PersonFaces person_of(const Embeddings& faces) {
  std::vector<std::int64_t> ids(faces.size());
  std::iota(ids.begin(), ids.end(), 10);
  return {ids, faces};
}

void append(Embeddings& to, std::span<const float> face) {
  to.values.insert(to.values.end(), face.begin(), face.end());
}

// A face of unit length at `cosine` to `face`, towards `other`.
std::vector<float> at_cosine(std::span<const float> face, std::span<const float> other, double cosine) {
  const double shared = dot(face, other);
  std::vector<float> result(face.size());
  for (std::size_t k = 0; k < face.size(); ++k) {
    const double across = (other[k] - shared * face[k]) / std::sqrt(1 - shared * shared);
    result[k] = static_cast<float>(cosine * face[k] + std::sqrt(1 - cosine * cosine) * across);
  }
  return result;
}

TEST(PersonFaces, OneFaceIsThePlainCosine) {
  const Embeddings faces = synthetic_faces(1, 2, kDimension, 1);
  Embeddings one{kDimension, {}};
  append(one, faces[0]);
  const auto answer = person_of(one).compare(faces[1]);
  EXPECT_EQ(answer.nearest, 10);
  EXPECT_NEAR(answer.nearest_cosine, dot(faces[0], faces[1]), 1e-6);
  EXPECT_NEAR(answer.similarity, answer.nearest_cosine, 1e-6);
}

TEST(PersonFaces, IsHalfTheNearestFaceAndHalfTheMiddle) {
  Embeddings faces{2, {1, 0, 0, 1}};  // a right angle; the middle is between them
  const std::vector<float> query{0.8F, 0.6F};
  const auto answer = person_of(faces).compare(query);
  EXPECT_EQ(answer.nearest, 10);
  EXPECT_NEAR(answer.nearest_cosine, 0.8, 1e-6);
  EXPECT_NEAR(answer.similarity, (0.8 + 1.4 / std::sqrt(2.0)) / 2, 1e-6);
}

TEST(PersonFaces, CopiesDoNotMoveIt) {
  const Embeddings faces = synthetic_faces(1, 4, kDimension, 3);
  Embeddings three{kDimension, {}};
  for (std::size_t i = 0; i < 3; ++i) append(three, faces[i]);
  const double before = person_of(three).compare(faces[3]).similarity;
  Embeddings copies = three;
  for (int i = 0; i < 20; ++i) append(copies, faces[0]);
  EXPECT_NEAR(person_of(copies).compare(faces[3]).similarity, before, 1e-6);
  // A copy that was saved again is a little another face: it shares the weight of the first.
  Embeddings again = three;
  append(again, at_cosine(faces[0], faces[1], 0.975));
  EXPECT_NEAR(person_of(again).compare(faces[3]).similarity, before, 0.02);
  // Equal weights for all would have moved it.
  const Embeddings copies_only = copies;
  std::vector<float> mean(kDimension);
  for (std::size_t i = 0; i < copies_only.size(); ++i) {
    for (std::size_t k = 0; k < kDimension; ++k) mean[k] += copies_only[i][k];
  }
  Embeddings middle{kDimension, mean};
  l2_normalize(middle);
  const double plain = (person_of(copies).compare(faces[3]).nearest_cosine + dot(middle[0], faces[3])) / 2;
  EXPECT_GT(std::abs(plain - before), 0.02);
}

TEST(PersonFaces, FacesThatCancelHaveNoMiddle) {
  const Embeddings faces{2, {1, 0, -1, 0}};
  const auto answer = person_of(faces).compare(std::vector<float>{1, 0});
  EXPECT_NEAR(answer.similarity, 0.5, 1e-6);
}

TEST(PersonFaces, WithoutFacesCannotBeCompared) {
  EXPECT_THROW(static_cast<void>(person_of({kDimension, {}}).compare(std::vector<float>(kDimension))),
               std::logic_error);
}

}  // namespace
}  // namespace likeness
