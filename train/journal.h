#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "train/trainer.h"

namespace likeness::train {

/// A training's log: one JSON object a line, for each step ("step") and each epoch ("epoch"), flushed at
/// once. A run that goes on after a crash cuts the log back to what its checkpoint knows of. Not for sharing
/// between threads.
class Journal {
 public:
  /// Begins the file anew. @throws Error kOutputUnwritable, from every method.
  explicit Journal(std::filesystem::path path);
  /// Goes on with a log of which `bytes` are kept. @throws Error kDataInvalid where it is shorter.
  Journal(std::filesystem::path path, std::uintmax_t bytes);

  void add(int epoch, int step, const StepReport& report);
  void add(const EpochReport& report);
  [[nodiscard]] std::uintmax_t bytes() const { return bytes_; }

 private:
  void open();
  void write(const std::string& line);

  std::filesystem::path path_;
  std::ofstream file_;
  std::uintmax_t bytes_ = 0;
};

/// The epochs in a log. @throws Error kInputUnreadable; kDataInvalid with the line's number.
[[nodiscard]] std::vector<EpochReport> read_epochs(const std::filesystem::path& log);

/// What the report says beside the curves, in its order.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// Writes `folder`/report.html and, for each curve, a .csv and where gnuplot is there a .png and .svg.
/// @throws Error kOutputUnwritable.
void write_training_report(const std::filesystem::path& folder, const std::vector<EpochReport>& epochs,
                           const TrainResult& result, const Facts& facts);

}  // namespace likeness::train
