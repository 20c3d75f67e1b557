#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness {

/// A face near to a query, and whose it is.
struct OwnedNeighbour {
  std::int64_t face = 0;
  std::int64_t person = 0;
  float cosine = 0;
};

/// The order of answers: of equal cosines the older face comes first.
[[nodiscard]] inline bool nearer(const OwnedNeighbour& a, const OwnedNeighbour& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.face < b.face;
}

/// What a search by faces gives.
struct NearFaces {
  std::size_t faces = 0;  ///< That can be found, in all.
  std::vector<std::vector<OwnedNeighbour>>
      queries;  ///< Nearest first; of equal cosines the older face first.
};

/// What a part of a gallery has to tell about one query (CandidateShare).
struct NearShare {
  /// The distance of a face that was compared whatever its distance.
  static constexpr std::uint32_t kCompared = 0xffffffff;
  struct Candidate : OwnedNeighbour {
    std::uint32_t distance = kCompared;
  };
  std::vector<Candidate> nearest;     ///< Nearest first; of equal cosines the older face first.
  std::vector<std::uint32_t> counts;  ///< CandidateShare::counts
  std::uint64_t rows = 0;             ///< Of indexes that do not compare every face.
};

/// A person whose faces are asked for, and the face that was near to the query.
struct AskedPerson {
  std::int64_t person = 0;
  std::int64_t face = 0;
};

/// Faces of one person, rising: row i of `vectors` is that of ids[i], as it is compared.
struct FaceVectors {
  std::vector<std::int64_t> ids;
  Embeddings vectors;
};

/// The faces of a gallery's view, wherever they are: in layers of this process, or in those of others, each
/// of which has a share. Queries are as they are compared (Comparison). Threads may share one. Where faces
/// are elsewhere every member but faces() and index_bytes() throws Error as AskShards (gallery.h) does, and
/// kDataInvalid for an answer that is none.
class FaceSource {
 public:
  virtual ~FaceSource() = default;

  /// That can be found.
  [[nodiscard]] virtual std::size_t faces() const = 0;
  /// Memory held by the indexes of this process, in bytes.
  [[nodiscard]] virtual std::size_t index_bytes() const = 0;
  /// For each query the `count` nearest faces.
  [[nodiscard]] virtual NearFaces near(const Embeddings& queries, std::size_t count) const = 0;
  /// Of each person the first PersonFaces::kMost faces, and the one that was near where it is none of them.
  /// The sink gets them in the order asked, with their place in it; it is empty of who is gone.
  virtual void people(std::span<const AskedPerson> asked,
                      const std::function<void(std::size_t, const FaceVectors&)>& sink) const = 0;
  /// Of one person the first PersonFaces::kMost faces, and of the others at least the nearest one.
  [[nodiscard]] virtual FaceVectors person(std::int64_t person, std::span<const float> query) const = 0;
};

}  // namespace likeness
