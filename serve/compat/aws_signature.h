#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"

namespace likeness::serve {

/// What an Authorization header of AWS Signature Version 4 says.
struct AwsAuthorization {
  std::string access_key;
  std::string date;                         ///< "20261128"
  std::string region;                       ///< Any.
  std::string service;                      ///< "rekognition"
  std::vector<std::string> signed_headers;  ///< Lower case, as sent.
  std::string signature;                    ///< 64 hexadecimal digits.
};

/// Nothing where the header is no such thing.
[[nodiscard]] std::optional<AwsAuthorization> aws_authorization(std::string_view header);

/// "20261128T103000Z" in seconds since 1970; nothing where it is no such time.
[[nodiscard]] std::optional<std::int64_t> aws_time(std::string_view text);

/// The signature that whoever holds `secret` gives this request (AWS Signature Version 4: canonical request,
/// string to sign, derived key). Of `request` method, target, the signed headers and the body count.
[[nodiscard]] std::string aws_signature(const Request& request, const AwsAuthorization& said,
                                        std::string_view time, std::string_view secret);

}  // namespace likeness::serve
