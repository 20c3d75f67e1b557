#include "serve/auth.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/now.h"
#include "likeness/core/sha256.h"

namespace likeness::serve {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kIdDigits = 8;
constexpr std::size_t kSecretDigits = 64;
constexpr std::size_t kMostBytes = 4U << 20;

std::string random_digits(std::size_t digits) {
  std::vector<unsigned char> bytes(digits / 2);
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(digits + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.resize(digits);
  return text;
}

std::string hash_of(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

[[noreturn]] void damaged(const fs::path& path, const std::string& what) {
  throw Error(ErrorCode::kDataInvalid, path.string() + ": no file of keys: " + what);
}

Key key_from(const fs::path& path, const Json& json, std::size_t number) {
  const std::string which = "keys[" + std::to_string(number) + "]";
  try {
    Key key{.id = json.at("id").get<std::string>(),
            .name = json.at("name").get<std::string>(),
            .galleries = json.at("galleries").get<std::vector<std::string>>(),
            .hash = json.at("hash").get<std::string>(),
            .made_ms = json.at("made_ms").get<std::int64_t>()};
    const auto right = right_from(json.at("right").get<std::string>());
    if (!right || *right == Right::kNone) damaged(path, which + ".right is unknown");
    key.right = *right;
    if (key.hash.size() != 64)
      damaged(path, which + ".hash has " + std::to_string(key.hash.size()) + " digits, not 64");
    return key;
  } catch (const Json::exception&) {
    damaged(path, which + " lacks a field, or one is of another type");
  }
}

Json json_of(const Key& key) {
  return {{"id", key.id},
          {"name", key.name},
          {"right", to_string(key.right)},
          {"galleries", key.galleries},
          {"hash", key.hash},
          {"made_ms", key.made_ms}};
}

std::vector<Key> parse_keys(const fs::path& path, const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("keys") || !json["keys"].is_array())
    damaged(path, "it is no JSON object with the list \"keys\"");
  if (json.value("version", 0) != 1) damaged(path, "its version is not 1");
  std::vector<Key> keys;
  for (std::size_t i = 0; i < json["keys"].size(); ++i) keys.push_back(key_from(path, json["keys"][i], i));
  return keys;
}

std::string read_text(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    throw Error(errno == ENOENT ? ErrorCode::kInputUnreadable : ErrorCode::kDataInvalid,
                "cannot read " + path.string() + ": " + std::strerror(errno));
  std::string text;
  std::array<char, 65536> piece{};
  while (text.size() <= kMostBytes) {
    const ssize_t bytes = ::read(file, piece.data(), piece.size());
    if (bytes <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(bytes));
  }
  ::close(file);
  if (text.size() > kMostBytes) damaged(path, "it is larger than 4 MiB");
  return text;
}

/// Holds other programs that change the keys out, by a lock on a file beside them.
class ChangeLock {
 public:
  explicit ChangeLock(const fs::path& path)
      : file_(::open((path.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (file_ < 0 || ::flock(file_, LOCK_EX) != 0)
      throw Error(ErrorCode::kOutputUnwritable,
                  "cannot write " + path.string() + ": " + std::strerror(errno));
  }
  ChangeLock(const ChangeLock&) = delete;
  ChangeLock& operator=(const ChangeLock&) = delete;
  ~ChangeLock() { ::close(file_); }

 private:
  int file_;
};

void write_keys(const fs::path& path, const std::vector<Key>& keys) {
  Json list = Json::array();
  for (const Key& key : keys) list.push_back(json_of(key));
  AtomicFile file(path, 0600);
  const std::string text = Json{{"version", 1}, {"keys", list}}.dump(2) + "\n";
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

}  // namespace

bool Key::may_see(std::string_view gallery) const {
  return galleries.empty() || std::find(galleries.begin(), galleries.end(), gallery) != galleries.end();
}

std::vector<Key> read_keys(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  return parse_keys(path, read_text(path));
}

NewKey add_key(const fs::path& path, const std::string& name, Right right,
               std::vector<std::string> galleries) {
  if (name.empty()) throw std::invalid_argument("a key needs a name");
  if (right == Right::kNone) throw std::invalid_argument("a key needs a right");
  const ChangeLock lock(path);
  std::vector<Key> keys = read_keys(path);
  NewKey made;
  do {
    made.key.id = random_digits(kIdDigits);
  } while (std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return key.id == made.key.id; }));
  made.text = "lk_" + made.key.id + "_" + random_digits(kSecretDigits);
  made.key.name = name;
  made.key.right = right;
  made.key.galleries = std::move(galleries);
  made.key.hash = hash_of(made.text);
  made.key.made_ms = now_ms();
  keys.push_back(made.key);
  write_keys(path, keys);
  return made;
}

bool withdraw_key(const fs::path& path, const std::string& id) {
  const ChangeLock lock(path);
  std::vector<Key> keys = read_keys(path);
  const auto gone = std::remove_if(keys.begin(), keys.end(), [&](const Key& key) { return key.id == id; });
  if (gone == keys.end()) return false;
  keys.erase(gone, keys.end());
  write_keys(path, keys);
  return true;
}

// ---- KeyFile ----

KeyFile::KeyFile(fs::path path) : path_(std::move(path)) {
  stamp_ = stamp();
  keys_ = parse_keys(path_, read_text(path_));
}

KeyFile::Stamp KeyFile::stamp() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};
  return {
      .modified_ns = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec,
      .size = static_cast<std::uintmax_t>(info.st_size),
      .inode = info.st_ino};
}

void KeyFile::read_again() {
  const Stamp now = stamp();
  if (now == stamp_) return;
  keys_ = parse_keys(path_, read_text(path_));
  stamp_ = now;
}

std::optional<Key> KeyFile::find(std::string_view text) {
  const std::string hash = hash_of(text);
  const std::lock_guard lock(mutex_);
  read_again();
  std::optional<Key> found;
  for (const Key& key : keys_) {
    if (sodium_memcmp(hash.data(), key.hash.data(), hash.size()) == 0) found = key;
  }
  return found;
}

std::vector<Key> KeyFile::keys() {
  const std::lock_guard lock(mutex_);
  read_again();
  return keys_;
}

}  // namespace likeness::serve
