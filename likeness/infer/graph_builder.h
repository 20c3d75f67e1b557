#pragma once

// Inside tests only: small graphs of repeatable numbers.

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "likeness/infer/graph.h"

namespace likeness {

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
  /// Every channel by itself, 3 x 3, zeros all around as Torch has them: another layer.
  std::size_t depthwise(std::size_t from, std::size_t channels, std::size_t stride) {
    const std::size_t padded = add({.kind = LayerKind::kPad, .inputs = {from}, .borders = {1, 1, 1, 1}});
    const std::size_t at = convolution(padded, {3, 3, 1, channels}, stride, false);
    graph.layers[at].groups = channels;
    return at;
  }
  std::size_t leaky(std::size_t from, std::size_t channels) {
    return add({.kind = LayerKind::kLeaky, .inputs = {from}, .slope = numbers.take(channels, 0.5F)});
  }
  std::size_t affine(std::size_t from, std::size_t channels) {
    return add({.kind = LayerKind::kAffine,
                .inputs = {from},
                .factor = numbers.take(channels),
                .shift = numbers.take(channels)});
  }
  std::size_t deconvolution(std::size_t from, std::size_t inputs, std::size_t outputs) {
    return add({.kind = LayerKind::kDeconvolution,
                .inputs = {from},
                .strides = {2, 2},
                .kernel = {{2, 2, inputs, outputs}, numbers.take(4 * inputs * outputs, 0.2F)},
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

}  // namespace likeness
