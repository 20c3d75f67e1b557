#include "likeness/image/vips_setup.h"

#include <dlfcn.h>
#include <gmodule.h>
#include <vips/vips.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "likeness/core/error.h"

namespace likeness {
namespace {

constexpr const char* kHome = "VIPSHOME";

void discard(const gchar*, GLogLevelFlags, const gchar*, gpointer) {}

/// The folder of modules beside the libvips that is loaded, e.g.
/// "/usr/lib/x86_64-linux-gnu/vips-modules-8.14".
std::optional<std::filesystem::path> module_folder() {
  // The library's own symbol: the name alone may stand for a stub in the program.
  const void* symbol = dlsym(RTLD_NEXT, "vips_init");
  Dl_info library{};
  if (symbol == nullptr || dladdr(symbol, &library) == 0 || library.dli_fname == nullptr) return std::nullopt;
  return std::filesystem::path(library.dli_fname).parent_path() /
         ("vips-modules-" + std::to_string(vips_version(0)) + "." + std::to_string(vips_version(1)));
}

void load_heif_once() {
  if (vips_type_find("VipsForeignLoad", "heifload_buffer") != 0)
    return;  // built in, or loaded by the program
  const auto folder = module_folder();
  if (!folder) return;
  if (GModule* module = g_module_open((*folder / "vips-heif.so").c_str(), G_MODULE_BIND_LAZY)) {
    g_module_make_resident(module);  // its types cannot be taken back
    vips_block_untrusted_set(TRUE);
  }
}

void start_once() {
  // Before vips_init, which already warns about modules it cannot load. What matters reaches us as an error.
  const auto levels = static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK | G_LOG_FLAG_RECURSION);
  for (const char* domain : {"VIPS", "Pango"}) g_log_set_handler(domain, levels, discard, nullptr);
  const bool home_given = g_getenv(kHome) != nullptr;
  const int failed = vips_init("likeness");
  if (!home_given)
    g_unsetenv(kHome);  // vips_init notes there where it found itself, and does not read it again
  if (failed != 0) {
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

void load_heif() {
  static std::once_flag once;
  std::call_once(once, load_heif_once);
}

std::string take_vips_message() {
  const std::unique_ptr<char, void (*)(gpointer)> all(vips_error_buffer_copy(), g_free);
  const std::string text(all.get());
  return text.substr(0, text.find('\n'));
}

}  // namespace likeness
