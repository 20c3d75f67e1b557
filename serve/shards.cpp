#include "serve/shards.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/gallery/in_parts.h"
#include "serve/import/ask.h"

namespace likeness::serve {
namespace {

std::string percent_encoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte / 16], kDigits[byte % 16]};
    }
  }
  return encoded;
}

/// What a refusal of our own says, else its status.
std::string words_of_refusal(const Response& response) {
  const std::string status = "status " + std::to_string(response.status);
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  const auto message = nlohmann::json::json_pointer("/error/message");
  if (!json.is_object() || !json.contains(message) || !json.at(message).is_string()) return status;
  std::string said = json.at(message).get<std::string>().substr(0, 300);
  std::ranges::replace_if(
      said, [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
  return status + ": " + said;
}

}  // namespace

AskShards shards_over_http(ShardServices services, const std::string& gallery) {
  const std::string path = "/v1/galleries/" + percent_encoded(gallery) + "/shard";
  for (std::string& url : services.urls) url = checked_address(url);
  const auto shared = std::make_shared<const ShardServices>(std::move(services));
  return [shared, path](const std::string& request, std::size_t most_bytes) {
    std::vector<std::string> answers(shared->urls.size());
    // Whoever is slow keeps nobody else from beginning; all are waited for, at most as long as the patience.
    in_parts(answers.size(), [&](std::size_t i) {
      const auto fail = [&](const std::string& why) {
        throw Error(ErrorCode::kUnavailable, "shard " + std::to_string(i) + "/" +
                                                 std::to_string(answers.size()) + " (" + shared->urls[i] +
                                                 "): " + why);
      };
      Outgoing out{.method = "POST",
                   .url = shared->urls[i] + path,
                   .headers = {{"Content-Type", "application/octet-stream"}, {"Connection", "close"}},
                   .body = request,
                   .patience = shared->patience,
                   // A refusal needs some too.
                   .most_bytes = std::max<std::size_t>(most_bytes, 4096)};
      if (!shared->key.empty()) out.headers.emplace_back("Authorization", "Bearer " + shared->key);
      Response response;
      try {
        response = shared->send(out);
      } catch (const Error& error) {  // in words that begin with the whole address
        const std::string words = error.what();
        fail(words.starts_with(out.url) ? words.substr(std::min(words.size(), out.url.size() + 2)) : words);
      }
      if (response.status != 200) fail(words_of_refusal(response));
      answers[i] = std::move(response.body);
    });
    return answers;
  };
}

}  // namespace likeness::serve
