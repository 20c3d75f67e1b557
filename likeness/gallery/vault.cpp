#include "likeness/gallery/vault.h"

#include <sodium.h>

#include <cstdlib>
#include <fstream>

#include "likeness/core/error.h"

namespace likeness {
namespace {

constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "likeness";
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

static_assert(Vault::kSaltBytes == crypto_pwhash_SALTBYTES);

const unsigned char* bytes(const std::byte* data) { return reinterpret_cast<const unsigned char*>(data); }
unsigned char* bytes(std::byte* data) { return reinterpret_cast<unsigned char*>(data); }
const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void start_sodium() {
  if (sodium_init() < 0) throw Error(ErrorCode::kUnsupported, "libsodium cannot be started on this machine");
}

}  // namespace

Vault::Vault(std::string_view passphrase, const Salt& salt) {
  start_sodium();
  std::array<unsigned char, crypto_kdf_KEYBYTES> master{};
  if (crypto_pwhash(master.data(), master.size(), passphrase.data(), passphrase.size(), bytes(salt.data()),
                    crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    throw Error(ErrorCode::kUnsupported, "too little memory to derive the gallery's key (64 MiB are needed)");
  }
  crypto_kdf_derive_from_key(seal_key_.data(), seal_key_.size(), 1, kContext, master.data());
  crypto_kdf_derive_from_key(fingerprint_key_.data(), fingerprint_key_.size(), 2, kContext, master.data());
  sodium_memzero(master.data(), master.size());
}

Vault::~Vault() {
  sodium_memzero(seal_key_.data(), seal_key_.size());
  sodium_memzero(fingerprint_key_.data(), fingerprint_key_.size());
}

Vault::Salt Vault::new_salt() {
  start_sodium();
  Salt salt;
  randombytes_buf(salt.data(), salt.size());
  return salt;
}

std::vector<std::byte> Vault::seal(std::span<const std::byte> plain, std::string_view context) const {
  std::vector<std::byte> sealed(kNonceBytes + plain.size() + kTagBytes);
  randombytes_buf(sealed.data(), kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(sealed.data() + kNonceBytes), nullptr, bytes(plain.data()),
                                             plain.size(), bytes(context), context.size(), nullptr,
                                             bytes(sealed.data()), seal_key_.data());
  return sealed;
}

std::optional<std::vector<std::byte>> Vault::open(std::span<const std::byte> sealed,
                                                  std::string_view context) const {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  std::vector<std::byte> plain(sealed.size() - kNonceBytes - kTagBytes);
  const auto* cipher = bytes(sealed.data() + kNonceBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(plain.data()), nullptr, nullptr, cipher,
                                                 sealed.size() - kNonceBytes, bytes(context), context.size(),
                                                 bytes(sealed.data()), seal_key_.data()) != 0) {
    return std::nullopt;
  }
  return plain;
}

std::vector<std::byte> Vault::fingerprint(std::string_view text) const {
  std::vector<std::byte> hash(32);
  crypto_generichash(bytes(hash.data()), hash.size(), bytes(text), text.size(), fingerprint_key_.data(),
                     fingerprint_key_.size());
  return hash;
}

std::optional<std::string> gallery_passphrase(const std::optional<std::filesystem::path>& key_file) {
  if (key_file) {
    std::ifstream file(*key_file, std::ios::binary);
    std::string line;
    if (!file) throw Error(ErrorCode::kInputUnreadable, key_file->string() + ": the key file cannot be read");
    std::getline(file, line);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty())
      throw Error(ErrorCode::kDataInvalid, key_file->string() + ": the key file's first line is empty");
    return line;
  }
  if (const char* key = std::getenv("LIKENESS_GALLERY_KEY"); key && *key) return std::string(key);
  return std::nullopt;
}

}  // namespace likeness
