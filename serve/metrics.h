#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "likeness/recognize/photo_stream.h"

namespace likeness::serve {

/// What Prometheus is told. Threads may share one.
class Metrics {
 public:
  /// A request was answered. `operation` is an operationId, or "none".
  void count_request(std::string_view operation, int status, double seconds);
  /// Work waited so long before a thread took it.
  void count_wait(double seconds);
  /// What each stage took of one photo.
  void count_stages(const StageSeconds& seconds);
  void count_faces(std::size_t named, std::size_t unknown);
  void count_enrolled(std::string_view status);
  void count_event_lost();

  /// A value of the moment: name with labels ("likeness_people{gallery=\"default\"}"), help, value.
  struct Gauge {
    std::string name;
    std::string labels;
    std::string help;
    double value = 0;
    bool counter = false;  ///< It only rises.
  };
  /// In Prometheus' text format 0.0.4; `gauges` of one name stand together.
  [[nodiscard]] std::string text(const std::vector<Gauge>& gauges) const;

 private:
  /// Upper bounds in seconds: a face costs some 10 ms, a request may take 60 s.
  static constexpr std::array<double, 12> kBounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                  0.1,   0.25,   0.5,   1,    5,     60};
  struct Histogram {
    std::array<std::uint64_t, kBounds.size() + 1> buckets{};
    double sum = 0;
    std::uint64_t count = 0;
    void add(double seconds);
  };
  static void write(std::string& out, const std::string& name, const std::string& labels,
                    const Histogram& histogram);

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::uint64_t> requests_;
  std::map<std::string, Histogram> seconds_;
  Histogram waits_;
  std::map<std::string, Histogram> stages_;
  std::uint64_t named_ = 0;
  std::uint64_t unknown_ = 0;
  std::map<std::string, std::uint64_t> enrolled_;
  std::uint64_t events_lost_ = 0;
};

/// Resident memory of this process in bytes; 0 where the system does not tell.
[[nodiscard]] std::size_t resident_bytes();

/// A label's value with what has a meaning there escaped.
[[nodiscard]] std::string label_value(std::string_view text);

}  // namespace likeness::serve
