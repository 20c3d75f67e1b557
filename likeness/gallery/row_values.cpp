#include "likeness/gallery/row_values.h"

#include <sodium.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <numeric>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/embed/byte_values.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

std::string face_context(std::span<const std::byte> hash, const Box& box) {
  return "face" + as_text(hash) + as_text(std::as_bytes(std::span(&box, 1)));
}

/// Within 1e-5 of it for what is of about unit length; read for every face of a gallery.
float rough_squared_length(std::span<const float> values) {
  constexpr std::size_t kSums = 16;
  float sums[kSums] = {};
  std::size_t j = 0;
  for (; j + kSums <= values.size(); j += kSums) {
    for (std::size_t k = 0; k < kSums; ++k) sums[k] += values[j + k] * values[j + k];
  }
  for (; j < values.size(); ++j) sums[0] += values[j] * values[j];
  return std::accumulate(std::begin(sums), std::end(sums), 0.0F);
}

}  // namespace

std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes from_hex(const std::string& hex, const std::string& what) {
  Bytes bytes(hex.size() / 2);
  if (hex.empty()) return bytes;  // libsodium takes no null pointer
  std::size_t length = 0;
  if (sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), hex.data(), hex.size(),
                     nullptr, &length, nullptr) != 0 ||
      length * 2 != hex.size()) {
    throw std::invalid_argument(what + " must be hexadecimal digits");
  }
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string hex(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  hex.pop_back();
  return hex;
}

RowValues::RowValues(std::string file, std::size_t dimension, EmbeddingFormat format, std::string identity,
                     std::unique_ptr<Vault> vault)
    : file_(std::move(file)),
      dimension_(dimension),
      format_(format),
      identity_(std::move(identity)),
      vault_(std::move(vault)) {}

void RowValues::damaged(const std::string& what) const {
  throw Error(ErrorCode::kDataInvalid, file_ + ": damaged: " + what);
}

Bytes RowValues::seal(std::span<const std::byte> plain, const std::string& context) const {
  return vault_ ? vault_->seal(plain, context + identity_) : Bytes(plain.begin(), plain.end());
}

Bytes RowValues::open(std::span<const std::byte> stored, const std::string& context, const char* what) const {
  if (!vault_) return {stored.begin(), stored.end()};
  auto plain = vault_->open(stored, context + identity_);
  if (!plain) damaged(std::string("a ") + what + " does not decrypt");
  return *std::move(plain);
}

Bytes RowValues::name_key(const std::string& name) const {
  if (vault_) return vault_->fingerprint(name);
  const auto bytes = as_bytes(name);
  return {bytes.begin(), bytes.end()};
}

Bytes RowValues::seal_name(const std::string& name, std::span<const std::byte> key) const {
  return seal(as_bytes(name), "name" + as_text(key));
}

std::string RowValues::open_name(std::span<const std::byte> stored, std::span<const std::byte> key) const {
  return as_text(open(stored, "name" + as_text(key), "name"));
}

Bytes RowValues::seal_note(const std::string& text, const std::string& key) const {
  return seal(as_bytes(text), "note" + key);
}

std::string RowValues::open_note(std::span<const std::byte> stored, const std::string& key) const {
  return as_text(open(stored, "note" + key, "note"));
}

Bytes RowValues::seal_photo(const std::string& photo, std::span<const std::byte> hash) const {
  return seal(as_bytes(photo), "photo" + as_text(hash));
}

std::string RowValues::open_photo(std::span<const std::byte> stored, std::span<const std::byte> hash) const {
  return as_text(open(stored, "photo" + as_text(hash), "photo's path"));
}

Bytes RowValues::seal_embedding(std::span<const float> values, std::span<const std::byte> hash,
                                const Box& box) const {
  if (format_ == EmbeddingFormat::kF32) return seal(std::as_bytes(values), face_context(hash, box));
  Bytes bytes(sizeof(float) + values.size());
  const float scale =
      quantize(values, {reinterpret_cast<std::int8_t*>(bytes.data() + sizeof(float)), values.size()});
  std::memcpy(bytes.data(), &scale, sizeof(float));
  return seal(bytes, face_context(hash, box));
}

Bytes RowValues::seal_crop(std::span<const std::byte> picture, std::span<const std::byte> hash,
                           const Box& box) const {
  return seal(picture, "crop" + face_context(hash, box));
}

Bytes RowValues::open_crop(std::span<const std::byte> stored, std::span<const std::byte> hash,
                           const Box& box) const {
  return open(stored, "crop" + face_context(hash, box), "face's picture");
}

ImageSize RowValues::photo_size(std::int64_t width, std::int64_t height, const std::string& what) const {
  if (!may_be_size(width, height)) {
    damaged("the photo of " + what + " has " + std::to_string(width) + " x " + std::to_string(height) +
            " pixels");
  }
  return {static_cast<int>(width), static_cast<int>(height)};
}

void RowValues::open_embedding(std::span<const std::byte> stored, std::span<const std::byte> hash,
                               const Box& box, std::int64_t face, std::span<float> out) const {
  if (vault_) {
    decode(open(stored, face_context(hash, box), "embedding"), face, out);
  } else {
    decode(stored, face, out);
  }
}

void RowValues::decode(std::span<const std::byte> bytes, std::int64_t face, std::span<float> out) const {
  const bool f32 = format_ == EmbeddingFormat::kF32;
  const std::size_t expected = f32 ? dimension_ * sizeof(float) : dimension_ + sizeof(float);
  if (bytes.size() != expected || out.size() != dimension_) {
    damaged("the embedding of face " + std::to_string(face) + " has " + std::to_string(bytes.size()) +
            " bytes, not " + std::to_string(expected));
  }
  if (f32) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
  } else {
    float scale = 0;
    std::memcpy(&scale, bytes.data(), sizeof(float));
    const auto* values = reinterpret_cast<const std::int8_t*>(bytes.data() + sizeof(float));
    for (std::size_t j = 0; j < out.size(); ++j) out[j] = scale * static_cast<float>(values[j]);
  }
  if (!(std::abs(rough_squared_length(out) - 1) < 1e-3F)) {  // false for NaN as well
    damaged("the embedding of face " + std::to_string(face) + " is not of unit length");
  }
}

}  // namespace likeness
