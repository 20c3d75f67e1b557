#include "likeness/version.h"

namespace likeness {

const char* version() { return LIKENESS_VERSION; }

}  // namespace likeness
