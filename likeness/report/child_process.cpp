#include "likeness/report/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "likeness/core/error.h"

namespace likeness {
namespace {

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::kUnsupported, std::string(what) + ": " + std::strerror(errno));
}

/// Memory that looks like a file: neither side can block on it, however much is written.
Descriptor memory_file(const char* name) {
  Descriptor file(::memfd_create(name, MFD_CLOEXEC));
  if (file.get() < 0) fail("cannot make a memory file");
  return file;
}

std::vector<std::byte> content_of(const Descriptor& file) {
  std::vector<std::byte> content;
  ::lseek(file.get(), 0, SEEK_SET);
  std::byte buffer[65536];
  for (ssize_t got = 0; (got = ::read(file.get(), buffer, sizeof buffer)) > 0;) {
    content.insert(content.end(), buffer, buffer + got);
  }
  return content;
}

}  // namespace

ChildResult run_program(const std::vector<std::string>& arguments, std::string_view input) {
  const Descriptor in = memory_file("input");
  const Descriptor out = memory_file("output");
  const Descriptor errors = memory_file("errors");
  for (std::size_t done = 0; done < input.size();) {
    const ssize_t written = ::write(in.get(), input.data() + done, input.size() - done);
    if (written < 0) fail("cannot write to a memory file");
    done += static_cast<std::size_t>(written);
  }
  ::lseek(in.get(), 0, SEEK_SET);

  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ChildResult result;
  if (error == ENOENT || error == EACCES) return result;
  if (error != 0) {
    errno = error;
    fail("cannot start a program");
  }
  result.started = true;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail("cannot wait for a program");
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result.output = content_of(out);
  const std::vector<std::byte> said = content_of(errors);
  result.errors.assign(reinterpret_cast<const char*>(said.data()), said.size());
  return result;
}

}  // namespace likeness
