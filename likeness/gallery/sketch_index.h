#pragma once

#include "likeness/gallery/exact_index.h"

namespace likeness {

/// Finds candidates by the signs of the values, one bit each, and compares those candidates' int8 vectors: an
/// eighth of an int8 scan's bytes are read, nothing is built but the bits. Two unit vectors at an angle t
/// agree in a share 1 - t / pi of random signs (Charikar 2002), so that the nearest faces of anybody enrolled
/// stand far out of a crowd of strangers; a graph has nothing to follow there, for strangers are all equally
/// far. Answers do not depend on the number of threads.
class SketchIndex final : public ExactIndex<std::int32_t> {
 public:
  explicit SketchIndex(const IndexOptions& options)
      : ExactIndex(options), sketches_((options.dimension + 7) / 8) {}

  void add(std::int64_t face, std::span<const float> embedding) override;
  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query,
                                               std::size_t count) const override;
  /// What it is measured against: every row compared.
  [[nodiscard]] std::vector<Neighbour> nearest_exact(std::span<const float> query, std::size_t count) const {
    return nearest_from(0, query, count);
  }
  /// Faces compared by their vectors, at least; never fewer than those asked for.
  void set_search_candidates(int candidates) { options_.search_candidates = candidates; }
  [[nodiscard]] std::size_t bytes() const override { return ExactIndex::bytes() + sketches_.bytes(); }

 private:
  friend class IndexFile;
  void sketch_new_rows();
  Rows sketches_;  // a bit a value: whether it is negative; padded with zeros
};

}  // namespace likeness
