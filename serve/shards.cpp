#include "serve/shards.h"

#include <algorithm>
#include <memory>

#include "likeness/core/error.h"
#include "likeness/gallery/in_parts.h"
#include "serve/import/ask.h"

namespace likeness::serve {
AskShards shards_over_http(ShardServices services, const std::string& gallery) {
  // No '.': a gallery may be called "..", which is no name in a path.
  const std::string path = "/v1/galleries/" + percent_encoded(gallery, "-_~") + "/shard";
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
        const std::string address = out.url + ": ";
        fail(words.starts_with(address) ? words.substr(address.size()) : words);
      }
      if (response.status != 200) fail(words_of(response, 300));
      answers[i] = std::move(response.body);
    });
    return answers;
  };
}

}  // namespace likeness::serve
