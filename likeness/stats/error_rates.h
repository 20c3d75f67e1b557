#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace likeness {

/// Scores of comparisons, higher meaning more alike. Words after ISO/IEC 19795-1.
struct Comparisons {
  std::vector<double> mated;      ///< Of one person.
  std::vector<double> non_mated;  ///< Of two people.
};

/// Share of `mated` below the threshold: the false non-match rate. Empty where nothing was compared.
[[nodiscard]] std::optional<double> false_non_match_rate(std::span<const double> mated, double threshold);
/// Share of `non_mated` at or above the threshold: the false match rate. Empty where nothing was compared.
[[nodiscard]] std::optional<double> false_match_rate(std::span<const double> non_mated, double threshold);

/// Share of all comparisons that a threshold decides rightly ("one person" at or above it).
[[nodiscard]] double accuracy_at(const Comparisons& comparisons, double threshold);
/// The threshold with the best accuracy; of several the middle of the widest gap between scores that gives
/// it.
/// @throws std::invalid_argument without comparisons.
[[nodiscard]] double best_threshold(const Comparisons& comparisons);

/// One point of a curve over thresholds.
struct RatePoint {
  double threshold = 0;
  double false_match = 0;
  double false_non_match = 0;
};

/// Every threshold where a rate changes, from the highest (false_match 0, false_non_match 1 with a threshold
/// above all scores) to the lowest score (false_match 1, false_non_match 0). @throws std::invalid_argument
/// where a side is empty.
[[nodiscard]] std::vector<RatePoint> rate_curve(const Comparisons& comparisons);

/// Area under the ROC: the chance that a mated score is above a non-mated one, ties half.
/// @throws as rate_curve().
[[nodiscard]] double area_under_roc(const Comparisons& comparisons);

/// Where both rates are equal: the crossing of the curve's line segments with the diagonal. @throws as
/// rate_curve().
[[nodiscard]] double equal_error_rate(const Comparisons& comparisons);

/// Fewest non-mated comparisons that can support a false match rate: 10 expected above the threshold, as a
/// rate from fewer is mostly chance.
[[nodiscard]] std::size_t comparisons_needed(double false_match_rate);

/// Where the highest scores end of which at most `rate` may pass; equal scores pass together or not at all.
struct RateCut {
  std::size_t passing = 0;  ///< How many pass.
  double refused = 0;       ///< The highest score that does not.
  double passed = 0;        ///< The lowest one that does; `refused` where none does.
};
/// The one rule for a threshold at a rate: it lies above `refused` and not above `passed`. Empty where all
/// may pass, and without scores.
[[nodiscard]] std::optional<RateCut> cut_at_rate(std::vector<double> scores, double rate);

/// The lowest threshold whose false match rate is at most `rate`, from the data alone; empty where they are
/// fewer than comparisons_needed(rate). It stands just above a score.
[[nodiscard]] std::optional<double> threshold_at_rate(std::span<const double> non_mated, double rate);

/// Validation rate: the share of `mated` at or above threshold_at_rate(). Empty where that is, and without
/// `mated`.
[[nodiscard]] std::optional<double> validation_rate(const Comparisons& comparisons, double rate);

}  // namespace likeness
