#pragma once

#include "likeness/gallery/exact_index.h"
#include "likeness/gallery/sketcher.h"

namespace likeness {

/// Finds candidates by sketches (sketcher.h) and compares those candidates' int8 vectors: of 512 values an
/// eighth of an int8 scan's bytes are read, nothing is built but the bits. The nearest faces of anybody
/// enrolled stand far out of a crowd of strangers; a graph has nothing to follow there, for strangers are all
/// equally far. Answers do not depend on the number of threads.
class SketchIndex final : public ExactIndex<std::int32_t> {
 public:
  explicit SketchIndex(const IndexOptions& options)
      : ExactIndex(options),
        sketcher_(options.dimension),
        blocks_(sketcher_.words() * kSketchBlockRows * sizeof(std::uint64_t)) {}

  void add(std::int64_t face, std::span<const float> embedding) override;
  [[nodiscard]] std::vector<std::vector<Neighbour>> search(
      const Embeddings& queries, std::size_t count, std::span<const std::int64_t> without) const override;
  [[nodiscard]] std::vector<CandidateShare> search_share(
      const Embeddings& queries, std::size_t count, std::size_t candidates,
      std::span<const std::int64_t> without) const override;
  /// What it is measured against: every row compared.
  [[nodiscard]] std::vector<Neighbour> nearest_exact(std::span<const float> query, std::size_t count) const {
    return compare_all({query.size(), {query.begin(), query.end()}}, count, {}).at(0);
  }
  /// Faces compared by their vectors, at least; never fewer than those asked for.
  void set_search_candidates(int candidates) { options_.search_candidates = candidates; }
  [[nodiscard]] std::size_t bytes() const override { return ExactIndex::bytes() + blocks_.bytes(); }

 private:
  friend class IndexFile;
  struct Candidates;
  struct Found;

  /// By sketches, of one query: at least `wanted`, where there are as many.
  [[nodiscard]] Found find(std::span<const float> query, std::size_t wanted,
                           std::span<const std::int64_t> without) const;
  [[nodiscard]] std::vector<Neighbour> nearest_of(Found found, std::size_t wanted, std::size_t count) const;
  [[nodiscard]] CandidateShare share_of(const Found& found, std::size_t count) const;
  /// A distance within which there are `wanted` rows, most probably, judged by some of them.
  [[nodiscard]] std::uint32_t guess_limit(const std::uint64_t* query, std::size_t wanted) const;
  void find_candidates(const std::uint64_t* query, std::size_t first_block, std::size_t end_block,
                       Candidates& found) const;
  /// Gives each candidate's cosine to `sink`, and its distance.
  template <typename Sink>
  void compare(const Found& found, std::span<const SketchDistance> candidates, const Sink& sink) const;

  Sketcher sketcher_;
  Rows blocks_;  // a row of these is a block of eight sketches, see kernels.h
};

/// Faces to compare by their vectors in a gallery of `faces`, for IndexOptions::search_candidates.
[[nodiscard]] int sketch_candidates(std::size_t faces, std::size_t dimension);

}  // namespace likeness
