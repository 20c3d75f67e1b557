#include <algorithm>
#include <cstdint>

#include "likeness/core/winograd.h"
#include "likeness/infer/graph_plan.h"

namespace likeness {
namespace {

/// Outputs of input `i` in a panel that starts at `to`. In bf16 two inputs stand beside each other.
void put_row(Element element, const float* values, std::size_t columns, std::size_t i, std::byte* to) {
  if (element == Element::kF32) {
    std::copy_n(values, columns, reinterpret_cast<float*>(to) + i * kPanel);
    return;
  }
  auto* pairs = reinterpret_cast<std::uint16_t*>(to) + i / 2 * 2 * kPanel + i % 2;
  for (std::size_t o = 0; o < columns; ++o) pairs[2 * o] = to_bf16(values[o]);
}

/// [in][out] to panels.
void pack_plain(const PlanStep& step, const float* kernel, std::byte* to) {
  const std::size_t outputs = step.out_shape[2];
  for (std::size_t first = 0; first < outputs; first += kPanel) {
    std::byte* panel = to + first * step.inputs * size_of(step.weight_element);
    for (std::size_t i = 0; i < step.inputs; ++i) {
      put_row(step.weight_element, kernel + i * outputs + first, std::min(kPanel, outputs - first), i, panel);
    }
  }
}

/// G g G^T of F(4x4, 3x3) or F(6x6, 3x3), in double.
template <std::size_t kTaps>
void pack_winograd(const PlanStep& step, const std::vector<float>& kernel, const double (&g)[kTaps][3],
                   std::byte* to) {
  const std::size_t inputs = step.in_shape[2];
  const std::size_t outputs = step.out_shape[2];
  for (std::size_t first = 0; first < outputs; first += kPanel) {
    const std::size_t columns = std::min(kPanel, outputs - first);
    for (std::size_t c = 0; c < inputs; ++c) {
      double half[kTaps][3][kPanel] = {};
      for (std::size_t i = 0; i < kTaps; ++i) {
        for (std::size_t x = 0; x < 3; ++x) {
          for (std::size_t y = 0; y < 3; ++y) {
            const float* from = kernel.data() + ((y * 3 + x) * inputs + c) * outputs + first;
            for (std::size_t o = 0; o < columns; ++o) half[i][x][o] += g[i][y] * from[o];
          }
        }
      }
      for (std::size_t i = 0; i < kTaps; ++i) {
        for (std::size_t j = 0; j < kTaps; ++j) {
          float values[kPanel];
          for (std::size_t o = 0; o < columns; ++o) {
            values[o] = static_cast<float>(g[j][0] * half[i][0][o] + g[j][1] * half[i][1][o] +
                                           g[j][2] * half[i][2][o]);
          }
          put_row(step.weight_element, values, columns, c,
                  to + (first * kTaps * kTaps + (i * kTaps + j) * kPanel) * inputs *
                           size_of(step.weight_element));
        }
      }
    }
  }
}

}  // namespace

bool pack_weights(const Plan& plan, PreparedGraph& prepared, std::span<std::byte> packed) {
  Graph& graph = prepared.graph;
  using Kind = PlanStep::Kind;
  const auto copy = [&](const std::vector<float>& values, std::size_t place) {
    std::ranges::copy(values, reinterpret_cast<float*>(packed.data() + place));
  };
  for (const PlanStep& step : plan.steps) {
    if (step.leaky) copy(graph.layers[step.slopes_of].slope, step.slope);
    GraphLayer& layer = graph.layers[step.layer];
    std::byte* to = packed.data() + step.weights;
    if (step.weight_element == Element::kByte) {
      ByteLayer from{layer};
      if (step.leaky) from.slopes = &graph.layers[step.slopes_of].slope;
      std::size_t read = layer.inputs[0];
      if (graph.layers[read].kind == LayerKind::kPad) read = graph.layers[read].inputs[0];
      if (!prepared.means.empty()) from.means = &prepared.means[read];
      if (!pack_bytes(step, from, packed)) return false;
      layer.kernel.values = {};
      continue;
    }
    switch (step.kind) {
      case Kind::kPool:
      case Kind::kSum:
      case Kind::kOutput:
        continue;
      case Kind::kAffine:
        copy(layer.factor, step.weights);
        copy(layer.shift, step.bias);
        continue;
      case Kind::kDepthwise:
        copy(layer.kernel.values, step.weights);
        break;
      case Kind::kWinograd:
        if (step.tile == 4) pack_winograd(step, layer.kernel.values, kWinogradFour, to);
        if (step.tile == 6) pack_winograd(step, layer.kernel.values, kWinogradSix, to);
        break;
      case Kind::kConvolution:
        for (std::size_t n = 0; n < step.block[0] * step.block[1]; ++n) {
          pack_plain(step, layer.kernel.values.data() + n * step.inputs * step.out_shape[2],
                     to + n * step.weight_bytes / (step.block[0] * step.block[1]));
        }
        break;
    }
    copy(layer.bias, step.bias);
    layer.kernel.values = {};
  }
  prepared.means = {};
  return true;
}

}  // namespace likeness
