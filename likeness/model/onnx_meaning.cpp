#include "likeness/model/onnx_meaning.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include "likeness/core/protobuf.h"

namespace likeness {
namespace {

using Numbers = std::vector<std::int64_t>;

/// What an AttributeProto holds of the kinds that are looked at here.
struct Attribute {
  float real = 0;
  std::string_view text;
  Numbers numbers;
};

Attribute attribute(const std::vector<std::string_view>& messages, std::string_view name,
                    Attribute otherwise) {
  for (const std::string_view message : messages) {
    std::string_view called;
    Attribute found;
    ProtoReader fields(message);
    for (ProtoField field; fields.next(field);) {
      if (field.number == 1 && field.is_bytes) called = field.bytes;
      if (field.number == 2 && field.bytes.size() == sizeof(float))
        std::memcpy(&found.real, field.bytes.data(), sizeof(float));
      if ((field.number == 3 || field.number == 8) && !field.is_bytes)
        found.numbers.push_back(static_cast<std::int64_t>(field.value));
      if (field.number == 4 && field.is_bytes) found.text = field.bytes;
      if (field.number == 8 && field.is_bytes) {
        for (ProtoReader numbers(field.bytes); !numbers.done();)
          found.numbers.push_back(static_cast<std::int64_t>(numbers.varint()));
      }
    }
    if (called == name) return found;
  }
  return otherwise;
}

bool is_set(const std::vector<std::string_view>& attributes, std::string_view name) {
  const Numbers numbers = attribute(attributes, name, {}).numbers;
  return !numbers.empty() && numbers[0] != 0;
}

/// Whether the last window of a pool that rounds its size up may lie wholly beyond the picture: where the
/// step past the last whole window can reach its end, which the picture's size decides.
bool may_leave_picture(const std::vector<std::string_view>& attributes) {
  const Numbers window = attribute(attributes, "kernel_shape", {}).numbers;
  const Numbers ones(window.size(), 1), none(2 * window.size(), 0);
  const auto or_else = [&](std::string_view name, const Numbers& otherwise) {
    Numbers found = attribute(attributes, name, {}).numbers;
    return found.size() == otherwise.size() ? found : otherwise;
  };
  const Numbers strides = or_else("strides", ones), pads = or_else("pads", none);
  const Numbers dilations = or_else("dilations", ones);
  constexpr std::int64_t kLargest = 1 << 20;
  for (std::size_t i = 0; i < window.size(); ++i) {
    const std::int64_t end = pads[window.size() + i];
    for (const std::int64_t number : {window[i], strides[i], dilations[i], end}) {
      if (number < 0 || number > kLargest) return true;
    }
    if (end > (window[i] - 1) * dilations[i] + 1 - strides[i]) return true;
  }
  return false;
}

bool pads(const std::vector<std::string_view>& attributes) {
  for (const std::int64_t pad : attribute(attributes, "pads", {}).numbers) {
    if (pad != 0) return true;
  }
  return false;
}

/// What is misread of a layer by itself; empty: nothing.
std::string misread(std::string_view type, const std::vector<std::string_view>& attributes) {
  if (type == "Resize") {
    if (is_set(attributes, "antialias")) return "a Resize with antialias, which would be computed without";
    const std::string_view policy = attribute(attributes, "keep_aspect_ratio_policy", {}).text;
    if (!policy.empty() && policy != "stretch")
      return "a Resize that keeps the aspect ratio (" + std::string(policy) + "), which would stretch";
  }
  if (type == "MaxPool" && is_set(attributes, "ceil_mode") && may_leave_picture(attributes))
    return "a MaxPool with ceil_mode whose last window may lie beyond the picture, which would be kept";
  if (type == "AveragePool" && is_set(attributes, "ceil_mode") && is_set(attributes, "count_include_pad") &&
      pads(attributes))
    return "an AveragePool with ceil_mode and count_include_pad, which would be divided by too much at the "
           "edges";
  if (type == "LRN") {
    const float bias = attribute(attributes, "bias", {.real = 1}).real;
    if (!(bias == std::floor(bias)))
      return "an LRN with the bias " + std::to_string(bias) + ", which would be cut to a whole number";
  }
  if (type == "ConvTranspose" && attribute(attributes, "auto_pad", {}).text == "SAME_UPPER" &&
      !attribute(attributes, "output_shape", {}).numbers.empty())
    return "a ConvTranspose with SAME_UPPER and output_shape, which would be shifted by a pixel";
  return "";
}

}  // namespace

void OnnxMeaning::add_node(std::string_view message) {
  Node node;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (!field.is_bytes) continue;
    if (field.number == 1) node.inputs.push_back(field.bytes);
    if (field.number == 2) makers_.emplace(field.bytes, nodes_.size());
    if (field.number == 4) node.type = field.bytes;
    if (field.number == 5) node.attributes.push_back(field.bytes);
  }
  nodes_.push_back(std::move(node));
}

void OnnxMeaning::add_tensor(std::string_view message) {
  std::string_view name;
  std::vector<std::uint64_t> shape;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1 && !field.is_bytes) shape.push_back(field.value);
    if (field.number == 1 && field.is_bytes) {
      for (ProtoReader sizes(field.bytes); !sizes.done();) shape.push_back(sizes.varint());
    }
    if (field.number == 8 && field.is_bytes) name = field.bytes;
  }
  shapes_.insert_or_assign(name, std::move(shape));
}

/// A slope of shape [C] lies along the columns of a map, by ONNX's rules; the reader gives each channel its
/// own. Behind a dense layer the two are one.
void OnnxMeaning::check_slope(const Node& node) const {
  if (node.inputs.size() != 2) return;
  const auto slope = shapes_.find(node.inputs[1]);
  if (slope == shapes_.end() || slope->second.size() != 1 || slope->second[0] == 1) return;
  std::string_view value = node.inputs[0];
  for (std::size_t steps = 0; steps < nodes_.size(); ++steps) {
    const auto maker = makers_.find(value);
    if (maker == makers_.end()) return;
    const Node& before = nodes_[maker->second];
    if (before.type == "Conv")
      throw std::runtime_error("has a PRelu behind a convolution with one slope a column (shape [" +
                               std::to_string(slope->second[0]) +
                               "]), which would be one a channel; a channel's slope has the shape [C, 1, 1]");
    if (before.type != "BatchNormalization" && before.type != "Identity") return;
    if (before.inputs.empty()) return;
    value = before.inputs[0];
  }
}

void OnnxMeaning::check() const {
  for (const Node& node : nodes_) {
    if (const std::string what = misread(node.type, node.attributes); !what.empty())
      throw std::runtime_error("has " + what);
    if (node.type == "PRelu") check_slope(node);
  }
}

}  // namespace likeness
