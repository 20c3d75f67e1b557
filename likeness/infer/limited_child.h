#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace likeness {

/// What a child process may use before it is stopped.
struct ChildLimits {
  std::size_t memory_bytes =
      6UL << 30;      ///< More address space than now; not set under sanitizers, which need it all.
  int seconds = 120;  ///< Of the clock, and of processor time.
};

/// Runs `work` in a copy of this process (fork) whose crash, endless loop or appetite cannot harm this one,
/// and waits. What the child prints is dropped. Files that `work` writes stay; nothing else it does is seen
/// here. `what` (a file) starts the messages. The child is killed when the limits are reached.
/// @throws Error with the code and message `work` threw; kModelInvalid where the child was stopped or
/// crashed.
void run_in_child(const std::string& what, const std::function<void()>& work, ChildLimits limits = {});

}  // namespace likeness
