#include "tests/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace likeness {
namespace {

std::string read_all(std::FILE* file) {
  std::rewind(file);
  std::string text;
  char piece[4096];
  for (std::size_t n; (n = std::fread(piece, 1, sizeof piece, file)) > 0;) text.append(piece, n);
  std::fclose(file);
  return text;
}

/// With `input` as the program's standard input; -1: the test's own.
ProgramResult run(const std::vector<std::string>& arguments, int input) {
  // The tests name their packs themselves where it matters; everywhere else the checkout's are meant.
  ::setenv("LIKENESS_MODELS", LIKENESS_MODELS, /*overwrite=*/0);
  ::setenv("XDG_CACHE_HOME", (std::filesystem::temp_directory_path() / "likeness_test_cache").c_str(), 0);
  std::vector<char*> argv{const_cast<char*>(LIKENESS_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input >= 0) posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ::fileno(out), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ::fileno(err), STDERR_FILENO);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error(std::string("cannot start ") + argv[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, read_all(out), read_all(err)};
}

}  // namespace

ProgramResult run_likeness(const std::vector<std::string>& arguments) { return run(arguments, -1); }

ProgramResult run_likeness_on(const std::string& input, const std::vector<std::string>& arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // a program that does not read to the end
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::thread writer([&] {
    for (std::size_t at = 0; at < input.size();) {
      const auto written = ::write(ends[1], input.data() + at, input.size() - at);
      if (written <= 0) break;
      at += static_cast<std::size_t>(written);
    }
    ::close(ends[1]);
  });
  ProgramResult result = run(arguments, ends[0]);
  ::close(ends[0]);
  writer.join();
  return result;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

}  // namespace likeness
