#pragma once

/// Whether this is compiled for a sanitizer, which g++ says in one way and clang in another.
#if defined(__has_feature)
#define LIKENESS_HAS_FEATURE(feature) __has_feature(feature)
#else
#define LIKENESS_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || LIKENESS_HAS_FEATURE(thread_sanitizer)
#define LIKENESS_THREAD_SANITIZER 1
#else
#define LIKENESS_THREAD_SANITIZER 0
#endif

#if defined(__SANITIZE_ADDRESS__) || LIKENESS_HAS_FEATURE(address_sanitizer)
#define LIKENESS_ADDRESS_SANITIZER 1
#else
#define LIKENESS_ADDRESS_SANITIZER 0
#endif
