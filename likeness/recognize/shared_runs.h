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

/// Gives the processors to calls that go on at once, each on a thread of its own: a call first looks at its
/// photo, then its faces are embedded, where they share a run of the network with those of other calls, for
/// most of a run with one face is reading the weights (bench/RESULTS.md, "The service").
///
/// A processor that is free looks at the next photo while fewer than kEnough faces wait, and embeds what
/// waits where no photo does: it never stands idle to wait for faces. Faces that have waited for kMostWait go
/// before photos. Threads share one.
class SharedRuns {
 public:
  static constexpr std::size_t kEnough = 8;  ///< Faces: as quick a face as 32 (bench/RESULTS.md).
  static constexpr std::chrono::milliseconds kMostWait{20};

  /// For `processors` photos and runs at once.
  explicit SharedRuns(std::size_t processors) : processors_(processors) {}

  /// A call's turn on a processor. Made, it waits for its turn; the turn ends with it, or with embed().
  class Turn {
   public:
    explicit Turn(SharedRuns& runs);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    friend SharedRuns;
    SharedRuns* runs_;  ///< Null when the turn has ended.
  };

  /// Computes chips, `each` a face, on `processors`; where several calls share a run it is one of the calls'
  /// threads that does.
  using Run =
      std::function<ViewEmbeddings(const std::vector<Chip>& chips, std::size_t each, std::size_t processors)>;

  /// Ends the turn. The embeddings of the chips, in their order. What `run` throws comes out of every call
  /// that shared it.
  [[nodiscard]] ViewEmbeddings embed(Turn& turn, std::vector<Chip> chips, std::size_t each, const Run& run);

 private:
  enum class State { kWaits, kRuns, kDone };

  /// A call that waits: for its turn (no chips), or for its faces.
  struct Call {
    std::vector<Chip> chips{};
    std::size_t each = 1;
    ViewEmbeddings result{};
    std::exception_ptr failure{};
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
    State state = State::kWaits;
    std::vector<Call*> shared{};     ///< Those whose faces this one runs, itself among them or not.
    std::size_t processors = 1;      ///< For that run.
    std::condition_variable wake{};  ///< Its state has changed.
  };

  [[nodiscard]] std::size_t waiting_faces() const;
  void give_turns();
  void give_run();
  void compute(Call& own, const Run& run, std::unique_lock<std::mutex>& lock);

  const std::size_t processors_;
  std::mutex mutex_;
  std::deque<Call*> photos_;  ///< Calls whose photo nobody looks at yet.
  std::deque<Call*> faces_;   ///< Calls whose faces nobody embeds yet.
  std::size_t busy_ = 0;      ///< Processors.
  std::size_t looking_ = 0;   ///< Of them, at photos.
};

}  // namespace likeness
