#pragma once

#include <chrono>
#include <string>

#include "likeness/core/progress.h"

namespace likeness::cli {

/// A bar on stderr with a word, counts and the time left; silent where stderr is not a terminal.
/// Not for sharing between threads; Progress calls come one at a time.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();  ///< Wipes the bar's line.

  void show(std::size_t done, std::size_t total);
  /// For the library; the bar must outlive what it is given to.
  [[nodiscard]] Progress callback();
  /// Prints a line to stderr without tearing the bar.
  void say(const std::string& line);

 private:
  void wipe();

  std::string what_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace likeness::cli
