#include "tests/running_server.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <stdexcept>
#include <thread>
#include <utility>

extern char** environ;

namespace likeness {
namespace {

std::vector<std::string> serve_arguments(const std::vector<std::string>& arguments, int most_kib) {
  ::setenv("XDG_CACHE_HOME", (std::filesystem::temp_directory_path() / "likeness_test_cache").c_str(), 0);
  std::vector<std::string> all;
  if (most_kib > 0)
    all = {"/bin/sh", "-c", "ulimit -f " + std::to_string(2 * most_kib) + " && exec \"$0\" \"$@\""};
  all.insert(all.end(), {LIKENESS_PROGRAM, "serve"});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

}  // namespace

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

RunningProgram::RunningProgram(const std::filesystem::path& log, std::vector<std::string> arguments)
    : log_(log) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, file, STDERR_FILENO);
  const int failed = ::posix_spawn(&child_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(file);
  if (failed != 0) throw std::runtime_error("cannot start " + arguments.front());
}

RunningProgram::~RunningProgram() {
  if (child_ == 0) return;
  ::kill(child_, SIGKILL);
  (void)wait();
}

bool RunningProgram::ended() {
  if (child_ != 0 && ::waitpid(child_, nullptr, WNOHANG) != 0) child_ = 0;
  return child_ == 0;
}

void RunningProgram::signal(int number) const { ::kill(child_, number); }

int RunningProgram::wait() {
  int status = 0;
  ::waitpid(std::exchange(child_, 0), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

RunningServer::RunningServer(const std::filesystem::path& log, const std::vector<std::string>& arguments,
                             int most_kib)
    : RunningProgram(log, serve_arguments(arguments, most_kib)) {
  const std::regex line("listening on https?://[^ ]+:([0-9]+),");
  for (int i = 0; i < 1500 && !ended(); ++i) {
    std::smatch found;
    const std::string text = this->log();
    if (std::regex_search(text, found, line)) {
      port_ = static_cast<std::uint16_t>(std::stoi(found[1]));
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw std::runtime_error("the server did not start: " + this->log());
}

}  // namespace likeness
