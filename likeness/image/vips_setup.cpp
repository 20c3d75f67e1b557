#include "likeness/image/vips_setup.h"

#include <vips/vips.h>

#include <memory>
#include <mutex>

#include "likeness/core/error.h"

namespace likeness {
namespace {

void discard(const gchar*, GLogLevelFlags, const gchar*, gpointer) {}

void start_once() {
  // Before vips_init, which already warns about modules it cannot load. What matters reaches us as an error.
  const auto levels = static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK | G_LOG_FLAG_RECURSION);
  for (const char* domain : {"VIPS", "Pango"}) g_log_set_handler(domain, levels, discard, nullptr);
  if (vips_init("likeness") != 0) {
    throw Error(ErrorCode::kUnsupported, "libvips does not start: " + take_vips_message());
  }
  vips_block_untrusted_set(TRUE);
  vips_cache_set_max(0);  // every photo is read once; a cache would only make memory grow
  vips_concurrency_set(1);
}

}  // namespace

void start_vips() {
  static std::once_flag once;
  std::call_once(once, start_once);
}

std::string take_vips_message() {
  const std::unique_ptr<char, void (*)(gpointer)> all(vips_error_buffer_copy(), g_free);
  const std::string text(all.get());
  return text.substr(0, text.find('\n'));
}

}  // namespace likeness
