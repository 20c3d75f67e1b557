#pragma once

#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace likeness {

/// Runs work(part) for every part, each on a thread of its own, the first on this one. Returns when all are
/// done; of what they threw, the first is thrown again.
template <typename Work>
void in_parts(std::size_t parts, const Work& work) {
  std::mutex lock;
  std::exception_ptr trouble;
  const auto guarded = [&](std::size_t part) {
    try {
      work(part);
    } catch (...) {
      const std::lock_guard guard(lock);
      if (!trouble) trouble = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;  // joined also where one more cannot be started
    for (std::size_t part = 1; part < parts; ++part) threads.emplace_back(guarded, part);
    guarded(0);
  }
  if (trouble) std::rethrow_exception(trouble);
}

}  // namespace likeness
