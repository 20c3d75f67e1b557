#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

struct ChildResult {
  bool started = false;  ///< False: no such program.
  int status = -1;       ///< Exit code, or -1 where a signal ended it.
  std::vector<std::byte> output;
  std::string errors;  ///< What it said on stderr.
};

/// Runs a program found on PATH to its end, without a shell, `input` on its stdin. @throws Error kUnsupported
/// where the system gives no pipe or process.
[[nodiscard]] ChildResult run_program(const std::vector<std::string>& arguments, std::string_view input);

}  // namespace likeness
