// Networks of depthwise and pointwise layers, and detectors: several outputs, enlarged maps, any picture
// size; all against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "likeness/core/on_every_target.h"
#include "likeness/infer/graph_builder.h"
#include "likeness/infer/graph_engine.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using Shape = std::vector<std::size_t>;

/// What f32 leaves of sums of a few thousand products, as a share of the largest number.
constexpr double kNear = 1e-5;

/// A value of the plain loops: height x width x channels, or a row.
struct Plain {
  Shape shape;
  std::vector<double> values;
  [[nodiscard]] double at(std::size_t y, std::size_t x, std::size_t c) const {
    return values[(y * shape[1] + x) * shape[2] + c];
  }
};

std::size_t zeros_before(const GraphLayer& layer, const Shape& in, const Shape& out, std::size_t axis) {
  if (!layer.same) return 0;
  const std::size_t window =
      layer.kind == LayerKind::kMaxPool ? layer.window[axis] : layer.kernel.shape[axis];
  const std::size_t covered = (out[axis] - 1) * layer.strides[axis] + window;
  return covered > in[axis] ? (covered - in[axis]) / 2 : 0;
}

/// Calls `visit(ky, kx, y, x)` for the places of a window that lie inside the picture.
template <class Visit>
void over_window(const GraphLayer& layer, const Plain& in, const Shape& out, std::size_t y, std::size_t x,
                 const Visit& visit) {
  const bool pool = layer.kind == LayerKind::kMaxPool;
  const std::size_t height = pool ? layer.window[0] : layer.kernel.shape[0];
  const std::size_t width = pool ? layer.window[1] : layer.kernel.shape[1];
  for (std::size_t ky = 0; ky < height; ++ky) {
    for (std::size_t kx = 0; kx < width; ++kx) {
      const std::size_t down = y * layer.strides[0] + ky - zeros_before(layer, in.shape, out, 0);
      const std::size_t right = x * layer.strides[1] + kx - zeros_before(layer, in.shape, out, 1);
      if (down < in.shape[0] && right < in.shape[1]) visit(ky, kx, down, right);
    }
  }
}

double windowed(const GraphLayer& layer, const Plain& in, const Shape& out, std::size_t y, std::size_t x,
                std::size_t o) {
  if (layer.kind == LayerKind::kMaxPool) {
    double most = -1e30;
    over_window(layer, in, out, y, x, [&](std::size_t, std::size_t, std::size_t down, std::size_t right) {
      most = std::max(most, in.at(down, right, o));
    });
    return most;
  }
  const auto& k = layer.kernel.shape;
  double sum = layer.bias.empty() ? 0.0 : layer.bias[o];
  const std::size_t group = o / (k[3] / layer.groups);
  over_window(layer, in, out, y, x, [&](std::size_t ky, std::size_t kx, std::size_t down, std::size_t right) {
    for (std::size_t i = 0; i < k[2]; ++i) {
      sum += in.at(down, right, group * k[2] + i) *
             layer.kernel.values[((ky * k[1] + kx) * k[2] + i) * k[3] + o];
    }
  });
  return sum;
}

double enlarged(const GraphLayer& layer, const Plain& in, std::size_t y, std::size_t x, std::size_t o) {
  const std::size_t down = y / layer.strides[0], right = x / layer.strides[1];
  if (layer.kind == LayerKind::kUpsample) return in.at(down, right, o);
  const auto& k = layer.kernel.shape;
  double sum = layer.bias.empty() ? 0.0 : layer.bias[o];
  for (std::size_t i = 0; i < k[2]; ++i) {
    const std::size_t tap = y % layer.strides[0] * k[1] + x % layer.strides[1];
    sum += in.at(down, right, i) * layer.kernel.values[(tap * k[2] + i) * k[3] + o];
  }
  return sum;
}

double dense(const GraphLayer& layer, const Plain& in, std::size_t o) {
  double sum = layer.bias.empty() ? 0.0 : layer.bias[o];
  for (std::size_t i = 0; i < in.values.size(); ++i)
    sum += in.values[i] * layer.kernel.values[i * layer.kernel.shape[1] + o];
  return sum;
}

double computed(const GraphLayer& layer, const std::vector<const Plain*>& in, const Shape& out,
                std::size_t i) {
  const std::size_t channels = out.back(), o = i % channels;
  const std::size_t x = out.size() == 3 ? i / channels % out[1] : 0,
                    y = i / channels / (out.size() == 3 ? out[1] : 1);
  const Plain& first = *in[0];
  switch (layer.kind) {
    case LayerKind::kConvolution:
    case LayerKind::kMaxPool:
      return windowed(layer, first, out, y, x, o);
    case LayerKind::kUpsample:
    case LayerKind::kDeconvolution:
      return enlarged(layer, first, y, x, o);
    case LayerKind::kDense:
      return dense(layer, first, o);
    case LayerKind::kPad: {
      const std::size_t down = y - layer.borders[0], right = x - layer.borders[2];
      return down < first.shape[0] && right < first.shape[1] ? first.at(down, right, o) : 0.0;
    }
    case LayerKind::kAffine:
      return first.values[i] * layer.factor[o] + layer.shift[o];
    case LayerKind::kScale:
      return first.values[i] * layer.scale;
    case LayerKind::kRelu:
      return std::max(0.0, first.values[i]);
    case LayerKind::kLeaky:
      return first.values[i] < 0 ? first.values[i] * layer.slope[o] : first.values[i];
    case LayerKind::kSigmoid:
      return 1 / (1 + std::exp(-first.values[i]));
    case LayerKind::kAdd:
      return first.values[i] + in[1]->values[i];
    case LayerKind::kConcatenate:
      return o < first.shape[2] ? first.at(y, x, o) : in[1]->at(y, x, o - first.shape[2]);
    case LayerKind::kFlatten:
      return first.values[i];
    default:
      throw std::runtime_error("the plain loops know no such layer");
  }
}

/// All outputs of one picture, one after the other.
std::vector<float> plainly(const Graph& graph, const float* picture) {
  std::vector<Plain> values;
  std::vector<Shape> shapes;
  for (std::size_t n = 0; n < graph.layers.size(); ++n) {
    shapes.push_back(output_shape(graph, n, shapes));
    std::size_t count = 1;
    for (const std::size_t side : shapes.back()) count *= side;
    Plain value{shapes.back(), std::vector<double>(count)};
    std::vector<const Plain*> in;
    for (const std::size_t i : graph.layers[n].inputs) in.push_back(&values[i]);
    for (std::size_t i = 0; i < count; ++i)
      value.values[i] = n == 0 ? picture[i] : computed(graph.layers[n], in, shapes[n], i);
    values.push_back(std::move(value));
  }
  std::vector<float> out;
  for (const std::size_t i : graph.all_outputs())
    out.insert(out.end(), values[i].values.begin(), values[i].values.end());
  return out;
}

std::size_t floats_of(const Shape& shape) { return shape[0] * shape[1] * shape[2]; }

/// How far the engine is from the plain loops, as a share of the largest number.
double distance(const GraphEngine& engine, const Graph& graph, std::size_t count) {
  const std::size_t floats = floats_of(graph.layers[0].shape);
  const std::vector<float> pictures = Numbers().take(count * floats);
  std::vector<float> out(count * engine.outputs());
  engine.run(pictures, count, out);
  double largest = 0, furthest = 0;
  for (std::size_t n = 0; n < count; ++n) {
    const std::vector<float> expected = plainly(graph, pictures.data() + n * floats);
    EXPECT_EQ(expected.size(), engine.outputs());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
      const double apart = std::abs(static_cast<double>(expected[i]) - out[n * engine.outputs() + i]);
      furthest = std::isfinite(apart) ? std::max(furthest, apart) : 1e30;
    }
  }
  return furthest / largest;
}

/// The shape of MobileFaceNet: pictures normalised in the network, a normalisation before a dense layer that
/// reads a map, uneven sides, strides of 1 and 2.
Graph recogniser() {
  Builder b({23, 21, 3});
  std::size_t x =
      b.add({.kind = LayerKind::kAffine, .inputs = {0}, .factor = {1, 1, 1}, .shift = {-1, -1, -1}});
  x = b.add({.kind = LayerKind::kScale, .inputs = {x}, .scale = 0.5F});
  x = b.add({.kind = LayerKind::kPad, .inputs = {x}, .borders = {1, 1, 1, 1}});
  x = b.leaky(b.convolution(x, {3, 3, 3, 32}, 1, false), 32);
  x = b.leaky(b.affine(b.depthwise(x, 32, 1), 32), 32);
  x = b.leaky(b.affine(b.convolution(x, {1, 1, 32, 64}, 1, true), 64), 64);
  x = b.leaky(b.depthwise(x, 64, 2), 64);
  x = b.leaky(b.convolution(x, {1, 1, 64, 80}, 1, true), 80);
  x = b.leaky(b.depthwise(x, 80, 2), 80);
  x = b.leaky(b.convolution(x, {1, 1, 80, 144}, 1, true), 144);
  x = b.leaky(b.depthwise(x, 144, 1), 144);
  x = b.leaky(b.convolution(x, {1, 1, 144, 208}, 1, true), 208);
  x = b.affine(x, 208);
  x = b.add({.kind = LayerKind::kFlatten, .inputs = {x}});
  x = b.affine(b.dense(x, 6 * 6 * 208, 32), 32);
  return b.graph;
}

/// The shape of YuNet: few channels, pools, a pyramid of sums with what is enlarged, heads of 1, 4 and 10
/// values at two strides.
Graph pyramid(std::size_t height, std::size_t width) {
  Builder b({height, width, 3});
  std::size_t x = b.add({.kind = LayerKind::kPad, .inputs = {0}, .borders = {1, 1, 1, 1}});
  x = b.relu(b.convolution(x, {3, 3, 3, 16}, 2, false));
  x = b.relu(b.depthwise(b.convolution(x, {1, 1, 16, 16}, 1, false), 16, 1));
  x = b.add({.kind = LayerKind::kMaxPool, .inputs = {x}, .window = {2, 2}, .strides = {2, 2}});
  const std::size_t near = b.relu(b.depthwise(b.convolution(x, {1, 1, 16, 64}, 1, false), 64, 1));
  x = b.add({.kind = LayerKind::kMaxPool, .inputs = {near}, .window = {2, 2}, .strides = {2, 2}});
  const std::size_t far = b.relu(b.depthwise(b.convolution(x, {1, 1, 64, 64}, 1, false), 64, 1));
  x = b.add({.kind = LayerKind::kUpsample, .inputs = {far}, .strides = {2, 2}});
  x = b.add({.kind = LayerKind::kAdd, .inputs = {near, x}});
  x = b.relu(b.depthwise(b.convolution(x, {1, 1, 64, 64}, 1, false), 64, 1));
  std::vector<std::size_t> outputs;
  for (const std::size_t map : {x, far}) {
    for (const std::size_t channels : {1, 4, 10}) {
      std::size_t head = b.convolution(map, {1, 1, 64, channels}, 1, false);
      head = b.depthwise(head, channels, 1);
      if (channels == 1) head = b.add({.kind = LayerKind::kSigmoid, .inputs = {head}});
      outputs.push_back(head);
    }
  }
  b.graph.outputs = outputs;
  return b.graph;
}

/// The shape of CenterFace: channels that are no whole vectors, residuals in narrow maps, transposed
/// convolutions, sums of what is finished, heads without depthwise layers.
Graph bottlenecks(std::size_t height, std::size_t width) {
  Builder b({height, width, 3});
  std::size_t x = b.relu(b.convolution(0, {3, 3, 3, 24}, 2, true));
  const std::size_t narrow = b.convolution(x, {1, 1, 24, 20}, 1, false);
  x = b.relu(b.convolution(narrow, {1, 1, 20, 96}, 1, false));
  x = b.relu(b.depthwise(x, 96, 1));
  x = b.convolution(x, {1, 1, 96, 20}, 1, false);
  const std::size_t sum = b.add({.kind = LayerKind::kAdd, .inputs = {narrow, x}});
  x = b.relu(b.convolution(sum, {1, 1, 20, 96}, 1, false));
  x = b.relu(b.depthwise(x, 96, 2));
  x = b.relu(b.convolution(x, {1, 1, 96, 24}, 1, false));
  x = b.relu(b.affine(b.deconvolution(x, 24, 24), 24));
  const std::size_t side = b.relu(b.convolution(sum, {1, 1, 20, 24}, 1, false));
  x = b.add({.kind = LayerKind::kAdd, .inputs = {x, side}});
  x = b.add({.kind = LayerKind::kPad, .inputs = {x}, .borders = {1, 1, 1, 1}});
  x = b.relu(b.convolution(x, {3, 3, 24, 24}, 1, false));
  const std::size_t score =
      b.add({.kind = LayerKind::kSigmoid, .inputs = {b.convolution(x, {1, 1, 24, 1}, 1, false)}});
  b.graph.outputs = {score, b.convolution(x, {1, 1, 24, 2}, 1, false),
                     b.convolution(x, {1, 1, 24, 10}, 1, false)};
  return b.graph;
}

TEST(MobileGraph, ARecogniserEqualsPlainLoops) {
  const Graph graph = recogniser();
  const auto engine = GraphEngine::make(graph, Precision::kF32);
  ASSERT_TRUE(engine);
  EXPECT_EQ(engine->output_shapes(), (std::vector<Shape>{{32}}));
  on_every_target([&] { EXPECT_LT(distance(*engine, graph, 2), kNear); });
}

TEST(MobileGraph, DetectorsEqualPlainLoopsAtEverySize) {
  for (const auto& network : {pyramid, bottlenecks}) {
    const auto engine = GraphEngine::make(network(16, 16), Precision::kF32);
    ASSERT_TRUE(engine);
    for (const auto& [height, width] : {std::pair{16, 16}, {24, 8}, {40, 168}}) {
      const Graph graph = network(static_cast<std::size_t>(height), static_cast<std::size_t>(width));
      const auto sized = engine->for_size(graph.layers[0].shape[0], graph.layers[0].shape[1]);
      ASSERT_TRUE(sized);
      EXPECT_LT(distance(*sized, graph, 1), kNear) << height << " x " << width;
    }
  }
}

TEST(MobileGraph, DetectorsEqualPlainLoopsOnEveryTarget) {
  for (const Graph& graph : {pyramid(40, 56), bottlenecks(40, 56)}) {
    const auto engine = GraphEngine::make(graph, Precision::kF32);
    ASSERT_TRUE(engine);
    on_every_target([&] { EXPECT_LT(distance(*engine, graph, 1), kNear); });
  }
}

TEST(MobileGraph, Bf16IsNear) {
  for (const Graph& graph : {recogniser(), pyramid(40, 56), bottlenecks(40, 56)}) {
    const auto engine = GraphEngine::make(graph, Precision::kBf16);
    if (!engine) GTEST_SKIP() << "no bf16 kernels: not on this CPU, or not by this compiler";
    const double apart = distance(*engine, graph, 1);
    EXPECT_LT(apart, 0.03);
    EXPECT_GT(apart, 1e-5);  // it is not f32 after all
  }
}

TEST(MobileGraph, OutputsSayTheirShapes) {
  const auto engine = GraphEngine::make(pyramid(32, 48), Precision::kF32);
  ASSERT_TRUE(engine);
  EXPECT_EQ(engine->output_shapes(),
            (std::vector<Shape>{{8, 12, 1}, {8, 12, 4}, {8, 12, 10}, {4, 6, 1}, {4, 6, 4}, {4, 6, 10}}));
  // The enlarged map would not fit the one it is added to.
  EXPECT_FALSE(engine->for_size(36, 48));
  EXPECT_FALSE(engine->for_size(0, 48));
  // A dense layer fits one size only.
  EXPECT_FALSE(GraphEngine::make(recogniser(), Precision::kF32)->for_size(46, 42));
}

TEST(MobileGraph, IsKeptInAFile) {
  const fs::path file = fs::path(testing::TempDir()) / "mobile_graph_kept" / "network.packed";
  for (const Graph& graph : {recogniser(), bottlenecks(40, 56)}) {
    ASSERT_TRUE(GraphEngine::make(graph, Precision::kF32)->store(file, "key"));
    const auto kept = GraphEngine::load(file, "key");
    ASSERT_TRUE(kept);
    EXPECT_LT(distance(*kept, graph, 2), kNear);
  }
}

}  // namespace
}  // namespace likeness
