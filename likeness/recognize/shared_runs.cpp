#include "likeness/recognize/shared_runs.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace likeness {
namespace {

/// Rows [first, first + count) of `from`.
Embeddings rows(const Embeddings& from, std::size_t first, std::size_t count) {
  const auto begin = from.values.begin() + static_cast<std::ptrdiff_t>(first * from.dimension);
  return {from.dimension, {begin, begin + static_cast<std::ptrdiff_t>(count * from.dimension)}};
}

}  // namespace

SharedRuns::Turn::Turn(SharedRuns& runs) : runs_(&runs) {
  Call own;
  std::unique_lock lock(runs.mutex_);
  runs.photos_.push_back(&own);
  runs.give_turns();
  own.wake.wait(lock, [&] { return own.state == State::kDone; });
}

SharedRuns::Turn::~Turn() {
  if (runs_ == nullptr) return;
  const std::lock_guard lock(runs_->mutex_);
  --runs_->busy_;
  --runs_->looking_;
  runs_->give_turns();
}

std::size_t SharedRuns::waiting_faces() const {
  std::size_t faces = 0;
  for (const Call* call : faces_) faces += call->chips.size() / call->each;
  return faces;
}

/// Gives the processors that are free to who waits.
void SharedRuns::give_turns() {
  while (busy_ < processors_ && !(photos_.empty() && faces_.empty())) {
    const bool embeds =
        !faces_.empty() && (photos_.empty() || waiting_faces() >= kEnough ||
                            std::chrono::steady_clock::now() - faces_.front()->since >= kMostWait);
    if (embeds) {
      give_run();
      continue;
    }
    Call* const call = photos_.front();
    photos_.pop_front();
    ++busy_;
    ++looking_;
    call->state = State::kDone;
    call->wake.notify_one();
  }
}

/// One run: an equal share of what waits, and of what comes when the photos that are looked at are done, for
/// each processor that can take one; but at least half of what is enough, and not much more than enough.
void SharedRuns::give_run() {
  const std::size_t sharers = processors_ - busy_ + looking_;
  const std::size_t share =
      std::clamp((waiting_faces() + looking_ + sharers - 1) / sharers, kEnough / 2, kEnough);
  std::vector<Call*> calls;
  std::size_t faces = 0;
  const std::size_t each = faces_.front()->each;
  while (!faces_.empty() && faces < share && faces_.front()->each == each) {
    calls.push_back(faces_.front());
    faces_.pop_front();
    faces += calls.back()->chips.size() / each;
  }
  // A photo of many faces takes the processors that nobody else wants.
  const std::size_t pieces = (faces + kEnough / 2 - 1) / (kEnough / 2);
  const std::size_t unwanted = faces_.empty() && photos_.empty() ? processors_ - busy_ : 1;
  Call& first = *calls.front();
  first.processors = std::clamp<std::size_t>(pieces, 1, unwanted);
  busy_ += first.processors;
  first.shared = std::move(calls);
  first.state = State::kRuns;
  first.wake.notify_one();
}

/// Runs what was given to `own`, without the lock.
void SharedRuns::compute(Call& own, const Run& run, std::unique_lock<std::mutex>& lock) {
  const std::vector<Call*> calls = std::exchange(own.shared, {});
  const std::size_t each = own.each;
  std::vector<Chip> chips;
  for (Call* call : calls) std::move(call->chips.begin(), call->chips.end(), std::back_inserter(chips));
  lock.unlock();
  std::exception_ptr failure;
  try {
    const ViewEmbeddings all = run(chips, each, own.processors);
    std::size_t row = 0;
    for (Call* call : calls) {
      const std::size_t faces = call->chips.size() / each;
      call->result = {rows(all.first, row, faces), rows(all.mean, row, faces)};
      row += faces;
    }
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  for (Call* call : calls) {
    call->failure = failure;
    call->state = State::kDone;
    if (call != &own) call->wake.notify_one();
  }
  busy_ -= own.processors;
  give_turns();
}

ViewEmbeddings SharedRuns::embed(Turn& turn, std::vector<Chip> chips, std::size_t each, const Run& run) {
  Call own{.chips = std::move(chips), .each = each};
  std::unique_lock lock(mutex_);
  turn.runs_ = nullptr;
  --busy_;
  --looking_;
  faces_.push_back(&own);
  give_turns();
  own.wake.wait(lock, [&] { return own.state != State::kWaits; });
  if (own.state == State::kRuns) compute(own, run, lock);
  lock.unlock();
  if (own.failure) std::rethrow_exception(own.failure);
  return std::move(own.result);
}

}  // namespace likeness
