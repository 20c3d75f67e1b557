#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "likeness/gallery/gallery.h"
#include "serve/http.h"

namespace likeness::serve {

/// Services that hold a gallery's faces, a shard each (`likeness serve --shard`).
struct ShardServices {
  std::vector<std::string> urls{};  ///< In the order of the shards, the first has 0/n. http://HOST:PORT
  std::string key{};                ///< Sent to all of them; empty: none.
  std::chrono::milliseconds patience{5'000};  ///< For one answer of all.
  Send send{};
};

/// Asks them all at once about the gallery of this name: askShard of the OpenAPI document.
/// @throws std::invalid_argument for an address that is none, or holds a password.
[[nodiscard]] AskShards shards_over_http(ShardServices services, const std::string& gallery);

}  // namespace likeness::serve
