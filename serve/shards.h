#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "likeness/gallery/gallery.h"
#include "serve/http.h"

namespace likeness::serve {

/// Services that hold a gallery's faces, a shard each (`likeness serve --shard`).
struct ShardServices {
  /// As checked_address() (serve/import/ask.h) gives them, in the order of the shards, the first has 0/n.
  std::vector<std::string> urls{};
  std::string key{};  ///< Sent to all of them; empty: none.
  /// For one answer of all; more than kMostWaitForVersion (serve/service.h).
  std::chrono::milliseconds patience{5'000};
  Send send{};
};

/// Asks them all at once about the gallery of this name: askShard of the OpenAPI document.
[[nodiscard]] AskShards shards_over_http(ShardServices services, const std::string& gallery);

}  // namespace likeness::serve
