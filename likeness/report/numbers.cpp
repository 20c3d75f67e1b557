#include "likeness/report/numbers.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace likeness {
namespace {

constexpr int kMostDigits = 17;  // all that a double holds
constexpr double kNoise =
    1e-9;  // what sums of doubles leave behind: no share is that near to 0 or 1 by chance

std::string plain(double value, int digits) {
  char text[400];  // of the largest double
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// The shortest text from `digits` decimals on that is 0 or `whole` only where the value is.
std::string honest(double value, int digits, double whole) {
  for (; digits < kMostDigits; ++digits) {
    const double shown = std::abs(std::strtod(plain(value, digits).c_str(), nullptr));
    const bool nothing = std::abs(value) < kNoise;
    const bool all = std::abs(std::abs(value) - whole) < kNoise * whole;
    if ((shown != 0 || nothing) && (shown != whole || all)) break;
  }
  return plain(value, digits);
}

}  // namespace

std::string fixed(double value, int digits) { return honest(value, digits, 1); }

std::string fixed(const std::optional<double>& value, const std::string& otherwise) {
  return value ? fixed(*value) : otherwise;
}

std::string percent(double share, int digits) { return honest(share * 100, digits, 100) + " %"; }

std::string fixed(const std::optional<Interval>& interval, const std::string& otherwise) {
  return interval ? fixed(interval->low) + " to " + fixed(interval->high) : otherwise;
}

std::string fixed(const MeanDeviation& value) {
  return fixed(value.mean) + (value.deviation ? " +- " + fixed(*value.deviation) : "");
}

std::string rounded_up(double threshold, int digits) {
  const double step = std::pow(10, -digits);
  std::string text = plain(threshold, digits);
  if (std::strtod(text.c_str(), nullptr) < threshold) text = plain(threshold + step, digits);
  return text;
}

std::pair<std::string, std::string> told_apart(double a, double b, int digits) {
  for (; digits < kMostDigits && (plain(a, digits) == plain(b, digits)) != (a == b);) ++digits;
  return {plain(a, digits), plain(b, digits)};
}

std::string counted(std::size_t count, const std::string& noun) {
  if (count != 1 && noun == "person") return std::to_string(count) + " people";
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

nlohmann::ordered_json or_null(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json or_null(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return {interval->low, interval->high};
}

}  // namespace likeness
