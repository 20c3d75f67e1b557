#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

extern char** environ;

namespace likeness {

inline std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A server that runs. Killed by the destructor.
class Server {
 public:
  /// `most_kib`: no file that it writes may grow beyond it, as on a full disk; 0: as large as it likes.
  Server(const std::filesystem::path& log, std::vector<std::string> arguments, int most_kib = 0) : log_(log) {
    ::setenv("XDG_CACHE_HOME", (std::filesystem::temp_directory_path() / "likeness_test_cache").c_str(), 0);
    arguments.insert(arguments.begin(), "serve");
    arguments.insert(arguments.begin(), LIKENESS_PROGRAM);
    if (most_kib > 0) {
      const std::string limited = "ulimit -f " + std::to_string(2 * most_kib) + " && exec \"$0\" \"$@\"";
      arguments.insert(arguments.begin(), {"/bin/sh", "-c", limited});
    }
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, file, STDERR_FILENO);
    if (::posix_spawn(&child_, argv[0], &actions, nullptr, argv.data(), environ) != 0) child_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    ::close(file);
    wait_for_port();
  }
  ~Server() {
    if (child_ == 0) return;
    ::kill(child_, SIGKILL);
    (void)wait();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string log() const { return read_text(log_); }
  void signal(int number) const { ::kill(child_, number); }
  /// Its exit code, or 128 + the signal that ended it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(child_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  void wait_for_port() {
    const std::regex line("listening on https?://[^ ]+:([0-9]+),");
    for (int i = 0; i < 600 && child_ != 0; ++i) {
      std::smatch found;
      const std::string text = log();
      if (std::regex_search(text, found, line)) {
        port_ = static_cast<std::uint16_t>(std::stoi(found[1]));
        return;
      }
      if (::waitpid(child_, nullptr, WNOHANG) != 0) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error("the server did not start: " + log());
  }

  std::filesystem::path log_;
  pid_t child_ = 0;
  std::uint16_t port_ = 0;
};

}  // namespace likeness
