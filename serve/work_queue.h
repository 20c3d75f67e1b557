#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace likeness::serve {

/// Threads that take work from a queue with an end. Threads may share one.
class WorkQueue {
 public:
  WorkQueue(std::size_t threads, std::size_t most_waiting);
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  /// Does what is queued first.
  ~WorkQueue();

  /// False where too much waits already. `work` must not throw.
  [[nodiscard]] bool submit(std::function<void()> work);
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] bool full() const;

 private:
  void work();

  const std::size_t most_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::function<void()>> queue_;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace likeness::serve
