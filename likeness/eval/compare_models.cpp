#include "likeness/eval/compare_models.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "likeness/classify/classifier.h"
#include "likeness/core/error.h"
#include "likeness/eval/closed_set.h"
#include "likeness/stats/error_rates.h"

namespace likeness {
namespace {

struct Timed {
  Embeddings embeddings;
  double milliseconds = 0;  // a face
};

Timed embed(Embedder& embedder, const std::vector<Chip>& chips) {
  Timed result;
  for (int run = 0; run < 2; ++run) {
    const auto start = std::chrono::steady_clock::now();
    result.embeddings = embedder.embed(chips);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    const double each = took.count() / static_cast<double>(chips.size());
    result.milliseconds = run == 0 ? each : std::min(result.milliseconds, each);
  }
  return result;
}

Embeddings rows(const Embeddings& embeddings, std::size_t first, std::size_t end) {
  const auto d = static_cast<long>(embeddings.dimension);
  const auto begin = embeddings.values.begin();
  return {embeddings.dimension, {begin + static_cast<long>(first) * d, begin + static_cast<long>(end) * d}};
}

/// Cosines of all pairs, row by row.
std::vector<double> cosines(const Embeddings& embeddings) {
  std::vector<double> result;
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    for (std::size_t j = i + 1; j < embeddings.size(); ++j)
      result.push_back(dot(embeddings[i], embeddings[j]));
  }
  return result;
}

ModelScore score(std::span<const std::string> labels, std::size_t train, const Embeddings& embeddings,
                 const std::vector<double>& cosines) {
  ModelScore score;
  Comparisons comparisons;
  std::size_t pair = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (std::size_t j = i + 1; j < labels.size(); ++j) {
      (labels[i] == labels[j] ? comparisons.mated : comparisons.non_mated).push_back(cosines[pair++]);
    }
  }
  if (comparisons.mated.empty() || comparisons.non_mated.empty()) {
    throw Error(ErrorCode::kDataInvalid, "comparing models needs two people, one of them with two faces");
  }
  score.area_under_roc = area_under_roc(comparisons);
  score.equal_error_rate = equal_error_rate(comparisons);
  score.threshold = best_threshold(comparisons);
  score.total = labels.size() - train;
  if (score.total == 0) return score;
  const Classifier classifier = Classifier::train(rows(embeddings, 0, train), labels.first(train), {});
  score.correct =
      score_closed_set(classifier, rows(embeddings, train, labels.size()), labels.subspan(train)).correct;
  return score;
}

}  // namespace

ModelComparison compare_embeddings(std::span<const std::string> labels, std::size_t train,
                                   const Embeddings& a, const Embeddings& b, const Comparison& way_of_a,
                                   const Comparison& way_of_b) {
  ModelComparison result;
  result.faces = labels.size();
  const auto of_a = cosines(way_of_a.comparable(a));
  const auto of_b = cosines(way_of_b.comparable(b));
  result.a = score(labels, train, a, of_a);
  result.b = score(labels, train, b, of_b);
  result.pairs = of_a.size();
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if ((of_a[i] >= result.a.threshold) != (of_b[i] >= result.b.threshold)) ++result.flipped;
  }
  if (a.dimension != b.dimension) return result;
  double sum = 0;
  double worst = 1;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double cosine = dot(a[i], b[i]);
    sum += cosine;
    worst = std::min(worst, cosine);
  }
  result.worst_cosine = worst;
  result.mean_cosine = sum / static_cast<double>(labels.size());
  return result;
}

ModelComparison compare_models(const FaceDataset& dataset, Embedder& a, Embedder& b,
                               const Progress& progress) {
  std::vector<Chip> chips = dataset.train.chips;
  std::vector<std::string> labels = dataset.train.labels;
  chips.insert(chips.end(), dataset.val.chips.begin(), dataset.val.chips.end());
  labels.insert(labels.end(), dataset.val.labels.begin(), dataset.val.labels.end());
  const Timed by_a = embed(a, chips);
  report_progress(progress, 1, 2);
  const Timed by_b = embed(b, chips);
  report_progress(progress, 2, 2);
  ModelComparison result =
      compare_embeddings(labels, dataset.train.chips.size(), by_a.embeddings, by_b.embeddings,
                         Comparison(a.contract()), Comparison(b.contract()));
  result.a.milliseconds = by_a.milliseconds;
  result.b.milliseconds = by_b.milliseconds;
  return result;
}

}  // namespace likeness
