#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace likeness {

/// A constant of a network: values in row-major order, as many as the product of `shape`.
struct FloatTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// The 32-bit float constants (initialisers) of one ONNX file by name. For networks that this project runs
/// with kernels of its own; the graph itself is not looked at.
class OnnxConstants {
 public:
  /// @throws Error kModelNotFound where there is no such file, kModelInvalid where it is damaged.
  explicit OnnxConstants(const std::filesystem::path& file);
  /// The same from memory; `name` stands for the file in messages.
  OnnxConstants(std::span<const std::byte> bytes, std::string name);

  /// The values of constant `constant`. @throws Error kModelInvalid where it is missing or not of `shape`.
  [[nodiscard]] const std::vector<float>& get(const std::string& constant,
                                              const std::vector<std::int64_t>& shape) const;
  [[nodiscard]] const std::map<std::string, FloatTensor>& all() const { return tensors_; }

 private:
  std::string name_;
  std::map<std::string, FloatTensor> tensors_;
};

}  // namespace likeness
