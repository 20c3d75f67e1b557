#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <vector>

#include "likeness/infer/graph_plan.h"

namespace likeness {
namespace {

constexpr int kMostByte = 127;
/// Shares of the step at which the largest weight is kMostByte, from kFirstShare on: which rounds an output's
/// weights best is tried. Smaller ones cut few weights and round all others more finely.
constexpr double kFirstShare = 0.6, kShareStep = 0.05;
constexpr int kShares = 17;

std::size_t whole(std::size_t count, std::size_t each) { return (count + each - 1) / each * each; }

/// One output's weights.
struct RoundedRow {
  std::vector<std::int8_t> bytes;
  double step = 1;
};

/// With `pairs` neighbours keep to kMostPair. @returns the sum of squared errors.
double round_with(const std::vector<float>& weights, float step, bool pairs,
                  std::vector<std::int8_t>& bytes) {
  const float share = 1 / step;
  double error = 0;
  for (std::size_t i = 0; i < weights.size(); i += 2) {
    const std::size_t count = std::min<std::size_t>(2, weights.size() - i);
    int rounded[2] = {};
    for (std::size_t j = 0; j < count; ++j) {
      const float wanted = std::clamp(weights[i + j] * share, -1.0F * kMostByte, 1.0F * kMostByte);
      rounded[j] = static_cast<int>(std::lrintf(wanted));
    }
    const int excess = std::abs(rounded[0] + rounded[1]) - kMostPair;
    if (pairs && excess > 0) {
      int& larger = std::abs(rounded[0]) > std::abs(rounded[1]) ? rounded[0] : rounded[1];
      larger -= larger > 0 ? excess : -excess;
    }
    for (std::size_t j = 0; j < count; ++j) {
      bytes[i + j] = static_cast<std::int8_t>(rounded[j]);
      const float off = weights[i + j] - step * static_cast<float>(rounded[j]);
      error += static_cast<double>(off) * off;
    }
  }
  return error;
}

/// The step with the smallest error, but not below `least`.
RoundedRow round_row(const std::vector<float>& weights, double least, bool pairs) {
  float largest = 0;
  for (const float weight : weights) largest = std::max(largest, std::abs(weight));
  RoundedRow best{std::vector<std::int8_t>(weights.size()), std::max(least, 1e-30)};
  if (largest == 0) return best;
  std::vector<std::int8_t> bytes(weights.size());
  double least_error = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kShares; ++i) {
    const double step = std::max(least, (kFirstShare + i * kShareStep) * largest / kMostByte);
    const double error = round_with(weights, static_cast<float>(step), pairs, bytes);
    if (!(error < least_error)) continue;
    least_error = error;
    best.step = static_cast<float>(step);
    best.bytes.swap(bytes);
  }
  return best;
}

/// Where one layer's packed numbers lie.
struct Packed {
  std::int8_t* weights;
  std::int32_t* starts;
  float* factor;
  float* below;
};

class BytePacker {
 public:
  BytePacker(const PlanStep& step, const ByteLayer& from, std::span<std::byte> packed)
      : step_(step), layer_(from.layer), from_(from), outputs_(step.out_shape[2]) {
    const ByteRoom room = byte_room(step);
    to_.weights = reinterpret_cast<std::int8_t*>(packed.data() + step.weights);
    to_.starts = reinterpret_cast<std::int32_t*>(packed.data() + step.bias);
    to_.factor = reinterpret_cast<float*>(packed.data() + step.factors);
    to_.below = to_.factor + room.factors;
  }

  bool pack() {
    const bool depthwise = step_.kind == PlanStep::Kind::kDepthwise;
    const std::size_t inputs = layer_.kernel.values.size() / outputs_;
    std::vector<float> weights(inputs);
    for (std::size_t o = 0; o < outputs_; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) weights[i] = layer_.kernel.values[i * outputs_ + o];
      double bias = layer_.bias.empty() ? 0 : layer_.bias[o];
      // The bias is a whole number of products' steps, of at most 22 bits.
      const double least = std::abs(bias) / step_.in.scale.step / (1 << 22);
      const RoundedRow row = round_row(weights, least, !depthwise && !step_.any_pairs);
      bias += shift(weights, row, o);
      const auto start = std::llround(bias / (step_.in.scale.step * row.step));
      if (!put_factors(depthwise ? place(o) : o, o, row, start)) return false;
      depthwise ? put_depthwise(o, row, start) : put_row(o, row, start);
    }
    return true;
  }

 private:
  /// Where a depthwise layer's channel stands.
  [[nodiscard]] std::size_t place(std::size_t o) const {
    return is_packed_depthwise(step_.window, step_.strides) ? byte_order(o) : o;
  }

  /// What an output's mean loses by its weights being rounded.
  [[nodiscard]] double shift(const std::vector<float>& weights, const RoundedRow& row, std::size_t o) const {
    if (from_.means == nullptr || from_.means->empty()) return 0;
    const bool depthwise = step_.kind == PlanStep::Kind::kDepthwise;
    double lost = 0;
    for (std::size_t i = 0; i < weights.size(); ++i)
      lost += (weights[i] - row.step * row.bytes[i]) * (*from_.means)[depthwise ? o : i % step_.in_shape[2]];
    return lost;
  }

  /// Whether all sums fit, and what becomes of them.
  bool put_factors(std::size_t at, std::size_t o, const RoundedRow& row, std::int64_t start) {
    double most = std::abs(static_cast<double>(start));
    for (const std::int8_t weight : row.bytes) most += 255.0 * std::abs(weight);
    const double factor = step_.in.scale.step * row.step / step_.out.scale.step;
    const double slope = step_.relu ? 0 : from_.slopes == nullptr ? 1 : (*from_.slopes)[o];
    to_.factor[at] = static_cast<float>(factor);
    to_.below[at] = static_cast<float>(step_.add ? slope : slope * factor);
    if (!(most < std::numeric_limits<std::int32_t>::max() / 2)) return false;
    if (step_.out.kind == PlanPlace::Kind::kOutput) return true;
    double reached = most * factor;
    if (step_.add) reached += 255.0 * step_.add->scale.step / step_.out.scale.step;
    return reached * std::max(1.0, std::abs(slope)) < kMostRounded;
  }

  void put_row(std::size_t o, const RoundedRow& row, std::int64_t start) {
    const std::size_t first = o / kPanel * kPanel;
    std::int8_t* panel = to_.weights + first * step_.inputs;
    for (std::size_t i = 0; i < row.bytes.size(); ++i)
      panel[i / kQuad * kQuad * kPanel + (o - first) * kQuad + i % kQuad] = row.bytes[i];
    for (std::size_t g = 0; g < step_.groups.size(); ++g) {
      std::int64_t sum = 0;  // of the weights that meet bytes
      for (const KernelTap& tap : step_.groups[g].taps) {
        for (std::size_t i = 0; i < step_.groups[g].run; ++i) sum += row.bytes[tap.index + i];
      }
      to_.starts[g * whole(outputs_, kPanel) + o] =
          static_cast<std::int32_t>(start - step_.in.scale.zero * sum);
    }
  }

  void put_depthwise(std::size_t o, const RoundedRow& row, std::int64_t start) {
    std::int64_t sum = 0;
    for (const std::int8_t weight : row.bytes) sum += weight;
    to_.starts[place(o)] = static_cast<std::int32_t>(start - step_.in.scale.zero * sum);
    if (!is_packed_depthwise(step_.window, step_.strides)) {
      for (std::size_t t = 0; t < row.bytes.size(); ++t) to_.weights[t * outputs_ + o] = row.bytes[t];
      return;
    }
    const std::size_t block = place(o) / kByteBlock * 6;
    for (std::size_t later = 0; later < 2; ++later) {
      for (std::size_t t = 0; t < 9; ++t) {
        const std::size_t row_at = (block + later * 3 + t / 3) * kByteBlock + place(o) % kByteBlock;
        to_.weights[row_at * kQuad + later + t % 3] = row.bytes[t];
      }
    }
  }

  const PlanStep& step_;
  const GraphLayer& layer_;
  const ByteLayer& from_;
  std::size_t outputs_;
  Packed to_{};
};

}  // namespace

ByteRoom byte_room(const PlanStep& step) {
  const std::size_t outputs = step.out_shape[2];
  if (step.kind != PlanStep::Kind::kDepthwise) {
    const std::size_t panels = whole(outputs, kPanel);
    return {step.inputs * panels, step.groups.size() * panels, panels};
  }
  if (!is_packed_depthwise(step.window, step.strides))
    return {step.window[0] * step.window[1] * outputs, outputs, outputs};
  const std::size_t channels = whole(outputs, kByteBlock);
  return {6 * channels * kQuad, channels, channels};
}

bool pack_bytes(const PlanStep& step, const ByteLayer& from, std::span<std::byte> packed) {
  return BytePacker(step, from, packed).pack();
}

}  // namespace likeness
