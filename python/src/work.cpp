#include "work.h"

#include <chrono>
#include <future>
#include <thread>
#include <utility>

namespace likeness::python {
namespace {

/// Ctrl-C is looked for this often: quick to a person, and next to nothing beside the work.
constexpr std::chrono::milliseconds kLook{50};

bool on_main_thread() {
  const nb::object threading = nb::module_::import_("threading");
  return threading.attr("current_thread")().is(threading.attr("main_thread")());
}

}  // namespace

Kept keep(nb::object object) {
  return {new nb::object(std::move(object)), [](nb::object* kept) {
            const nb::gil_scoped_acquire gil;
            delete kept;
          }};
}

Stop new_stop() { return std::make_shared<std::atomic<bool>>(false); }

void check(const Stop& stop) {
  if (*stop) throw Error(ErrorCode::kStopped, "stopped");
}

Progress to_progress(nb::object callback, Stop stop) {
  if (callback.is_none()) return [stop](std::size_t, std::size_t) { return !*stop; };
  return [stop = std::move(stop), kept = keep(std::move(callback))](std::size_t done, std::size_t total) {
    if (*stop) return false;
    const nb::gil_scoped_acquire gil;
    return !(*kept)(done, total).is(nb::handle(Py_False));
  };
}

void run_long(const Stop& stop, const std::function<void()>& work) {
  if (!on_main_thread()) {
    const nb::gil_scoped_release release;
    work();
    return;
  }
  std::packaged_task<void()> task(work);
  std::future<void> done = task.get_future();
  std::exception_ptr interrupted;
  {
    const nb::gil_scoped_release release;
    std::jthread worker(std::move(task));
    while (done.wait_for(kLook) != std::future_status::ready) {
      const nb::gil_scoped_acquire gil;
      if (interrupted || PyErr_CheckSignals() == 0) continue;
      interrupted = std::make_exception_ptr(nb::python_error());
      *stop = true;
    }
  }
  if (interrupted) std::rethrow_exception(interrupted);
  done.get();
}

}  // namespace likeness::python
