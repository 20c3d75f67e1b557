#include <cstdio>

#include "likeness/core/error.h"
#include "likeness/eval/protocols.h"
#include "likeness/report/numbers.h"
#include "likeness/stats/error_rates.h"
#include "likeness/stats/intervals.h"

namespace likeness {
namespace {

using Json = nlohmann::ordered_json;

std::string of(std::size_t count, std::size_t all) {
  if (all == 0) return "no faces";
  return std::to_string(count) + " (" + percent(static_cast<double>(count) / static_cast<double>(all)) + ")";
}

Json json_of(const TrialShare& share) {
  return {{"share", share.share},
          {"interval", or_null(share.interval)},
          {"mean", share.mean},
          {"std", or_null(share.deviation)}};
}

/// A row of the table and the same as JSON.
Json tell_threshold(const Comparisons& pairs, double rate, Table& table) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", rate);
  const auto threshold = threshold_at_rate(pairs.non_mated, rate);
  std::optional<double> missed;
  if (threshold) missed = false_non_match_rate(pairs.mated, *threshold);
  Json one = {
      {"cosine", or_null(threshold)}, {"false_match_rate", rate}, {"false_non_match_rate", or_null(missed)}};
  if (!threshold) {
    const std::string reason = "needs " + std::to_string(comparisons_needed(rate)) + " pairs";
    table.rows.push_back({text, reason, "", ""});
    one["reason"] = reason + " of two people, there are " + std::to_string(pairs.non_mated.size());
  } else {
    // The distance of the printed cosine, so that both decide alike.
    const std::string cosine = rounded_up(*threshold);
    table.rows.push_back(
        {text, cosine, fixed(1 - std::stod(cosine)), missed ? percent(*missed) : "no pairs"});
    if (!missed) one["reason"] = "no pairs of one person";
  }
  return one;
}

}  // namespace

EvalReport left_out_report(const People& people, const People& strangers, const GalleryTrialOptions& options,
                           const Progress& progress) {
  if (people.space != strangers.space) {
    throw Error(ErrorCode::kModelMismatch, people.source + " is of " + people.space + ", " +
                                               strangers.source + " of " + strangers.space);
  }
  const LeftOutPeople result = leave_people_out(people, strangers, options, progress);
  EvalReport report{
      .title = "People left out",
      .words = std::to_string(result.known) + " known faces and " + std::to_string(result.strangers) +
               " strangers' faces asked about, everybody left out once, " + std::to_string(options.folds) +
               " folds, seed " + std::to_string(options.seed) + "; calibrated for FPIR " +
               percent(options.target_fpir) + " with " + std::to_string(result.impostors) +
               " impostors: thresholds " + fixed(result.thresholds.low) + " to " +
               fixed(result.thresholds.high) + ", of other strangers " + percent(result.fpir_interval.low) +
               " to " + percent(result.fpir_interval.high) + " named; " + people.space,
      .table = {
          {"rule", "known, named rightly", "known, named wrongly", "known, left unknown", "strangers named"},
          {},
          ""}};
  Json rules = Json::array();
  for (const NamingCounts& rule : result.rules) {
    std::optional<Interval> interval;
    if (result.strangers > 0) interval = wilson_interval(rule.strangers_named, result.strangers);
    report.table.rows.push_back({rule.rule, of(rule.right, result.known), of(rule.wrong, result.known),
                                 of(result.known - rule.right - rule.wrong, result.known),
                                 of(rule.strangers_named, result.strangers)});
    rules.push_back({{"rule", rule.rule},
                     {"right", rule.right},
                     {"wrong", rule.wrong},
                     {"strangers_named", rule.strangers_named},
                     {"strangers_named_interval", or_null(interval)}});
  }
  report.json = {{"known", result.known},
                 {"strangers", result.strangers},
                 {"impostors", result.impostors},
                 {"target_fpir", options.target_fpir},
                 {"thresholds", {result.thresholds.low, result.thresholds.high}},
                 {"fpir_interval", {result.fpir_interval.low, result.fpir_interval.high}},
                 {"rules", rules},
                 {"embedding_space", people.space}};
  return report;
}

EvalReport gallery_report(const People& people, const GalleryTrialOptions& options,
                          const Progress& progress) {
  const EnrolledAndAsked result = enrol_and_ask(people, options, progress);
  const std::string trials = std::to_string(result.trials) + " trials";
  EvalReport report{.title = "Gallery with a calibrated threshold",
                    .words = std::to_string(result.enrolled_people) + " people enrolled with " +
                             std::to_string(result.enrolled_faces) + " faces; " +
                             std::to_string(result.mates) + " other faces of theirs, " +
                             std::to_string(result.calibration_strangers) + " strangers to calibrate, " +
                             std::to_string(result.test_strangers) + " others to ask about; FPIR " +
                             percent(options.target_fpir) + ", seed " + std::to_string(options.seed) + "; " +
                             people.space,
                    .table = {{"figure", "first trial", "its 95 % interval", "mean of " + trials}, {}, ""}};
  auto& rows = report.table.rows;
  const auto row = [&](const std::string& name, const TrialShare& share) {
    rows.push_back({name, fixed(share.share), fixed(share.interval, "one person"),
                    fixed(MeanDeviation{share.mean, share.deviation})});
  };
  const Calibration& c = result.calibration;
  row("rank-1 identification rate", result.rank_one);
  row("FNIR at the threshold", result.fnir);
  row("realised FPIR on other strangers", result.fpir);
  rows.push_back({"FPIR the calibration stated", fixed(c.fpir),
                  fixed(c.fpir_interval.low) + " to " + fixed(c.fpir_interval.high),
                  std::to_string(result.inside) + " of " + trials + " inside theirs"});
  rows.push_back({"threshold (cosine)", fixed(c.threshold),
                  fixed(c.threshold_interval.low) + " to " + fixed(c.threshold_interval.high), ""});
  report.json = {{"enrolled_people", result.enrolled_people},
                 {"enrolled_faces", result.enrolled_faces},
                 {"mates", result.mates},
                 {"calibration_strangers", result.calibration_strangers},
                 {"test_strangers", result.test_strangers},
                 {"target_fpir", options.target_fpir},
                 {"threshold", c.threshold},
                 {"stated_fpir_interval", {c.fpir_interval.low, c.fpir_interval.high}},
                 {"rank_1", json_of(result.rank_one)},
                 {"fnir", json_of(result.fnir)},
                 {"fpir", json_of(result.fpir)},
                 {"trials", result.trials},
                 {"trials_inside", result.inside},
                 {"failures", people.failed},
                 {"embedding_space", people.space}};
  return report;
}

EvalReport thresholds_report(const People& people, std::span<const double> rates, Precision precision) {
  const Comparisons pairs = compare_all_pairs(people);
  EvalReport report{
      .title = "Thresholds",
      .words = std::to_string(people.size()) + " faces: " + std::to_string(pairs.non_mated.size()) +
               " pairs of two people, " + std::to_string(pairs.mated.size()) + " of one; " + people.space +
               ", " + std::string(to_string(precision)),
      .table = {{"false match rate", "cosine", "distance", "one person's pairs missed"}, {}, ""}};
  Json thresholds = Json::array();
  for (const double rate : rates) thresholds.push_back(tell_threshold(pairs, rate, report.table));
  report.json = {{"faces", people.size()},
                 {"non_mated", pairs.non_mated.size()},
                 {"mated", pairs.mated.size()},
                 {"thresholds", thresholds},
                 {"embedding_space", people.space}};
  return report;
}

}  // namespace likeness
