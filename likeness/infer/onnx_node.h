#pragma once

// Inside the library: the nodes of an ONNX graph.

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace likeness {

/// An AttributeProto, as far as it is looked at.
struct OnnxAttribute {
  float real = 0;
  std::int64_t number = 0;
  std::vector<std::int64_t> numbers{};
  std::string_view text{};
};

/// A NodeProto in the file's own bytes, which must stay as long as it does.
struct OnnxNode {
  std::string_view type;
  std::string_view domain;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::unordered_map<std::string_view, OnnxAttribute> attributes;
  std::string_view value;     ///< Of a Constant: its TensorProto.
  bool has_subgraph = false;  ///< Whether an attribute is a graph.

  [[nodiscard]] bool has(std::string_view name) const { return attributes.contains(name); }
  [[nodiscard]] std::int64_t number(std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] float real(std::string_view name, float otherwise) const;
  [[nodiscard]] std::vector<std::int64_t> numbers(std::string_view name,
                                                  std::vector<std::int64_t> otherwise) const;
};

/// @throws std::runtime_error where it is malformed.
[[nodiscard]] OnnxNode read_onnx_node(std::string_view message);

}  // namespace likeness
