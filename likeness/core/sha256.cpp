#include "likeness/core/sha256.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/sha256_blocks.h"

namespace likeness {
namespace {

using Digest = std::array<unsigned char, crypto_hash_sha256_BYTES>;

std::string hex(const Digest& digest) {
  std::string text(digest.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
  text.pop_back();
  return text;
}

/// Bytes in, digest out. libsodium knows no instructions for SHA-256, so where the CPU has them whole blocks
/// go through ours, into libsodium's state; it keeps what is left over and pads.
class Hasher {
 public:
  Hasher() { crypto_hash_sha256_init(&state_); }

  void add(std::span<const std::byte> bytes) {
    constexpr std::size_t kBlock = 64;
    if (has_sha256_blocks() && state_.count / 8 % kBlock == 0) {
      const std::size_t whole = bytes.size() / kBlock * kBlock;
      std::array<std::uint32_t, 8> words;
      std::copy_n(state_.state, words.size(), words.begin());
      sha256_blocks(words, bytes.first(whole));
      std::copy_n(words.begin(), words.size(), state_.state);
      state_.count += std::uint64_t{whole} * 8;  // bits
      bytes = bytes.subspan(whole);
    }
    crypto_hash_sha256_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }

  Digest digest() {
    Digest digest;
    crypto_hash_sha256_final(&state_, digest.data());
    return digest;
  }

 private:
  crypto_hash_sha256_state state_;
};

}  // namespace

std::string sha256(std::span<const std::byte> bytes) {
  Hasher hasher;
  hasher.add(bytes);
  return hex(hasher.digest());
}

std::string sha256_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Hasher hasher;
  std::vector<char> piece(256 << 10);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
    hasher.add(std::as_bytes(std::span(piece)).first(static_cast<std::size_t>(file.gcount())));
  }
  if (!file.eof()) {
    throw Error(ErrorCode::kInputUnreadable, "cannot read " + path.string() + ": " + std::strerror(errno));
  }
  return hex(hasher.digest());
}

}  // namespace likeness
