#pragma once

#include <atomic>

#include "likeness/core/sanitizers.h"

namespace likeness {

/// TBB comes as a prebuilt library, so the thread sanitizer does not see that one step of its work ends
/// before the next begins, nor that its caller waits. A Step around each of them, and one behind the wait,
/// shows it that order; without the sanitizer it is nothing.
class Step {
 public:
#if LIKENESS_THREAD_SANITIZER
  explicit Step(std::atomic<unsigned>& order) : order_(order) {
    order_.fetch_add(1, std::memory_order_acq_rel);
  }
  ~Step() { order_.fetch_add(1, std::memory_order_acq_rel); }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  std::atomic<unsigned>& order_;
#else
  explicit Step(std::atomic<unsigned>&) {}
#endif
};

}  // namespace likeness
