#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "likeness/embed/comparison.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// All faces of which somebody said "not this person", ready to be compared. Never changes; threads may share
/// one.
class RejectedFaces {
 public:
  RejectedFaces() = default;
  RejectedFaces(const Rejections& rejections, const Comparison& comparison);

  [[nodiscard]] bool empty() const { return by_person_.empty(); }
  /// The highest cosine of a query, as compared, to a face that is not this person; empty where there is
  /// none.
  [[nodiscard]] std::optional<double> cosine(std::int64_t person, std::span<const float> compared) const;

 private:
  std::map<std::int64_t, Embeddings> by_person_;
};

/// Of `rejections` those whose face is among `faces` (same_vector()): enrolled as the person after all.
[[nodiscard]] std::vector<std::int64_t> answered(const Rejections& rejections, const Embeddings& faces,
                                                 EmbeddingFormat format);

}  // namespace likeness
