#include "serve/compat/aws_signature.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

#include "likeness/core/sha256.h"
#include "serve/http.h"

namespace likeness::serve {
namespace {

constexpr std::size_t kMostSigned = 100;  ///< Header fields; no request has more (HttpLimits).

std::string hash(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

std::string hmac(std::string_view key, std::string_view text) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::string sum(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(sum.data()));
  return sum;
}

std::string hexadecimal(std::string_view bytes) {
  std::string digits(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(digits.data(), digits.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                 bytes.size());
  digits.pop_back();
  return digits;
}

/// RFC 3986's unreserved characters stay, and '/' where `path`.
std::string escaped(std::string_view text, bool path) {
  return percent_encoded(text, path ? "-_.~/" : "-_.~");
}

/// The path as sent, with empty and dot segments folded and each '%' escaped once more.
std::string canonical_path(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  std::vector<std::string_view> segments;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    begin = end + 1;
  }
  std::string out;
  for (const std::string_view segment : segments) out += "/" + escaped(segment, true);
  if (out.empty() || path.back() == '/') out += "/";
  return out;
}

std::string canonical_query(const Fields& query) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : query) pairs.push_back(escaped(name, false) + "=" + escaped(value, false));
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const std::string& pair : pairs) out += (out.empty() ? "" : "&") + pair;
  return out;
}

/// Blanks at the ends gone, others one.
std::string tidied(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\t' || c == ' ') {
      if (!out.empty() && out.back() != ' ') out.push_back(' ');
    } else {
      out.push_back(c);
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ";") + name;
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::optional<AwsAuthorization> aws_authorization(std::string_view header) {
  constexpr std::string_view kScheme = "AWS4-HMAC-SHA256";
  if (header.substr(0, kScheme.size()) != kScheme || header.size() <= kScheme.size()) return std::nullopt;
  AwsAuthorization said;
  std::vector<std::string> scope;
  for (const std::string& field : split(header.substr(kScheme.size()), ',')) {
    const std::string text = tidied(field);
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return std::nullopt;
    const std::string name = text.substr(0, equals);
    const std::string value = text.substr(equals + 1);
    if (name == "Credential") scope = split(value, '/');
    if (name == "SignedHeaders") said.signed_headers = split(value, ';');
    if (name == "Signature") said.signature = value;
  }
  if (scope.size() != 5 || scope[4] != "aws4_request" || said.signed_headers.size() > kMostSigned)
    return std::nullopt;
  const bool digits = std::all_of(said.signature.begin(), said.signature.end(),
                                  [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (said.signature.size() != 64 || !digits) return std::nullopt;
  said.access_key = scope[0];
  said.date = scope[1];
  said.region = scope[2];
  said.service = scope[3];
  return said;
}

std::optional<std::int64_t> aws_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&](std::size_t from, std::size_t count) {
    int value = 0;
    for (std::size_t i = from; i < from + count; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const std::array<int, 6> parts{number(0, 4), number(4, 2),  number(6, 2),
                                 number(9, 2), number(11, 2), number(13, 2)};
  if (std::any_of(parts.begin(), parts.end(), [](int part) { return part < 0; })) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(day).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(days).count() + parts[3] * 3600 + parts[4] * 60 +
         parts[5];
}

std::string aws_signature(const Request& request, const AwsAuthorization& said, std::string_view time,
                          std::string_view secret) {
  std::string headers;
  for (const std::string& name : said.signed_headers)
    headers += name + ":" + tidied(find_field(request.headers, name).value_or("")) + "\n";
  const std::string canonical = request.method + "\n" + canonical_path(request.target) + "\n" +
                                canonical_query(request.query) + "\n" + headers + "\n" +
                                joined(said.signed_headers) + "\n" + hash(request.body);
  const std::string scope = said.date + "/" + said.region + "/" + said.service + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + std::string(time) + "\n" + scope + "\n" + hash(canonical);
  std::string key = "AWS4" + std::string(secret);
  for (const std::string_view part : {std::string_view(said.date), std::string_view(said.region),
                                      std::string_view(said.service), std::string_view("aws4_request")})
    key = hmac(key, part);
  return hexadecimal(hmac(key, to_sign));
}

}  // namespace likeness::serve
