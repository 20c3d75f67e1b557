#include "likeness/recognize/shared_runs.h"

#include <algorithm>
#include <utility>

namespace likeness {
namespace {

/// Rows [first, first + count) of `from`.
Embeddings rows(const Embeddings& from, std::size_t first, std::size_t count) {
  const auto begin = from.values.begin() + static_cast<std::ptrdiff_t>(first * from.dimension);
  return {from.dimension, {begin, begin + static_cast<std::ptrdiff_t>(count * from.dimension)}};
}

}  // namespace

SharedRuns::Coming::Coming(SharedRuns& runs) : runs_(runs) {
  const std::lock_guard lock(runs_.mutex_);
  ++runs_.coming_;
}

SharedRuns::Coming::~Coming() {
  const std::lock_guard lock(runs_.mutex_);
  --runs_.coming_;
  runs_.changed_.notify_all();
}

std::size_t SharedRuns::waiting_faces(std::size_t each) const {
  std::size_t chips = 0;
  for (const Call* call : waiting_) chips += call->chips.size();
  return chips / each;
}

bool SharedRuns::worth_running(std::size_t each) const {
  if (waiting_.empty() || running_ == most_runs_) return false;
  return coming_ == 0 || waiting_faces(each) >= kEnough ||
         std::chrono::steady_clock::now() - waiting_.front()->since >= kMostWait;
}

/// The calls of the next run: an equal share of what waits for each run that is free, but at least half of
/// what is enough, and not much more than enough.
std::vector<SharedRuns::Call*> SharedRuns::take(std::size_t each) {
  const std::size_t free = most_runs_ - running_;
  const std::size_t share = std::clamp((waiting_faces(each) + free - 1) / free, kEnough / 2, kEnough);
  std::vector<Call*> calls;
  std::size_t faces = 0;
  while (!waiting_.empty() && faces < share) {
    calls.push_back(waiting_.front());
    waiting_.pop_front();
    calls.back()->taken = true;
    faces += calls.back()->chips.size() / each;
  }
  return calls;
}

void SharedRuns::compute(const std::vector<Call*>& calls, std::size_t each, const Run& run) {
  try {
    std::vector<Chip> chips;
    for (Call* call : calls) std::move(call->chips.begin(), call->chips.end(), std::back_inserter(chips));
    const ViewEmbeddings all = run(chips, each);
    std::size_t row = 0;
    for (Call* call : calls) {
      const std::size_t faces = call->chips.size() / each;
      call->result = {rows(all.first, row, faces), rows(all.mean, row, faces)};
      row += faces;
    }
  } catch (...) {
    for (Call* call : calls) call->failure = std::current_exception();
  }
}

ViewEmbeddings SharedRuns::embed(std::vector<Chip> chips, std::size_t each, const Run& run) {
  Call own{.chips = std::move(chips)};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&own);
  changed_.notify_all();
  while (!own.done) {
    if (own.taken || !worth_running(each)) {
      // A call that others have not joined looks again by itself when it has waited long enough.
      if (own.taken || running_ == most_runs_) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, own.since + kMostWait);
      }
      continue;
    }
    const std::vector<Call*> calls = take(each);
    ++running_;
    lock.unlock();
    compute(calls, each, run);
    lock.lock();
    --running_;
    for (Call* call : calls) call->done = true;
    changed_.notify_all();
  }
  if (own.failure) std::rethrow_exception(own.failure);
  return std::move(own.result);
}

}  // namespace likeness
