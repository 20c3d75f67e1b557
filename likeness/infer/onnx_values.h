#pragma once

// Inside infer/ only: the numbers of an ONNX TensorProto, of every type that ONNX quantises weights to.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

/// TensorProto.DataType of onnx.proto3.
enum class OnnxType : std::uint8_t {
  kNone = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kFloat16 = 10,
  kBfloat16 = 16,
  kFloat8E4M3Fn = 17,
  kFloat8E4M3FnUz = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FnUz = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUint2 = 25,
  kInt2 = 26,
};

/// Bits of one value; 0 for a type that is not read here.
[[nodiscard]] unsigned bits_of(OnnxType type);

/// Largest number of values of a tensor that is read: 1 GiB of floats.
inline constexpr std::uint64_t kMostOnnxValues = std::uint64_t{1} << 28;

/// A TensorProto in the file's own bytes, which must stay as long as it does.
struct OnnxTensor {
  std::string_view name{};
  OnnxType type = OnnxType::kNone;
  std::vector<std::uint64_t> sizes{};
  std::uint64_t count = 1;                 ///< Product of `sizes`, at most kMostOnnxValues.
  bool outside = false;                    ///< Its values lie in another file.
  std::string_view raw{};                  ///< raw_data.
  std::vector<std::string_view> floats{};  ///< float_data, packed.
  std::vector<std::uint64_t> int32s{};     ///< int32_data, one a value; of less than 8 bits one a byte.
  std::vector<std::int64_t> int64s{};      ///< int64_data.
};

/// @throws std::runtime_error "holds a tensor ..." where its sizes are impossible, or it is malformed.
[[nodiscard]] OnnxTensor read_onnx_tensor(std::string_view message);

/// The values as floats, each exactly but for 32-bit integers above 2^24. Memory is taken only after the
/// file was seen to hold them. @throws std::runtime_error where there are more or fewer than its sizes say,
/// or the type is not read.
[[nodiscard]] std::vector<float> floats_of(const OnnxTensor& tensor);

/// The values of a kInt64 tensor. @throws the same.
[[nodiscard]] std::vector<std::int64_t> integers_of(const OnnxTensor& tensor);

/// The bytes of `values` as kFloat, kFloat16 or kBfloat16, rounded to the nearest, of two equally near ones
/// to the even one.
[[nodiscard]] std::string raw_of(const std::vector<float>& values, OnnxType type);

}  // namespace likeness
