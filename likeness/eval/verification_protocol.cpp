#include "likeness/eval/verification_protocol.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "likeness/core/cpu_name.h"
#include "likeness/core/error.h"
#include "likeness/embed/comparison.h"
#include "likeness/eval/pairs_file.h"
#include "likeness/eval/photo_embeddings.h"
#include "likeness/eval/protocols.h"
#include "likeness/report/numbers.h"
#include "likeness/version.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// The photos of both kinds of pairs, to be embedded together.
struct Photos {
  PairsFile tested;
  PairsFile training;
  std::vector<std::string> names;  ///< Of `tested`, then those only in `training`.
  std::vector<fs::path> files;     ///< Where they lie.
  std::vector<std::size_t> training_index;
};

Photos read_photos(const PairsProtocol& protocol) {
  Photos photos;
  photos.tested = read_pairs_files(protocol.pairs);
  photos.training = read_pairs_files(protocol.training_pairs);
  find_photos(photos.tested, protocol.images);
  find_photos(photos.training, protocol.images);
  photos.names = photos.tested.photos;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < photos.names.size(); ++i) known[photos.names[i]] = i;
  for (const std::string& photo : photos.training.photos) {
    const auto [entry, added] = known.try_emplace(photo, photos.names.size());
    if (added) photos.names.push_back(photo);
    photos.training_index.push_back(entry->second);
  }
  for (const std::string& photo : photos.names) photos.files.push_back(protocol.images / photo);
  return photos;
}

/// What one model makes of the photos: comparable embeddings.
struct Embedded {
  std::string model;
  PhotoEmbeddings photos;
  std::vector<char> found;
};

Embedded embed(const Photos& photos, const Setup& setup, const fs::path& cache, const Progress& progress) {
  const ModelPack pack = setup.embedder();
  Embedded result{pack.contract.name, embed_photos(photos.files, pack, setup, cache, progress), {}};
  Embeddings& rows = result.photos.embeddings;
  rows = Comparison(pack.contract).comparable(std::move(rows));
  for (std::size_t i = 0; i < photos.files.size(); ++i) result.found.push_back(result.photos.found(i));
  return result;
}

/// One model's scores of all pairs, and what they come to.
struct Scores {
  std::vector<std::vector<ScoredPair>> folds;
  Verification result;
};

Scores score_all(const Photos& photos, const Embedded& embedded, std::uint64_t seed) {
  Scores scores;
  for (const auto& fold : photos.tested.folds)
    scores.folds.push_back(score_pairs(fold, embedded.photos.embeddings, embedded.found));
  std::vector<ScoredPair> training;
  for (const auto& fold : photos.training.folds) {
    std::vector<PhotoPair> pairs = fold;
    for (PhotoPair& pair : pairs) {
      pair = {photos.training_index[pair.first], photos.training_index[pair.second], pair.mated};
    }
    const auto scored = score_pairs(pairs, embedded.photos.embeddings, embedded.found);
    training.insert(training.end(), scored.begin(), scored.end());
  }
  scores.result = verify_pairs(scores.folds, training, photos.names, seed);
  return scores;
}

std::string words_of(const Photos& photos) {
  const std::size_t sets = photos.tested.folds.size();
  const std::string pairs = std::to_string(photos.tested.folds[0].size()) + " pairs";
  if (!photos.training.folds.empty()) return "LFW view 1: " + pairs + ", threshold from the training pairs";
  if (sets > 1)
    return "LFW view 2: " + std::to_string(sets) + " sets of " + pairs +
           ", each decided by the others' threshold";
  return pairs + ", threshold from the same pairs";
}

std::string words_of(const VerificationBaseline& baseline) {
  const PairedDifference& by = baseline.difference;
  char text[160];
  const int said =
      std::snprintf(text, sizeof text, "%.4f; this one %+.4f (", baseline.accuracy, by.difference);
  const auto used = static_cast<std::size_t>(said);
  if (by.interval) {
    std::snprintf(text + used, sizeof text - used,
                  "95 %% interval %+.4f to %+.4f; %zu pairs gained, %zu lost)", by.interval->low,
                  by.interval->high, by.gained, by.lost);
  } else {
    std::snprintf(text + used, sizeof text - used, "%zu pairs gained, %zu lost)", by.gained, by.lost);
  }
  return text;
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

std::string validation_words(const Comparisons& comparisons, const std::string& which) {
  if (comparisons.mated.empty() || comparisons.non_mated.empty())
    return reason_of(comparisons).get<std::string>() + " (" + which + ")";
  const std::string count = std::to_string(comparisons.non_mated.size());
  const std::optional<double> rate = validation_rate(comparisons, 1e-3);
  if (!rate) return "not supported by " + count + " comparisons (" + which + ")";
  return fixed(*rate) + " (" + which + ", " + count + " non-mated)";
}

}  // namespace

VerificationStory verify_photos(const PairsProtocol& protocol, const Setup& setup,
                                const std::optional<Setup>& baseline, const Progress& progress) {
  const Photos photos = read_photos(protocol);
  const Embedded own = embed(photos, setup, protocol.cache, progress);
  if (std::count(own.found.begin(), own.found.end(), 1) == 0) {
    throw Error(ErrorCode::kInputUnreadable, "none of the " + std::to_string(photos.files.size()) +
                                                 " photos can be used; the first: " + own.photos.problems[0]);
  }
  VerificationStory story;
  story.title = "LFW verification";
  story.protocol = words_of(photos);
  story.photos = photos.names;
  story.images = protocol.images;
  Scores scores = score_all(photos, own, protocol.seed);
  story.folds = std::move(scores.folds);
  story.result = std::move(scores.result);
  // All pairs of the tested photos only: the training photos chose the threshold, and their number is
  // another. Where the folders are not people, nobody knows who is in photos that no pair joins.
  const std::size_t tested = photos.tested.photos.size();
  if (tested <= kMostFacesInPairs && folders_are_people(photos.tested))
    story.all_pairs = compare_all(own.photos.embeddings, own.found, std::span(story.photos).first(tested));
  for (std::size_t i = 0; i < photos.names.size(); ++i) {
    if (own.found[i]) continue;
    story.failed.emplace_back(photos.names[i], own.photos.problems[i]);
    if (own.photos.unreadable(i))
      story.unreadable.push_back({photos.files[i].string(), own.photos.problems[i]});
  }
  for (const auto& fold : story.folds) {
    for (const ScoredPair& pair : fold) story.failed_pairs += pair.score ? 0 : 1;
  }
  story.from_cache = own.photos.from_cache;
  const std::string cpu = cpu_name();
  story.facts = {{"embedding space", own.photos.id},
                 {"precision", std::string(to_string(setup.precision))},
                 {"passes", std::string(to_string(setup.quality))},
                 {"sha256 of the photos", own.photos.photos_hash},
                 {"program", std::string("likeness ") + version()},
                 {"machine", (cpu.empty() ? "unknown processor" : cpu) + ", " +
                                 std::to_string(setup.threads) + " threads"}};
  if (!baseline) return story;
  const Embedded other = embed(photos, *baseline, protocol.cache, progress);
  const Scores theirs = score_all(photos, other, protocol.seed);
  story.baseline = {other.model, other.photos.id, theirs.result.accuracy,
                    compare_accuracy(story.folds, story.result.fold_thresholds, theirs.folds,
                                     theirs.result.fold_thresholds, photos.names, protocol.seed)};
  story.facts.emplace_back("accuracy of " + other.model, words_of(*story.baseline));
  return story;
}

Json json_of(const VerificationStory& story) {
  const Verification& result = story.result;
  Json json = {{"protocol", story.protocol},
               {"accuracy", result.accuracy},
               {"std", or_null(result.deviation)},
               {"interval", or_null(result.interval)},
               {"val_at_far_1e-3", or_null(result.validation_rate)},
               {"auc", or_null(result.area_under_roc)},
               {"eer", or_null(result.equal_error_rate)},
               {"reason", reason_of(result.comparisons)},
               {"failures", story.failed_pairs},
               {"accuracy_without_failures", or_null(result.accuracy_of_scored)},
               {"thresholds", result.fold_thresholds},
               {"fold_accuracies", result.fold_accuracies},
               {"threshold_from_same_pairs", result.threshold_from_same_pairs},
               {"mated", result.comparisons.mated.size()},
               {"non_mated", result.comparisons.non_mated.size()}};
  const Comparisons& all = story.all_pairs;
  const bool both = !all.mated.empty() && !all.non_mated.empty();
  json["all_pairs"] = {{"mated", all.mated.size()},
                       {"non_mated", all.non_mated.size()},
                       {"val_at_far_1e-3", or_null(validation_rate(all, 1e-3))},
                       {"auc", both ? Json(area_under_roc(all)) : Json(nullptr)},
                       {"eer", both ? Json(equal_error_rate(all)) : Json(nullptr)},
                       {"reason", reason_of(all)}};
  json["failed_photos"] = Json::array();
  for (const auto& [photo, why] : story.failed)
    json["failed_photos"].push_back({{"photo", photo}, {"why", why}});
  tell_failed(json, story.unreadable);
  json["photos"] = story.photos.size();
  json["from_cache"] = story.from_cache;
  for (const auto& [what, value] : story.facts) json["facts"][what] = value;
  if (story.baseline) {
    const PairedDifference& by = story.baseline->difference;
    json["baseline"] = {{"model", story.baseline->model},
                        {"embedding_space", story.baseline->space},
                        {"accuracy", story.baseline->accuracy},
                        {"difference", by.difference},
                        {"interval", or_null(by.interval)},
                        {"gained", by.gained},
                        {"lost", by.lost}};
  }
  return json;
}

std::vector<std::string> text_of(const VerificationStory& story) {
  const Verification& result = story.result;
  std::vector<std::string> lines{story.protocol, ""};
  const auto line = [&lines](std::string name, const std::string& value) {
    name.resize(std::max<std::size_t>(name.size(), 20), ' ');
    lines.push_back(name + " " + value);
  };
  const auto both_kinds = [&result](const std::optional<double>& rate, int digits) {
    return rate ? fixed(*rate, digits) : reason_of(result.comparisons).get<std::string>();
  };
  line("accuracy",
       fixed(result.accuracy) + " (" +
           (result.interval ? "standard deviation " + fixed(result.deviation, "none") + "; 95% interval " +
                                  fixed(result.interval, "") + ", people resampled"
                            : "of one person: without an interval") +
           ")");
  if (story.failed_pairs > 0) line("  without failures", fixed(result.accuracy_of_scored, "no pairs"));
  line("AUC", both_kinds(result.area_under_roc, 5));
  line("equal error rate", both_kinds(result.equal_error_rate, 4));
  line("VAL at FAR 0.001", validation_words(result.comparisons, "the protocol's pairs"));
  line("VAL at FAR 0.001", validation_words(story.all_pairs, "all pairs of its photos"));
  line("failures to acquire",
       std::to_string(story.failed.size()) + " photos, " + std::to_string(story.failed_pairs) + " pairs");
  for (const auto& [photo, why] : story.failed) lines.push_back("  " + photo + ": " + why);
  if (result.threshold_from_same_pairs)
    lines.emplace_back("The threshold comes from the same pairs: optimistic.");
  lines.emplace_back();
  for (const auto& [what, value] : story.facts) line(what, value);
  line("photos", std::to_string(story.photos.size()) + ", " + std::to_string(story.from_cache) +
                     " of them from the cache");
  return lines;
}

}  // namespace likeness
