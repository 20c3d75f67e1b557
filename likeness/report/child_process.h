#pragma once

#include <cstddef>
#include <memory>
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

/// A program found on PATH, started without a shell, that waits for its input: for one that takes long to get
/// ready while there is other work. Not for two threads at once.
class ChildProcess {
 public:
  /// @throws Error kUnsupported where the system gives no socket, memory file or process.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  /// Ends the program's input where finish() was not called, and waits for its end.
  ~ChildProcess();
  ChildProcess(ChildProcess&&) noexcept;
  ChildProcess& operator=(ChildProcess&&) noexcept;

  /// False: there is no such program.
  [[nodiscard]] bool started() const;
  /// Sends `input`, all of it once, and ends the program's input. A program that reads no more is not waited
  /// for: how it ended tells why. @throws Error kUnsupported where sending fails otherwise.
  void give(std::string_view input);
  /// Waits for the program's end, ending its input first; once. @throws Error kUnsupported.
  [[nodiscard]] ChildResult finish();

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

/// Runs a program found on PATH to its end, without a shell, `input` on its stdin. @throws Error kUnsupported
/// where the system gives no socket or process.
[[nodiscard]] ChildResult run_program(const std::vector<std::string>& arguments, std::string_view input);

}  // namespace likeness
