#include "likeness/infer/onnx_node.h"

#include <cstring>
#include <utility>

#include "likeness/core/protobuf.h"

namespace likeness {
namespace {

// Field numbers of AttributeProto in onnx.proto3.
constexpr std::uint32_t kName = 1, kFloat = 2, kInt = 3, kString = 4, kTensor = 5, kGraph = 6, kInts = 8,
                        kGraphs = 11;

void read_attribute(std::string_view message, OnnxNode& node) {
  std::string_view name, tensor;
  OnnxAttribute attribute;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == kName && field.is_bytes) name = field.bytes;
    if (field.number == kFloat && field.bytes.size() == sizeof(float))
      std::memcpy(&attribute.real, field.bytes.data(), sizeof(float));
    if (field.number == kInt && !field.is_bytes) attribute.number = static_cast<std::int64_t>(field.value);
    if (field.number == kString && field.is_bytes) attribute.text = field.bytes;
    if (field.number == kTensor && field.is_bytes) tensor = field.bytes;
    if (field.number == kGraph || field.number == kGraphs) node.has_subgraph = true;
    if (field.number == kInts && !field.is_bytes)
      attribute.numbers.push_back(static_cast<std::int64_t>(field.value));
    if (field.number != kInts || !field.is_bytes) continue;
    for (ProtoReader packed(field.bytes); !packed.done();)
      attribute.numbers.push_back(static_cast<std::int64_t>(packed.varint()));
  }
  if (name == "value") node.value = tensor;
  node.attributes.insert_or_assign(name, std::move(attribute));
}

}  // namespace

std::int64_t OnnxNode::number(std::string_view name, std::int64_t otherwise) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? otherwise : found->second.number;
}

float OnnxNode::real(std::string_view name, float otherwise) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? otherwise : found->second.real;
}

std::vector<std::int64_t> OnnxNode::numbers(std::string_view name,
                                            std::vector<std::int64_t> otherwise) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? std::move(otherwise) : found->second.numbers;
}

OnnxNode read_onnx_node(std::string_view message) {
  OnnxNode node;
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

}  // namespace likeness
