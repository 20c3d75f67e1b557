#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "likeness/stats/intervals.h"

namespace likeness {

// Figures as reports print them. What was not measured is never a number: words in text, null in JSON.

/// `digits` decimals, and more where fewer would make 0 or 1 of a number that is neither.
[[nodiscard]] std::string fixed(double value, int digits = 4);
[[nodiscard]] std::string fixed(const std::optional<double>& value, const std::string& otherwise);
/// "12.34 %", with more decimals where fewer would make none or all of a share that is neither.
[[nodiscard]] std::string percent(double share, int digits = 2);
/// "0.9000 to 0.9500".
[[nodiscard]] std::string fixed(const std::optional<Interval>& interval, const std::string& otherwise);
/// "0.9300 +- 0.0100"; of one value "0.9300".
[[nodiscard]] std::string fixed(const MeanDeviation& value);
/// A similarity from which faces count as one person, rounded up: who takes the printed number names nobody
/// whom the exact one does not name.
[[nodiscard]] std::string rounded_up(double threshold, int digits = 4);
/// Both with so many decimals, at least `digits`, that the texts compare as the numbers do.
[[nodiscard]] std::pair<std::string, std::string> told_apart(double a, double b, int digits = 4);

/// "1 face", "2 faces", "2 people".
[[nodiscard]] std::string counted(std::size_t count, const std::string& noun);

[[nodiscard]] nlohmann::ordered_json or_null(const std::optional<double>& value);
[[nodiscard]] nlohmann::ordered_json or_null(const std::optional<Interval>& interval);  ///< [low, high]

}  // namespace likeness
