#pragma once

#include <memory>

#include "likeness/gallery/exact_index.h"

namespace likeness {

class CheckedReader;
class CheckedWriter;
class HnswGraph;

/// A navigable graph over int8 vectors (hnswlib; Malkov and Yashunin, arXiv:1603.09320). The vectors lie
/// once, in rows; a node of the graph is the row of the same number. Rows not yet in the graph are scanned.
class HnswIndex final : public ExactIndex<std::int32_t> {
 public:
  explicit HnswIndex(const IndexOptions& options);
  ~HnswIndex() override;

  void finish(const Progress& progress) override;
  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query,
                                               std::size_t count) const override;
  /// What the graph is measured against: every row compared.
  [[nodiscard]] std::vector<Neighbour> nearest_exact(std::span<const float> query, std::size_t count) const {
    return nearest_from(0, query, count);
  }
  void set_search_candidates(int candidates) { options_.search_candidates = candidates; }
  [[nodiscard]] std::size_t bytes() const override;

 private:
  friend class IndexFile;
  void write_graph(CheckedWriter& file) const;
  void read_graph(CheckedReader& file);
  void reorder_rows(std::size_t first);
  std::unique_ptr<HnswGraph> graph_;
};

}  // namespace likeness
