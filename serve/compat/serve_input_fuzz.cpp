#include <cstdint>
#include <string>
#include <string_view>

#include "serve/compat/compat_protocol.h"
#include "serve/compat/input.h"
#include "serve/refusal.h"

namespace {

using namespace likeness::serve;

/// Whatever is asked of it: a value, or a refusal with a status of the client's.
template <typename Ask>
void answered(const Ask& ask) {
  try {
    ask();
  } catch (const Refusal& refusal) {
    if (refusal.status() < 400 || refusal.status() > 499) __builtin_trap();
  }
}

}  // namespace

// What other servers' clients send: the first byte chooses the body's type, then the request's target in the
// first line, and the body behind it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto compreface = compreface_protocol({}, "people");
  static const auto deepstack = deepstack_protocol("people");
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t line = text.find('\n');
  const std::string target(text.substr(0, line));
  const auto parsed = parse_target(target);
  if (!parsed) return 0;
  Request request{{.method = "POST", .target = target, .path = parsed->path, .query = parsed->query}};
  constexpr const char* kTypes[] = {"application/json", "multipart/form-data; boundary=b",
                                    "application/x-www-form-urlencoded", ""};
  request.headers = {{"content-type", kTypes[data[0] % 4]}};
  if (line != std::string_view::npos) request.body = text.substr(line + 1);
  for (const auto* protocol : {compreface.get(), deepstack.get()}) {
    const Router::Match match = protocol->match(request);
    if (match.operation != nullptr && match.operation->method != "POST") __builtin_trap();
  }
  answered([&] {
    const Input input(request);
    answered([&] { (void)input.number("n", 0, 1); });
    answered([&] { (void)input.whole("w", 1, 100); });
    answered([&] { (void)input.photos(); });
    answered([&] {
      if (input.photo("file").bytes.empty()) __builtin_trap();
    });
    if (const auto found = input.text("t"); found && found->empty()) __builtin_trap();
    (void)input.flag("f", false);
  });
  return 0;
}
