#pragma once

#include <optional>
#include <string>

#include "train/mining.h"

namespace likeness::train {

/// One step of the optimizer, as the log has it.
struct StepReport {
  double loss = 0;           ///< Mean over the chosen triplets; 0 where none was chosen.
  double hard_loss = 0;      ///< Mean of the batch-hard triplets' losses, whatever the mining.
  double gradient_norm = 0;  ///< L2 over all trained values.
  std::size_t triplets = 0;  ///< How many were chosen.
  BatchView batch;
};

/// Tells when training goes wrong. In a collapse all faces get one embedding: every distance falls to zero
/// and the loss of the hardest triplets comes to rest at the margin, because d(a,p) - d(a,n) is then zero.
/// Source of the signs: facenet issue 124; Hermans et al. 2017, section 4.4.
class CollapseWatch {
 public:
  explicit CollapseWatch(float margin) : margin_(margin) {}

  /// Mean squared distance below this is a sign of collapse; unit vectors at random have 2.
  static constexpr double kNearZero = 0.01;
  /// Steps in a row that must show the signs.
  static constexpr int kPatience = 5;

  /// What is wrong, in a sentence with the word "collapse" or "diverged"; empty while all is well.
  [[nodiscard]] std::optional<std::string> add(const StepReport& step);

  [[nodiscard]] int steps_in_a_row() const { return steps_; }  ///< For checkpoints.
  void restore(int steps_in_a_row) { steps_ = steps_in_a_row; }

 private:
  float margin_;
  int steps_ = 0;
};

/// Stops when the held-out score has not risen for `patience` epochs.
struct EarlyStopping {
  int patience = 0;       ///< Epochs; 0: never.
  double best = -1;       ///< Best score so far.
  int best_epoch = 0;     ///< Counted from 1; 0 before the first.
  int epochs_behind = 0;  ///< Since the best.

  /// Whether `score` of `epoch` is the best so far.
  bool add(int epoch, double score);
  [[nodiscard]] bool stop() const { return patience > 0 && epochs_behind >= patience; }
};

}  // namespace likeness::train
