#include <cmath>
#include <cstring>

#include "likeness/embed/embeddings.h"
#include "likeness/gallery/half.h"
#include "likeness/gallery/postgres.h"

// How embeddings lie in the column face_embedding.embedding.

namespace likeness::postgres {

void Database::set_embedding_type(const std::string& type) {
  half_ = type != "bytea";
  insert_face_ =
      "WITH added AS (INSERT INTO face (person_id, photo, photo_hash, box_left, box_top, box_right, "
      "box_bottom, landmarks, size_px, sharpness, brightness, yaw, score, added_ms, photo_width, "
      "photo_height) VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id) "
      "INSERT INTO face_embedding (face_id, embedding) SELECT id, ?::" +
      type + " FROM added RETURNING face_id";
}

std::vector<std::byte> Database::to_column(std::vector<std::byte> embedding) const {
  if (!half_) return embedding;
  const std::size_t count = embedding.size() / sizeof(float);
  // pgvector's wire format: values as 16 bits, zero as 16 bits, then the values; big-endian.
  std::vector<std::byte> column(4 + 2 * count);
  const auto put = [&](std::size_t at, std::uint16_t value) {
    column[at] = static_cast<std::byte>(value >> 8);
    column[at + 1] = static_cast<std::byte>(value & 0xFF);
  };
  put(0, static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    float value = 0;
    std::memcpy(&value, embedding.data() + i * sizeof(float), sizeof value);
    put(4 + 2 * i, half_of(value));
  }
  return column;
}

std::span<const std::byte> Database::from_column(std::span<const std::byte> embedding,
                                                 std::vector<std::byte>& buffer) const {
  if (!half_ || embedding.size() < 4) return embedding;
  buffer.resize((embedding.size() - 4) / 2 * sizeof(float));
  const std::span values(reinterpret_cast<float*>(buffer.data()), buffer.size() / sizeof(float));
  floats_of(embedding.subspan(4), values);
  // Rounding moved the length by up to 7e-5; what is further off is damaged and stays so.
  const double squares = squared_length(values);
  if (std::abs(squares - 1) < 1e-3) {
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (float& value : values) value *= scale;
  }
  return buffer;
}

}  // namespace likeness::postgres
