#include "likeness/infer/byte_ranges.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "likeness/infer/graph_engine.h"

namespace likeness {
namespace {

/// What one layer has given so far.
struct Seen {
  double low = 0, high = 0;
  std::vector<double> sums;  // of channels
  std::size_t pixels = 0;

  void add(std::span<const float> numbers) {
    const auto [least, most] = std::ranges::minmax_element(numbers);
    low += *least;
    high += *most;
    for (std::size_t i = 0; i < numbers.size(); i += sums.size()) {
      for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += numbers[i + c];
    }
    pixels += numbers.size() / sums.size();
  }
};

}  // namespace

bool measure(PreparedGraph& graph, const std::vector<std::size_t>& layers, std::span<const float> pictures,
             std::size_t count) {
  Graph watched = graph.graph;
  watched.outputs = layers;
  const auto engine = GraphEngine::make_prepared(std::move(watched));
  if (!engine) return false;
  std::vector<Seen> seen(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) seen[i].sums.resize(engine->output_shapes()[i].back());
  std::vector<float> numbers(engine->outputs());
  const std::size_t floats = pictures.size() / count;
  for (std::size_t picture = 0; picture < count; ++picture) {
    engine->run(pictures.subspan(picture * floats, floats), 1, numbers);
    std::span<const float> rest(numbers);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto& shape = engine->output_shapes()[i];
      const std::size_t size =
          std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
      seen[i].add(rest.first(size));
      rest = rest.subspan(size);
    }
  }
  graph.ranges.assign(graph.graph.layers.size(), {});
  graph.means.assign(graph.graph.layers.size(), {});
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto all = static_cast<double>(count);
    graph.ranges[layers[i]] = {static_cast<float>(std::min(0.0, seen[i].low / all)),
                               static_cast<float>(std::max(0.0, seen[i].high / all))};
    for (const double sum : seen[i].sums)
      graph.means[layers[i]].push_back(static_cast<float>(sum / static_cast<double>(seen[i].pixels)));
  }
  return true;
}

}  // namespace likeness
