#include "likeness/infer/limited_child.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <new>

#include "likeness/core/error.h"

namespace likeness {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

void limit(int resource, rlim_t value) {
  rlimit current{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &current) != 0) return;
  current.rlim_cur = std::min(value, current.rlim_max);
  ::setrlimit(static_cast<__rlimit_resource>(resource), &current);
}

/// Bytes of address space this process has now; the limit counts from there.
rlim_t address_space() {
  std::ifstream file("/proc/self/statm");
  unsigned long pages = 0;
  file >> pages;
  return static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

void write_all(int to, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(to, text.data() + done, text.size() - done);
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

/// The child's whole life. Its last words: one byte, 'k' for done or the error's code, and the message.
[[noreturn]] void be_child(int to, const std::function<void()>& work, const ChildLimits& limits) {
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int stream : {0, 1, 2}) ::dup2(nowhere, stream);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(signal, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, static_cast<rlim_t>(limits.seconds));
  ::mallopt(M_ARENA_MAX,
            1);  // else each thread that OpenVINO starts would take address space for a heap of its own
  if (!kSanitized) limit(RLIMIT_AS, address_space() + limits.memory_bytes);
  std::string words = "k";
  try {
    work();
  } catch (const Error& e) {
    words = static_cast<char>('0' + static_cast<int>(e.code())) + std::string(e.what());
  } catch (const std::bad_alloc&) {
    words = static_cast<char>('0' + static_cast<int>(ErrorCode::kModelInvalid)) +
            std::string("\1needs too much memory");
  } catch (const std::exception& e) {
    words =
        static_cast<char>('0' + static_cast<int>(ErrorCode::kModelInvalid)) + std::string("\1") + e.what();
  }
  write_all(to, words);
  ::_exit(0);  // no destructors: they belong to the parent
}

/// Everything the child says until it closes the pipe; false where time ran out first.
bool listen(int from, int seconds, std::string& words) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (char piece[4096];;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd wait{from, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max<long long>(0, left.count())));
    if (ready == 0) return false;
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t n = ::read(from, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    words.append(piece, static_cast<std::size_t>(n));
  }
}

}  // namespace

void run_in_child(const std::string& what, const std::function<void()>& work, ChildLimits limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw Error(ErrorCode::kUnsupported,
                "cannot start a process to read " + what + ": " + std::strerror(errno));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    be_child(ends[1], work, limits);
  }
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    throw Error(ErrorCode::kUnsupported,
                "cannot start a process to read " + what + ": " + std::strerror(errno));
  }
  std::string words;
  const bool in_time = listen(ends[0], limits.seconds, words);
  ::close(ends[0]);
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)) {
    throw Error(ErrorCode::kModelInvalid,
                what + ": reading it took over " + std::to_string(limits.seconds) + " s");
  }
  if (WIFSIGNALED(status) || words.empty()) {
    throw Error(ErrorCode::kModelInvalid,
                what + ": its reader crashed (" +
                    (WIFSIGNALED(status) ? std::string(::strsignal(WTERMSIG(status))) : "no answer") +
                    "), so the file is damaged");
  }
  if (words == "k") return;
  // Names from a damaged file stand in the message; it shall stay one line that a terminal can show.
  const std::size_t first = words.starts_with(std::string{words[0], '\1'}) ? 2 : 1;
  std::replace_if(
      words.begin() + static_cast<long>(first), words.end(),
      [](unsigned char c) { return c < ' ' || c == 127; }, '?');
  constexpr std::size_t kLongest = 1000;
  if (words.size() > kLongest) words.replace(kLongest, std::string::npos, "...");
  const auto code = static_cast<ErrorCode>(words[0] - '0');
  throw Error(code, first == 2 ? what + ": " + words.substr(2) : words.substr(1));
}

}  // namespace likeness
