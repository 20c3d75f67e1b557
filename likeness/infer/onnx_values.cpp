#include "likeness/infer/onnx_values.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "likeness/core/protobuf.h"

namespace likeness {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX stores little-endian values");

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

[[noreturn]] void refuse_values(const OnnxTensor& tensor) {
  throw std::runtime_error("holds a tensor (" + std::string(tensor.name) +
                           ") of more or fewer values than its sizes say");
}

void multiply(std::uint64_t& count, std::uint64_t size) {
  if (size > kMostOnnxValues || (size != 0 && count > kMostOnnxValues / size))
    throw std::runtime_error("holds a tensor of an impossible size");
  count *= size;
}

/// A sign, an exponent and a fraction, without infinities and what is no number.
float small_float(unsigned bits, int exponent_bits, int fraction_bits, int bias) {
  const unsigned fraction = bits & ((1U << fraction_bits) - 1);
  const auto exponent = static_cast<int>(bits >> fraction_bits & ((1U << exponent_bits) - 1));
  const bool negative = (bits >> (exponent_bits + fraction_bits) & 1U) != 0;
  const auto digits = static_cast<float>(exponent == 0 ? fraction : fraction + (1U << fraction_bits));
  const float size = std::ldexp(digits, (exponent == 0 ? 1 : exponent) - bias - fraction_bits);
  return negative ? -size : size;
}

/// The same of 5 bits of exponent, where the largest means infinity and what is no number: half and
/// float8e5m2.
float ieee_float(unsigned bits, int fraction_bits) {
  const float value = small_float(bits, 5, fraction_bits, 15);
  if ((bits >> fraction_bits & 31U) != 31) return value;
  if ((bits & ((1U << fraction_bits) - 1)) != 0) return kNan;
  return std::copysign(std::numeric_limits<float>::infinity(), value);
}

int signed_of(unsigned bits, unsigned width) {
  return static_cast<int>(bits) - ((bits >> (width - 1) & 1U) != 0 ? 1 << width : 0);
}

/// A value of at most 8 bits. The float8 types are those of the ONNX specification, "Float stored in 8 bits".
float value_of(OnnxType type, unsigned bits) {
  switch (type) {
    case OnnxType::kInt8:
    case OnnxType::kInt4:
    case OnnxType::kInt2:
      return static_cast<float>(signed_of(bits, bits_of(type)));
    case OnnxType::kFloat8E4M3Fn:
      return (bits & 0x7FU) == 0x7F ? kNan : small_float(bits, 4, 3, 7);
    case OnnxType::kFloat8E4M3FnUz:
      return bits == 0x80 ? kNan : small_float(bits, 4, 3, 8);
    case OnnxType::kFloat8E5M2:
      return ieee_float(bits, 2);
    case OnnxType::kFloat8E5M2FnUz:
      return bits == 0x80 ? kNan : small_float(bits, 5, 2, 16);
    case OnnxType::kFloat4E2M1:
      return small_float(bits, 2, 1, 1);
    case OnnxType::kFloat8E8M0:
      return bits == 0xFF ? kNan : std::ldexp(1.0F, static_cast<int>(bits) - 127);
    default:
      return static_cast<float>(bits);  // unsigned
  }
}

/// The values as raw_data has them, whichever field they are in.
std::string raw_values(const OnnxTensor& tensor) {
  const unsigned bits = bits_of(tensor.type);
  if (bits == 0) throw std::runtime_error("holds a tensor of a type that is not read");
  if (!tensor.raw.empty()) return std::string(tensor.raw);
  std::string bytes;
  if (tensor.type == OnnxType::kFloat) {
    for (const std::string_view part : tensor.floats) bytes += part;
    return bytes;
  }
  const unsigned width = bits < 8 ? 1 : bits / 8;  // of less than 8 bits an entry holds a byte's worth
  for (const std::uint64_t value : tensor.int32s) {
    for (unsigned byte = 0; byte < width; ++byte) bytes += static_cast<char>(value >> (8 * byte));
  }
  return bytes;
}

template <typename Word, typename Convert>
std::vector<float> words(const std::string& raw, std::size_t count, const Convert& convert) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    Word word = 0;
    std::memcpy(&word, raw.data() + i * sizeof(Word), sizeof(Word));
    values[i] = convert(word);
  }
  return values;
}

/// The first value of a byte lies in its lowest bits.
std::vector<float> packed(const std::string& raw, std::size_t count, OnnxType type) {
  const unsigned bits = bits_of(type);
  const std::size_t in_a_byte = 8 / bits;
  float table[256];
  for (unsigned value = 0; value < (1U << bits); ++value) table[value] = value_of(type, value);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned char>(raw[i / in_a_byte]);
    values[i] = table[byte >> (i % in_a_byte * bits) & ((1U << bits) - 1)];
  }
  return values;
}

std::uint16_t half_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
  std::uint32_t size = bits & 0x7FFFFFFFU;
  if (size > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (size >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);  // 65520 rounds to infinity
  if (size < 0x38800000U) {
    // Below 2^-14 a half counts in steps of 2^-24, which an addition of 0.5 rounds to.
    const float shifted = std::bit_cast<float>(size) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
  }
  size += 0xFFFU + (size >> 13 & 1U);
  return static_cast<std::uint16_t>(sign | ((size - 0x38000000U) >> 13));
}

std::uint16_t bfloat_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

}  // namespace

unsigned bits_of(OnnxType type) {
  switch (type) {
    case OnnxType::kUint2:
    case OnnxType::kInt2:
      return 2;
    case OnnxType::kUint4:
    case OnnxType::kInt4:
    case OnnxType::kFloat4E2M1:
      return 4;
    case OnnxType::kUint8:
    case OnnxType::kInt8:
    case OnnxType::kFloat8E4M3Fn:
    case OnnxType::kFloat8E4M3FnUz:
    case OnnxType::kFloat8E5M2:
    case OnnxType::kFloat8E5M2FnUz:
    case OnnxType::kFloat8E8M0:
      return 8;
    case OnnxType::kUint16:
    case OnnxType::kInt16:
    case OnnxType::kFloat16:
    case OnnxType::kBfloat16:
      return 16;
    case OnnxType::kFloat:
    case OnnxType::kInt32:
      return 32;
    default:
      return 0;
  }
}

OnnxTensor read_onnx_tensor(std::string_view message) {
  OnnxTensor tensor;
  ProtoReader fields(message);
  const auto each = [](const ProtoField& field, const auto& take) {
    if (!field.is_bytes) return take(field.value);
    for (ProtoReader numbers(field.bytes); !numbers.done();) take(numbers.varint());
  };
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1) each(field, [&](std::uint64_t size) { tensor.sizes.push_back(size); });
    if (field.number == 2 && field.value <= static_cast<std::uint64_t>(OnnxType::kInt2))
      tensor.type = static_cast<OnnxType>(field.value);
    if (field.number == 4) tensor.floats.push_back(field.bytes);
    if (field.number == 5) each(field, [&](std::uint64_t value) { tensor.int32s.push_back(value); });
    if (field.number == 7)
      each(field, [&](std::uint64_t value) { tensor.int64s.push_back(static_cast<std::int64_t>(value)); });
    if (field.number == 8 && field.is_bytes) tensor.name = field.bytes;
    if (field.number == 9 && field.is_bytes) tensor.raw = field.bytes;
    if (field.number == 14) tensor.outside = field.value != 0;
  }
  for (const std::uint64_t size : tensor.sizes) multiply(tensor.count, size);
  return tensor;
}

std::vector<float> floats_of(const OnnxTensor& tensor) {
  const std::string raw = raw_values(tensor);
  const unsigned bits = bits_of(tensor.type);
  if (tensor.outside || raw.size() != (tensor.count * bits + 7) / 8) refuse_values(tensor);
  const auto count = static_cast<std::size_t>(tensor.count);
  const auto plain = [](auto word) { return static_cast<float>(word); };
  switch (tensor.type) {
    case OnnxType::kFloat:
      return words<float>(raw, count, plain);
    case OnnxType::kInt32:
      return words<std::int32_t>(raw, count, plain);
    case OnnxType::kUint16:
      return words<std::uint16_t>(raw, count, plain);
    case OnnxType::kInt16:
      return words<std::int16_t>(raw, count, plain);
    case OnnxType::kFloat16:
      return words<std::uint16_t>(raw, count, [](std::uint16_t word) { return ieee_float(word, 10); });
    case OnnxType::kBfloat16:
      return words<std::uint16_t>(
          raw, count, [](std::uint16_t word) { return std::bit_cast<float>(std::uint32_t{word} << 16); });
    default:
      return packed(raw, count, tensor.type);
  }
}

std::vector<std::int64_t> integers_of(const OnnxTensor& tensor) {
  if (tensor.type != OnnxType::kInt64 || tensor.outside)
    throw std::runtime_error("holds a tensor of a type that is not read");
  std::vector<std::int64_t> values = tensor.int64s;
  if (!tensor.raw.empty()) {
    if (tensor.raw.size() % sizeof(std::int64_t) != 0) refuse_values(tensor);
    values.resize(tensor.raw.size() / sizeof(std::int64_t));
    std::memcpy(values.data(), tensor.raw.data(), tensor.raw.size());
  }
  if (values.size() != tensor.count) refuse_values(tensor);
  return values;
}

std::string raw_of(const std::vector<float>& values, OnnxType type) {
  const std::size_t width = type == OnnxType::kFloat ? sizeof(float) : sizeof(std::uint16_t);
  std::string raw(values.size() * width, '\0');
  if (type == OnnxType::kFloat) {
    if (!values.empty()) std::memcpy(raw.data(), values.data(), raw.size());
    return raw;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t word = type == OnnxType::kFloat16 ? half_of(values[i]) : bfloat_of(values[i]);
    std::memcpy(raw.data() + i * width, &word, width);
  }
  return raw;
}

}  // namespace likeness
