#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness {

/// How alike a face is to a person: half the cosine to the nearest of the person's faces, half the cosine to
/// their middle direction. The nearest face alone forgets that the others disagree; the middle alone forgets
/// the one photo that shows the same pose. Chosen on LFW view 1's training people (docs/people.md).
///
/// Copies of one photo do not pull the middle: of faces with a cosine of kSameFace or more only the first
/// counts, and those with cosines from kAlike to kCopy share their weight, more the more alike they are. (Of
/// 2,208 pairs of two photos of one training person 1 % are above kAlike and none above kCopy; saving a photo
/// again at lower quality or size gives .97 to .98.) With one face the similarity is the plain cosine.
///
/// Threads may share it where nobody adds.
class PersonFaces {
 public:
  static constexpr double kSameFace = 0.999;
  /// Two faces more alike than this, as the network gives them, are one photo in two copies: cosines of
  /// re-encoded or resized copies are .99 and above, those of different photos of one person below .97
  /// (five-celebrity). The numbers above and below are of what is compared, without the mean face.
  static constexpr double kSamePhoto = 0.985;
  static constexpr double kAlike = 0.90;
  static constexpr double kCopy = 0.97;
  /// Faces that make the middle: a person's first ones. More would hardly move it, and somebody may have
  /// thousands.
  static constexpr std::size_t kMost = 32;

  /// `faces`: ids and embeddings of unit length as they are compared (Comparison), in the order of enrolling.
  PersonFaces(std::span<const std::int64_t> ids, const Embeddings& faces);

  struct Answer {
    double similarity = 0;  ///< In [-1, 1], for one face and for many.
    std::int64_t nearest = 0;
    double nearest_cosine = 0;
    double middle_cosine = 0;

    /// Takes another face of the person, not one of these, for the nearest if it is nearer.
    void offer(std::int64_t face, double cosine);
  };
  /// Of a face that is compared as those are. @throws std::logic_error where there are no faces.
  [[nodiscard]] Answer compare(std::span<const float> query) const;

  [[nodiscard]] bool empty() const { return ids_.empty(); }

 private:
  std::vector<std::int64_t> ids_;
  Embeddings faces_;
  std::vector<float> middle_;
};

}  // namespace likeness
