#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace likeness {

/// What a child process may use before it is stopped.
struct ChildLimits {
  std::size_t memory_bytes =
      6UL << 30;      ///< More address space than at its start; not set under sanitizers, which need it all.
  int seconds = 120;  ///< Of the clock, and of processor time.
};

/// Runs `program`, whose main() is child_main(), with `arguments` as a process of its own whose crash,
/// endless loop or appetite cannot harm this one, and waits. Nothing is forked but by the system
/// (posix_spawn), so that this process may have threads. What the child prints is dropped; files that it
/// writes stay. `what` (a file) starts the messages. The child is killed when the limits are reached.
/// @throws Error with the code and message that the child's work threw; kModelInvalid where the child was
/// stopped or crashed; kUnsupported where `program` cannot be started.
void run_in_child(const std::string& what, const std::filesystem::path& program,
                  const std::vector<std::string>& arguments, ChildLimits limits = {});

/// The main() of such a program: sets the limits, does `work` with the caller's arguments, and tells
/// run_in_child() how it ended. @returns the exit code; 2 where nobody is listening.
[[nodiscard]] int child_main(int argc, char** argv,
                             const std::function<void(const std::vector<std::string>&)>& work);

}  // namespace likeness
