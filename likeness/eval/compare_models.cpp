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

struct Faces {
  std::vector<Chip> chips;  // train, then val
  std::vector<std::string> labels;
  std::size_t train = 0;
};

Faces all_of(const FaceDataset& dataset) {
  Faces faces{dataset.train.chips, dataset.train.labels, dataset.train.chips.size()};
  faces.chips.insert(faces.chips.end(), dataset.val.chips.begin(), dataset.val.chips.end());
  faces.labels.insert(faces.labels.end(), dataset.val.labels.begin(), dataset.val.labels.end());
  return faces;
}

struct Timed {
  Embeddings embeddings;
  double milliseconds = 0;  // a face
};

Timed embed(Embedder& embedder, const Faces& faces) {
  Timed result;
  for (int run = 0; run < 2; ++run) {
    const auto start = std::chrono::steady_clock::now();
    result.embeddings = embedder.embed(faces.chips);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    const double each = took.count() / static_cast<double>(faces.chips.size());
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

ModelScore score(const Faces& faces, const Timed& timed, const std::vector<double>& cosines) {
  ModelScore score;
  score.milliseconds = timed.milliseconds;
  Comparisons comparisons;
  std::size_t pair = 0;
  for (std::size_t i = 0; i < faces.labels.size(); ++i) {
    for (std::size_t j = i + 1; j < faces.labels.size(); ++j) {
      (faces.labels[i] == faces.labels[j] ? comparisons.mated : comparisons.non_mated)
          .push_back(cosines[pair++]);
    }
  }
  if (comparisons.mated.empty() || comparisons.non_mated.empty()) {
    throw Error(ErrorCode::kDataInvalid, "comparing models needs two people, one of them with two faces");
  }
  score.area_under_roc = area_under_roc(comparisons);
  score.equal_error_rate = equal_error_rate(comparisons);
  score.threshold = best_threshold(comparisons);
  score.total = faces.chips.size() - faces.train;
  if (score.total == 0) return score;
  const std::span<const std::string> labels(faces.labels);
  const Classifier classifier =
      Classifier::train(rows(timed.embeddings, 0, faces.train), labels.first(faces.train), {});
  score.correct = score_closed_set(classifier, rows(timed.embeddings, faces.train, faces.chips.size()),
                                   labels.subspan(faces.train))
                      .correct;
  return score;
}

}  // namespace

ModelComparison compare_models(const FaceDataset& dataset, Embedder& a, Embedder& b,
                               const Progress& progress) {
  const Faces faces = all_of(dataset);
  ModelComparison result;
  result.faces = faces.chips.size();
  const Timed by_a = embed(a, faces);
  if (progress) progress(1, 2);
  const Timed by_b = embed(b, faces);
  if (progress) progress(2, 2);
  const auto of_a = cosines(by_a.embeddings);
  const auto of_b = cosines(by_b.embeddings);
  result.a = score(faces, by_a, of_a);
  result.b = score(faces, by_b, of_b);
  result.pairs = of_a.size();
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if ((of_a[i] >= result.a.threshold) != (of_b[i] >= result.b.threshold)) ++result.flipped;
  }
  if (by_a.embeddings.dimension != by_b.embeddings.dimension) return result;
  double sum = 0;
  double worst = 1;
  for (std::size_t i = 0; i < faces.chips.size(); ++i) {
    const double cosine = dot(by_a.embeddings[i], by_b.embeddings[i]);
    sum += cosine;
    worst = std::min(worst, cosine);
  }
  result.worst_cosine = worst;
  result.mean_cosine = sum / static_cast<double>(faces.chips.size());
  return result;
}

}  // namespace likeness
