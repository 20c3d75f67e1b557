#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/eval_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/error.h"
#include "likeness/embed/comparison.h"
#include "likeness/eval/pairs_file.h"
#include "likeness/eval/photo_embeddings.h"
#include "likeness/eval/verification.h"
#include "likeness/eval/verification_report.h"
#include "likeness/version.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Args : EvalArgs {
  std::vector<fs::path> pairs;
  std::vector<fs::path> train_pairs;
  fs::path images;
  std::string baseline;
};

/// The processor's name, as the system gives it.
std::string machine() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

/// All that eval lfw works on: the photos of both files, embedded together.
struct Lfw {
  PairsFile tested;
  PairsFile training;
  std::vector<std::string> photos;  ///< Of `tested`, then those only in `training`.
  std::vector<fs::path> files;      ///< Where they lie.
  std::vector<std::size_t> training_index;
  PhotoEmbeddings embedded;
  std::vector<char> found;
};

Lfw load(const Args& args, ProgressBar& bar) {
  Lfw lfw;
  lfw.tested = read_pairs_files(args.pairs);
  lfw.training = read_pairs_files(args.train_pairs);
  find_photos(lfw.tested, args.images);
  find_photos(lfw.training, args.images);
  lfw.photos = lfw.tested.photos;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < lfw.photos.size(); ++i) known[lfw.photos[i]] = i;
  for (const std::string& photo : lfw.training.photos) {
    const auto [entry, added] = known.try_emplace(photo, lfw.photos.size());
    if (added) lfw.photos.push_back(photo);
    lfw.training_index.push_back(entry->second);
  }
  for (const std::string& photo : lfw.photos) lfw.files.push_back(args.images / photo);

  const ModelPack pack = args.model.embedder();
  lfw.embedded = embed_photos(lfw.files, pack, args.model, args.cache(), bar.callback());
  lfw.embedded.embeddings = Comparison(pack.contract).comparable(std::move(lfw.embedded.embeddings));
  for (std::size_t i = 0; i < lfw.files.size(); ++i) lfw.found.push_back(lfw.embedded.found(i));
  if (std::count(lfw.found.begin(), lfw.found.end(), 1) == 0) {
    throw Error(ErrorCode::kInputUnreadable,
                "none of the " + std::to_string(lfw.files.size()) +
                    " photos can be used; the first: " + lfw.embedded.problems[0]);
  }
  return lfw;
}

/// One model's scores of all pairs, and what they come to.
struct Scores {
  std::vector<std::vector<ScoredPair>> folds;
  Verification result;
};

Scores score_all(const Lfw& lfw, const PhotoEmbeddings& embedded, const std::vector<char>& found,
                 std::uint64_t seed) {
  Scores scores;
  for (const auto& fold : lfw.tested.folds)
    scores.folds.push_back(score_pairs(fold, embedded.embeddings, found));
  std::vector<ScoredPair> training;
  for (const auto& fold : lfw.training.folds) {
    std::vector<PhotoPair> pairs = fold;
    for (PhotoPair& pair : pairs) {
      pair = {lfw.training_index[pair.first], lfw.training_index[pair.second], pair.mated};
    }
    const auto scored = score_pairs(pairs, embedded.embeddings, found);
    training.insert(training.end(), scored.begin(), scored.end());
  }
  scores.result = verify_pairs(scores.folds, training, lfw.photos, seed);
  return scores;
}

/// The same pairs by another model, and how far the tested one is from it.
struct Baseline {
  std::string name;
  std::string space;
  double accuracy = 0;
  PairedDifference difference;
};

std::optional<Baseline> compare_with_baseline(const Args& args, const Lfw& lfw,
                                              const VerificationStory& story, ProgressBar& bar) {
  if (args.baseline.empty()) return std::nullopt;
  ModelOptions model = args.model;
  model.model = args.baseline;
  const ModelPack pack = model.embedder();
  PhotoEmbeddings embedded = embed_photos(lfw.files, pack, model, args.cache(), bar.callback());
  embedded.embeddings = Comparison(pack.contract).comparable(std::move(embedded.embeddings));
  std::vector<char> found;
  for (std::size_t i = 0; i < lfw.files.size(); ++i) found.push_back(embedded.found(i));
  const Scores scores = score_all(lfw, embedded, found, args.seed);
  return Baseline{pack.contract.name, embedded.id, scores.result.accuracy,
                  compare_accuracy(story.folds, story.result.fold_thresholds, scores.folds,
                                   scores.result.fold_thresholds, lfw.photos, args.seed)};
}

/// Why rates of these comparisons cannot be told; null where they can.
Json reason_of(const Comparisons& comparisons) {
  if (comparisons.mated.empty()) return "no pairs of one person";
  if (comparisons.non_mated.empty()) return "no pairs of two people";
  if (comparisons.non_mated.size() < comparisons_needed(1e-3)) {
    return "VAL at FAR 0.001 needs " + std::to_string(comparisons_needed(1e-3)) +
           " pairs of two people, there are " + std::to_string(comparisons.non_mated.size());
  }
  return nullptr;
}

Json json_of(const VerificationStory& story, const Lfw& lfw, std::size_t failed_pairs) {
  const Verification& result = story.result;
  Json line = {{"protocol", story.protocol},
               {"accuracy", result.accuracy},
               {"std", or_null(result.deviation)},
               {"interval", or_null(result.interval)},
               {"val_at_far_1e-3", or_null(result.validation_rate)},
               {"auc", or_null(result.area_under_roc)},
               {"eer", or_null(result.equal_error_rate)},
               {"reason", reason_of(result.comparisons)},
               {"failures", failed_pairs},
               {"accuracy_without_failures", or_null(result.accuracy_of_scored)},
               {"thresholds", result.fold_thresholds},
               {"fold_accuracies", result.fold_accuracies},
               {"threshold_from_same_pairs", result.threshold_from_same_pairs},
               {"mated", result.comparisons.mated.size()},
               {"non_mated", result.comparisons.non_mated.size()}};
  const Comparisons& all = story.all_pairs;
  const bool both = !all.mated.empty() && !all.non_mated.empty();
  line["all_pairs"] = {{"mated", all.mated.size()},
                       {"non_mated", all.non_mated.size()},
                       {"val_at_far_1e-3", or_null(validation_rate(all, 1e-3))},
                       {"auc", both ? Json(area_under_roc(all)) : Json(nullptr)},
                       {"eer", both ? Json(equal_error_rate(all)) : Json(nullptr)},
                       {"reason", reason_of(all)}};
  line["failed_photos"] = Json::array();
  for (const auto& [photo, why] : story.failed)
    line["failed_photos"].push_back({{"photo", photo}, {"why", why}});
  line["photos"] = lfw.photos.size();
  line["from_cache"] = lfw.embedded.from_cache;
  for (const auto& [what, value] : story.facts) line["facts"][what] = value;
  return line;
}

Json json_of(const Baseline& baseline) {
  const PairedDifference& by = baseline.difference;
  return {{"model", baseline.name},
          {"embedding_space", baseline.space},
          {"accuracy", baseline.accuracy},
          {"difference", by.difference},
          {"interval", or_null(by.interval)},
          {"gained", by.gained},
          {"lost", by.lost}};
}

void print(const VerificationStory& story, const Lfw& lfw, std::size_t failed_pairs) {
  const Verification& result = story.result;
  std::printf("%s\n\n", story.protocol.c_str());
  const auto both_kinds = [&result](const std::optional<double>& rate, int digits) {
    return rate ? fixed(*rate, digits) : reason_of(result.comparisons).get<std::string>();
  };
  std::printf("accuracy             %s (%s)\n", fixed(result.accuracy).c_str(),
              result.interval ? ("standard deviation " + fixed(result.deviation, "none") + "; 95% interval " +
                                 fixed(result.interval, "") + ", people resampled")
                                    .c_str()
                              : "of one person: without an interval");
  if (failed_pairs > 0) {
    std::printf("  without failures   %s\n", fixed(result.accuracy_of_scored, "no pairs").c_str());
  }
  std::printf("AUC                  %s\n", both_kinds(result.area_under_roc, 5).c_str());
  std::printf("equal error rate     %s\n", both_kinds(result.equal_error_rate, 4).c_str());
  const auto validation = [](const char* words, const Comparisons& comparisons) {
    if (comparisons.mated.empty() || comparisons.non_mated.empty()) {
      std::printf("VAL at FAR 0.001     %s (%s)\n", reason_of(comparisons).get<std::string>().c_str(), words);
      return;
    }
    const std::optional<double> rate = validation_rate(comparisons, 1e-3);
    if (rate)
      std::printf("VAL at FAR 0.001     %s (%s, %zu non-mated)\n", fixed(*rate).c_str(), words,
                  comparisons.non_mated.size());
    if (!rate) {
      std::printf("VAL at FAR 0.001     not supported by %zu comparisons (%s)\n",
                  comparisons.non_mated.size(), words);
    }
  };
  validation("the protocol's pairs", result.comparisons);
  validation("all pairs of its photos", story.all_pairs);
  std::printf("failures to acquire  %zu photos, %zu pairs\n", story.failed.size(), failed_pairs);
  for (const auto& [photo, why] : story.failed) std::printf("  %s: %s\n", photo.c_str(), why.c_str());
  if (result.threshold_from_same_pairs) std::printf("The threshold comes from the same pairs: optimistic.\n");
  std::printf("\n");
  for (const auto& [what, value] : story.facts) std::printf("%-20s %s\n", what.c_str(), value.c_str());
  std::printf("%-20s %zu, %zu of them from the cache\n", "photos", lfw.photos.size(),
              lfw.embedded.from_cache);
}

std::string protocol_of(const Lfw& lfw) {
  const std::size_t sets = lfw.tested.folds.size();
  const std::string pairs = std::to_string(lfw.tested.folds[0].size()) + " pairs";
  if (!lfw.training.folds.empty()) return "LFW view 1: " + pairs + ", threshold from the training pairs";
  if (sets > 1)
    return "LFW view 2: " + std::to_string(sets) + " sets of " + pairs +
           ", each decided by the others' threshold";
  return pairs + ", threshold from the same pairs";
}

Exit run_lfw(const Args& args) {
  ProgressBar bar("embedding");
  const Lfw lfw = load(args, bar);
  VerificationStory story;
  story.title = "LFW verification";
  story.protocol = protocol_of(lfw);
  story.photos = lfw.photos;
  story.images = args.images;
  Scores scores = score_all(lfw, lfw.embedded, lfw.found, args.seed);
  story.folds = std::move(scores.folds);
  story.result = std::move(scores.result);
  // All pairs of the tested photos only: the training photos chose the threshold, and their number is
  // another.
  const std::size_t tested = lfw.tested.photos.size();
  constexpr std::size_t kMostForAllPairs = 12'000;  // 72 million pairs, half a gigabyte
  // Where the folders are not people, nobody knows who is in photos that no pair joins.
  if (tested <= kMostForAllPairs && folders_are_people(lfw.tested)) {
    story.all_pairs = compare_all(lfw.embedded.embeddings, lfw.found, std::span(story.photos).first(tested));
  }
  for (std::size_t i = 0; i < lfw.photos.size(); ++i) {
    if (!lfw.found[i]) story.failed.emplace_back(lfw.photos[i], lfw.embedded.problems[i]);
  }
  story.facts = {{"embedding space", lfw.embedded.id},
                 {"precision", std::string(to_string(args.model.precision))},
                 {"passes", std::string(to_string(args.model.quality))},
                 {"sha256 of the photos", lfw.embedded.photos_hash},
                 {"program", std::string("likeness ") + version()},
                 {"machine", machine() + ", " + std::to_string(args.model.threads) + " threads"}};
  std::size_t failed_pairs = 0;
  for (const auto& fold : story.folds) {
    for (const ScoredPair& pair : fold) failed_pairs += pair.score ? 0 : 1;
  }
  const std::optional<Baseline> baseline = compare_with_baseline(args, lfw, story, bar);
  if (baseline) {
    const PairedDifference& by = baseline->difference;
    char text[160];
    const int said =
        std::snprintf(text, sizeof text, "%.4f; this one %+.4f (", baseline->accuracy, by.difference);
    const auto used = static_cast<std::size_t>(said);
    if (by.interval) {
      std::snprintf(text + used, sizeof text - used,
                    "95 %% interval %+.4f to %+.4f; %zu pairs gained, %zu lost)", by.interval->low,
                    by.interval->high, by.gained, by.lost);
    } else {
      std::snprintf(text + used, sizeof text - used, "%zu pairs gained, %zu lost)", by.gained, by.lost);
    }
    story.facts.emplace_back("accuracy of " + baseline->name, text);
  }
  if (!args.out.empty()) write_verification_report(args.out, story);
  if (args.json) {
    Json line = json_of(story, lfw, failed_pairs);
    if (baseline) line["baseline"] = json_of(*baseline);
    std::cout << dump_line(line) << '\n';
  } else {
    print(story, lfw, failed_pairs);
    if (!args.out.empty()) std::printf("%-20s %s\n", "report", (args.out / "report.html").c_str());
  }
  const bool unreadable = std::any_of(story.failed.begin(), story.failed.end(),
                                      [](const auto& one) { return one.second != "no face found"; });
  return unreadable ? Exit::kSomeInputsFailed : Exit::kDone;
}

}  // namespace

void add_eval_command(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("eval", "Accuracy by published protocols, with plots");
  command->footer("Example: likeness eval cluster photos --min-photos 2     (photos/PERSON/photo.jpg)");
  command->require_subcommand(1);

  auto args = std::make_shared<Args>();
  CLI::App* lfw = command->add_subcommand("lfw", "Same person or not: LFW's pairs, view 1 or view 2");
  lfw->footer(
      "Example: likeness eval lfw --pairs pairsDevTest.txt --train-pairs pairsDevTrain.txt --images lfw "
      "--out report");
  lfw->add_option(
         "--pairs", args->pairs,
         "Pairs to test: pairsDevTest.txt, view 2's pairs.txt, or tables (.csv) of pairs; of several "
         "files (match, mismatch) all together")
      ->required();
  lfw->add_option("--train-pairs", args->train_pairs, "Pairs that give the threshold: pairsDevTrain.txt");
  lfw->add_option("--images", args->images, "Folder of NAME/NAME_0001.jpg")->required();
  lfw->add_option("--baseline", args->baseline,
                  "Another pack on the same pairs: the difference of accuracies with its interval");
  add_eval_options(*lfw, *args);
  lfw->callback([args, &exit] { exit = run_lfw(*args); });
  add_eval_people(*command, exit);
  add_eval_gallery(*command, exit);
  add_eval_detect(*command, exit);
}

}  // namespace likeness::cli
