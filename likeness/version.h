#pragma once

/// Version of these headers. The one place where it stands; the build and the packages read it here.
#define LIKENESS_VERSION "0.1.0"
#define LIKENESS_VERSION_MAJOR 0
#define LIKENESS_VERSION_MINOR 1
#define LIKENESS_VERSION_PATCH 0

namespace likeness {

/// Version of the library that the program runs with, as "0.1.0". Differs from LIKENESS_VERSION where a
/// shared library took the place of the one that the program was built with. Until 1.0 the minor version
/// counts changes that need a rebuild.
[[nodiscard]] const char* version();

}  // namespace likeness
