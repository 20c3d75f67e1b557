#include "likeness/stats/error_rates.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

namespace likeness {
namespace {

struct Scored {
  double score;
  bool mated;
};

/// Both kinds together, highest score first.
std::vector<Scored> ranked(const Comparisons& comparisons) {
  std::vector<Scored> all;
  all.reserve(comparisons.mated.size() + comparisons.non_mated.size());
  for (const double score : comparisons.mated) all.push_back({score, true});
  for (const double score : comparisons.non_mated) all.push_back({score, false});
  std::sort(all.begin(), all.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
  return all;
}

double share(std::ptrdiff_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::optional<double> false_non_match_rate(std::span<const double> mated, double threshold) {
  if (mated.empty()) return std::nullopt;
  return share(std::count_if(mated.begin(), mated.end(), [&](double s) { return s < threshold; }),
               mated.size());
}

std::optional<double> false_match_rate(std::span<const double> non_mated, double threshold) {
  if (non_mated.empty()) return std::nullopt;
  return share(std::count_if(non_mated.begin(), non_mated.end(), [&](double s) { return s >= threshold; }),
               non_mated.size());
}

double accuracy_at(const Comparisons& comparisons, double threshold) {
  const auto mated = static_cast<double>(comparisons.mated.size());
  const auto other = static_cast<double>(comparisons.non_mated.size());
  if (mated + other == 0) throw std::invalid_argument("accuracy needs comparisons");
  return (mated * (1 - false_non_match_rate(comparisons.mated, threshold).value_or(0)) +
          other * (1 - false_match_rate(comparisons.non_mated, threshold).value_or(0))) /
         (mated + other);
}

double best_threshold(const Comparisons& comparisons) {
  const std::vector<Scored> all = ranked(comparisons);
  if (all.empty()) throw std::invalid_argument("a threshold needs comparisons");
  // `right` counts mated above plus non-mated below, as the threshold sinks past one distinct score after
  // another.
  auto right = static_cast<std::ptrdiff_t>(comparisons.non_mated.size());
  std::ptrdiff_t best = right;
  double threshold = all.front().score + 1e-6;
  double widest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    right += all[i].mated ? 1 : -1;
    const bool last = i + 1 == all.size();
    if (!last && all[i + 1].score == all[i].score) continue;
    const double gap = last ? 0 : all[i].score - all[i + 1].score;
    if (right < best || (right == best && gap <= widest)) continue;
    best = right;
    widest = gap;
    threshold = last ? all[i].score : (all[i].score + all[i + 1].score) / 2;
  }
  return threshold;
}

std::vector<RatePoint> rate_curve(const Comparisons& comparisons) {
  if (comparisons.mated.empty() || comparisons.non_mated.empty()) {
    throw std::invalid_argument("error rates need comparisons of both kinds");
  }
  const std::vector<Scored> all = ranked(comparisons);
  std::vector<RatePoint> curve = {
      {std::nextafter(all.front().score, std::numeric_limits<double>::infinity()), 0, 1}};
  std::ptrdiff_t mated = 0;
  std::ptrdiff_t other = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    (all[i].mated ? mated : other) += 1;
    if (i + 1 < all.size() && all[i + 1].score == all[i].score) continue;
    curve.push_back({all[i].score, share(other, comparisons.non_mated.size()),
                     1 - share(mated, comparisons.mated.size())});
  }
  return curve;
}

double area_under_roc(const Comparisons& comparisons) {
  const std::vector<RatePoint> curve = rate_curve(comparisons);
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const double width = curve[i].false_match - curve[i - 1].false_match;
    area += width * (1 - (curve[i].false_non_match + curve[i - 1].false_non_match) / 2);
  }
  return area;
}

double equal_error_rate(const Comparisons& comparisons) {
  const std::vector<RatePoint> curve = rate_curve(comparisons);
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const double after = curve[i].false_non_match - curve[i].false_match;
    if (after > 0) continue;
    const double before = curve[i - 1].false_non_match - curve[i - 1].false_match;
    const double t = before == after ? 0 : before / (before - after);
    return curve[i - 1].false_match + t * (curve[i].false_match - curve[i - 1].false_match);
  }
  return 0;  // not reached: the curve ends at false_match 1, false_non_match 0
}

std::size_t comparisons_needed(double rate) {
  // Rounded first, so that 10 / 0.001 is 10,000 whatever the last bit says.
  return rate > 0 ? static_cast<std::size_t>(std::ceil(std::round(10 / rate * 1e6) / 1e6))
                  : std::numeric_limits<std::size_t>::max();
}

std::optional<RateCut> cut_at_rate(std::vector<double> scores, double rate) {
  std::sort(scores.begin(), scores.end(), std::greater<>());
  auto allowed = static_cast<std::size_t>(std::floor(rate * static_cast<double>(scores.size()) + 1e-9));
  if (allowed >= scores.size()) return std::nullopt;
  while (allowed > 0 && scores[allowed - 1] == scores[allowed]) --allowed;
  return RateCut{allowed, scores[allowed], allowed > 0 ? scores[allowed - 1] : scores[allowed]};
}

std::optional<double> threshold_at_rate(std::span<const double> non_mated, double rate) {
  if (non_mated.size() < comparisons_needed(rate)) return std::nullopt;
  const auto cut = cut_at_rate({non_mated.begin(), non_mated.end()}, rate);
  if (!cut) return *std::min_element(non_mated.begin(), non_mated.end());
  return std::nextafter(cut->refused, std::numeric_limits<double>::infinity());
}

std::optional<double> validation_rate(const Comparisons& comparisons, double rate) {
  const std::optional<double> threshold = threshold_at_rate(comparisons.non_mated, rate);
  const auto missed =
      threshold ? false_non_match_rate(comparisons.mated, *threshold) : std::optional<double>();
  return missed ? std::optional(1 - *missed) : std::nullopt;
}

}  // namespace likeness
