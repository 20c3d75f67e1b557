// Kernels of bytes against plain loops of whole numbers, on every instruction set and without VNNI: the very
// same bytes.
#include "likeness/infer/byte_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "likeness/core/on_every_target.h"
#include "likeness/infer/graph_builder.h"
#include "likeness/infer/graph_engine.h"
#include "likeness/infer/graph_plan.h"

namespace likeness {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Calls `test` for every instruction set, where it has VNNI also without.
void on_every_road(const std::function<void()>& test) {
  on_every_target([&] {
    test();
    if (!has_byte_products()) return;
    SCOPED_TRACE("without VNNI");
    const WithoutByteProducts plain;
    test();
  });
}

/// Any bytes, the largest and the smallest among them.
Bytes some_bytes(Numbers& numbers, std::size_t count) {
  Bytes bytes(count);
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(std::clamp(128 + 160 * numbers.next(), 0.0F, 255.0F));
  return bytes;
}

Maps maps_of(Bytes& bytes, std::size_t width, std::size_t channels, std::size_t picture) {
  return {.data = bytes.data(),
          .pixel = channels,
          .row = width * channels,
          .picture = picture,
          .element = Element::kByte};
}

std::uint8_t as_byte(float y, std::uint8_t zero) {
  return static_cast<std::uint8_t>(std::clamp(std::nearbyint(y) + static_cast<float>(zero), 0.0F, 255.0F));
}

/// One layer: a window over some pictures, packed as pack_bytes() does.
struct Layer {
  PlanStep step;
  GraphLayer layer;
  std::vector<std::byte> packed;
  std::size_t pictures = 3;
  Bytes in, out, add;
  [[nodiscard]] const std::int32_t* starts() const {
    return reinterpret_cast<const std::int32_t*>(packed.data() + step.bias);
  }
  [[nodiscard]] const float* factor() const {
    return reinterpret_cast<const float*>(packed.data() + step.factors);
  }
  [[nodiscard]] const float* below() const { return factor() + byte_room(step).factors; }
};

/// Weights of the kernel and bias as they were rounded: read back from the packed bytes.
int weight_of(const Layer& l, std::size_t t, std::size_t i, std::size_t o) {
  const auto* weights = reinterpret_cast<const std::int8_t*>(l.packed.data() + l.step.weights);
  if (l.step.kind == PlanStep::Kind::kDepthwise) {
    if (!is_packed_depthwise(l.step.window, l.step.strides)) return weights[t * l.step.out_shape[2] + o];
    const std::size_t row = o / kByteBlock * 6 + t / 3;
    return weights[(row * kByteBlock + byte_order(o) % kByteBlock) * kQuad + t % 3];
  }
  const std::size_t at = t * l.step.in_shape[2] + i;
  return weights[o / kPanel * kPanel * l.step.inputs + at / kQuad * kQuad * kPanel + o % kPanel * kQuad +
                 at % kQuad];
}

/// The sum of products over the window at (y, x), outside of the picture zeros.
std::int64_t products(const Layer& l, std::size_t n, std::size_t y, std::size_t x, std::size_t o) {
  const auto& s = l.step;
  const bool depthwise = s.kind == PlanStep::Kind::kDepthwise;
  std::int64_t sum = 0;
  for (std::size_t t = 0; t < s.window[0] * s.window[1]; ++t) {
    const std::size_t down = y * s.strides[0] + t / s.window[1] - s.pad[0];
    const std::size_t right = x * s.strides[1] + t % s.window[1] - s.pad[1];
    if (down >= s.in_shape[0] || right >= s.in_shape[1]) continue;
    const std::uint8_t* pixel =
        l.in.data() + ((n * s.in_shape[0] + down) * s.in_shape[1] + right) * s.in_shape[2];
    for (std::size_t i = 0; i < (depthwise ? 1 : s.in_shape[2]); ++i)
      sum += (pixel[depthwise ? o : i] - s.in.scale.zero) * weight_of(l, t, i, o);
  }
  return sum;
}

/// What the layer must give, by plain loops. Biases are what starts are without weights' zeros.
Bytes expected(const Layer& l) {
  const auto& s = l.step;
  const bool depthwise = s.kind == PlanStep::Kind::kDepthwise;
  Bytes out;
  for (std::size_t n = 0; n < l.pictures; ++n) {
    for (std::size_t y = 0; y < s.out_shape[0]; ++y) {
      for (std::size_t x = 0; x < s.out_shape[1]; ++x) {
        for (std::size_t o = 0; o < s.out_shape[2]; ++o) {
          const std::size_t at = depthwise && is_packed_depthwise(s.window, s.strides) ? byte_order(o) : o;
          const float step = l.factor()[at] * s.out.scale.step / s.in.scale.step;
          const auto bias = std::llround(static_cast<double>(l.layer.bias[o]) / s.in.scale.step / step);
          const auto sum = static_cast<float>(products(l, n, y, x, o) + bias);
          float value = sum * (s.add || sum >= 0 ? l.factor()[at] : l.below()[at]);
          if (s.add) {
            value += static_cast<float>(l.add[out.size()] - s.add->scale.zero) *
                     (s.add->scale.step / s.out.scale.step);
            if (value < 0) value *= l.below()[at];
          }
          // Summed maps are small, and windows of other sizes rare: without dither.
          if (!s.add && (!depthwise || is_packed_depthwise(s.window, s.strides))) value += dither(y, x);
          out.push_back(as_byte(value, s.out.scale.zero));
        }
      }
    }
  }
  return out;
}

struct Kind {
  bool depthwise = false;
  std::size_t window[2] = {1, 1}, strides[2] = {1, 1}, pad[2] = {};
  std::size_t height = 5, width = 7, inputs = 16, outputs = 32;
  bool add = false, leaky = false, any_pairs = false;
};

Layer layer_of(const Kind& kind, Numbers& numbers) {
  Layer l;
  auto& s = l.step;
  s.kind = kind.depthwise ? PlanStep::Kind::kDepthwise : PlanStep::Kind::kConvolution;
  s.in_shape = {kind.height, kind.width, kind.inputs};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    s.window[axis] = kind.window[axis];
    s.strides[axis] = kind.strides[axis];
    s.pad[axis] = kind.pad[axis];
    s.out_shape.push_back((s.in_shape[axis] + 2 * kind.pad[axis] - kind.window[axis]) / kind.strides[axis] +
                          1);
  }
  s.out_shape.push_back(kind.outputs);
  s.inputs = kind.window[0] * kind.window[1] * kind.inputs;
  s.in.scale = {0.02F, 97};
  s.out.scale = {0.05F, 31};
  s.relu = !kind.leaky;
  s.any_pairs = kind.any_pairs;
  if (kind.add) s.add = PlanPlace{.scale = {0.03F, 12}};
  // One group for each place of an output: the plan joins equal ones.
  for (std::size_t y = 0; y < s.out_shape[0] && !kind.depthwise; ++y) {
    for (std::size_t x = 0; x < s.out_shape[1]; ++x) {
      PixelGroup group{.run = kind.inputs, .top = y, .bottom = y + 1, .left = x, .right = x + 1};
      for (std::size_t t = 0; t < kind.window[0] * kind.window[1]; ++t) {
        const std::size_t ky = t / kind.window[1], kx = t % kind.window[1];
        if (y * kind.strides[0] + ky - kind.pad[0] >= kind.height) continue;
        if (x * kind.strides[1] + kx - kind.pad[1] >= kind.width) continue;
        group.taps.push_back(
            {static_cast<std::ptrdiff_t>((ky * kind.width + kx) * kind.inputs), t * kind.inputs});
      }
      s.groups.push_back(std::move(group));
    }
  }
  if (!kind.depthwise && kind.window[0] == 1 && kind.window[1] == 1) {
    s.groups = {{.taps = {{}}, .run = kind.inputs, .bottom = s.out_shape[0], .right = s.out_shape[1]}};
  }
  const std::size_t each = kind.window[0] * kind.window[1] * (kind.depthwise ? 1 : kind.inputs);
  const float size = 3 / std::sqrt(static_cast<float>(each));
  l.layer.kernel.values = numbers.take(each * kind.outputs, size);
  l.layer.bias = numbers.take(kind.outputs);
  const std::vector<float> slopes = numbers.take(kind.outputs);
  const ByteRoom room = byte_room(s);
  s.bias = (room.weights + 63) / 64 * 64;
  s.factors = s.bias + room.starts * 4;
  l.packed.resize(s.factors + room.factors * 8);
  EXPECT_TRUE(pack_bytes(s, {.layer = l.layer, .slopes = kind.leaky ? &slopes : nullptr}, l.packed));
  l.in = some_bytes(numbers, l.pictures * kind.height * kind.width * kind.inputs);
  l.out.resize(l.pictures * s.out_shape[0] * s.out_shape[1] * kind.outputs);
  if (kind.add) l.add = some_bytes(numbers, l.out.size());
  return l;
}

void run(Layer& l) {
  const auto& s = l.step;
  const std::size_t in_picture = s.in_shape[0] * s.in_shape[1] * s.in_shape[2];
  const std::size_t out_picture = s.out_shape[0] * s.out_shape[1] * s.out_shape[2];
  const Maps in = maps_of(l.in, s.in_shape[1], s.in_shape[2], in_picture);
  const Maps out = maps_of(l.out, s.out_shape[1], s.out_shape[2], out_picture);
  if (s.kind == PlanStep::Kind::kDepthwise) {
    return run_byte_depthwise({.maps = {.in_height = s.in_shape[0],
                                        .in_width = s.in_shape[1],
                                        .channels = s.out_shape[2],
                                        .out_width = s.out_shape[1],
                                        .window = {s.window[0], s.window[1]},
                                        .strides = {s.strides[0], s.strides[1]},
                                        .pad = {s.pad[0], s.pad[1]},
                                        .rows = {0, s.out_shape[0]},
                                        .in = in,
                                        .out = out,
                                        .pictures = l.pictures},
                               .weights = reinterpret_cast<const std::int8_t*>(l.packed.data()),
                               .starts = l.starts(),
                               .factor = l.factor(),
                               .below = l.below(),
                               .dithers = true,
                               .in_zero = s.in.scale.zero,
                               .out_zero = s.out.scale.zero});
  }
  ByteConvolutionJob job{.maps = {.groups = &s.groups,
                                  .strides = {s.strides[0], s.strides[1]},
                                  .pad = {s.pad[0], s.pad[1]},
                                  .inputs = s.inputs,
                                  .outputs = s.out_shape[2],
                                  .weights = l.packed.data(),
                                  .rows = {0, s.out_shape[0]},
                                  .in = in,
                                  .out = out,
                                  .pictures = l.pictures},
                         .starts = l.starts(),
                         .factor = l.factor(),
                         .below = l.below(),
                         .any_pairs = s.any_pairs,
                         .dithers = true,
                         .out_zero = s.out.scale.zero};
  if (s.add) {
    job.maps.add = maps_of(l.add, s.out_shape[1], s.out_shape[2], out_picture);
    job.add_factor = s.add->scale.step / s.out.scale.step;
    job.add_zero = s.add->scale.zero;
  }
  run_byte_convolution(job);
}

TEST(ByteKernels, GivePlainLoopsBytesOnEveryTarget) {
  Numbers numbers;
  const std::vector<Kind> kinds{
      {.inputs = 48, .outputs = 32},
      {.inputs = 64, .outputs = 112, .leaky = true},
      {.inputs = 64, .outputs = 48, .any_pairs = true},
      {.inputs = 32, .outputs = 48, .add = true},
      {.inputs = 16, .outputs = 16, .add = true, .leaky = true},
      {.window = {3, 3}, .pad = {1, 1}, .inputs = 16, .outputs = 32, .leaky = true},
      {.window = {1, 7}, .pad = {0, 3}, .inputs = 32, .outputs = 16},
      {.window = {3, 3}, .strides = {2, 2}, .inputs = 16, .outputs = 64},
      {.depthwise = true, .window = {3, 3}, .pad = {1, 1}, .inputs = 112, .outputs = 112, .leaky = true},
      {.depthwise = true, .window = {3, 3}, .height = 6, .width = 9, .inputs = 16, .outputs = 16},
      {.depthwise = true, .window = {3, 3}, .strides = {2, 2}, .pad = {1, 1}, .inputs = 96, .outputs = 96},
      {.depthwise = true, .window = {5, 3}, .strides = {1, 2}, .pad = {2, 1}, .inputs = 32, .outputs = 32}};
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    SCOPED_TRACE(k);
    Layer l = layer_of(kinds[k], numbers);
    const Bytes wanted = expected(l);
    // The layer uses its range, or nothing would be shown.
    EXPECT_GT(std::ranges::count_if(wanted, [](int b) { return b > 40 && b < 250; }), wanted.size() / 5);
    on_every_road([&] {
      std::ranges::fill(l.out, 77);
      run(l);
      EXPECT_EQ(l.out, wanted);
    });
  }
}

// Bytes of 255 with weights that are all the largest: what saturates 16 bits elsewhere.
TEST(ByteKernels, DoNotSaturate) {
  Numbers numbers;
  Layer l = layer_of({.inputs = 64, .outputs = 32}, numbers);
  std::ranges::fill(l.layer.kernel.values, 0.5F);
  for (std::size_t i = 0; i < l.layer.kernel.values.size(); i += 7) l.layer.kernel.values[i] = -0.5F;
  l.step.out.scale.step = 3;
  ASSERT_TRUE(pack_bytes(l.step, {.layer = l.layer}, l.packed));
  std::ranges::fill(l.in, 255);
  const Bytes wanted = expected(l);
  on_every_road([&] {
    run(l);
    EXPECT_EQ(l.out, wanted);
  });
}

TEST(ByteKernels, RefuseWhatTheyCouldNotRound) {
  Numbers numbers;
  Layer l = layer_of({.inputs = 64, .outputs = 32}, numbers);
  l.step.out.scale.step = 1e-7F;
  EXPECT_FALSE(pack_bytes(l.step, {.layer = l.layer}, l.packed));
}

std::vector<float> computed(const GraphEngine& engine, const std::vector<float>& pictures,
                            std::size_t count) {
  std::vector<float> out(count * engine.outputs());
  engine.run(pictures, count, out);
  return out;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

/// Both families of embedders in small: joined branches, sums in place, pools, an average and a dense layer;
/// and depthwise layers with slopes before a dense layer over a map.
Graph inception() {
  Builder b({29, 31, 3});
  std::size_t x = b.relu(b.convolution(0, {3, 3, 3, 16}, 2, false));
  x = b.relu(b.convolution(x, {3, 3, 16, 32}, 1, true));
  const std::size_t one = b.relu(b.convolution(x, {1, 1, 32, 32}, 1, true));
  const std::size_t two =
      b.relu(b.convolution(b.relu(b.convolution(x, {1, 1, 32, 16}, 1, true)), {1, 7, 16, 48}, 1, true));
  const std::size_t joined = b.add({.kind = LayerKind::kConcatenate, .inputs = {one, two}});
  const std::size_t up = b.convolution(joined, {1, 1, 80, 32}, 1, true);
  x = b.relu(b.add({.kind = LayerKind::kAdd, .inputs = {x, up}}));
  const std::size_t small = b.relu(b.convolution(x, {3, 3, 32, 48}, 2, false));
  const std::size_t pool =
      b.add({.kind = LayerKind::kMaxPool, .inputs = {x}, .window = {3, 3}, .strides = {2, 2}});
  x = b.add({.kind = LayerKind::kConcatenate, .inputs = {small, pool}});
  x = b.add({.kind = LayerKind::kMaxPool, .inputs = {x}, .window = {2, 2}, .strides = {2, 2}});
  x = b.add({.kind = LayerKind::kAdd, .inputs = {x, b.convolution(x, {1, 1, 80, 80}, 1, true)}});
  x = b.add({.kind = LayerKind::kGlobalAverage, .inputs = {x}});
  b.dense(x, 80, 64);
  return b.graph;
}

Graph mobile() {
  Builder b({28, 28, 3});
  std::size_t x = b.affine(0, 3);
  x = b.leaky(b.convolution(x, {3, 3, 3, 32}, 2, true), 32);
  x = b.leaky(b.depthwise(x, 32, 1), 32);
  x = b.leaky(b.convolution(x, {1, 1, 32, 64}, 1, true), 64);
  x = b.leaky(b.depthwise(x, 64, 2), 64);
  x = b.leaky(b.convolution(x, {1, 1, 64, 48}, 1, true), 48);
  const std::size_t flat = b.add({.kind = LayerKind::kFlatten, .inputs = {x}});
  b.dense(flat, 7 * 7 * 48, 64);
  return b.graph;
}

TEST(ByteEngine, IsNearF32AndTheSameOnEveryTarget) {
  for (const Graph& graph : {inception(), mobile()}) {
    const auto& shape = graph.layers[0].shape;
    const std::size_t floats = shape[0] * shape[1] * shape[2];
    const std::vector<float> pictures = Numbers().take(9 * floats);
    const auto plain = GraphEngine::make(graph, Precision::kF32);
    const auto bytes = GraphEngine::make_bytes(graph, std::span(pictures).first(4 * floats), 4);
    ASSERT_TRUE(plain && bytes);
    const std::vector<float> wanted = computed(*plain, pictures, 9), given = computed(*bytes, pictures, 9);
    for (std::size_t i = 0; i < 9; ++i) {
      const auto row = [&](const std::vector<float>& all) { return std::span(all).subspan(64 * i, 64); };
      EXPECT_GT(cosine(row(given), row(wanted)), 0.98) << i;
    }
    on_every_road([&] {
      const std::vector<float> here = computed(*bytes, pictures, 9);
      // The first layer and the last are f32.
      for (std::size_t i = 0; i < here.size(); ++i)
        EXPECT_NEAR(here[i], given[i], 1e-4 * std::abs(given[i]) + 1e-4);
    });
  }
}

TEST(ByteEngine, IsKeptInAFileAndLeavesDetectorsToOthers) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "byte_engine_kept";
  std::filesystem::remove_all(folder);
  const Graph graph = mobile();
  const std::vector<float> pictures = Numbers().take(2 * 28 * 28 * 3);
  const auto engine = GraphEngine::make_bytes(graph, pictures, 2);
  ASSERT_TRUE(engine && engine->store(folder / "network.packed", "key"));
  const auto kept = GraphEngine::load(folder / "network.packed", "key");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->precision(), Precision::kInt8);
  EXPECT_EQ(computed(*kept, pictures, 2), computed(*engine, pictures, 2));
  EXPECT_FALSE(engine->for_size(56, 56));
  EXPECT_THROW((void)GraphEngine::make_bytes(graph, {}, 0), std::invalid_argument);
  EXPECT_THROW((void)GraphEngine::make_bytes(graph, pictures, 3), std::invalid_argument);
  Builder b({16, 16, 3});
  std::size_t x = b.relu(b.convolution(0, {3, 3, 3, 16}, 2, true));
  x = b.add({.kind = LayerKind::kUpsample, .inputs = {x}, .strides = {2, 2}});
  b.graph.outputs = {x};
  EXPECT_FALSE(GraphEngine::make_bytes(b.graph, Numbers().take(16 * 16 * 3), 1));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace likeness
