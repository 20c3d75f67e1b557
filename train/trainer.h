#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/batches.h"
#include "train/learner.h"
#include "train/verification.h"
#include "train/watch.h"

namespace likeness::train {

enum class Optimizer { kAdaGrad, kAdam, kSgd };
enum class Schedule {
  kConstant,
  kCosine,  ///< Falls to zero over all epochs along half a cosine.
  kStep,    ///< A tenth after 60 % of the epochs, a hundredth after 85 %.
};

/// "adagrad", "adam", "sgd"; "constant", "cosine", "step"; and back, empty where there is no such word.
[[nodiscard]] std::string_view to_string(Optimizer optimizer);
[[nodiscard]] std::optional<Optimizer> optimizer_from(std::string_view name);
[[nodiscard]] std::string_view to_string(Schedule schedule);
[[nodiscard]] std::optional<Schedule> schedule_from(std::string_view name);

/// How to train. Everything but `threads`, `checkpoint` and `checkpoint_steps` decides the numbers.
struct TrainOptions {
  Mining mining = Mining::kSemiHard;
  float margin = 0.2F;  ///< Of squared distances, in (0, 4). Source: FaceNet, section 3.1.
  /// Weight of spread_loss() beside the triplets' loss: keeps the embedding's directions evenly used.
  double spread = 0;
  BatchShape batch;
  Optimizer optimizer = Optimizer::kAdam;
  double rate = 1e-3;
  /// Weight decay: L2 for SGD and AdaGrad, decoupled for Adam (Loshchilov and Hutter 2019, arXiv:1711.05101).
  /// Embeddings have length 1 whatever the weights' length, so it only makes the weights at the start
  /// forgotten.
  double decay = 0;
  Schedule schedule = Schedule::kCosine;
  int epochs = 60;
  int patience = 10;  ///< Epochs without a better held-out score before stopping; 0: never stop early.
  double held_out_share = 0.1;  ///< Of the people; 0: train on all, keep the last epoch.
  std::uint64_t seed = 1;
  int threads = 1;                   ///< Equal numbers need equal threads.
  std::filesystem::path checkpoint;  ///< File to keep the state in after every epoch; empty: none.
  int checkpoint_steps = 0;          ///< Also after so many steps; 0: only after epochs.
};

struct EpochReport {
  int epoch = 0;       ///< From 1.
  StepReport mean;     ///< Over the epoch's steps.
  double rate = 0;     ///< Of the last step.
  double seconds = 0;  ///< Steps and validation.
  std::optional<Verification> held_out;
  bool best = false;
};

/// Told while training goes on; any may be empty.
struct TrainEvents {
  std::function<void(int epoch, int step, int steps, const StepReport&)> step;
  std::function<void(const EpochReport&)> epoch;
  /// Before a checkpoint is written: gives what to keep beside it, e.g. the log's length.
  std::function<std::string()> note;
};

enum class Stop { kFinished, kNoBetter, kCollapse };

struct TrainResult {
  Stop stop = Stop::kFinished;
  std::string reason;  ///< For people; names the collapse.
  int epochs = 0;      ///< Run in all, before a resume too.
  int best_epoch = 0;  ///< Whose weights the learner has now: the best on held-out people, else the last.
  std::optional<Verification> held_out;  ///< Of that epoch.
};

/// Trains `learner` with triplets of `people` (one number a row of its data; rows it is to learn from are
/// chosen by hold_out_people()). Not for two threads at once.
class Trainer {
 public:
  /// @throws std::invalid_argument for options out of range; Error kDataInvalid where there are too few
  /// people.
  Trainer(Learner& learner, std::vector<int> people, TrainOptions options);
  ~Trainer();

  /// Takes up the state of options.checkpoint; train() then continues to the same numbers as if it had never
  /// stopped. Gives the note kept beside it.
  /// @throws Error kDataInvalid (damaged, or made with other options: the message says which), kModelMismatch
  /// (of another architecture or other weights), kInputUnreadable (no such file).
  std::string resume();

  /// @throws Error kOutputUnwritable where a checkpoint cannot be written; the one before stays.
  TrainResult train(const TrainEvents& events = {});

  [[nodiscard]] const Split& split() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace likeness::train
