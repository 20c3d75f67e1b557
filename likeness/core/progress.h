#pragma once

#include <cstddef>
#include <functional>

#include "likeness/core/error.h"

namespace likeness {

/// Called now and then by long work with how much is done and how much there is; false stops the work, which
/// then throws Error kStopped. May be empty. Calls come one at a time, though not always from the thread that
/// started the work.
using Progress = std::function<bool(std::size_t done, std::size_t total)>;

/// What long work calls. @throws Error kStopped where `progress` says so.
inline void report_progress(const Progress& progress, std::size_t done, std::size_t total) {
  if (progress && !progress(done, total)) throw Error(ErrorCode::kStopped, "stopped");
}

}  // namespace likeness
