#include "likeness/gallery/naming.h"

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
  if (options.threshold) {
    rule.threshold = options.threshold;
    rule.origin = NamingRule::Origin::kCaller;
  } else if (rule.threshold) {
    return rule;
  } else if (auto known = known_threshold(contract, precision, options.false_match_rate)) {
    rule.threshold = known->cosine;
    rule.origin = NamingRule::Origin::kModel;
    rule.measured = std::move(known);
  }
  return rule;
}

std::vector<Identification> identify(const GalleryView& view, const NamingRule& rule,
                                     const Embeddings& queries) {
  std::vector<Identification> answers;
  for (const auto& matches : view.search(queries, 2)) answers.push_back(rule.name(matches));
  return answers;
}

Identification identify(const GalleryView& view, const NamingRule& rule, std::span<const float> query) {
  return rule.name(view.search(query, 2));
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
