#include "likeness/gallery/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "likeness/classify/platt.h"
#include "likeness/core/error.h"
#include "likeness/core/now.h"
#include "likeness/stats/error_rates.h"

namespace likeness {
namespace {

/// 1 was of the nearest face's cosine, 2 is of the similarity to a person.
constexpr int kVersion = 2;

/// Scores of each identity.
using Identities = std::vector<std::vector<double>>;

Identities by_identity(std::span<const ScoredFace> faces) {
  std::map<std::string, std::vector<double>> grouped;
  for (const ScoredFace& face : faces) grouped[face.person].push_back(face.similarity);
  Identities identities;
  for (auto& [person, scores] : grouped) identities.push_back(std::move(scores));
  return identities;
}

/// As many identities as there are, drawn with replacement.
std::vector<double> resample(const Identities& identities, std::mt19937_64& random) {
  std::vector<double> scores;
  for (std::size_t i = 0; i < identities.size(); ++i) {
    const auto& drawn = identities[random() % identities.size()];
    scores.insert(scores.end(), drawn.begin(), drawn.end());
  }
  return scores;
}

/// The lowest threshold that at most `rate` of the scores reach; half-way to the best score that must not.
double threshold_at(std::vector<double> scores, double rate) {
  // A rate below 1 refuses somebody.
  const RateCut cut = cut_at_rate(std::move(scores), rate).value();
  if (cut.passing == 0) return std::nextafter(cut.refused, 2.0);
  return cut.refused + (cut.passed - cut.refused) / 2;
}

double share_at(std::span<const double> scores, double threshold) {
  const auto named = std::ranges::count_if(scores, [&](double score) { return score >= threshold; });
  return static_cast<double>(named) / static_cast<double>(scores.size());
}

Interval middle_95(std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

void fit_probability(std::span<const ScoredFace> mates, std::span<const ScoredFace> impostors,
                     double usual_slope, Calibration& result) {
  result.slope = usual_slope;
  result.stranger_share = 0.5;
  if (mates.size() < kMinMates) return;
  std::vector<double> similarities;
  std::vector<char> is_mate;
  for (const ScoredFace& face : mates) similarities.push_back(face.similarity);
  is_mate.assign(mates.size(), 1);
  for (const ScoredFace& face : impostors) similarities.push_back(face.similarity);
  is_mate.resize(similarities.size(), 0);
  const Sigmoid fit = fit_sigmoid(similarities, is_mate);  // 1 / (1 + exp(slope * x + offset))
  if (!(-fit.slope > 0) || !std::isfinite(fit.slope)) return;
  result.slope = -fit.slope;
  result.slope_fitted = true;
  // The fit's odds are those of the likelihoods times mates : impostors. At the threshold the posterior is
  // one half where strangers : mates equal the likelihood ratio.
  const double odds = -(fit.slope * result.threshold + fit.offset);
  const double log_ratio =
      odds - std::log(static_cast<double>(mates.size()) / static_cast<double>(impostors.size()));
  result.stranger_share = logistic(log_ratio);
}

}  // namespace

double Calibration::probability(double similarity) const {
  return logistic(slope * (similarity - threshold));
}

std::size_t impostors_needed(double target_fpir) {
  // Of rates near 0 more than a number of faces can say.
  constexpr double kMost = 1e18;
  return static_cast<std::size_t>(std::min(std::ceil(3 / target_fpir - 1e-9), kMost));
}

Calibration calibrate(std::span<const ScoredFace> mates, std::span<const ScoredFace> impostors,
                      const CalibrationOptions& options) {
  if (!(options.target_fpir > 0 && options.target_fpir < 1) || options.resamples < 1) {
    throw std::invalid_argument("the target rate must lie between 0 and 1");
  }
  const std::size_t needed = impostors_needed(options.target_fpir);
  if (impostors.size() < needed) {
    char rate[32];
    std::snprintf(rate, sizeof rate, "%g", options.target_fpir);
    throw Error(ErrorCode::kDataInvalid, std::string("a rate of ") + rate + " needs at least " +
                                             std::to_string(needed) + " faces of strangers; there are " +
                                             std::to_string(impostors.size()) +
                                             ": give more photos, or ask for a higher rate");
  }
  Calibration result;
  result.target_fpir = options.target_fpir;
  std::vector<double> scores;
  for (const ScoredFace& face : impostors) scores.push_back(face.similarity);
  result.threshold = threshold_at(scores, options.target_fpir);
  result.fpir = share_at(scores, result.threshold);
  const auto missed =
      std::ranges::count_if(mates, [&](const ScoredFace& f) { return f.similarity < result.threshold; });
  result.fnir = mates.empty() ? -1 : static_cast<double>(missed) / static_cast<double>(mates.size());

  const Identities identities = by_identity(impostors);
  std::mt19937_64 random(options.seed);
  std::vector<double> thresholds;
  std::vector<double> rates;
  for (int i = 0; i < options.resamples; ++i) {
    thresholds.push_back(threshold_at(resample(identities, random), options.target_fpir));
    rates.push_back(share_at(resample(identities, random), thresholds.back()));
  }
  result.threshold_interval = middle_95(std::move(thresholds));
  result.fpir_interval = middle_95(std::move(rates));
  fit_probability(mates, impostors, options.usual_slope, result);

  result.impostor_faces = impostors.size();
  result.impostor_people = identities.size();
  result.mate_faces = mates.size();
  result.made_ms = now_ms();
  return result;
}

std::string to_json(const Calibration& c) {
  const nlohmann::ordered_json json = {
      {"version", kVersion},
      {"threshold", c.threshold},
      {"target_fpir", c.target_fpir},
      {"fpir", c.fpir},
      {"fpir_interval", {c.fpir_interval.low, c.fpir_interval.high}},
      {"threshold_interval", {c.threshold_interval.low, c.threshold_interval.high}},
      {"fnir", c.fnir},
      {"slope", c.slope},
      {"slope_fitted", c.slope_fitted},
      {"stranger_share", c.stranger_share},
      {"impostor_faces", c.impostor_faces},
      {"impostor_people", c.impostor_people},
      {"mate_faces", c.mate_faces},
      {"gallery_people", c.gallery_people},
      {"gallery_faces", c.gallery_faces},
      {"impostors", c.impostors},
      {"contract_id", c.contract_id},
      {"precision", c.precision},
      {"made_ms", c.made_ms},
  };
  return json.dump();
}

std::optional<Calibration> calibration_from_json(std::string_view text, std::string_view what) {
  const auto fail = [&](const std::string& why) -> Error {
    return {ErrorCode::kDataInvalid, std::string(what) + ": the calibration is damaged: " + why};
  };
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) throw fail("no JSON object");
  try {
    const int version = json.at("version").get<int>();
    if (version > kVersion) throw fail("made by a newer likeness");
    if (version < kVersion) return std::nullopt;
    Calibration c;
    json.at("threshold").get_to(c.threshold);
    json.at("target_fpir").get_to(c.target_fpir);
    json.at("fpir").get_to(c.fpir);
    json.at("fpir_interval").at(0).get_to(c.fpir_interval.low);
    json.at("fpir_interval").at(1).get_to(c.fpir_interval.high);
    json.at("threshold_interval").at(0).get_to(c.threshold_interval.low);
    json.at("threshold_interval").at(1).get_to(c.threshold_interval.high);
    json.at("fnir").get_to(c.fnir);
    json.at("slope").get_to(c.slope);
    json.at("slope_fitted").get_to(c.slope_fitted);
    json.at("stranger_share").get_to(c.stranger_share);
    json.at("impostor_faces").get_to(c.impostor_faces);
    json.at("impostor_people").get_to(c.impostor_people);
    json.at("mate_faces").get_to(c.mate_faces);
    json.at("gallery_people").get_to(c.gallery_people);
    json.at("gallery_faces").get_to(c.gallery_faces);
    json.at("impostors").get_to(c.impostors);
    json.at("contract_id").get_to(c.contract_id);
    json.at("precision").get_to(c.precision);
    json.at("made_ms").get_to(c.made_ms);
    if (!(c.slope > 0) || !(std::abs(c.threshold) <= 2)) throw fail("slope or threshold out of range");
    return c;
  } catch (const nlohmann::json::exception& error) {
    throw fail(error.what());
  }
}

}  // namespace likeness
