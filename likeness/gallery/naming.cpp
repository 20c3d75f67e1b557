#include "likeness/gallery/naming.h"

#include <algorithm>
#include <cmath>

namespace likeness {

Identification NamingRule::name(std::span<const PersonMatch> matches) const {
  Identification answer;
  if (matches.empty()) return answer;
  answer.nearest = matches[0];
  if (matches.size() > 1) answer.runner_up = matches[1];
  const double similarity = answer.nearest->similarity;
  if (calibration) answer.probability = calibration->probability(similarity);
  if (threshold && similarity >= *threshold) answer.name = answer.nearest->name;
  return answer;
}

double naming_slope_of(const Contract& contract) { return contract.naming_slope.value_or(kDefaultSlope); }

NamingRule calibrated_rule(const GalleryView& view) {
  NamingRule rule{.people = view.people()};
  if (!view.calibration()) return rule;
  rule.threshold = view.calibration()->threshold;
  rule.origin = NamingRule::Origin::kCalibration;
  rule.calibration = view.calibration();
  return rule;
}

NamingRule naming_rule(const GalleryView& view, const Contract& contract, Precision precision,
                       const NamingOptions& options) {
  NamingRule rule = options.threshold ? NamingRule{} : calibrated_rule(view);
  rule.people = options.people.value_or(view.people());
  rule.slope = naming_slope_of(contract);
  if (options.threshold) {
    rule.threshold = options.threshold;
    rule.origin = NamingRule::Origin::kCaller;
  } else if (rule.threshold) {
    return rule;
  } else {
    const double people = std::max(1.0, static_cast<double>(rule.people));
    const double rate = options.strangers_named / people;
    const auto strictest = threshold_at(contract, precision, rate);
    if (!strictest) return rule;
    rule.threshold = strictest->cosine;
    rule.origin = NamingRule::Origin::kModel;
    rule.strangers_named = std::min(1.0, strictest->false_match_rate * people);
    rule.measured = known_threshold(contract, precision, rate);
  }
  return rule;
}

std::optional<KnownThreshold> threshold_at(const Contract& contract, Precision precision,
                                           double false_match_rate) {
  const KnownThreshold* lower = nullptr;  // of the rates at or below the one asked for the highest
  const KnownThreshold* upper = nullptr;  // of those above it the lowest
  for (const KnownThreshold& one : contract.thresholds) {
    if (one.precision != to_string(precision) || !(one.false_match_rate > 0)) continue;
    const bool below = one.false_match_rate <= false_match_rate;
    const KnownThreshold*& side = below ? lower : upper;
    if (!side || (below ? one.false_match_rate > side->false_match_rate
                        : one.false_match_rate < side->false_match_rate))
      side = &one;
  }
  if (!lower && !upper) return std::nullopt;
  if (!lower || !upper) return lower ? *lower : *upper;
  KnownThreshold between = *lower;
  const double share = std::log(false_match_rate / lower->false_match_rate) /
                       std::log(upper->false_match_rate / lower->false_match_rate);
  between.cosine = lower->cosine + share * (upper->cosine - lower->cosine);
  between.false_match_rate = false_match_rate;
  return between;
}

bool is_rejected(const GalleryView& view, std::span<const float> query, const PersonMatch& match) {
  const auto rejected = view.rejected_cosine(query, match.person);
  return rejected && *rejected >= match.cosine;
}

namespace {

/// The two people most alike for whom the face is not rejected.
std::vector<PersonMatch> accepted(const GalleryView& view, std::span<const float> query,
                                  std::vector<PersonMatch> matches) {
  for (std::size_t asked = 2;; asked *= 2) {
    const bool more = matches.size() >= asked;
    std::erase_if(matches, [&](const PersonMatch& match) { return is_rejected(view, query, match); });
    if (matches.size() >= 2 || !more) break;
    matches = view.search(query, asked * 2);
  }
  return matches;
}

}  // namespace

std::vector<Identification> identify(const GalleryView& view, const NamingRule& rule,
                                     const Embeddings& queries) {
  std::vector<Identification> answers;
  auto found = view.search(queries, 2);
  for (std::size_t i = 0; i < found.size(); ++i) {
    answers.push_back(rule.name(view.has_rejections() ? accepted(view, queries[i], std::move(found[i]))
                                                      : std::move(found[i])));
  }
  return answers;
}

Identification identify(const GalleryView& view, const NamingRule& rule, std::span<const float> query) {
  return identify(view, rule, Embeddings{query.size(), {query.begin(), query.end()}}).at(0);
}

std::optional<KnownThreshold> known_threshold(const Contract& contract, Precision precision,
                                              double false_match_rate) {
  std::optional<KnownThreshold> best;
  const auto distance = [&](const KnownThreshold& one) {
    return std::abs(std::log(one.false_match_rate / false_match_rate));
  };
  for (const KnownThreshold& one : contract.thresholds) {
    if (one.precision != to_string(precision) || !(one.false_match_rate > 0)) continue;
    if (!best || distance(one) < distance(*best)) best = one;
  }
  return best;
}

}  // namespace likeness
