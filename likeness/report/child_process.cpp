#include "likeness/report/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
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

// The input goes through a socket and not through a pipe, for a socket says that nobody reads any more
// without a signal that ends us.
struct ChildProcess::Running {
  Descriptor input;
  Descriptor output = memory_file("output");
  Descriptor errors = memory_file("errors");
  pid_t child = 0;  ///< 0: no such program, or ended.

  /// Exit code, or -1 where a signal ended it.
  int wait() {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
      if (errno != EINTR) fail("cannot wait for a program");
    }
    child = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

ChildProcess::ChildProcess(const std::vector<std::string>& arguments)
    : running_(std::make_unique<Running>()) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("cannot make a socket");
  running_->input = Descriptor(ends[0]);
  const Descriptor in(ends[1]);

  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, running_->output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, running_->errors.get(), STDERR_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) {
    running_->child = child;
  } else if (error != ENOENT && error != EACCES) {
    errno = error;
    fail("cannot start a program");
  }
}

ChildProcess::~ChildProcess() {
  if (!running_ || running_->child == 0) return;
  running_->input.close();
  ::waitpid(running_->child, nullptr, 0);
}

ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  running_.swap(other.running_);
  return *this;
}

bool ChildProcess::started() const { return running_->child != 0; }

void ChildProcess::give(std::string_view input) {
  while (!input.empty()) {
    const ssize_t sent = ::send(running_->input.get(), input.data(), input.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) break;
    if (sent < 0) fail("cannot write to a program");
    input.remove_prefix(static_cast<std::size_t>(sent));
  }
  running_->input.close();
}

ChildResult ChildProcess::finish() {
  ChildResult result;
  if (!started()) return result;
  running_->input.close();
  result.started = true;
  result.status = running_->wait();
  result.output = content_of(running_->output);
  const std::vector<std::byte> said = content_of(running_->errors);
  result.errors.assign(reinterpret_cast<const char*>(said.data()), said.size());
  return result;
}

ChildResult run_program(const std::vector<std::string>& arguments, std::string_view input) {
  ChildProcess program(arguments);
  if (program.started()) program.give(input);
  return program.finish();
}

}  // namespace likeness
