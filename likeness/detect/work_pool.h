#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace likeness {

/// Spreads independent pieces of work over a fixed number of threads (oneTBB's, the calling one included).
/// With one thread it is a plain loop. One call of run() at a time.
class WorkPool {
 public:
  explicit WorkPool(int threads);
  ~WorkPool();

  [[nodiscard]] std::size_t threads() const { return threads_; }
  /// Calls work(piece, worker) for every piece below `pieces`, each once, in any order; no two pieces run at
  /// the same time with the same `worker`, which is below threads(). An exception of a piece is passed on.
  void run(std::size_t pieces, const std::function<void(std::size_t piece, std::size_t worker)>& work);

 private:
  struct Arena;
  std::size_t threads_;
  std::unique_ptr<Arena> arena_;  // Empty for one thread.
};

}  // namespace likeness
