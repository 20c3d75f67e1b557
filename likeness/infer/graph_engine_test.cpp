#include "likeness/infer/graph_engine.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "likeness/infer/network.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// Repeatable numbers in [-1, 1).
class Numbers {
 public:
  float next() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<float>(state_ >> 8) / static_cast<float>(1U << 23) - 1;
  }
  std::vector<float> take(std::size_t count, float scale = 1) {
    std::vector<float> values(count);
    for (float& value : values) value = scale * next();
    return values;
  }

 private:
  unsigned state_ = 11;
};

/// Appends layers to a graph; each method gives the place of what it appended.
class Builder {
 public:
  explicit Builder(std::vector<std::size_t> input) {
    graph.layers.push_back({.kind = LayerKind::kInput, .name = "input", .shape = std::move(input)});
  }
  std::size_t add(GraphLayer layer) {
    layer.name = "layer" + std::to_string(graph.layers.size());
    graph.layers.push_back(std::move(layer));
    graph.output = graph.layers.size() - 1;
    return graph.output;
  }
  std::size_t convolution(std::size_t from, std::vector<std::size_t> kernel, std::size_t stride, bool same) {
    std::size_t inputs = kernel[0] * kernel[1] * kernel[2];
    std::size_t outputs = kernel[3];
    return add({.kind = LayerKind::kConvolution,
                .inputs = {from},
                .strides = {stride, stride},
                .same = same,
                .kernel = {std::move(kernel),
                           numbers.take(inputs * outputs, std::sqrt(3.0F / static_cast<float>(inputs)))},
                .bias = numbers.take(outputs, 0.1F)});
  }
  std::size_t relu(std::size_t from) { return add({.kind = LayerKind::kRelu, .inputs = {from}}); }
  std::size_t dense(std::size_t from, std::size_t inputs, std::size_t outputs) {
    return add({.kind = LayerKind::kDense,
                .inputs = {from},
                .kernel = {{inputs, outputs}, numbers.take(inputs * outputs, 0.2F)}});
  }
  Graph graph;
  Numbers numbers;
};

/// Everything the engine does, on sides that fit nothing evenly: an uneven stem, Winograd with and without
/// padding, joined branches (80 channels, no whole panel), wide and tall kernels whose ends hang over, a sum in
/// place, a pool that joins, batch normalisation and a scale to fold.
Graph everything() {
  Builder b({29, 31, 3});
  std::size_t x = b.relu(b.convolution(0, {3, 3, 3, 16}, 2, false));
  x = b.relu(b.convolution(x, {3, 3, 16, 32}, 1, true));
  x = b.relu(b.convolution(x, {3, 3, 32, 48}, 1, false));
  const std::size_t one = b.relu(b.convolution(x, {1, 1, 48, 32}, 1, true));
  std::size_t two = b.relu(b.convolution(x, {1, 1, 48, 16}, 1, true));
  two = b.relu(b.convolution(two, {1, 7, 16, 16}, 1, true));
  two = b.convolution(two, {7, 1, 16, 48}, 1, true);
  two = b.add({.kind = LayerKind::kAffine,
               .inputs = {two},
               .factor = b.numbers.take(48),
               .shift = b.numbers.take(48)});
  two = b.relu(two);
  const std::size_t joined = b.add({.kind = LayerKind::kConcatenate, .inputs = {one, two}});
  std::size_t up = b.convolution(joined, {1, 1, 80, 48}, 1, true);
  up = b.add({.kind = LayerKind::kScale, .inputs = {up}, .scale = 0.25F});
  x = b.relu(b.add({.kind = LayerKind::kAdd, .inputs = {x, up}}));
  const std::size_t small = b.relu(b.convolution(x, {3, 3, 48, 80}, 2, false));
  const std::size_t pool = b.add({.kind = LayerKind::kMaxPool,
                                  .inputs = {x},
                                  .window = {3, 3},
                                  .strides = {2, 2}});
  x = b.add({.kind = LayerKind::kConcatenate, .inputs = {small, pool}});
  x = b.add({.kind = LayerKind::kMaxPool, .inputs = {x}, .window = {3, 3}, .strides = {2, 2}, .same = true});
  x = b.add({.kind = LayerKind::kAdd, .inputs = {x, b.convolution(x, {3, 3, 128, 128}, 1, true)}});
  x = b.add({.kind = LayerKind::kGlobalAverage, .inputs = {x}});
  b.dense(x, 128, 16);
  return b.graph;
}

std::size_t picture_floats(const Graph& graph) {
  const auto& shape = graph.layers[0].shape;
  return shape[0] * shape[1] * shape[2];
}

std::vector<float> computed(const GraphEngine& engine, const std::vector<float>& pictures, std::size_t count) {
  std::vector<float> out(count * engine.outputs());
  engine.run(pictures, count, out);
  return out;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

double largest_size(const std::vector<float>& values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

std::vector<float> through_openvino(const Graph& graph, const std::vector<float>& pictures,
                                    std::size_t count) {
  const fs::path folder = fs::path(testing::TempDir()) / "graph_engine_test";
  fs::create_directories(folder);
  write_network(graph, folder / "network.xml");
  const auto& shape = graph.layers[0].shape;
  std::vector<std::size_t> sizes{count, shape[0], shape[1], shape[2]};
  return Network(folder / "network.xml").run({sizes, pictures}).front().values;
}

void on_every_target(const std::function<void()>& test) {
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    if (target == HWY_SCALAR) continue;  // EMU128 is built in its place.
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    test();
    hwy::SetSupportedTargetsForTest(0);
  }
}

TEST(GraphEngine, EqualsOpenVinoOnEveryTargetAndBatch) {
  const Graph graph = everything();
  const std::vector<float> pictures = Numbers().take(19 * picture_floats(graph));
  const std::vector<float> expected = through_openvino(graph, pictures, 19);
  const double near = 2e-6 * largest_size(expected);
  const auto engine = GraphEngine::make(graph, Precision::kF32);
  ASSERT_TRUE(engine);
  EXPECT_EQ(engine->input(), (std::vector<std::size_t>{29, 31, 3}));
  ASSERT_EQ(engine->outputs(), 16U);
  // Weights are packed once, whatever computes with them.
  on_every_target([&] { EXPECT_LT(largest_difference(computed(*engine, pictures, 19), expected), near); });
  // Two passes above; alone each picture gives the same.
  const std::size_t floats = picture_floats(graph);
  for (const std::size_t i : {0UL, 15UL, 18UL}) {
    const auto first = pictures.begin() + static_cast<std::ptrdiff_t>(i * floats);
    const std::vector<float> one(first, first + static_cast<std::ptrdiff_t>(floats));
    const std::vector<float> wanted(expected.begin() + static_cast<std::ptrdiff_t>(16 * i),
                                    expected.begin() + static_cast<std::ptrdiff_t>(16 * i + 16));
    EXPECT_LT(largest_difference(computed(*engine, one, 1), wanted), near) << i;
  }
}

}  // namespace
}  // namespace likeness
