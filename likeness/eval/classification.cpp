#include "likeness/eval/classification.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <stdexcept>

#include "likeness/classify/classifier.h"
#include "likeness/core/error.h"
#include "likeness/stats/error_rates.h"

namespace likeness {
namespace {

using Groups = std::map<std::string, std::vector<std::size_t>>;

Groups group(const Embeddings& embeddings, std::span<const std::string> labels, std::size_t least_people) {
  if (labels.size() != embeddings.size())
    throw std::invalid_argument("as many labels as embeddings are needed");
  Groups groups;
  for (std::size_t i = 0; i < labels.size(); ++i) groups[labels[i]].push_back(i);
  if (groups.size() < least_people) {
    throw Error(ErrorCode::kDataInvalid, "this needs faces of " + std::to_string(least_people) +
                                             " people, and there are " + std::to_string(groups.size()));
  }
  for (const auto& [person, rows] : groups) {
    if (rows.size() < 2) throw Error(ErrorCode::kDataInvalid, person + " has one face; two are needed");
  }
  return groups;
}

Classifier train_on(const Embeddings& embeddings, std::span<const std::string> labels,
                    const std::vector<std::size_t>& rows, std::uint64_t seed) {
  Embeddings chosen{embeddings.dimension, {}};
  std::vector<std::string> names;
  for (const std::size_t row : rows) {
    chosen.values.insert(chosen.values.end(), embeddings[row].begin(), embeddings[row].end());
    names.push_back(labels[row]);
  }
  return Classifier::train(chosen, names, {}, {.seed = seed});
}

/// A part for every row, each person's spread evenly.
std::vector<int> deal(const Groups& groups, std::size_t rows, int folds, std::mt19937_64& random) {
  std::vector<int> fold(rows);
  std::size_t next = 0;  // goes on from person to person, so that parts come out equally large
  for (const auto& [person, own] : groups) {
    std::vector<std::size_t> order = own;
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    for (const std::size_t row : order)
      fold[row] = static_cast<int>(next++ % static_cast<std::size_t>(folds));
  }
  return fold;
}

/// What was said and whether it was right.
struct Said {
  double probability;
  bool right;
};

void judge(const std::vector<Said>& said, CrossValidation& result) {
  if (said.empty()) return;
  constexpr std::size_t kBins = 10;
  std::vector<ReliabilityBin> bins(kBins);
  double squares = 0;
  for (const auto& [probability, right] : said) {
    squares += std::pow(probability - (right ? 1 : 0), 2);
    ReliabilityBin& bin = bins[std::min(kBins - 1, static_cast<std::size_t>(probability * kBins))];
    ++bin.faces;
    bin.said += probability;
    bin.right += right ? 1 : 0;
  }
  double gap = 0;
  for (ReliabilityBin& bin : bins) {
    if (bin.faces == 0) continue;
    gap += std::abs(bin.said - bin.right);
    bin.said /= static_cast<double>(bin.faces);
    bin.right /= static_cast<double>(bin.faces);
    result.reliability.push_back(bin);
  }
  result.brier = squares / static_cast<double>(said.size());
  result.calibration_error = gap / static_cast<double>(said.size());
}

}  // namespace

CrossValidation cross_validate_classifier(const Embeddings& embeddings, std::span<const std::string> labels,
                                          const ClassificationOptions& options) {
  if (options.folds < 2 || options.repeats < 1)
    throw std::invalid_argument("at least two parts and one repeat");
  const Groups groups = group(embeddings, labels, 2);
  std::mt19937_64 random(options.seed);
  CrossValidation result;
  std::vector<Said> said;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    const std::vector<int> fold = deal(groups, labels.size(), options.folds, random);
    std::size_t correct = 0;
    for (int part = 0; part < options.folds; ++part) {
      std::vector<std::size_t> rows;
      for (std::size_t i = 0; i < fold.size(); ++i) {
        if (fold[i] != part) rows.push_back(i);
      }
      const Classifier classifier = train_on(embeddings, labels, rows, options.seed);
      for (std::size_t i = 0; i < fold.size(); ++i) {
        if (fold[i] != part) continue;
        const Prediction prediction = classifier.predict(embeddings[i]);
        const bool right = prediction.label == labels[i];
        correct += right ? 1 : 0;
        if (prediction.probability()) said.push_back({*prediction.probability(), right});
      }
    }
    result.accuracies.push_back(static_cast<double>(correct) / static_cast<double>(labels.size()));
  }
  const MeanDeviation over_repeats = mean_deviation(result.accuracies);
  result.accuracy = over_repeats.mean;
  result.deviation = over_repeats.deviation;
  const auto rows = static_cast<double>(labels.size());
  result.interval =
      wilson_interval(static_cast<std::size_t>(std::lround(result.accuracy * rows)), labels.size());
  judge(said, result);
  return result;
}

LeftOut leave_one_person_out(const Embeddings& embeddings, std::span<const std::string> labels,
                             std::uint64_t seed) {
  const Groups groups = group(embeddings, labels, 3);
  LeftOut result;
  for (const auto& [person, own] : groups) {
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != person) others.push_back(i);
    }
    const Classifier classifier = train_on(embeddings, labels, others, seed);
    for (const std::size_t row : own) {
      const Prediction prediction = classifier.predict(embeddings[row]);
      ++result.strangers;
      result.stranger_cosines.push_back(prediction.nearest_cosine);
      if (prediction.probability())
        result.named = result.named.value_or(0) + (*prediction.probability() >= 0.5 ? 1 : 0);
    }
  }
  Embeddings unit = embeddings;
  l2_normalize(unit);
  for (const auto& [person, own] : groups) {
    for (const std::size_t row : own) {
      double best = -1;
      for (const std::size_t other : own) {
        if (other != row) best = std::max(best, dot(unit[row], unit[other]));
      }
      result.known_cosines.push_back(best);
    }
  }
  result.auc = area_under_roc({result.known_cosines, result.stranger_cosines});
  return result;
}

}  // namespace likeness
