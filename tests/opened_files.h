#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>

namespace likeness {

/// Counts how often anybody opens the files in a folder and those below it, from now on. The kernel tells.
class OpenedFiles {
 public:
  explicit OpenedFiles(const std::filesystem::path& folder) : queue_(::inotify_init1(IN_NONBLOCK)) {
    watch(folder);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_directory()) watch(entry.path());
    }
  }
  OpenedFiles(const OpenedFiles&) = delete;
  OpenedFiles& operator=(const OpenedFiles&) = delete;
  ~OpenedFiles() { ::close(queue_); }

  /// By the file's name. Closing is watched, too: the kernel makes one of two equal events in a row.
  [[nodiscard]] std::map<std::string, int> counts() {
    alignas(inotify_event) char buffer[64 << 10];
    for (ssize_t size = ::read(queue_, buffer, sizeof buffer); size > 0;
         size = ::read(queue_, buffer, sizeof buffer)) {
      for (const char* at = buffer; at < buffer + size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        EXPECT_EQ(event->mask & IN_Q_OVERFLOW, 0U);
        if ((event->mask & IN_OPEN) != 0 && (event->mask & IN_ISDIR) == 0 && event->len > 0)
          ++counts_[event->name];
        at += sizeof(inotify_event) + event->len;
      }
    }
    return counts_;
  }

 private:
  void watch(const std::filesystem::path& folder) {
    EXPECT_GE(::inotify_add_watch(queue_, folder.c_str(), IN_OPEN | IN_CLOSE), 0) << folder;
  }

  int queue_;
  std::map<std::string, int> counts_;
};

}  // namespace likeness
