#include "serve/photo_sources.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "serve/api_v1/json.h"
#include "serve/refusal.h"
#include "serve/searching.h"

namespace likeness::serve {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kRemembered = 64;         ///< Photos of one source.
constexpr milliseconds kLongestPause{300'000};  ///< Between two looks at a camera that does not answer.
constexpr milliseconds kFolderPause{5000};      ///< Until a folder that is gone is looked for again.

/// A file descriptor, closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { reset(-1); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }
  void reset(int number) {
    if (number_ >= 0) ::close(number_);
    number_ = number;
  }

 private:
  int number_;
};

/// The bytes of a file that is a photo's: regular, not empty, not too large. Empty: it is gone, or no such.
/// @throws Refusal 413.
std::string read_photo(const std::filesystem::path& file) {
  // A link may lead anywhere, and a pipe would keep us waiting.
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat about {};
  if (in.get() < 0 || ::fstat(in.get(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
  if (static_cast<std::size_t>(about.st_size) > kMostPhotoBytes)
    throw Refusal(413, "too_large", "a photo is larger than 20 MiB");
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(in.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

/// What all sources do with a photo, and their thread.
class PhotoSources::Source {
 public:
  Source(Service& service, std::string name, std::string gallery)
      : service_(service), name_(std::move(name)), gallery_(std::move(gallery)) {}
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  /// Asks the thread to end, without waiting for it.
  void request_stop() { thread_.request_stop(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 protected:
  virtual void run(const std::stop_token& stop) = 0;

  /// Searches a photo and tells of it. `photo` is what it is called where it is kept for review.
  void search(const std::string& photo, const std::string& bytes) {
    std::string hash = sha256(std::as_bytes(std::span(bytes)));
    if (std::find(seen_.begin(), seen_.end(), hash) != seen_.end()) return;
    seen_.push_back(std::move(hash));
    if (seen_.size() > kRemembered) seen_.pop_front();
    const auto begin = std::chrono::steady_clock::now();
    AuditLog::Entry entry{
        .request = new_request_id(), .action = "searchFaces", .gallery = gallery_, .status = 200};
    Json line{{"level", "info"}, {"request", entry.request}, {"operation", "source"}, {"source", name_}};
    try {
      const PhotoFaces faces = look_at(service_, Upload{.field = "photo", .name = photo, .bytes = bytes});
      const FacesFound found = search_faces(service_, service_.gallery(gallery_), faces.averaged, &faces,
                                            {.threshold = {}, .source = name_});
      entry.faces = static_cast<std::int64_t>(found.answers.size());
      entry.named = static_cast<std::int64_t>(found.named);
      service_.audit_log().add(entry);
    } catch (const std::exception& error) {
      const Refusal refusal = refusal_for(error);
      entry.status = refusal.status();
      line["level"] = "warning";
      line["error"] = refusal.code();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    service_.metrics().count_request("source", entry.status, took.count());
    line["status"] = entry.status;
    line["ms"] = took.count() * 1000;
    line["gallery"] = gallery_;
    service_.note(line);
  }

  // What is told holds neither files' names nor addresses.
  void warn(const std::string& trouble) {
    service_.note({{"level", "warning"}, {"operation", "source"}, {"source", name_}, {"error", trouble}});
  }
  /// The same once, when it begins; empty: all is well.
  void tell_state(const std::string& trouble) {
    if (trouble == std::exchange(trouble_, trouble)) return;
    if (!trouble.empty()) return warn(trouble);
    service_.note({{"level", "info"}, {"operation", "source"}, {"source", name_}, {"state", "back"}});
  }

  /// Whether it is to go on.
  static bool pause(const std::stop_token& stop, milliseconds time) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
  }

 private:
  Service& service_;
  const std::string name_;
  const std::string gallery_;
  std::deque<std::string> seen_;
  std::string trouble_;
  std::jthread thread_;
};

/// A folder, by inotify: a file is there when whoever wrote it has closed it, or has moved it here.
class PhotoSources::Folder final : public Source {
 public:
  Folder(Service& service, const WatchedFolder& watched, const std::string& gallery)
      : Source(service, watched.name, gallery), folder_(watched.folder) {
    if (!watch())
      throw Error(ErrorCode::kInputUnreadable,
                  "cannot watch " + folder_.string() + ": " + std::generic_category().message(errno));
    wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  }

 private:
  bool watch() {
    notices_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    return notices_.get() >= 0 && ::inotify_add_watch(notices_.get(), folder_.c_str(),
                                                      IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR |
                                                          IN_DELETE_SELF | IN_MOVE_SELF) >= 0;
  }

  void run(const std::stop_token& stop) override {
    const std::stop_callback waker(stop, [this] {
      const std::uint64_t one = 1;
      (void)!::write(wake_.get(), &one, sizeof one);
    });
    while (true) {
      follow(stop);
      do {
        if (stop.stop_requested()) return;
        tell_state("the folder is gone");
        if (!pause(stop, kFolderPause)) return;
      } while (!watch());
      tell_state("");
    }
  }

  /// Until the folder is gone.
  void follow(const std::stop_token& stop) {
    alignas(inotify_event) std::array<char, 16384> buffer{};
    while (!stop.stop_requested()) {
      std::array<pollfd, 2> watched{};
      watched[0] = {.fd = notices_.get(), .events = POLLIN, .revents = 0};
      watched[1] = {.fd = wake_.get(), .events = POLLIN, .revents = 0};
      (void)::poll(watched.data(), watched.size(), -1);
      const ssize_t bytes = ::read(notices_.get(), buffer.data(), buffer.size());
      if (bytes <= 0) continue;
      for (ssize_t at = 0; at < bytes && !stop.stop_requested();) {
        inotify_event notice{};
        std::memcpy(&notice, buffer.data() + at, sizeof notice);
        const std::string name(buffer.data() + at + sizeof notice,
                               ::strnlen(buffer.data() + at + sizeof notice, notice.len));
        at += static_cast<ssize_t>(sizeof notice + notice.len);
        if ((notice.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0) return;
        if ((notice.mask & IN_Q_OVERFLOW) != 0) warn("photos came faster than they were looked at");
        if ((notice.mask & IN_ISDIR) == 0 && !name.empty()) take(name);
      }
    }
  }

  void take(const std::string& name) {
    if (name.front() == '.') return;  // where programs write before they rename
    try {
      const std::string bytes = read_photo(folder_ / name);
      if (!bytes.empty()) search(name, bytes);
    } catch (const Refusal& refusal) {
      warn(refusal.what());
    }
  }

  const std::filesystem::path folder_;
  Descriptor notices_;
  Descriptor wake_;
};

/// A camera, by GET.
class PhotoSources::Camera final : public Source {
 public:
  Camera(Service& service, const Snapshot& snapshot, const PhotoSourcesOptions& options)
      : Source(service, snapshot.name, options.gallery),
        name_(snapshot.name),
        url_(snapshot.url),
        options_(options) {}

 private:
  void run(const std::stop_token& stop) override {
    milliseconds wait = options_.every;
    do {
      const std::string trouble = look(stop);
      if (stop.stop_requested()) return;
      tell_state(trouble);
      // A camera that is away is asked ever less often.
      wait = trouble.empty() ? options_.every : std::min(2 * wait, std::max(kLongestPause, options_.every));
    } while (pause(stop, wait));
  }

  /// What is wrong; empty: nothing.
  std::string look(const std::stop_token& stop) {
    try {
      const Response answer = options_.get(url_, stop);
      if (answer.status != 200) return "the camera answers with status " + std::to_string(answer.status);
      if (answer.body.empty()) return "the camera's answer is empty";
      search(name_, answer.body);
    } catch (const std::exception& error) {
      return error.what();
    }
    return {};
  }

  const std::string name_;
  const std::string url_;
  const PhotoSourcesOptions& options_;
};

PhotoSources::PhotoSources(Service& service, PhotoSourcesOptions options) : options_(std::move(options)) {
  (void)service.gallery(options_.gallery);
  for (const WatchedFolder& folder : options_.folders)
    sources_.push_back(std::make_unique<Folder>(service, folder, options_.gallery));
  for (const Snapshot& snapshot : options_.snapshots)
    sources_.push_back(std::make_unique<Camera>(service, snapshot, options_));
  for (const auto& source : sources_) source->start();
}

PhotoSources::~PhotoSources() {
  for (const auto& source : sources_) source->request_stop();
  for (const auto& source : sources_) source->join();
}

}  // namespace likeness::serve
