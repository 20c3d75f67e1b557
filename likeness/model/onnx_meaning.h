#pragma once

// Inside model/ only.

#include <string_view>
#include <unordered_map>
#include <vector>

namespace likeness {

/// Finds the layers of an ONNX file that the reader behind import, OpenVINO 2026.4, computes as something
/// else than ONNX says, and without a word: a pack made of them would give other embeddings than the tool
/// that wrote the file. The scripts openvino-*.sh in findings/ show each. Tensors may be given before or
/// after nodes.
class OnnxMeaning {
 public:
  void add_node(std::string_view message);    ///< A NodeProto. @throws std::runtime_error where malformed.
  void add_tensor(std::string_view message);  ///< A TensorProto among the weights. @throws the same.
  /// @throws std::runtime_error "has a ..." of the first layer that is misread.
  void check() const;

 private:
  struct Node {
    std::string_view type;
    std::vector<std::string_view> inputs;
    std::vector<std::string_view> attributes;  // AttributeProto messages
  };
  void check_slope(const Node& node) const;

  std::vector<Node> nodes_;
  std::unordered_map<std::string_view, std::size_t> makers_;  // place in nodes_, by output
  std::unordered_map<std::string_view, std::vector<std::uint64_t>> shapes_;
};

}  // namespace likeness
