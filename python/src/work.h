#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include "common.h"
#include "likeness/core/progress.h"

namespace likeness::python {

/// A Python object that code without the GIL may keep, copy and drop.
using Kept = std::shared_ptr<nb::object>;
[[nodiscard]] Kept keep(nb::object object);

/// Whether the caller of long work wants it to end; every callback looks at it.
using Stop = std::shared_ptr<std::atomic<bool>>;
[[nodiscard]] Stop new_stop();
/// @throws Error kStopped.
void check(const Stop& stop);

/// `callback(done, total)` as Progress: None goes on, False stops. None: no callback, but `stop` counts.
[[nodiscard]] Progress to_progress(nb::object callback, Stop stop);

/// Runs long work without the GIL. Called from Python's main thread, the work goes to a thread of its own and
/// this one looks for signals: Ctrl-C sets `stop`, and KeyboardInterrupt comes out when the work has ended.
void run_long(const Stop& stop, const std::function<void()>& work);

/// The result of long work.
template <typename F>
auto long_result(const Stop& stop, F&& work) {
  std::optional<decltype(work())> result;
  run_long(stop, [&] { result.emplace(work()); });
  return std::move(*result);
}

}  // namespace likeness::python
