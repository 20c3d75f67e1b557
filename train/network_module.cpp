#include "train/network_module.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "likeness/core/error.h"

namespace likeness::train {
namespace {

using Sizes = std::vector<std::int64_t>;

torch::Tensor tensor_of(const std::vector<float>& values, const Sizes& shape) {
  return torch::from_blob(const_cast<float*>(values.data()), shape).clone();
}

std::vector<float> values_of(const torch::Tensor& tensor) {
  const torch::Tensor dense = tensor.detach().contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

std::int64_t size(std::size_t value) { return static_cast<std::int64_t>(value); }

Sizes sizes_of(const std::vector<std::size_t>& shape) { return {shape.begin(), shape.end()}; }

/// TensorFlow's SAME: what is missing for ceil(side / stride) windows, the odd pixel behind.
torch::Tensor padded(const torch::Tensor& in, const GraphLayer& layer, std::array<std::size_t, 2> window,
                     double value) {
  if (!layer.same) return in;
  Sizes pads;  // of width, then of height, as constant_pad_nd wants them
  for (const std::size_t i : {std::size_t{1}, std::size_t{0}}) {
    const std::int64_t side = in.size(size(i) + 2);
    const std::int64_t stride = size(layer.strides[i]);
    const std::int64_t count = (side + stride - 1) / stride;
    const std::int64_t all = std::max<std::int64_t>((count - 1) * stride + size(window[i]) - side, 0);
    pads.insert(pads.end(), {all / 2, all - all / 2});
  }
  return torch::constant_pad_nd(in, pads, value);
}

std::array<std::size_t, 2> window_of(const GraphLayer& convolution) {
  std::array<std::size_t, 2> window{};
  for (std::size_t i = 0; i < 2; ++i) {
    window[i] = (convolution.kernel.shape[i] - 1) * convolution.dilation[i] + 1;
  }
  return window;
}

}  // namespace

NetworkModule::NetworkModule(const Graph& graph, const std::function<bool(const std::string&)>& train)
    : graph_(graph), weights_(graph.layers.size()), last_use_(graph.layers.size(), 0) {
  for (std::size_t i = 0; i < graph.layers.size(); ++i) {
    const GraphLayer& layer = graph.layers[i];
    for (const std::size_t input : layer.inputs) last_use_[input] = i;
    const bool trained = train(layer.name);
    const auto add = [&](const char* what, torch::Tensor tensor) {
      return register_parameter(std::to_string(i) + what, std::move(tensor), trained);
    };
    Weights& w = weights_[i];
    if (layer.kind == LayerKind::kConvolution) {
      w.kernel = add(
          "kernel",
          tensor_of(layer.kernel.values, sizes_of(layer.kernel.shape)).permute({3, 2, 0, 1}).contiguous());
    }
    if (layer.kind == LayerKind::kDense) {
      w.kernel = add("kernel", tensor_of(layer.kernel.values, sizes_of(layer.kernel.shape)).t().contiguous());
    }
    if (!layer.bias.empty()) w.bias = add("bias", tensor_of(layer.bias, {size(layer.bias.size())}));
    if (layer.kind == LayerKind::kAffine) {
      w.factor =
          register_buffer(std::to_string(i) + "factor", tensor_of(layer.factor, {size(layer.factor.size())}));
      w.shift = add("shift", tensor_of(layer.shift, {size(layer.shift.size())}));
    }
  }
  last_use_[graph.output] = graph.layers.size();
}

torch::Tensor NetworkModule::computed(std::size_t i, const std::vector<torch::Tensor>& values) {
  const GraphLayer& layer = graph_.layers[i];
  const Weights& w = weights_[i];
  std::vector<torch::Tensor> in;
  for (const std::size_t input : layer.inputs) in.push_back(values[input]);
  switch (layer.kind) {
    case LayerKind::kConvolution:
      return torch::conv2d(padded(in[0], layer, window_of(layer), 0), w.kernel, w.bias,
                           Sizes{size(layer.strides[0]), size(layer.strides[1])}, Sizes{0, 0},
                           Sizes{size(layer.dilation[0]), size(layer.dilation[1])});
    case LayerKind::kMaxPool:
      return torch::max_pool2d(padded(in[0], layer, layer.window, -std::numeric_limits<double>::infinity()),
                               {size(layer.window[0]), size(layer.window[1])},
                               {size(layer.strides[0]), size(layer.strides[1])});
    case LayerKind::kAffine:
      if (in[0].dim() == 2) return in[0] * w.factor + w.shift;
      return in[0] * w.factor.view({1, -1, 1, 1}) + w.shift.view({1, -1, 1, 1});
    case LayerKind::kScale:
      return in[0] * layer.scale;
    case LayerKind::kRelu:
      return torch::relu(in[0]);
    case LayerKind::kConcatenate:
      return torch::cat(in, 1);
    case LayerKind::kAdd: {
      torch::Tensor sum = in[0];
      for (std::size_t n = 1; n < in.size(); ++n) sum = sum + in[n];
      return sum;
    }
    case LayerKind::kGlobalAverage:
      return in[0].mean({2, 3});
    case LayerKind::kDense:
      return torch::linear(in[0], w.kernel, w.bias);
    case LayerKind::kInput:
      throw std::invalid_argument("a graph has one input");
    case LayerKind::kPad:
    case LayerKind::kLeaky:
    case LayerKind::kAtMost:
    case LayerKind::kFlatten:
    case LayerKind::kGlobalMax:
    case LayerKind::kUnitLength:
    case LayerKind::kUpsample:
    case LayerKind::kDeconvolution:
    case LayerKind::kSigmoid:
      break;
  }
  throw Error(ErrorCode::kUnsupported,
              "training knows no such layer as the network has at place " + std::to_string(i));
}

torch::Tensor NetworkModule::forward(const torch::Tensor& pictures) {
  std::vector<torch::Tensor> values(graph_.layers.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = graph_.layers[i].kind == LayerKind::kInput && i == 0 ? pictures : computed(i, values);
    // What nobody reads any more would otherwise fill the memory.
    for (const std::size_t input : graph_.layers[i].inputs) {
      if (last_use_[input] == i) values[input] = torch::Tensor();
    }
  }
  return values[graph_.output];
}

Graph NetworkModule::graph() const {
  Graph graph = graph_;
  for (std::size_t i = 0; i < graph.layers.size(); ++i) {
    GraphLayer& layer = graph.layers[i];
    const Weights& w = weights_[i];
    if (layer.kind == LayerKind::kConvolution)
      layer.kernel.values = values_of(w.kernel.permute({2, 3, 1, 0}));
    if (layer.kind == LayerKind::kDense) layer.kernel.values = values_of(w.kernel.t());
    if (!layer.bias.empty()) layer.bias = values_of(w.bias);
    if (layer.kind == LayerKind::kAffine) layer.shift = values_of(w.shift);
  }
  return graph;
}

}  // namespace likeness::train
