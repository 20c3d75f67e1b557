#include "serve/protocol.h"

#include <cctype>

namespace likeness::serve {

std::string secret_of(const RequestHead& head) {
  if (const auto key = find_field(head.headers, "x-api-key")) return std::string(*key);
  const std::string_view bearer = find_field(head.headers, "authorization").value_or("");
  constexpr std::string_view kScheme = "bearer ";
  if (bearer.size() <= kScheme.size()) return "";
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(bearer[i])) != kScheme[i]) return "";
  }
  return std::string(bearer.substr(kScheme.size()));
}

Asker Protocol::asker(KeyFile& keys, const RequestHead& head, const Router::Match&) const {
  const std::string secret = secret_of(head);
  return {.key = secret.empty() ? std::nullopt : keys.find(secret)};
}

std::optional<Key> Protocol::prove(KeyFile& keys, const Request& request, const Router::Match& match) const {
  return asker(keys, request, match).key;
}

Response Protocol::refuse(const Refusal& refusal, const std::string& request_id) const {
  return response_for(refusal, request_id);
}

}  // namespace likeness::serve
