#include "likeness/embed/byte_values.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

namespace likeness {

float quantize(std::span<const float> values, std::span<std::int8_t> out) {
  assert(values.size() == out.size());
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  if (!(largest > 0)) {
    std::ranges::fill(out, std::int8_t{0});
    return 0;
  }
  const float factor = 127 / largest;
  double length = 0;
  double rounded_length = 0;
  for (std::size_t j = 0; j < values.size(); ++j) {
    out[j] = static_cast<std::int8_t>(std::lrint(std::clamp(values[j] * factor, -127.0F, 127.0F)));
    length += static_cast<double>(values[j]) * values[j];
    rounded_length += static_cast<double>(out[j]) * out[j];
  }
  return static_cast<float>(std::sqrt(length / rounded_length));
}

void round_to_bytes(Embeddings& embeddings) {
  std::vector<std::int8_t> bytes(embeddings.dimension);
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    const float scale = quantize(embeddings[i], bytes);
    float* row = embeddings.values.data() + i * embeddings.dimension;
    for (std::size_t j = 0; j < bytes.size(); ++j) row[j] = scale * static_cast<float>(bytes[j]);
  }
}

}  // namespace likeness
