#include "serve/import/ask.h"

#include <algorithm>
#include <stdexcept>

#include "likeness/core/error.h"
#include "serve/schema.h"

namespace likeness::serve {

std::string checked_address(std::string url) {
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0) throw std::invalid_argument(url + ": an address begins with http:// or https://");
  const std::string host = url.substr(scheme, url.find('/', scheme) - scheme);
  if (host.find('@') != std::string::npos)
    throw std::invalid_argument("the address has a user or password in it; leave it away");
  if (url.find_first_of("?#") != std::string::npos)
    throw std::invalid_argument("the address has a query in it; write http://HOST:PORT");
  while (url.size() > scheme && url.back() == '/') url.pop_back();
  if (url.size() == scheme) throw std::invalid_argument(url + ": no host");
  return url;
}

std::string words_of(const Response& response, std::size_t most) {
  std::string words = "status " + std::to_string(response.status);
  if (response.status >= 300 && response.status < 400)
    return words + ", a redirection, which is not followed; give the address that it leads to";
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  for (const char* name : {"/message", "/error", "/error/message"}) {
    const nlohmann::json::json_pointer place(name);
    if (!json.is_object() || !json.contains(place) || !json.at(place).is_string()) continue;
    std::string said = json.at(place).get<std::string>().substr(0, most);
    std::ranges::replace_if(
        said, [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
    return words + ": " + said;
  }
  return words;
}

nlohmann::json ask_json(const Send& send, const Outgoing& request) {
  const Response response = send(request);
  if (response.status == 401 || response.status == 403)
    throw Error(ErrorCode::kUnavailable,
                request.url + ": the key is not accepted (" + words_of(response) + ")");
  if (response.status < 200 || response.status > 299)
    throw Error(ErrorCode::kUnavailable, request.url + ": " + words_of(response));
  try {
    nlohmann::json json = parse_json(response.body);
    if (json.is_object()) return json;
  } catch (const std::invalid_argument&) {  // told below
  }
  throw Error(ErrorCode::kDataInvalid, request.url + ": the answer is not what such a server gives");
}

std::string text_in(const nlohmann::json& json, const char* name, std::size_t most, const std::string& url) {
  if (json.is_object() && json.contains(name) && json.at(name).is_string()) {
    auto text = json.at(name).get<std::string>();
    if (!text.empty() && text.size() <= most) return text;
  }
  throw Error(ErrorCode::kDataInvalid, url + ": the answer has no usable \"" + name + "\"");
}

}  // namespace likeness::serve
