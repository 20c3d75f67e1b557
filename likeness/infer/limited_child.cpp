#include "likeness/infer/limited_child.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>

#include "likeness/core/error.h"
#include "likeness/core/sanitizers.h"
#include "likeness/infer/openvino_module.h"

namespace likeness {
namespace {

constexpr bool kSanitized = LIKENESS_ADDRESS_SANITIZER || LIKENESS_THREAD_SANITIZER;

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

/// Where the child's last words go.
constexpr int kWords = 3;

/// Starts `program` with the pipe's end `words` as its kWords and nothing else of ours. @returns its number,
/// or -1 with errno.
pid_t start(const std::filesystem::path& program, const std::vector<std::string>& arguments, int words) {
  std::vector<std::string> texts{program.string()};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const int stream : {0, 1, 2})
    ::posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  ::posix_spawn_file_actions_adddup2(&actions, words, kWords);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kWords + 1);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  errno = error;
  return error == 0 ? child : -1;
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

void run_in_child(const std::string& what, const std::filesystem::path& program,
                  const std::vector<std::string>& arguments, ChildLimits limits) {
  const auto cannot_start = [&] {
    return Error(ErrorCode::kUnsupported,
                 "cannot start " + program.string() + " to read " + what + ": " + std::strerror(errno));
  };
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw cannot_start();
  std::vector<std::string> all{std::to_string(limits.memory_bytes), std::to_string(limits.seconds)};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const pid_t child = start(program, all, ends[1]);
  const int error = errno;
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    errno = error;
    throw cannot_start();
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
  words.resize(std::max<std::size_t>(words.size(), 2));
  const bool unknown = words[1] == '\1';
  std::replace_if(
      words.begin() + 2, words.end(), [](unsigned char c) { return c < ' ' || c == 127; }, '?');
  constexpr std::size_t kLongest = 1000;
  if (words.size() > kLongest) words.replace(kLongest, std::string::npos, "...");
  const auto code = static_cast<ErrorCode>(words[0] - '0');
  if (unknown) throw Error(code, what + ": " + words.substr(2));
  throw Error(code, words.substr(2), static_cast<Remedy>(words[1] - '0'));
}

// Its last words: 'k' for done, or the error's code, its remedy (\1 where it is of nobody we know), the
// message.
int child_main(int argc, char** argv, const std::function<void(const std::vector<std::string>&)>& work) {
  if (argc < 3 || ::fcntl(kWords, F_GETFD) < 0) return 2;
  const auto number = [&](int i) { return static_cast<rlim_t>(std::strtoull(argv[i], nullptr, 10)); };
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, number(2));
  ::mallopt(M_ARENA_MAX,
            1);  // else each thread that OpenVINO starts would take address space for a heap of its own
  std::string words = "k";
  const std::string invalid(1, static_cast<char>('0' + static_cast<int>(ErrorCode::kModelInvalid)));
  try {
    (void)openvino_module(argc > 3 ? std::string("reading ") + argv[3]
                                   : "reading");  // it is not what the limit on memory is for
    if (!kSanitized) limit(RLIMIT_AS, address_space() + number(1));
    work({argv + 3, argv + argc});
  } catch (const Error& e) {
    words = {static_cast<char>('0' + static_cast<int>(e.code())),
             static_cast<char>('0' + static_cast<int>(e.remedy()))};
    words += e.what();
  } catch (const std::bad_alloc&) {
    words = invalid + "\1needs too much memory";
  } catch (const std::exception& e) {
    words = invalid + "\1" + e.what();
  }
  write_all(kWords, words);
  ::_exit(0);  // what foreign readers left behind may crash in a destructor
}

}  // namespace likeness
