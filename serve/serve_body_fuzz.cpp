#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "serve/call.h"
#include "serve/refusal.h"
#include "serve/service.h"

// Bodies and parameters of every operation: the first byte chooses it, the second JSON or a form; then query
// and body, with a line's end between them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness::serve;
  static const Router router(nlohmann::json::parse(openapi_text()));
  if (size < 2) return 0;
  const Operation& operation = router.operations()[data[0] % router.operations().size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t line = text.find('\n');
  const auto target = parse_target("/?" + std::string(text.substr(0, line)));
  if (!target) return 0;
  Router::Match match{.operation = &operation};
  for (const std::string& segment : operation.path) {
    if (segment[0] == '{') match.path_values[segment.substr(1, segment.size() - 2)] = "1";
  }
  Request request{{.method = operation.method, .query = target->query}};
  request.headers = {
      {"content-type", data[1] % 2 == 0 ? "application/json" : "multipart/form-data; boundary=b"}};
  if (line != std::string_view::npos) request.body = text.substr(line + 1);
  try {
    const Call call(router.document(), match, std::move(request), std::nullopt);
    if (!call.values().is_object()) __builtin_trap();
  } catch (const std::invalid_argument&) {
  } catch (const Refusal& refusal) {
    if (refusal.status() < 400 || refusal.status() > 499) __builtin_trap();
  }
  return 0;
}
