#include <cstdint>
#include <string>
#include <string_view>

#include "serve/compat/aws_signature.h"

// An Authorization header in the first line, a time in the second, a target in the third, a body behind it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness::serve;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&rest] {
    const std::size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return text;
  };
  const auto said = aws_authorization(line());
  const std::string_view time = line();
  if (const auto seconds = aws_time(time); seconds && (time.size() != 16 || *seconds < -62'200'000'000))
    __builtin_trap();
  const std::string target(line());
  const auto parsed = parse_target(target);
  if (!said || !parsed) return 0;
  Request request{{.method = "POST", .target = target, .query = parsed->query}, std::string(rest)};
  request.headers = {{"host", "localhost"}, {"x-amz-date", std::string(time)}};
  const std::string signature = aws_signature(request, *said, time, "secret");
  if (signature.size() != 64 || signature != aws_signature(request, *said, time, "secret")) __builtin_trap();
  request.body += "x";  // the body counts
  if (signature == aws_signature(request, *said, time, "secret")) __builtin_trap();
  return 0;
}
