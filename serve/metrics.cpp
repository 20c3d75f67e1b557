#include "serve/metrics.h"

#include <unistd.h>

#include <charconv>
#include <fstream>

namespace likeness::serve {
namespace {

std::string plain(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

void head(std::string& out, const std::string& name, const std::string& help, const char* type) {
  out += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void line(std::string& out, const std::string& name, const std::string& labels, const std::string& value) {
  out += name;
  if (!labels.empty()) out += "{" + labels + "}";
  out += " " + value + "\n";
}

}  // namespace

std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

void Metrics::Histogram::add(double seconds) {
  std::size_t i = 0;
  while (i < kBounds.size() && seconds > kBounds[i]) ++i;
  ++buckets[i];
  sum += seconds;
  ++count;
}

void Metrics::count_request(std::string_view operation, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{std::string(operation), status}];
  seconds_[std::string(operation)].add(seconds);
}

void Metrics::count_wait(double seconds) {
  const std::lock_guard lock(mutex_);
  waits_.add(seconds);
}

void Metrics::count_stages(const StageSeconds& seconds) {
  const std::lock_guard lock(mutex_);
  stages_["read"].add(seconds.read);
  stages_["detect"].add(seconds.detect);
  stages_["align"].add(seconds.align);
  stages_["embed"].add(seconds.embed);
}

void Metrics::count_faces(std::size_t named, std::size_t unknown) {
  const std::lock_guard lock(mutex_);
  named_ += named;
  unknown_ += unknown;
}

void Metrics::count_enrolled(std::string_view status) {
  const std::lock_guard lock(mutex_);
  ++enrolled_[std::string(status)];
}

void Metrics::count_event_lost() {
  const std::lock_guard lock(mutex_);
  ++events_lost_;
}

void Metrics::write(std::string& out, const std::string& name, const std::string& labels,
                    const Histogram& histogram) {
  const std::string before = labels.empty() ? "" : labels + ",";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    below += histogram.buckets[i];
    line(out, name + "_bucket", before + "le=\"" + plain(kBounds[i]) + "\"", std::to_string(below));
  }
  line(out, name + "_bucket", before + "le=\"+Inf\"", std::to_string(histogram.count));
  line(out, name + "_sum", labels, plain(histogram.sum));
  line(out, name + "_count", labels, std::to_string(histogram.count));
}

std::string Metrics::text(const std::vector<Gauge>& gauges) const {
  const std::lock_guard lock(mutex_);
  std::string out;
  head(out, "likeness_requests_total", "Requests answered, by operation and status.", "counter");
  for (const auto& [key, count] : requests_)
    line(out, "likeness_requests_total",
         "operation=\"" + key.first + "\",status=\"" + std::to_string(key.second) + "\"",
         std::to_string(count));
  head(out, "likeness_request_seconds", "From the whole request to its answer.", "histogram");
  for (const auto& [operation, histogram] : seconds_)
    write(out, "likeness_request_seconds", "operation=\"" + operation + "\"", histogram);
  head(out, "likeness_queue_seconds", "How long work waited for a thread.", "histogram");
  write(out, "likeness_queue_seconds", "", waits_);
  head(out, "likeness_stage_seconds",
       "What each stage took of one photo, with the wait for other photos' faces.", "histogram");
  for (const auto& [stage, histogram] : stages_)
    write(out, "likeness_stage_seconds", "stage=\"" + stage + "\"", histogram);
  head(out, "likeness_faces_total", "Faces searched for, by answer.", "counter");
  line(out, "likeness_faces_total", "answer=\"named\"", std::to_string(named_));
  line(out, "likeness_faces_total", "answer=\"unknown\"", std::to_string(unknown_));
  head(out, "likeness_enrolments_total", "Photos to be enrolled, by what became of them.", "counter");
  for (const auto& [status, count] : enrolled_)
    line(out, "likeness_enrolments_total", "status=\"" + status + "\"", std::to_string(count));
  head(out, "likeness_events_lost_total", "Events that a slow listener or webhook did not get.", "counter");
  line(out, "likeness_events_lost_total", "", std::to_string(events_lost_));
  const std::string* last = nullptr;
  for (const Gauge& gauge : gauges) {
    if (last == nullptr || *last != gauge.name)
      head(out, gauge.name, gauge.help, gauge.counter ? "counter" : "gauge");
    last = &gauge.name;
    line(out, gauge.name, gauge.labels, plain(gauge.value));
  }
  return out;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace likeness::serve
