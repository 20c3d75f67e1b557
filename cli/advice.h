#pragma once

#include <string>

#include "likeness/core/error.h"

namespace likeness::cli {

/// The error's message and, where something would help, what to type: the library's messages are facts and
/// know no options.
[[nodiscard]] std::string with_advice(const Error& error);

}  // namespace likeness::cli
