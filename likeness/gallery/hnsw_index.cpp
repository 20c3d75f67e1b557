#include "likeness/gallery/hnsw_index.h"

// hnswlib is not written for our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
// hnswlib's prefetching reads a neighbour past the end of a list; distances come from our own kernels anyway.
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop

#include <atomic>
#include <exception>
#include <mutex>
#include <queue>

#include "likeness/gallery/checked_file.h"

namespace likeness {
namespace {

using hnswlib::tableint;

/// What hnswlib stores for a node, 4 bytes: the number of its row.
using RowNumber = std::uint32_t;

struct Vectors {
  const Rows* rows;
  const std::vector<float>* scales;
};

float row_distance(const void* a, const void* b, const void* parameter) {
  const auto& vectors = *static_cast<const Vectors*>(parameter);
  RowNumber row_a = 0;
  RowNumber row_b = 0;
  std::memcpy(&row_a, a, sizeof(row_a));
  std::memcpy(&row_b, b, sizeof(row_b));
  const auto* left = reinterpret_cast<const std::int8_t*>((*vectors.rows)[row_a]);
  const auto* right = reinterpret_cast<const std::int8_t*>((*vectors.rows)[row_b]);
  const float product = static_cast<float>(dot_int8(left, right, vectors.rows->row_bytes()));
  return 1 - (*vectors.scales)[row_a] * (*vectors.scales)[row_b] * product;
}

class RowSpace final : public hnswlib::SpaceInterface<float> {
 public:
  explicit RowSpace(const Vectors* vectors) : vectors_(vectors) {}
  std::size_t get_data_size() override { return sizeof(RowNumber); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return row_distance; }
  void* get_dist_func_param() override { return const_cast<Vectors*>(vectors_); }

 private:
  const Vectors* vectors_;
};

}  // namespace

/// The graph with what its distance function needs.
class HnswGraph {
 public:
  HnswGraph(const Rows& rows, const std::vector<float>& scales, const IndexOptions& options)
      : vectors{&rows, &scales},
        space(&vectors),
        nodes(&space, 0, static_cast<std::size_t>(options.links),
              static_cast<std::size_t>(options.build_candidates)) {}

  [[nodiscard]] std::size_t size() const { return nodes.cur_element_count; }
  [[nodiscard]] RowNumber row(tableint node) const {
    RowNumber row = 0;
    std::memcpy(&row, nodes.getDataByInternalId(node), sizeof(row));
    return row;
  }
  void reserve(std::size_t count) {
    if (count > nodes.max_elements_) nodes.resizeIndex(count);
    // Loading and forget_builders() leave no locks.
    if (nodes.link_list_locks_.size() < nodes.max_elements_) {
      std::vector<std::mutex>(nodes.max_elements_).swap(nodes.link_list_locks_);
    }
  }
  /// hnswlib's locks and its map from labels cost 90 bytes a node and serve only insertion.
  void forget_builders() {
    std::vector<std::mutex>().swap(nodes.link_list_locks_);
    std::unordered_map<hnswlib::labeltype, tableint>().swap(nodes.label_lookup_);
  }

  Vectors vectors;
  RowSpace space;
  hnswlib::HierarchicalNSW<float> nodes;
};

HnswIndex::HnswIndex(const IndexOptions& options) : ExactIndex(options) {
  if (options.links < 2 || options.links > 128 || options.build_candidates < 1 ||
      options.search_candidates < 1) {
    throw std::invalid_argument("a graph needs 2 to 128 links and at least one candidate");
  }
  graph_ = std::make_unique<HnswGraph>(rows_, scales_, options_);
}

HnswIndex::~HnswIndex() = default;

void HnswIndex::finish(const Progress& progress) {
  const std::size_t first = graph_->size();
  const std::size_t total = rows_.size();
  if (first == total) return;
  graph_->reserve(total);
  std::atomic<std::size_t> next = first;
  std::mutex progress_lock;
  std::exception_ptr trouble;
  const auto insert = [&] {
    try {
      for (std::size_t row = next++; row < total; row = next++) {
        const auto number = static_cast<RowNumber>(row);
        graph_->nodes.addPoint(&number, row);
        if (progress && (row - first) % 1000 == 0) {
          const std::lock_guard lock(progress_lock);
          report_progress(progress, row - first, total - first);
        }
      }
    } catch (...) {
      const std::lock_guard lock(progress_lock);
      trouble = std::current_exception();
      next = total;
    }
  };
  std::vector<std::thread> helpers;
  for (int t = 1; t < options_.threads && total - first > 1000; ++t) helpers.emplace_back(insert);
  insert();
  for (std::thread& helper : helpers) helper.join();
  if (trouble) std::rethrow_exception(trouble);
  graph_->forget_builders();
  reorder_rows(first);
}

/// Threads insert rows in any order; afterwards row i is moved to where node i is, so that a search goes from
/// a link to its vector without a look-up.
void HnswIndex::reorder_rows(std::size_t first) {
  const std::size_t total = graph_->size();
  std::vector<RowNumber> order(total);  // order[node] is the row that belongs there
  for (std::size_t node = 0; node < total; ++node) order[node] = graph_->row(static_cast<tableint>(node));
  table_.permute(order);
  std::vector<std::byte> saved(rows_.row_bytes());
  for (std::size_t start = first; start < total; ++start) {
    if (order[start] == start) continue;
    // Follows one cycle of the permutation: only one row is held aside.
    std::memcpy(saved.data(), rows_[start], saved.size());
    const float saved_scale = scales_[start];
    std::size_t place = start;
    while (order[place] != start) {
      const std::size_t source = order[place];
      std::memcpy(rows_[place], rows_[source], saved.size());
      scales_[place] = scales_[source];
      order[place] = static_cast<RowNumber>(place);
      place = source;
    }
    std::memcpy(rows_[place], saved.data(), saved.size());
    scales_[place] = saved_scale;
    order[place] = static_cast<RowNumber>(place);
  }
  for (std::size_t node = first; node < total; ++node) {
    const auto row = static_cast<RowNumber>(node);
    std::memcpy(graph_->nodes.getDataByInternalId(row), &row, sizeof(row));
    graph_->nodes.setExternalLabel(row, node);
  }
}

std::size_t HnswIndex::bytes() const {
  const auto& nodes = graph_->nodes;
  std::size_t upper = 0;
  for (std::size_t node = 0; node < graph_->size(); ++node) {
    upper += static_cast<std::size_t>(nodes.element_levels_[node]) * nodes.size_links_per_element_;
  }
  const std::size_t per_node =
      nodes.size_data_per_element_ + sizeof(char*) + sizeof(int) + sizeof(hnswlib::vl_type);
  return ExactIndex::bytes() + nodes.max_elements_ * per_node + upper;
}

namespace {

/// How a graph begins in an index file.
struct GraphHeader {
  std::uint32_t links;
  std::int32_t top_level;
  std::uint32_t entry;
  std::uint32_t reserved;
  std::uint64_t nodes;
};

/// A list of links in a file is a count and as many node numbers as there is room for.
void require_links(const CheckedReader& file, std::span<const std::uint32_t> list, std::size_t nodes) {
  const std::size_t room = list.size() - 1;
  if (list[0] > room || std::ranges::any_of(list.subspan(1, std::min<std::size_t>(room, list[0])),
                                            [&](std::uint32_t node) { return node >= nodes; })) {
    file.fail("damaged (a link to nowhere)");
  }
}

}  // namespace

void HnswIndex::write_graph(CheckedWriter& file) const {
  const auto& nodes = graph_->nodes;
  const GraphHeader header{static_cast<std::uint32_t>(options_.links), nodes.maxlevel_,
                           nodes.enterpoint_node_, 0, graph_->size()};
  file.write_values(std::span(&header, 1));
  std::vector<std::uint8_t> levels(graph_->size());
  for (std::size_t node = 0; node < levels.size(); ++node) {
    levels[node] = static_cast<std::uint8_t>(nodes.element_levels_[node]);
  }
  file.write_values(std::span<const std::uint8_t>(levels));
  std::vector<std::byte> buffer;
  const auto put = [&](const void* list, std::size_t bytes) {
    const auto* begin = static_cast<const std::byte*>(list);
    buffer.insert(buffer.end(), begin, begin + bytes);
    if (buffer.size() < (1U << 20)) return;
    file.write(buffer);
    buffer.clear();
  };
  for (std::size_t node = 0; node < levels.size(); ++node) {
    put(nodes.get_linklist0(static_cast<tableint>(node)), nodes.size_links_level0_);
  }
  for (std::size_t node = 0; node < levels.size(); ++node) {
    if (levels[node] > 0) put(nodes.linkLists_[node], levels[node] * nodes.size_links_per_element_);
  }
  file.write(buffer);
}

void HnswIndex::read_graph(CheckedReader& file) {
  GraphHeader header{};
  file.read(std::as_writable_bytes(std::span(&header, 1)));
  auto& nodes = graph_->nodes;
  if (header.links != static_cast<std::uint32_t>(options_.links))
    file.fail("a graph made with other options");
  if (header.nodes > rows_.size()) file.fail("damaged (more nodes than faces)");
  const auto levels = file.read_values<std::uint8_t>(header.nodes);
  const bool entry_fits = header.nodes == 0 || (header.entry < header.nodes && header.top_level >= 0 &&
                                                levels[header.entry] == header.top_level);
  if (!entry_fits || file.left() / nodes.size_links_level0_ < header.nodes) file.fail("damaged (graph)");
  if (header.nodes == 0) return;
  nodes.resizeIndex(header.nodes);
  std::vector<std::uint32_t> list(nodes.size_links_level0_ / sizeof(std::uint32_t));
  for (std::size_t node = 0; node < header.nodes; ++node) {
    const auto number = static_cast<RowNumber>(node);
    file.read(std::as_writable_bytes(std::span(list)));
    require_links(file, list, header.nodes);
    std::memcpy(nodes.get_linklist0(number), list.data(), nodes.size_links_level0_);
    std::memcpy(nodes.getDataByInternalId(number), &number, sizeof(number));
    nodes.setExternalLabel(number, node);
  }
  const std::size_t upper_values = nodes.size_links_per_element_ / sizeof(std::uint32_t);
  for (std::size_t node = 0; node < header.nodes; ++node) {
    if (levels[node] == 0) continue;
    const auto lists = file.read_values<std::uint32_t>(levels[node] * upper_values);
    for (std::size_t level = 1; level <= levels[node]; ++level) {
      const auto links = std::span(lists).subspan((level - 1) * upper_values, upper_values);
      require_links(file, links, header.nodes);
      for (const std::uint32_t other : links.subspan(1, links[0])) {
        if (levels[other] < level) file.fail("damaged (a link to a lower level)");
      }
    }
    nodes.linkLists_[node] = static_cast<char*>(std::malloc(lists.size() * sizeof(std::uint32_t)));
    if (!nodes.linkLists_[node]) throw std::bad_alloc();
    std::memcpy(nodes.linkLists_[node], lists.data(), lists.size() * sizeof(std::uint32_t));
    nodes.element_levels_[node] = levels[node];
    // From here on hnswlib's destructor frees the list.
    nodes.cur_element_count = node + 1;
  }
  nodes.cur_element_count = header.nodes;
  nodes.maxlevel_ = header.top_level;
  nodes.enterpoint_node_ = header.entry;
  graph_->forget_builders();
}

/// hnswlib's search, with two differences: all vectors that a node leads to are fetched before the first is
/// compared (the time of a search is that of waiting for memory), and removed faces are left out by our
/// table.
class GraphSearch {
 public:
  GraphSearch(const HnswGraph& graph, const Rows& rows, const std::vector<float>& scales,
              const FaceTable& table, const std::int8_t* query)
      : graph_(graph), nodes_(graph.nodes), rows_(rows), scales_(scales), table_(table), query_(query) {}

  /// Rows and similarities (without the query's scale), best first.
  std::vector<std::pair<float, tableint>> run(std::size_t candidates) {
    std::vector<std::pair<float, tableint>> result;
    if (graph_.size() == 0) return result;
    const tableint start = descend();
    hnswlib::VisitedList* visited = nodes_.visited_list_pool_->getFreeVisitedList();
    search_lowest(start, candidates, *visited);
    nodes_.visited_list_pool_->releaseVisitedList(visited);
    while (!best_.empty()) {
      result.emplace_back(best_.top());
      best_.pop();
    }
    std::ranges::reverse(result);
    return result;
  }

 private:
  float similarity(tableint node) const {
    const auto* row = reinterpret_cast<const std::int8_t*>(rows_[node]);
    return scales_[node] * static_cast<float>(dot_int8(query_, row, rows_.row_bytes()));
  }
  void fetch(tableint node) const {
    const std::byte* row = rows_[node];
    for (std::size_t byte = 0; byte < rows_.row_bytes(); byte += 64) __builtin_prefetch(row + byte);
  }

  /// Greedy on the upper levels: the nearest node of level one.
  tableint descend() const {
    tableint node = nodes_.enterpoint_node_;
    float here = similarity(node);
    for (int level = nodes_.maxlevel_; level > 0; --level) {
      for (bool moved = true; moved;) {
        moved = false;
        auto* links = nodes_.get_linklist(node, level);
        const std::size_t count = nodes_.getListCount(links);
        for (std::size_t i = 1; i <= count; ++i) fetch(links[i]);
        for (std::size_t i = 1; i <= count; ++i) {
          const float there = similarity(links[i]);
          if (there <= here) continue;
          here = there;
          node = links[i];
          moved = true;
        }
      }
    }
    return node;
  }

  void search_lowest(tableint start, std::size_t candidates, hnswlib::VisitedList& visited) {
    consider(start, similarity(start), candidates);
    visited.mass[start] = visited.curV;
    std::vector<tableint> fresh;
    while (!open_.empty()) {
      const auto [value, node] = open_.top();
      if (best_.size() >= candidates && value < best_.top().first) break;
      open_.pop();
      const auto* links = nodes_.get_linklist0(node);
      const std::size_t count = nodes_.getListCount(const_cast<unsigned*>(links));
      fresh.clear();
      for (std::size_t i = 1; i <= count; ++i) {
        if (visited.mass[links[i]] == visited.curV) continue;
        visited.mass[links[i]] = visited.curV;
        fetch(links[i]);
        fresh.push_back(links[i]);
      }
      for (const tableint other : fresh) consider(other, similarity(other), candidates);
      if (!open_.empty()) __builtin_prefetch(nodes_.get_linklist0(open_.top().second));
    }
  }

  void consider(tableint node, float value, std::size_t candidates) {
    if (best_.size() >= candidates && value <= best_.top().first) return;
    open_.emplace(value, node);
    if (table_.face(node) == FaceTable::kGone) return;
    best_.emplace(value, node);
    if (best_.size() > candidates) best_.pop();
  }

  using Found = std::pair<float, tableint>;
  const HnswGraph& graph_;
  const hnswlib::HierarchicalNSW<float>& nodes_;
  const Rows& rows_;
  const std::vector<float>& scales_;
  const FaceTable& table_;
  const std::int8_t* query_;
  std::priority_queue<Found> open_;                                           // most similar first
  std::priority_queue<Found, std::vector<Found>, std::greater<Found>> best_;  // least similar first
};

std::vector<Neighbour> HnswIndex::nearest(std::span<const float> query, std::size_t count) const {
  if (query.size() != options_.dimension) throw std::invalid_argument("a query of another dimension");
  const auto encoded = aligned_bytes(rows_.row_bytes());
  const float scale = encode(query, encoded.get());
  const std::size_t candidates = std::max(count, static_cast<std::size_t>(options_.search_candidates));
  GraphSearch search(*graph_, rows_, scales_, table_, reinterpret_cast<const std::int8_t*>(encoded.get()));
  BestNeighbours best(count);
  for (const auto& [value, node] : search.run(candidates)) best.offer({table_.face(node), scale * value});
  if (graph_->size() < rows_.size()) {
    for (const Neighbour& neighbour : nearest_from(graph_->size(), query, count)) best.offer(neighbour);
  }
  return best.take();
}

}  // namespace likeness
