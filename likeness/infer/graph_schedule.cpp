#include <algorithm>
#include <cstddef>
#include <vector>

#include "likeness/infer/graph_plan.h"

namespace likeness {
namespace {

// Of the widest map: what one band of it takes, so that those of several layers stay in the second cache.
constexpr std::size_t kBandBytes = 48U << 10;

std::size_t row_bytes(const Plan& plan, const PlanStep& step) {
  const bool kept = step.out.kind == PlanPlace::Kind::kBuffer;
  const bool bytes = kept && plan.buffers[step.out.buffer].element == Element::kByte;
  return step.out_shape[1] * step.out_shape[2] * (bytes ? 1 : sizeof(float));
}

bool reads_input(const PlanStep& step) { return step.in.kind == PlanPlace::Kind::kInput; }

/// Rows that those who read the pictures themselves make at a time.
std::size_t band_of(const Plan& plan, const PlanStep& source) {
  std::size_t most = 1;
  for (const PlanStep& step : plan.steps) {
    if (step.streamed) most = std::max(most, row_bytes(plan, step) * step.out_shape[0] / source.out_shape[0]);
  }
  return std::max<std::size_t>(1, kBandBytes / most);
}

class Scheduler {
 public:
  explicit Scheduler(Plan& plan) : plan_(plan), done_(plan.steps.size(), 0) {}
  void schedule() {
    for (const bool whole : {false, true}) {
      while (pass(whole)) {
      }
    }
  }
  void size_buffers();

 private:
  bool pass(bool whole);
  [[nodiscard]] std::size_t ready(const PlanStep& step) const;
  [[nodiscard]] std::size_t made_by(const std::vector<std::size_t>& steps, std::size_t height) const {
    std::size_t rows = height;
    for (const std::size_t s : steps) rows = std::min(rows, done_[s]);
    return rows;
  }

  Plan& plan_;
  std::vector<std::size_t> done_;  // rows of steps
};

/// Rows of the step that can be made of what there is.
std::size_t Scheduler::ready(const PlanStep& step) const {
  const auto s = static_cast<std::size_t>(&step - plan_.steps.data());
  const std::size_t height = step.out_shape[0];
  const std::size_t rows = made_by(step.after, step.in_shape[0]);
  const std::size_t added = made_by(step.add_after, height);
  if (!step.streamed) return rows == step.in_shape[0] && added == height ? height : 0;
  if (reads_input(step)) return std::min({height, added, done_[s] + band_of(plan_, step)});
  return std::min(step.rows_of(rows), added);
}

bool Scheduler::pass(bool whole) {
  bool moved = false;
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    if (plan_.steps[s].whole != whole) continue;
    const std::size_t rows = ready(plan_.steps[s]);
    if (rows <= done_[s]) continue;
    plan_.tasks.push_back({s, {done_[s], rows}});
    done_[s] = rows;
    moved = true;
  }
  return moved;
}

/// As many rows as lie between the last that is written and the first that somebody still needs.
void Scheduler::size_buffers() {
  const auto& steps = plan_.steps;
  std::fill(done_.begin(), done_.end(), 0);
  for (PlanBuffer& buffer : plan_.buffers) buffer.rows = buffer.all_rows ? buffer.height : 1;
  std::vector<std::vector<std::size_t>> readers(plan_.buffers.size());
  for (std::size_t s = 0; s < steps.size(); ++s) {
    if (steps[s].in.kind == PlanPlace::Kind::kBuffer) readers[steps[s].in.buffer].push_back(s);
    if (steps[s].add && steps[s].add->kind == PlanPlace::Kind::kBuffer)
      readers[steps[s].add->buffer].push_back(s);
  }
  for (const PlanTask& task : plan_.tasks) {
    const PlanPlace& out = steps[task.step].out;
    if (out.kind == PlanPlace::Kind::kBuffer) {
      PlanBuffer& buffer = plan_.buffers[out.buffer];
      std::size_t needed = task.rows.end;
      for (const std::size_t s : readers[out.buffer]) {
        if (done_[s] == steps[s].out_shape[0]) continue;
        if (steps[s].in.kind == PlanPlace::Kind::kBuffer && steps[s].in.buffer == out.buffer)
          needed = std::min(needed, steps[s].streamed ? steps[s].first_row(done_[s]) : 0);
        if (steps[s].add && steps[s].add->buffer == out.buffer) needed = std::min(needed, done_[s]);
      }
      buffer.rows = std::max(buffer.rows, task.rows.end - needed);
    }
    done_[task.step] = task.rows.end;
  }
}

}  // namespace

std::size_t PlanStep::first_row(std::size_t y) const {
  const std::size_t at = y * strides[0] / block[0];
  return at < pad[0] ? 0 : at - pad[0];
}

std::size_t PlanStep::rows_of(std::size_t rows) const {
  if (rows == in_shape[0]) return out_shape[0];
  if (rows + pad[0] < window[0]) return 0;
  return std::min(out_shape[0], ((rows + pad[0] - window[0]) / strides[0] + 1) * block[0]);
}

void make_tasks(Plan& plan) {
  Scheduler scheduler(plan);
  scheduler.schedule();
  scheduler.size_buffers();
}

}  // namespace likeness
