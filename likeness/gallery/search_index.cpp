#include "likeness/gallery/search_index.h"

#include <stdexcept>

#include "likeness/gallery/exact_index.h"
#include "likeness/gallery/sketch_index.h"

namespace likeness {

std::unique_ptr<SearchIndex> make_index(const IndexOptions& options) {
  if (options.dimension == 0 || options.dimension > 65536 || options.threads < 1) {
    throw std::invalid_argument("an index needs a dimension of 1 to 65536 and at least one thread");
  }
  switch (options.kind) {
    case IndexKind::kExactF32:
      return std::make_unique<ExactIndex<float>>(options);
    case IndexKind::kExactInt8:
      return std::make_unique<ExactIndex<std::int32_t>>(options);
    case IndexKind::kSketch:
      return std::make_unique<SketchIndex>(options);
  }
  throw std::invalid_argument("no such kind of index");
}

std::vector<CandidateShare> SearchIndex::search_share(const Embeddings& queries, std::size_t count,
                                                      std::size_t /*candidates*/,
                                                      std::span<const std::int64_t> without) const {
  std::vector<CandidateShare> shares;
  for (const std::vector<Neighbour>& found : search(queries, count, without)) {
    CandidateShare& share = shares.emplace_back();
    for (const Neighbour& one : found) share.nearest.push_back({one});
  }
  return shares;
}

std::vector<Neighbour> SearchIndex::nearest(std::span<const float> query, std::size_t count) const {
  // An empty query would be no query.
  if (query.empty()) throw std::invalid_argument("a query of another dimension");
  return search({query.size(), {query.begin(), query.end()}}, count).at(0);
}

std::string_view to_string(IndexKind kind) {
  switch (kind) {
    case IndexKind::kExactF32:
      return "exact";
    case IndexKind::kExactInt8:
      return "int8";
    case IndexKind::kSketch:
      return "sketch";
  }
  return "";
}

std::optional<IndexKind> index_kind_from(std::string_view name) {
  for (const IndexKind kind : {IndexKind::kExactF32, IndexKind::kExactInt8, IndexKind::kSketch}) {
    if (to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

}  // namespace likeness
