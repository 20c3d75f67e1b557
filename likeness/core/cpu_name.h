#pragma once

#include <string>

namespace likeness {

/// The processor's name, as the system gives it; empty where it gives none.
[[nodiscard]] std::string cpu_name();

}  // namespace likeness
