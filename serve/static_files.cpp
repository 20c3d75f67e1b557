#include "serve/static_files.h"

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

#include "likeness/core/sha256.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTypes{
    {{".html", "text/html; charset=utf-8"},
     {".css", "text/css; charset=utf-8"},
     {".js", "text/javascript; charset=utf-8"},
     {".svg", "image/svg+xml"}}};

/// Nothing but the program's own files, and nothing within them: no code or style in the document, no frame
/// around it, no text that becomes markup (trusted types).
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

std::string_view type_of(std::string_view path) {
  for (const auto& [ending, type] : kTypes) {
    if (path.size() > ending.size() && path.substr(path.size() - ending.size()) == ending) return type;
  }
  throw std::invalid_argument(std::string(path) + " is of no type that is served");
}

/// Whether a client that says what it has, has this: `given` is the value of If-None-Match.
bool is_known(std::string_view given, std::string_view etag) {
  return given == "*" || given.find(etag) != std::string_view::npos;
}

}  // namespace

StaticFiles::StaticFiles(std::vector<StaticFile> files) {
  for (const StaticFile& file : files) {
    entries_.push_back({file, file.path == "/" ? kTypes[0].second : type_of(file.path),
                        "\"" + sha256(std::as_bytes(std::span(file.bytes))).substr(0, 32) + "\""});
  }
}

const StaticFiles::Entry* StaticFiles::find(const RequestHead& head) const {
  std::string path;
  for (const std::string& segment : head.path) path += "/" + segment;
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.file.path == path; });
  return found == entries_.end() ? nullptr : &*found;
}

Response StaticFiles::answer(const RequestHead& head) const {
  const Entry* entry = find(head);
  if (entry == nullptr) throw std::invalid_argument("there is no such file");
  if (head.method != "GET" && head.method != "HEAD") {
    Response refused = response_for(Refusal(405, "method_not_allowed", "this path answers GET"), head.id);
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  Response response;
  response.type = entry->type;
  response.headers = {{"ETag", entry->etag},
                      {"Cache-Control", "no-cache"},
                      {"Content-Security-Policy", kPolicy},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}};
  if (is_known(find_field(head.headers, "if-none-match").value_or(""), entry->etag)) {
    response.status = 304;
  } else {
    response.body = entry->file.bytes;
  }
  return response;
}

}  // namespace likeness::serve
