#pragma once

#include <string>
#include <vector>

namespace likeness {

/// What a program did: its exit code (128 + signal where one ended it) and what it wrote.
struct ProgramResult {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs the likeness program that was built with the tests, without a shell.
[[nodiscard]] ProgramResult run_likeness(const std::vector<std::string>& arguments);
/// The same with these bytes in a pipe as its standard input.
[[nodiscard]] ProgramResult run_likeness_on(const std::string& input,
                                            const std::vector<std::string>& arguments);

/// Lines of `text`, without their ends.
[[nodiscard]] std::vector<std::string> lines(const std::string& text);

}  // namespace likeness
