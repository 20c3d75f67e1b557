#include "train/watch.h"

#include <cmath>
#include <iomanip>
#include <sstream>

namespace likeness::train {

std::optional<std::string> CollapseWatch::add(const StepReport& step) {
  if (!std::isfinite(step.loss) || !std::isfinite(step.gradient_norm) ||
      !std::isfinite(step.batch.mean_pairwise)) {
    return "diverged: the loss or its gradient is not a number any more; lower the rate";
  }
  // The hardest loss is the margin plus a difference of two distances that are both near zero.
  const bool at_margin = std::abs(step.hard_loss - margin_) < 0.1 * margin_ + kNearZero;
  steps_ = step.batch.mean_pairwise < kNearZero && at_margin ? steps_ + 1 : 0;
  if (steps_ < kPatience) return std::nullopt;
  std::ostringstream text;
  text << "collapse: all faces get nearly one embedding (mean squared distance " << std::setprecision(3)
       << step.batch.mean_pairwise << ", hardest loss " << step.hard_loss << " at the margin " << margin_
       << "); lower the rate, take --mining semi-hard, or a smaller margin";
  return text.str();
}

bool EarlyStopping::add(int epoch, double score) {
  if (score > best) {
    best = score;
    best_epoch = epoch;
    epochs_behind = 0;
    return true;
  }
  ++epochs_behind;
  return false;
}

}  // namespace likeness::train
