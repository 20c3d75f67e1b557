#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "serve/import/old_server.h"

namespace likeness::serve {

/// The address without slashes at its end. @throws std::invalid_argument where it is no http:// or https://
/// address, or has a user, a query or a fragment: secrets in it would be told with every error.
[[nodiscard]] std::string checked_address(std::string url);

/// An old server's answer as JSON. @throws Error kUnavailable where there is none, the key is refused, or
/// the answer is an error; kDataInvalid where it is no JSON object.
[[nodiscard]] nlohmann::json ask_json(const Send& send, const Outgoing& request);

/// What the server says of an error, in one line: its status, and at most `most` bytes of "message" or
/// "error" of its JSON, or of our own servers' "error"."message".
[[nodiscard]] std::string words_of(const Response& response, std::size_t most = 200);

/// A text of the answer. @throws Error kDataInvalid where it is missing, empty or longer than `most` bytes.
[[nodiscard]] std::string text_in(const nlohmann::json& json, const char* name, std::size_t most,
                                  const std::string& url);

}  // namespace likeness::serve
