#include "likeness/infer/byte_ranges.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "likeness/infer/graph_engine.h"

namespace likeness {

std::vector<ValueRange> measure_ranges(const PreparedGraph& graph, const std::vector<std::size_t>& layers,
                                       std::span<const float> pictures, std::size_t count) {
  Graph watched = graph.graph;
  watched.outputs = layers;
  const auto engine = GraphEngine::make_prepared(std::move(watched));
  if (!engine) return {};
  std::vector<double> low(layers.size(), 0.0), high(layers.size(), 0.0);
  std::vector<float> numbers(engine->outputs());
  const std::size_t floats = pictures.size() / count;
  for (std::size_t picture = 0; picture < count; ++picture) {
    engine->run(pictures.subspan(picture * floats, floats), 1, numbers);
    const float* from = numbers.data();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto& shape = engine->output_shapes()[i];
      const std::size_t size =
          std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
      const auto [least, most] = std::minmax_element(from, from + size);
      low[i] += *least;
      high[i] += *most;
      from += size;
    }
  }
  std::vector<ValueRange> ranges(graph.graph.layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto all = static_cast<double>(count);
    ranges[layers[i]] = {static_cast<float>(std::min(0.0, low[i] / all)),
                         static_cast<float>(std::max(0.0, high[i] / all))};
  }
  return ranges;
}

}  // namespace likeness
