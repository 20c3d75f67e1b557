#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/router.h"

namespace likeness::serve {

/// Whoever may ask, without the secret.
struct Key {
  std::string id;    ///< 8 hexadecimal digits; stands in the key and in the audit log.
  std::string name;  ///< Whose it is, in words.
  Right right = Right::kSearch;
  std::vector<std::string> galleries;  ///< By name; empty: all.
  std::string hash;                    ///< SHA-256 of the key, hexadecimal.
  std::int64_t made_ms = 0;            ///< Milliseconds since 1970, UTC.

  [[nodiscard]] bool may_see(std::string_view gallery) const;
};

/// A new key: "lk_<id>_<64 hexadecimal digits>". Its secret has 256 random bits, so a plain hash keeps it.
struct NewKey {
  std::string text;  ///< To be given away once; nowhere kept.
  Key key;
};

/// Keys in a JSON file with hashes instead of secrets. The file is looked at again when it has changed, so a
/// key is withdrawn from the next request on. Threads may share one; processes as well.
class KeyFile {
 public:
  /// @throws Error kInputUnreadable where there is none, kDataInvalid naming what is wrong.
  explicit KeyFile(std::filesystem::path path);

  /// The key that `text` is; nothing where there is none. Takes as long for a wrong secret as for a right
  /// one.
  /// @throws Error as the constructor.
  [[nodiscard]] std::optional<Key> find(std::string_view text);
  [[nodiscard]] std::vector<Key> keys();

 private:
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uintmax_t size = 0;
    std::uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] Stamp stamp() const;
  void read_again();

  std::filesystem::path path_;
  std::mutex mutex_;
  Stamp stamp_;
  std::vector<Key> keys_;
};

/// The keys in a file; none where there is no file. @throws Error kDataInvalid.
[[nodiscard]] std::vector<Key> read_keys(const std::filesystem::path& path);
/// Writes a new key into the file, which is made where there is none, readable by its owner alone.
/// @throws Error kOutputUnwritable, kDataInvalid; std::invalid_argument for an empty name or Right::kNone.
[[nodiscard]] NewKey add_key(const std::filesystem::path& path, const std::string& name, Right right,
                             std::vector<std::string> galleries);
/// False where there is no such key. @throws Error as add_key().
[[nodiscard]] bool withdraw_key(const std::filesystem::path& path, const std::string& id);

}  // namespace likeness::serve
