// Linked into what clang's sanitizers watch (CMakeLists.txt). They end a program that opens a library with
// RTLD_DEEPBIND, as TBB does with its libtbbbind; this takes the flag away, and their own dlopen() does the
// rest.
#include <dlfcn.h>

extern "C" void* __interceptor_dlopen(const char* file, int flags);  // NOLINT: the sanitizer's name

extern "C" __attribute__((visibility("default"))) void* dlopen(const char* file, int flags) noexcept {
  return __interceptor_dlopen(file, flags & ~RTLD_DEEPBIND);
}
