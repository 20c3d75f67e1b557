#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

/// Encrypts small values at rest: XChaCha20-Poly1305 (libsodium), a random nonce each, under a key derived
/// from a passphrase by Argon2id (64 MiB, 2 passes: libsodium's "interactive" limits; a tenth of a second or
/// so). A sealed value is nonce (24 bytes), ciphertext, tag (16 bytes). Threads may share one.
class Vault {
 public:
  static constexpr std::size_t kSaltBytes = 16;
  using Salt = std::array<std::byte, kSaltBytes>;

  /// Slow by design. @throws Error kUnsupported where the memory cannot be had.
  Vault(std::string_view passphrase, const Salt& salt);
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;
  ~Vault();  // wipes the keys

  [[nodiscard]] static Salt new_salt();

  /// `context` says what the value is and to what it belongs; open() fails under another one, so that values
  /// cannot change places.
  [[nodiscard]] std::vector<std::byte> seal(std::span<const std::byte> plain, std::string_view context) const;
  /// Empty where the key, the context or a bit of the value is wrong.
  [[nodiscard]] std::optional<std::vector<std::byte>> open(std::span<const std::byte> sealed,
                                                           std::string_view context) const;
  /// A keyed 32-byte hash: finds equal texts without showing them.
  [[nodiscard]] std::vector<std::byte> fingerprint(std::string_view text) const;

 private:
  std::array<unsigned char, 32> seal_key_;
  std::array<unsigned char, 32> fingerprint_key_;
};

/// The passphrase of an encrypted gallery: the first line of `key_file`, else the environment variable
/// LIKENESS_GALLERY_KEY, else nothing. Never from an argument, which other users of the machine could read.
/// @throws Error kInputUnreadable for a file that cannot be read, kDataInvalid for an empty one.
[[nodiscard]] std::optional<std::string> gallery_passphrase(
    const std::optional<std::filesystem::path>& key_file);

}  // namespace likeness
