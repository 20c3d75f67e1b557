#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <openvino/op/convolution.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/reduce_max.hpp>
#include <openvino/op/reduce_min.hpp>
#include <openvino/op/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "likeness/infer/openvino/module.h"
#include "likeness/infer/openvino/openvino.h"

namespace likeness {
namespace {

using Value = ov::Output<ov::Node>;
using Constant = ov::op::v0::Constant;

/// What a convolution's input ranged over: the mean over pictures of each one's lowest and highest value,
/// which a single odd picture moves little.
struct Range {
  double low = 0;
  double high = 0;
};

struct Convolutions {
  std::vector<std::shared_ptr<ov::Node>> nodes;
  std::vector<Value> sources;  // what they read, each once
};

Convolutions convolutions_of(const ov::Model& model) {
  Convolutions found;
  for (const auto& node : model.get_ordered_ops()) {
    if (!ov::as_type_ptr<ov::op::v1::Convolution>(node)) continue;
    if (!ov::as_type_ptr<Constant>(node->get_input_node_shared_ptr(1))) continue;
    found.nodes.push_back(node);
    const Value source = node->input_value(0);
    if (std::ranges::find(found.sources, source) == found.sources.end()) found.sources.push_back(source);
  }
  return found;
}

/// Runs the pictures through a network that gives the lowest and highest value of every source.
std::vector<Range> ranges_of(const ov::Model& model, const std::vector<Value>& sources,
                             std::span<const Tensor> calibration, int threads) {
  const auto axes = Constant::create(ov::element::i64, {3}, std::vector<std::int64_t>{1, 2, 3});
  ov::OutputVector outputs;
  for (const Value& source : sources) {
    outputs.push_back(std::make_shared<ov::op::v1::ReduceMin>(source, axes));
    outputs.push_back(std::make_shared<ov::op::v1::ReduceMax>(source, axes));
  }
  const auto watched = std::make_shared<ov::Model>(outputs, model.get_parameters());
  ov::CompiledModel compiled = openvino_core().compile_model(
      watched, "CPU", ov::inference_num_threads(threads), ov::hint::inference_precision(ov::element::f32));
  ov::InferRequest request = compiled.create_infer_request();
  std::vector<Range> ranges(sources.size());
  std::size_t pictures = 0;
  for (const Tensor& tensor : calibration) {
    request.set_input_tensor(
        ov::Tensor(ov::element::f32, ov::Shape(tensor.shape), const_cast<float*>(tensor.values.data())));
    request.infer();
    pictures += tensor.shape.at(0);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      for (const bool high : {false, true}) {
        const ov::Tensor values = request.get_output_tensor(2 * i + (high ? 1 : 0));
        for (std::size_t n = 0; n < values.get_size(); ++n) {
          (high ? ranges[i].high : ranges[i].low) += values.data<float>()[n];
        }
      }
    }
  }
  for (Range& range : ranges) {
    range.low /= static_cast<double>(pictures);
    range.high /= static_cast<double>(pictures);
  }
  return ranges;
}

Value quantized(const Value& value, const std::vector<float>& low, const std::vector<float>& high,
                const ov::Shape& shape, std::size_t levels) {
  const auto from = Constant::create(ov::element::f32, shape, low);
  const auto to = Constant::create(ov::element::f32, shape, high);
  return std::make_shared<ov::op::v0::FakeQuantize>(value, from, to, from, to, levels);
}

/// Unsigned steps from 0 where nothing is negative (after a ReLU), else signed ones around 0: zero is exact
/// in both.
Value quantized_source(const Value& source, Range range) {
  constexpr double kLeast = 1e-6;  // of a source that is always 0
  if (range.low >= 0)
    return quantized(source, {0.0F}, {static_cast<float>(std::max(range.high, kLeast))}, {}, 256);
  const double side = std::max({-range.low, range.high, kLeast});
  return quantized(source, {static_cast<float>(-side * 128 / 127)}, {static_cast<float>(side)}, {}, 256);
}

/// -127 to 127 times a step of each output channel's own.
Value quantized_weights(const Value& weights) {
  const auto constant = ov::as_type_ptr<Constant>(weights.get_node_shared_ptr());
  const std::vector<float> values = constant->cast_vector<float>();
  const std::size_t channels = constant->get_shape()[0];
  const std::size_t each = values.size() / channels;
  std::vector<float> low(channels);
  std::vector<float> high(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    float side = std::numeric_limits<float>::min();
    for (std::size_t i = 0; i < each; ++i) side = std::max(side, std::abs(values[c * each + i]));
    low[c] = -side;
    high[c] = side;
  }
  return quantized(weights, low, high, {channels, 1, 1, 1}, 255);
}

}  // namespace

void LoadedOpenvino::quantize_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                                      std::span<const Tensor> calibration, int threads) const {
  const auto model = read_network(file);
  try {
    free_batch(*model);
    const Convolutions found = convolutions_of(*model);
    if (found.nodes.empty()) throw std::runtime_error("it has no convolutions with constant weights");
    const std::vector<Range> ranges = ranges_of(*model, found.sources, calibration, threads);
    std::vector<Value> rounded;
    for (std::size_t i = 0; i < ranges.size(); ++i)
      rounded.push_back(quantized_source(found.sources[i], ranges[i]));
    for (const auto& node : found.nodes) {
      const auto source = std::ranges::find(found.sources, node->input_value(0)) - found.sources.begin();
      node->input(0).replace_source_output(rounded[static_cast<std::size_t>(source)]);
      node->input(1).replace_source_output(quantized_weights(node->input_value(1)));
    }
    model->validate_nodes_and_infer_types();
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kModelInvalid, file.string() + " cannot be quantised: " + openvino_reason(e));
  }
  write_ir(model, xml);
}

}  // namespace likeness
