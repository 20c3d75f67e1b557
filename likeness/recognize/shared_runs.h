#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

#include "likeness/embed/embedder.h"
#include "likeness/image/chip.h"

namespace likeness {

/// Lets faces of calls that go on at once share a run of the network: most of a run with one face is reading
/// the weights (bench/RESULTS.md, "The service"). A call waits for others whose photos are being looked at,
/// but no longer than kMostWait, and not at all where there are none. Threads share one.
class SharedRuns {
 public:
  static constexpr std::size_t kEnough = 8;  ///< Faces: as quick a face as 32 (bench/RESULTS.md).
  static constexpr std::chrono::milliseconds kMostWait{20};

  /// At most `most_runs` go on at once.
  explicit SharedRuns(std::size_t most_runs) : most_runs_(most_runs) {}

  /// Says that a call will come to embed(), or not: its photo is looked at while this lives.
  class Coming {
   public:
    explicit Coming(SharedRuns& runs);
    ~Coming();
    Coming(const Coming&) = delete;
    Coming& operator=(const Coming&) = delete;

   private:
    SharedRuns& runs_;
  };

  /// Computes chips, `each` a face; where several calls share a run it is one of the calls' threads that
  /// does.
  using Run = std::function<ViewEmbeddings(const std::vector<Chip>& chips, std::size_t each)>;

  /// The embeddings of the chips, in their order. What `run` throws comes out of every call that shared it.
  [[nodiscard]] ViewEmbeddings embed(std::vector<Chip> chips, std::size_t each, const Run& run);

 private:
  struct Call {
    std::vector<Chip> chips;
    ViewEmbeddings result{};
    std::exception_ptr failure{};
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
    bool taken = false;
    bool done = false;
  };

  [[nodiscard]] std::size_t waiting_faces(std::size_t each) const;
  [[nodiscard]] bool worth_running(std::size_t each) const;
  [[nodiscard]] std::vector<Call*> take(std::size_t each);
  static void compute(const std::vector<Call*>& calls, std::size_t each, const Run& run);

  const std::size_t most_runs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call*> waiting_;
  std::size_t running_ = 0;
  std::size_t coming_ = 0;
};

}  // namespace likeness
