#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace likeness {

[[nodiscard]] std::string read_text(const std::filesystem::path& file);

/// A program that runs in the background. Killed by the destructor.
class RunningProgram {
 public:
  /// What it says on stderr goes to `log`. @throws std::runtime_error where it cannot be started.
  RunningProgram(const std::filesystem::path& log, std::vector<std::string> arguments);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  [[nodiscard]] std::string log() const { return read_text(log_); }
  [[nodiscard]] bool ended();
  void signal(int number) const;
  /// Its exit code, or 128 + the signal that ended it.
  int wait();

 private:
  std::filesystem::path log_;
  pid_t child_ = 0;
};

/// `likeness serve`, from when it listens.
class RunningServer : public RunningProgram {
 public:
  /// `most_kib`: no file that it writes may grow beyond it, as on a full disk; 0: as large as it likes.
  RunningServer(const std::filesystem::path& log, const std::vector<std::string>& arguments,
                int most_kib = 0);
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;
};

}  // namespace likeness
