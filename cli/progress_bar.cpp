#include "cli/progress_bar.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <utility>

namespace likeness::cli {

using std::chrono::duration;
using std::chrono::steady_clock;

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1), started_(steady_clock::now()) {}

ProgressBar::~ProgressBar() { wipe(); }

void ProgressBar::show(std::size_t done, std::size_t total) {
  const auto now = steady_clock::now();
  if (!terminal_ || total == 0 || (done < total && now - last_ < std::chrono::milliseconds(100))) return;
  last_ = now;
  constexpr std::size_t kWidth = 30;
  const std::size_t filled = kWidth * done / total;
  const double seconds = duration<double>(now - started_).count();
  const double left = done == 0 ? 0 : seconds / static_cast<double>(done) * static_cast<double>(total - done);
  char line[160];
  std::snprintf(line, sizeof line, "\r\033[K%-12s [%s%s] %zu/%zu  %.0f s left", what_.c_str(),
                std::string(filled, '#').c_str(), std::string(kWidth - filled, '.').c_str(), done, total,
                left);
  std::cerr << line << std::flush;
  drawn_ = true;
}

Progress ProgressBar::callback() {
  return [this](std::size_t done, std::size_t total) {
    show(done, total);
    return true;
  };
}

void ProgressBar::say(const std::string& line) {
  wipe();
  std::cerr << line << '\n';
}

void ProgressBar::wipe() {
  if (drawn_) std::cerr << "\r\033[K" << std::flush;
  drawn_ = false;
}

}  // namespace likeness::cli
