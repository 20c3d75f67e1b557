#include "likeness/model/onnx_graph.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/protobuf.h"
#include "likeness/infer/onnx_fold.h"
#include "likeness/infer/onnx_values.h"

namespace likeness {
namespace {

using Numbers = std::vector<std::int64_t>;

constexpr std::int64_t kLongestSide = 4096;
constexpr std::uint64_t kAnySide = 64;
constexpr std::uint64_t kMostChannels = std::uint64_t{1} << 16;

/// The graph is not one that Graph can say; no fault of the file.
struct NotOurs : std::exception {};

void require(bool condition) {
  if (!condition) throw NotOurs();
}

struct Attribute {
  float real = 0;
  std::int64_t number = 0;
  Numbers numbers;
  std::string_view text;
};

struct Node {
  std::string_view type;
  std::string_view domain;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::unordered_map<std::string_view, Attribute> attributes;
  std::string_view value;  // of a Constant: its TensorProto

  [[nodiscard]] bool has(std::string_view name) const { return attributes.contains(name); }
  [[nodiscard]] std::int64_t number(std::string_view name, std::int64_t otherwise) const {
    return has(name) ? attributes.at(name).number : otherwise;
  }
  [[nodiscard]] float real(std::string_view name, float otherwise) const {
    return has(name) ? attributes.at(name).real : otherwise;
  }
  [[nodiscard]] Numbers numbers(std::string_view name, Numbers otherwise) const {
    return has(name) ? attributes.at(name).numbers : std::move(otherwise);
  }
};

void read_attribute(std::string_view message, Node& node) {
  std::string_view name;
  Attribute attribute;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1 && field.is_bytes) name = field.bytes;
    if (field.number == 2 && field.bytes.size() == sizeof(float))
      std::memcpy(&attribute.real, field.bytes.data(), sizeof(float));
    if (field.number == 3 && !field.is_bytes) attribute.number = static_cast<std::int64_t>(field.value);
    if (field.number == 4 && field.is_bytes) attribute.text = field.bytes;
    if (field.number == 5 && field.is_bytes) node.value = field.bytes;
    if (field.number == 8 && !field.is_bytes)
      attribute.numbers.push_back(static_cast<std::int64_t>(field.value));
    if (field.number != 8 || !field.is_bytes) continue;
    for (ProtoReader packed(field.bytes); !packed.done();)
      attribute.numbers.push_back(static_cast<std::int64_t>(packed.varint()));
  }
  node.attributes.insert_or_assign(name, std::move(attribute));
}

Node read_node(std::string_view message) {
  Node node;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (!field.is_bytes) continue;
    if (field.number == 1) node.inputs.push_back(field.bytes);
    if (field.number == 2) node.outputs.push_back(field.bytes);
    if (field.number == 4) node.type = field.bytes;
    if (field.number == 5) read_attribute(field.bytes, node);
    if (field.number == 7) node.domain = field.bytes;
  }
  return node;
}

/// The first message `number` inside `message`; empty where there is none.
std::string_view inside(std::string_view message, std::uint32_t number) {
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == number && field.is_bytes) return field.bytes;
  }
  return {};
}

/// Name and sizes of a ValueInfoProto; a size without a number is 0.
std::pair<std::string_view, std::vector<std::uint64_t>> value_info(std::string_view message) {
  std::vector<std::uint64_t> sizes;
  ProtoReader shape(inside(inside(inside(message, 2), 1), 2));
  for (ProtoField dimension; shape.next(dimension);) {
    if (dimension.number != 1 || !dimension.is_bytes) continue;
    std::uint64_t size = 0;
    ProtoReader fields(dimension.bytes);
    for (ProtoField field; fields.next(field);) {
      if (field.number == 1 && !field.is_bytes) size = field.value;
    }
    sizes.push_back(size);
  }
  return {inside(message, 1), sizes};
}

class Reader {
 public:
  /// `detector`: outputs are maps, sides are as they may be.
  Reader(std::string_view graph, bool detector);
  [[nodiscard]] Graph read();

 private:
  [[nodiscard]] const OnnxTensor* constant(const Node& node, std::size_t input) const;
  [[nodiscard]] std::vector<float> values(const Node& node, std::size_t input) const;
  /// The layer that a node's input is; a name that no layer has is not ours.
  [[nodiscard]] std::size_t from(const Node& node, std::size_t input = 0) const;
  [[nodiscard]] bool is_picture(std::size_t layer) const { return shapes_[layer].size() == 3; }
  /// One number for each channel: of a constant with one, or with one a channel along the right side.
  [[nodiscard]] std::vector<float> per_channel(const Node& node, std::size_t input, std::size_t layer) const;
  std::size_t append(GraphLayer layer);

  std::size_t layer_of(const Node& node);
  std::size_t arithmetic(const Node& node);
  std::size_t convolution(const Node& node);
  std::size_t padded(const Node& node, GraphLayer& step, std::array<std::size_t, 2> window);
  std::size_t normalization(const Node& node);
  std::size_t leaky(const Node& node);
  std::size_t flattened(const Node& node);
  std::size_t dense(const Node& node);
  std::size_t through(const Node& node) const;
  std::size_t pool(const Node& node);
  std::size_t enlarged(const Node& node);
  std::size_t deconvolution(const Node& node);
  /// A node at the end that gives the pixels another order: none to Graph.
  std::size_t turned(const Node& node);
  std::size_t sigmoid(const Node& node);
  std::size_t read_input();

  bool detector_;
  std::vector<Node> nodes_;
  std::unordered_map<std::string_view, OnnxTensor> constants_;
  std::vector<std::string_view> inputs_, outputs_;
  std::vector<std::uint64_t> input_sizes_;
  Graph graph_;
  std::vector<std::vector<std::size_t>> shapes_;  // of graph_'s layers
  std::unordered_map<std::string_view, std::size_t> layers_;
  std::unordered_map<std::string_view, std::size_t> turned_;  // the same of values whose pixels come first
};

Reader::Reader(std::string_view graph, bool detector) : detector_(detector) {
  std::vector<std::pair<std::string_view, std::vector<std::uint64_t>>> inputs;
  ProtoReader fields(graph);
  for (ProtoField field; fields.next(field);) {
    if (!field.is_bytes) continue;
    if (field.number == 1) nodes_.push_back(read_node(field.bytes));
    if (field.number == 5) {
      OnnxTensor tensor = read_onnx_tensor(field.bytes);
      constants_.insert_or_assign(tensor.name, std::move(tensor));
    }
    if (field.number == 11) inputs.push_back(value_info(field.bytes));
    if (field.number == 12) outputs_.push_back(inside(field.bytes, 1));
  }
  for (auto& [name, sizes] : inputs) {
    if (constants_.contains(name)) continue;
    inputs_.push_back(name);
    input_sizes_ = std::move(sizes);
  }
}

const OnnxTensor* Reader::constant(const Node& node, std::size_t input) const {
  if (input >= node.inputs.size()) return nullptr;
  const auto found = constants_.find(node.inputs[input]);
  return found == constants_.end() ? nullptr : &found->second;
}

std::vector<float> Reader::values(const Node& node, std::size_t input) const {
  const OnnxTensor* tensor = constant(node, input);
  require(tensor != nullptr && !tensor->outside && tensor->type == OnnxType::kFloat && tensor->count > 0);
  return floats_of(*tensor);
}

std::size_t Reader::from(const Node& node, std::size_t input) const {
  require(input < node.inputs.size());
  const auto found = layers_.find(node.inputs[input]);
  require(found != layers_.end());
  return found->second;
}

std::vector<float> Reader::per_channel(const Node& node, std::size_t input, std::size_t layer) const {
  std::vector<float> numbers = values(node, input);
  const std::size_t channels = shapes_[layer].back();
  if (numbers.size() == 1) return std::vector<float>(channels, numbers[0]);
  std::vector<std::uint64_t> sizes = constant(node, input)->sizes;
  if (is_picture(layer)) {  // [C, 1, 1], with or without a batch of 1
    require(sizes.size() >= 3 && sizes[sizes.size() - 1] == 1 && sizes[sizes.size() - 2] == 1);
    sizes.resize(sizes.size() - 2);
  }
  require(sizes.back() == channels && numbers.size() == channels);
  return numbers;
}

std::size_t Reader::append(GraphLayer layer) {
  graph_.layers.push_back(std::move(layer));
  try {
    shapes_.push_back(output_shape(graph_, graph_.layers.size() - 1, shapes_));
  } catch (const std::runtime_error&) {
    throw NotOurs();  // ONNX stretches what Graph does not
  }
  return graph_.layers.size() - 1;
}

/// A number for each channel added, taken away, multiplied or divided by; or the sum of two layers.
std::size_t Reader::arithmetic(const Node& node) {
  require(node.inputs.size() == 2);
  GraphLayer step{.kind = LayerKind::kAffine, .name = std::string(node.outputs[0])};
  if (constant(node, 0) == nullptr && constant(node, 1) == nullptr) {
    require(node.type == "Add");
    step.kind = LayerKind::kAdd;
    step.inputs = {from(node, 0), from(node, 1)};
    return append(std::move(step));
  }
  const bool turned = constant(node, 0) != nullptr;
  require(!turned || node.type == "Add" || node.type == "Mul");
  const std::size_t layer = from(node, turned ? 1 : 0);
  std::vector<float> numbers = per_channel(node, turned ? 0 : 1, layer);
  step.inputs = {layer};
  if (node.type == "Add" || node.type == "Sub") {
    step.factor.assign(numbers.size(), 1.0F);
    if (node.type == "Sub") std::ranges::transform(numbers, numbers.begin(), std::negate<>());
    step.shift = std::move(numbers);
  } else {
    step.shift.assign(numbers.size(), 0.0F);
    if (node.type == "Div")
      std::ranges::transform(numbers, numbers.begin(), [](float by) { return 1.0F / by; });
    step.factor = std::move(numbers);
  }
  return append(std::move(step));
}

std::array<std::size_t, 2> pair_of(const Node& node, std::string_view name) {
  const Numbers numbers = node.numbers(name, {1, 1});
  require(numbers.size() == 2 &&
          std::ranges::all_of(numbers, [](std::int64_t n) { return n >= 1 && n <= 64; }));
  return {static_cast<std::size_t>(numbers[0]), static_cast<std::size_t>(numbers[1])};
}

std::size_t Reader::convolution(const Node& node) {
  const OnnxTensor* weights = constant(node, 1);
  require(is_picture(from(node)) && weights != nullptr && weights->sizes.size() == 4);
  const auto& sizes = weights->sizes;  // out, in / groups, height, width
  require(std::ranges::all_of(sizes, [](std::uint64_t side) { return side >= 1 && side <= kMostChannels; }) &&
          sizes[2] <= 1024 && sizes[3] <= 1024);
  const std::vector<float> kernel = values(node, 1);
  GraphLayer step{.kind = LayerKind::kConvolution, .name = std::string(node.outputs[0])};
  const auto groups = node.number("group", 1);
  require(groups >= 1 && groups <= static_cast<std::int64_t>(kMostChannels));
  step.groups = static_cast<std::size_t>(groups);
  step.strides = pair_of(node, "strides");
  step.dilation = pair_of(node, "dilations");
  if (node.inputs.size() > 2 && !node.inputs[2].empty()) step.bias = values(node, 2);
  const std::size_t out = sizes[0], in = sizes[1], window = sizes[2] * sizes[3];
  step.kernel = {{sizes[2], sizes[3], in, out}, std::vector<float>(kernel.size())};
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t i = 0; i < in; ++i) {
      for (std::size_t p = 0; p < window; ++p)
        step.kernel.values[(p * in + i) * out + o] = kernel[(o * in + i) * window + p];
    }
  }
  step.inputs = {
      padded(node, step, {(sizes[2] - 1) * step.dilation[0] + 1, (sizes[3] - 1) * step.dilation[1] + 1})};
  return append(std::move(step));
}

/// Where a convolution reads: Graph pads as TensorFlow does or not at all; other zeros become a layer.
std::size_t Reader::padded(const Node& node, GraphLayer& step, std::array<std::size_t, 2> window) {
  const std::size_t layer = from(node);
  const std::string_view automatic = node.has("auto_pad") ? node.attributes.at("auto_pad").text : "NOTSET";
  require(automatic == "NOTSET" || automatic == "VALID" || automatic == "SAME_UPPER");
  step.same = automatic == "SAME_UPPER";
  if (automatic != "NOTSET") return layer;
  const Numbers pads = node.numbers("pads", {0, 0, 0, 0});  // top, left, bottom, right
  require(pads.size() == 4 && std::ranges::all_of(pads, [](std::int64_t p) { return p >= 0 && p < 1024; }));
  const std::array<std::size_t, 4> borders{
      static_cast<std::size_t>(pads[0]), static_cast<std::size_t>(pads[2]), static_cast<std::size_t>(pads[1]),
      static_cast<std::size_t>(pads[3])};
  if (borders == std::array<std::size_t, 4>{}) return layer;
  step.same = !detector_;  // a picture of another size would have other zeros
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::size_t side = shapes_[layer][axis];
    const std::size_t covered = (side - 1) / step.strides[axis] * step.strides[axis] + window[axis];
    const std::size_t zeros = covered > side ? covered - side : 0;
    if (borders[2 * axis] != zeros / 2 || borders[2 * axis + 1] != zeros - zeros / 2) step.same = false;
  }
  if (step.same) return layer;
  GraphLayer zeros{.kind = LayerKind::kPad, .name = step.name + "/zeros", .inputs = {layer}};
  zeros.borders = borders;
  return append(std::move(zeros));
}

std::size_t Reader::normalization(const Node& node) {
  require(node.inputs.size() == 5 && node.number("training_mode", 0) == 0 && node.number("spatial", 1) == 1);
  const std::vector<float> gamma = values(node, 1), beta = values(node, 2), mean = values(node, 3),
                           variance = values(node, 4);
  const std::size_t layer = from(node), channels = shapes_[layer].back();
  for (const auto* numbers : {&gamma, &beta, &mean, &variance}) require(numbers->size() == channels);
  const double epsilon = node.real("epsilon", 1e-5F);
  GraphLayer step{.kind = LayerKind::kAffine, .name = std::string(node.outputs[0]), .inputs = {layer}};
  for (std::size_t c = 0; c < channels; ++c) {
    const double factor = gamma[c] / std::sqrt(variance[c] + epsilon);
    step.factor.push_back(static_cast<float>(factor));
    step.shift.push_back(static_cast<float>(beta[c] - mean[c] * factor));
  }
  return append(std::move(step));
}

std::size_t Reader::leaky(const Node& node) {
  const std::size_t layer = from(node);
  GraphLayer step{.kind = LayerKind::kLeaky, .name = std::string(node.outputs[0]), .inputs = {layer}};
  step.slope = node.type == "PRelu" ? per_channel(node, 1, layer)
                                    : std::vector<float>(shapes_[layer].back(), node.real("alpha", 0.01F));
  return append(std::move(step));
}

std::size_t Reader::flattened(const Node& node) {
  require(node.number("axis", 1) == 1);
  const std::size_t layer = from(node);
  if (!is_picture(layer)) return layer;
  return append({.kind = LayerKind::kFlatten, .name = std::string(node.outputs[0]), .inputs = {layer}});
}

std::size_t Reader::dense(const Node& node) {
  const std::size_t layer = from(node);
  const OnnxTensor* weights = constant(node, 1);
  require(!is_picture(layer) && weights != nullptr && weights->sizes.size() == 2);
  require(node.number("transA", 0) == 0 && node.real("alpha", 1) == 1 && node.real("beta", 1) == 1);
  const bool turned = node.number("transB", 0) != 0;
  const std::size_t inputs = weights->sizes[turned ? 1 : 0], outputs = weights->sizes[turned ? 0 : 1];
  require(inputs == shapes_[layer][0]);
  const std::vector<float> numbers = values(node, 1);
  GraphLayer step{.kind = LayerKind::kDense, .name = std::string(node.outputs[0]), .inputs = {layer}};
  if (node.inputs.size() > 2 && !node.inputs[2].empty()) {
    step.bias = values(node, 2);
    if (step.bias.size() == 1) step.bias.assign(outputs, step.bias[0]);
  }
  step.kernel = {{inputs, outputs}, std::vector<float>(numbers.size())};
  // Of a flattened picture the file's rows are channel, row, column; ours are row, column, channel.
  const GraphLayer& before = graph_.layers[layer];
  const std::size_t channels =
      before.kind == LayerKind::kFlatten ? shapes_[before.inputs[0]].back() : std::size_t{1};
  const std::size_t pixels = inputs / channels;
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::size_t ours = before.kind == LayerKind::kFlatten ? i % pixels * channels + i / pixels : i;
    for (std::size_t o = 0; o < outputs; ++o)
      step.kernel.values[ours * outputs + o] = numbers[turned ? o * inputs + i : i * outputs + o];
  }
  return append(std::move(step));
}

/// Dropout and Identity: nothing happens, unless training was asked for.
std::size_t Reader::through(const Node& node) const {
  require(node.inputs.size() < 3 || node.inputs[2].empty());
  return from(node);
}

std::size_t Reader::pool(const Node& node) {
  const std::size_t layer = from(node);
  require(is_picture(layer) && node.number("ceil_mode", 0) == 0 && pair_of(node, "dilations")[0] == 1 &&
          pair_of(node, "dilations")[1] == 1 && node.outputs.size() == 1);
  const std::string_view automatic = node.has("auto_pad") ? node.attributes.at("auto_pad").text : "NOTSET";
  require(automatic == "NOTSET" || automatic == "VALID");
  require(node.numbers("pads", {0, 0, 0, 0}) == Numbers{0, 0, 0, 0});
  return append({.kind = LayerKind::kMaxPool,
                 .name = std::string(node.outputs[0]),
                 .inputs = {layer},
                 .window = pair_of(node, "kernel_shape"),
                 .strides = pair_of(node, "strides")});
}

/// By whole numbers, so that every way to the nearest neighbour that starts in the corner gives the same
/// blocks.
std::size_t Reader::enlarged(const Node& node) {
  const std::size_t layer = from(node);
  const auto text = [&](std::string_view name, std::string_view otherwise) {
    return node.has(name) ? node.attributes.at(name).text : otherwise;
  };
  require(is_picture(layer) && text("mode", "nearest") == "nearest" && node.inputs.size() == 3 &&
          text("coordinate_transformation_mode", "half_pixel") == "asymmetric" &&
          text("nearest_mode", "round_prefer_floor") == "floor");
  const std::vector<float> scales = values(node, 2);
  require(scales.size() == 4 && scales[0] == 1 && scales[1] == 1);
  GraphLayer step{.kind = LayerKind::kUpsample, .name = std::string(node.outputs[0]), .inputs = {layer}};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const float scale = scales[2 + axis];
    require(scale >= 1 && scale <= 64 && scale == std::floor(scale));
    step.strides[axis] = static_cast<std::size_t>(scale);
  }
  return append(std::move(step));
}

std::size_t Reader::deconvolution(const Node& node) {
  const OnnxTensor* weights = constant(node, 1);
  require(is_picture(from(node)) && weights != nullptr && weights->sizes.size() == 4);
  const auto& sizes = weights->sizes;  // in, out, height, width
  require(std::ranges::all_of(sizes, [](std::uint64_t side) { return side >= 1 && side <= kMostChannels; }));
  require(node.number("group", 1) == 1 && !node.has("output_shape") && !node.has("auto_pad") &&
          pair_of(node, "dilations") == std::array<std::size_t, 2>{1, 1});
  for (const char* zeros : {"pads", "output_padding"}) {
    require(std::ranges::all_of(node.numbers(zeros, {}), [](std::int64_t side) { return side == 0; }));
  }
  GraphLayer step{.kind = LayerKind::kDeconvolution,
                  .name = std::string(node.outputs[0]),
                  .inputs = {from(node)},
                  .strides = pair_of(node, "strides")};
  const std::vector<float> kernel = values(node, 1);
  if (node.inputs.size() > 2 && !node.inputs[2].empty()) step.bias = values(node, 2);
  const std::size_t in = sizes[0], out = sizes[1], window = sizes[2] * sizes[3];
  step.kernel = {{sizes[2], sizes[3], in, out}, std::vector<float>(kernel.size())};
  for (std::size_t row = 0; row < in * out; ++row) {  // of one input and output
    for (std::size_t p = 0; p < window; ++p)
      step.kernel.values[p * in * out + row] = kernel[row * window + p];
  }
  return append(std::move(step));
}

std::size_t Reader::turned(const Node& node) {
  if (node.type == "Transpose") {
    require(is_picture(from(node)) && node.numbers("perm", {}) == Numbers{0, 2, 3, 1});
    turned_.insert_or_assign(node.outputs[0], from(node));
    return from(node);
  }
  require(!node.inputs.empty() && turned_.contains(node.inputs[0]));
  const std::size_t layer = turned_.at(node.inputs[0]);
  const OnnxTensor* sizes = constant(node, 1);
  require(sizes != nullptr && !sizes->outside && sizes->type == OnnxType::kInt64 && sizes->count == 3);
  const Numbers to = integers_of(*sizes);
  require((to[0] == 1 || to[0] == 0) && to[1] == -1 &&
          to[2] == static_cast<std::int64_t>(shapes_[layer].back()));
  turned_.insert_or_assign(node.outputs[0], layer);
  return layer;
}

std::size_t Reader::sigmoid(const Node& node) {
  require(!node.inputs.empty());
  const auto found = turned_.find(node.inputs[0]);
  const std::size_t layer = append({.kind = LayerKind::kSigmoid,
                                    .name = std::string(node.outputs[0]),
                                    .inputs = {found == turned_.end() ? from(node) : found->second}});
  if (found != turned_.end()) turned_.insert_or_assign(node.outputs[0], layer);
  return layer;
}

std::size_t Reader::layer_of(const Node& node) {
  require((node.domain.empty() || node.domain == "ai.onnx") && !node.outputs.empty());
  const std::string_view type = node.type;
  if (type == "Conv") return convolution(node);
  if (type == "BatchNormalization") return normalization(node);
  if (type == "PRelu" || type == "LeakyRelu") return leaky(node);
  if (type == "Add" || type == "Sub" || type == "Mul" || type == "Div") return arithmetic(node);
  if (type == "Flatten") return flattened(node);
  if (type == "Gemm" || type == "MatMul") return dense(node);
  if (type == "Dropout" || type == "Identity") return through(node);
  if (type == "MaxPool") return pool(node);
  if (type == "Resize") return enlarged(node);
  if (type == "ConvTranspose") return deconvolution(node);
  if (type == "Transpose" || type == "Reshape") return turned(node);
  if (type == "Sigmoid") return sigmoid(node);
  require(type == "Relu" || type == "GlobalAveragePool");
  return append({.kind = type == "Relu" ? LayerKind::kRelu : LayerKind::kGlobalAverage,
                 .name = std::string(node.outputs[0]),
                 .inputs = {from(node)}});
}

std::size_t Reader::read_input() {
  require(inputs_.size() == 1 && input_sizes_.size() == 4 && input_sizes_[1] == 3 &&
          (detector_ || input_sizes_[0] <= 1));
  GraphLayer input{.kind = LayerKind::kInput, .name = std::string(inputs_[0])};
  for (const std::size_t axis : {2U, 3U}) {
    // A detector's file may leave them open.
    const std::uint64_t side = detector_ && input_sizes_[axis] == 0 ? kAnySide : input_sizes_[axis];
    require(side >= 1 && side <= static_cast<std::uint64_t>(kLongestSide));
    input.shape.push_back(side);
  }
  input.shape.push_back(3);
  return append(std::move(input));
}

Graph Reader::read() {
  const std::size_t input = read_input();
  layers_[inputs_[0]] = input;
  for (const Node& node : nodes_) {
    if (node.type == "Constant" && node.outputs.size() == 1 && !node.value.empty()) {
      constants_.insert_or_assign(node.outputs[0], read_onnx_tensor(node.value));
      continue;
    }
    const std::size_t layer = layer_of(node);
    // What is turned is read by what knows of it.
    if (!turned_.contains(node.outputs[0])) layers_.insert_or_assign(node.outputs[0], layer);
  }
  for (const std::string_view name : outputs_) {
    const auto output = layers_.find(name);
    const auto other = turned_.find(name);
    require(output != layers_.end() || (detector_ && other != turned_.end()));
    graph_.outputs.push_back(output != layers_.end() ? output->second : other->second);
    require(detector_ || !is_picture(graph_.outputs.back()));
  }
  if (detector_) {
    require(!graph_.outputs.empty());
    return std::move(graph_);
  }
  require(graph_.outputs.size() == 1);
  graph_.output = graph_.outputs[0];
  graph_.outputs.clear();
  return std::move(graph_);
}

std::optional<Graph> read_as(bool detector, std::string_view bytes, const std::string& file) {
  const std::string folded = fold_onnx(bytes, file);
  try {
    return Reader(inside(folded.empty() ? bytes : std::string_view(folded), 7), detector).read();
  } catch (const NotOurs&) {
    return std::nullopt;
  } catch (const std::runtime_error& e) {
    throw Error(ErrorCode::kModelInvalid,
                file + ": it is not an ONNX model that is understood: it " + e.what());
  }
}

}  // namespace

std::optional<Graph> read_onnx_graph(std::string_view bytes, const std::string& file) {
  return read_as(/*detector=*/false, bytes, file);
}

std::optional<Graph> read_onnx_detector(std::string_view bytes, const std::string& file) {
  return read_as(/*detector=*/true, bytes, file);
}

}  // namespace likeness
