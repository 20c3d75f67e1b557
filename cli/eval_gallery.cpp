#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/eval_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/eval/gallery_trials.h"
#include "likeness/stats/error_rates.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct ThresholdArgs : EvalArgs {
  fs::path faces;
  std::optional<fs::path> only;
  std::vector<double> rates = {0.01, 0.001, 0.0001};
};

struct Args : EvalArgs {
  fs::path faces;
  fs::path impostors;
  std::vector<std::string> without;
  GalleryTrialOptions trials;
};

std::string of(std::size_t count, std::size_t all) {
  if (all == 0) return "no faces";
  return std::to_string(count) + " (" + percent(static_cast<double>(count) / static_cast<double>(all)) + ")";
}

/// Who is left, with the people of --without gone.
NamedFaces named_faces(People people, const std::vector<std::string>& without) {
  NamedFaces faces{{people.embeddings.dimension, {}}, {}, people.contract};
  for (std::size_t i = 0; i < people.labels.size(); ++i) {
    if (std::ranges::find(without, people.labels[i]) != without.end()) continue;
    const auto row = people.embeddings[i];
    faces.embeddings.values.insert(faces.embeddings.values.end(), row.begin(), row.end());
    faces.people.push_back(std::move(people.labels[i]));
  }
  return faces;
}

// ---- leftout ----

Exit run_leftout(const Args& args) {
  const People people = people_of(args.faces, args);
  const People strangers = people_of(args.impostors, args, true);
  if (people.space != strangers.space) {
    throw Error(ErrorCode::kModelMismatch, args.faces.string() + " is of " + people.space + ", " +
                                               args.impostors.string() + " of " + strangers.space);
  }
  GalleryTrialOptions options = args.trials;
  options.seed = args.seed;
  ProgressBar bar("leaving out");
  const LeftOutPeople result = leave_people_out(named_faces(people, {}), named_faces(strangers, args.without),
                                                options, bar.callback());
  Table table{
      {"rule", "known, named rightly", "known, named wrongly", "known, left unknown", "strangers named"},
      {},
      ""};
  Json rules = Json::array();
  for (const NamingCounts& rule : result.rules) {
    std::optional<Interval> interval;
    if (result.strangers > 0) interval = wilson_interval(rule.strangers_named, result.strangers);
    table.rows.push_back({rule.rule, of(rule.right, result.known), of(rule.wrong, result.known),
                          of(result.known - rule.right - rule.wrong, result.known),
                          of(rule.strangers_named, result.strangers)});
    rules.push_back({{"rule", rule.rule},
                     {"right", rule.right},
                     {"wrong", rule.wrong},
                     {"strangers_named", rule.strangers_named},
                     {"strangers_named_interval", or_null(interval)}});
  }
  const std::string words =
      std::to_string(result.known) + " known faces and " + std::to_string(result.strangers) +
      " strangers' faces asked about, everybody left out once, " + std::to_string(options.folds) +
      " folds, seed " + std::to_string(args.seed) + "; calibrated for FPIR " + percent(options.target_fpir) +
      " with " + std::to_string(result.impostors) + " impostors: thresholds " + fixed(result.thresholds.low) +
      " to " + fixed(result.thresholds.high) + ", of other strangers " + percent(result.fpir_interval.low) +
      " to " + percent(result.fpir_interval.high) + " named; " + people.space;
  write_report(args, "People left out", words, table);
  if (args.json) {
    std::cout << dump_line({{"known", result.known},
                            {"strangers", result.strangers},
                            {"impostors", result.impostors},
                            {"target_fpir", options.target_fpir},
                            {"thresholds", {result.thresholds.low, result.thresholds.high}},
                            {"fpir_interval", {result.fpir_interval.low, result.fpir_interval.high}},
                            {"rules", rules},
                            {"embedding_space", people.space}})
              << '\n';
  } else {
    print_table(words, table);
  }
  return people.exit == Exit::kDone ? strangers.exit : people.exit;
}

// ---- gallery ----

Json json_of(const TrialShare& share) {
  return {{"share", share.share},
          {"interval", or_null(share.interval)},
          {"mean", share.mean},
          {"std", or_null(share.deviation)}};
}

Exit run_gallery(const Args& args) {
  const People people = people_of(args.faces, args);
  GalleryTrialOptions options = args.trials;
  options.seed = args.seed;
  ProgressBar bar("trials");
  const EnrolledAndAsked result = enrol_and_ask(named_faces(people, args.without), options, bar.callback());
  const std::string trials = "mean of " + std::to_string(result.trials) + " trials";
  Table table{{"figure", "first trial", "its 95 % interval", trials}, {}, ""};
  const auto row = [&](const std::string& name, const TrialShare& share) {
    table.rows.push_back({name, fixed(share.share), fixed(share.interval, "one person"),
                          fixed(MeanDeviation{share.mean, share.deviation})});
  };
  const Calibration& c = result.calibration;
  row("rank-1 identification rate", result.rank_one);
  row("FNIR at the threshold", result.fnir);
  row("realised FPIR on other strangers", result.fpir);
  table.rows.push_back(
      {"FPIR the calibration stated", fixed(c.fpir),
       fixed(c.fpir_interval.low) + " to " + fixed(c.fpir_interval.high),
       std::to_string(result.inside) + " of " + std::to_string(result.trials) + " trials inside theirs"});
  table.rows.push_back({"threshold (cosine)", fixed(c.threshold),
                        fixed(c.threshold_interval.low) + " to " + fixed(c.threshold_interval.high), ""});
  const std::string words =
      std::to_string(result.enrolled_people) + " people enrolled with " +
      std::to_string(result.enrolled_faces) + " faces; " + std::to_string(result.mates) +
      " other faces of theirs, " + std::to_string(result.calibration_strangers) +
      " strangers to calibrate, " + std::to_string(result.test_strangers) + " others to ask about; FPIR " +
      percent(options.target_fpir) + ", seed " + std::to_string(args.seed) + "; " + people.space;
  write_report(args, "Gallery with a calibrated threshold", words, table);
  if (args.json) {
    std::cout << dump_line({{"enrolled_people", result.enrolled_people},
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
                            {"embedding_space", people.space}})
              << '\n';
  } else {
    print_table(words, table);
  }
  return people.exit;
}

// ---- thresholds ----

/// Cosines of all pairs of faces.
Comparisons compare_all_pairs(const People& people) {
  Comparisons pairs;
  for (std::size_t i = 0; i < people.labels.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      auto& side = people.labels[i] == people.labels[j] ? pairs.mated : pairs.non_mated;
      side.push_back(dot(people.embeddings[i], people.embeddings[j]));
    }
  }
  return pairs;
}

Exit run_thresholds(const ThresholdArgs& args) {
  People people = compared_people(args.faces, args);
  keep_wanted(people, args.only, 1);
  constexpr std::size_t kMostFaces = 12'000;  // 72 million pairs, half a gigabyte
  if (people.labels.size() > kMostFaces) {
    throw std::invalid_argument("at most " + std::to_string(kMostFaces) + " faces, there are " +
                                std::to_string(people.labels.size()) + "; choose people with --only");
  }
  const Comparisons pairs = compare_all_pairs(people);
  Table table{{"false match rate", "cosine", "distance", "one person's pairs missed"}, {}, ""};
  Json thresholds = Json::array();
  for (const double rate : args.rates) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", rate);
    const auto threshold = threshold_at_rate(pairs.non_mated, rate);
    std::optional<double> missed;
    if (threshold) missed = false_non_match_rate(pairs.mated, *threshold);
    Json one = {{"cosine", or_null(threshold)},
                {"false_match_rate", rate},
                {"false_non_match_rate", or_null(missed)}};
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
    thresholds.push_back(std::move(one));
  }
  const std::string words = std::to_string(people.labels.size()) +
                            " faces: " + std::to_string(pairs.non_mated.size()) + " pairs of two people, " +
                            std::to_string(pairs.mated.size()) + " of one; " + people.space + ", " +
                            std::string(to_string(args.model.precision));
  write_report(args, "Thresholds", words, table);
  if (args.json) {
    std::cout << dump_line({{"faces", people.labels.size()},
                            {"non_mated", pairs.non_mated.size()},
                            {"mated", pairs.mated.size()},
                            {"thresholds", thresholds},
                            {"embedding_space", people.space}})
              << '\n';
  } else {
    print_table(words, table);
  }
  return people.exit;
}

void add_trial_options(CLI::App& command, Args& args) {
  command.add_option("--target-fpir", args.trials.target_fpir, "Share of strangers who may get a name")
      ->check(CLI::Range(1e-9, 0.999999))
      ->capture_default_str();
  command.add_option("--without", args.without, "People to leave aside, by name");
  add_eval_options(command, args);
}

}  // namespace

void add_eval_gallery(CLI::App& command, Exit& exit) {
  auto left = std::make_shared<Args>();
  CLI::App* part = command.add_subcommand(
      "leftout", "Strangers among known people: each person left out in turn, gate and SVM side by side");
  part->footer("Example: likeness eval leftout friends --impostors lfw --without Elton_John Madonna");
  part->add_option("faces", left->faces, "Folder of PERSON/photos, or embeddings (.npz)")->required();
  part->add_option("--impostors", left->impostors, "Faces of others, to calibrate with: folder or .npz")
      ->required();
  part->add_option("--folds", left->trials.folds,
                   "Parts of everybody's faces; one asks, the others are known")
      ->check(CLI::Range(2, 100))
      ->capture_default_str();
  add_trial_options(*part, *left);
  part->callback([left, &exit] { exit = run_leftout(*left); });

  auto thresholds = std::make_shared<ThresholdArgs>();
  part = command.add_subcommand(
      "thresholds", "From which cosine on two faces count as one person: all pairs of the faces given");
  part->footer("Example: likeness eval thresholds lfw --only peopleDevTrain.txt");
  part->add_option("faces", thresholds->faces, "Folder of PERSON/photos, or embeddings (.npz)")->required();
  part->add_option("--only", thresholds->only, "File whose lines begin with the people wanted");
  part->add_option("--rates", thresholds->rates, "False match rates")
      ->check(CLI::Range(1e-9, 0.999999))
      ->capture_default_str();
  add_eval_options(*part, *thresholds);
  part->callback([thresholds, &exit] { exit = run_thresholds(*thresholds); });

  auto open = std::make_shared<Args>();
  part = command.add_subcommand(
      "gallery",
      "A calibrated gallery: two faces enrolled, half of the strangers to calibrate, half to ask about");
  part->footer("Example: likeness eval gallery lfw --target-fpir 0.01     (lfw/PERSON/photo.jpg)");
  part->add_option("faces", open->faces, "Folder of PERSON/photos, or embeddings (.npz)")->required();
  part->add_option("--trials", open->trials.trials, "How often people and strangers are drawn")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_trial_options(*part, *open);
  part->callback([open, &exit] { exit = run_gallery(*open); });
}

}  // namespace likeness::cli
