#include "likeness/detect/work_pool.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <atomic>

#include "likeness/core/step.h"

namespace likeness {

struct WorkPool::Arena {
  explicit Arena(int threads) : arena(threads) {}
  tbb::task_arena arena;
};

WorkPool::WorkPool(int threads) : threads_(static_cast<std::size_t>(threads)) {
  if (threads > 1) arena_ = std::make_unique<Arena>(threads);
}

WorkPool::~WorkPool() = default;

void WorkPool::run(std::size_t pieces, const std::function<void(std::size_t, std::size_t)>& work) {
  if (!arena_ || pieces < 2) {
    for (std::size_t piece = 0; piece < pieces; ++piece) work(piece, 0);
    return;
  }
  std::atomic<unsigned> order = 0;
  const Step before(order);
  arena_->arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::size_t>(0, pieces, 1),
        [&](const tbb::blocked_range<std::size_t>& range) {
          const Step step(order);
          const auto worker = static_cast<std::size_t>(tbb::this_task_arena::current_thread_index());
          for (std::size_t piece = range.begin(); piece != range.end(); ++piece) work(piece, worker);
        },
        tbb::simple_partitioner());
  });
  const Step done(order);
}

}  // namespace likeness
