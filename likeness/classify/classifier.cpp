#include "likeness/classify/classifier.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "likeness/classify/svm.h"
#include "likeness/core/error.h"

namespace likeness {
namespace {

constexpr int kFolds = 5;

}  // namespace

Classifier Classifier::train(const Embeddings& embeddings, std::span<const std::string> labels,
                             const EmbeddingSpace& space, const ClassifierOptions& options) {
  if (labels.size() != embeddings.size())
    throw std::invalid_argument("as many labels as embeddings are needed");
  Classifier made;
  made.options_ = options;
  made.space_ = space;
  made.labels_.assign(labels.begin(), labels.end());
  std::sort(made.labels_.begin(), made.labels_.end());
  made.labels_.erase(std::unique(made.labels_.begin(), made.labels_.end()), made.labels_.end());
  if (made.labels_.size() < 2) {
    throw Error(ErrorCode::kDataInvalid, "a classifier needs faces of at least two people, and there are " +
                                             std::to_string(made.labels_.size()));
  }

  // Person by person: then libsvm, which numbers classes as they come, numbers them as labels_ does.
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return labels[a] < labels[b]; });
  made.embeddings_.dimension = embeddings.dimension;
  std::vector<std::size_t> photos(made.labels_.size());
  for (const std::size_t row : order) {
    const auto person =
        std::lower_bound(made.labels_.begin(), made.labels_.end(), labels[row]) - made.labels_.begin();
    made.people_.push_back(static_cast<std::int32_t>(person));
    ++photos[static_cast<std::size_t>(person)];
    const auto values = embeddings[row];
    made.embeddings_.values.insert(made.embeddings_.values.end(), values.begin(), values.end());
  }
  l2_normalize(made.embeddings_);
  made.prepare_comparison("the contract of the embeddings");

  if (made.labels_.size() > options.most_people_for_svm) return made;
  SvmSolution solution = train_svm(made.embeddings_, made.people_, options.c, options.tolerance);
  made.support_ = std::move(solution.support);
  made.coefficients_ = std::move(solution.coefficients);
  made.intercepts_ = std::move(solution.intercepts);
  if (*std::min_element(photos.begin(), photos.end()) >= kMinPhotosForProbability) {
    made.sigmoids_ =
        fit_pair_sigmoids(made.embeddings_, made.people_, options.c, options.tolerance, kFolds, options.seed);
  }
  return made;
}

std::string Classifier::why_nearest() const {
  if (calibrated()) return {};
  const std::string decides = "the nearest known face decides";
  if (!has_svm()) {
    return std::to_string(labels_.size()) +
           " people are too many for an SVM, so there are no probabilities: " + decides;
  }
  return "some person has fewer than " + std::to_string(kMinPhotosForProbability) +
         " photos, so there are no probabilities: " + decides;
}

void Classifier::prepare_comparison(const std::string& what) {
  comparison_ = Comparison(space_.contract, what);
  compared_ = comparison_.comparable(embeddings_);
}

void Classifier::require_dimension(std::span<const float> embedding) const {
  if (embedding.size() == dimension()) return;
  throw Error(ErrorCode::kModelMismatch, "the classifier was trained on embeddings of " +
                                             std::to_string(dimension()) + " values, and this one has " +
                                             std::to_string(embedding.size()));
}

std::vector<double> Classifier::decision_values(std::span<const float> embedding) const {
  require_dimension(embedding);
  if (!has_svm()) return {};
  Embeddings unit{embedding.size(), {embedding.begin(), embedding.end()}};
  l2_normalize(unit);

  // A linear kernel value for each support vector, then for each pair the sum over the two classes' own.
  const std::size_t count = support_.size();
  std::vector<double> kernel(count);
  std::vector<std::size_t> start(labels_.size() + 1);
  for (std::size_t s = 0; s < count; ++s) {
    const auto row = static_cast<std::size_t>(support_[s]);
    kernel[s] = dot(embeddings_[row], unit[0]);
    ++start[static_cast<std::size_t>(people_[row]) + 1];
  }
  std::partial_sum(start.begin(), start.end(), start.begin());
  const auto sum = [&](std::size_t coefficient_row, std::size_t person) {
    double total = 0;
    for (std::size_t s = start[person]; s < start[person + 1]; ++s) {
      total += coefficients_[coefficient_row * count + s] * kernel[s];
    }
    return total;
  };
  std::vector<double> values;
  values.reserve(intercepts_.size());
  for (std::size_t a = 0; a < labels_.size(); ++a) {
    for (std::size_t b = a + 1; b < labels_.size(); ++b) {
      values.push_back(sum(b - 1, a) + sum(a, b) + intercepts_[values.size()]);
    }
  }
  return values;
}

Prediction Classifier::predict(std::span<const float> embedding) const {
  require_dimension(embedding);
  const std::size_t n = labels_.size();
  Prediction prediction;
  Embeddings unit{embedding.size(), {embedding.begin(), embedding.end()}};
  l2_normalize(unit);
  unit = comparison_.comparable(std::move(unit));
  std::vector<double> products(compared_.size());
  dots(compared_, unit[0], products);
  for (std::size_t row = 0; row < compared_.size(); ++row) {
    const double cosine = std::clamp(products[row], -1.0, 1.0);
    if (cosine <= prediction.nearest_cosine && row > 0) continue;
    prediction.nearest_cosine = cosine;
    prediction.nearest_person = static_cast<std::size_t>(people_[row]);
  }

  prediction.by_votes = calibrated();
  if (!prediction.by_votes) {
    prediction.person = prediction.nearest_person;
  } else {
    const std::vector<double> values = decision_values(embedding);
    std::vector<int> votes(n);
    std::vector<double> pairwise(n * n);
    std::size_t pair = 0;
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = a + 1; b < n; ++b, ++pair) {
        ++votes[values[pair] > 0 ? a : b];
        pairwise[a * n + b] = sigmoids_[pair](values[pair]);
        pairwise[b * n + a] = 1 - pairwise[a * n + b];
      }
    }
    prediction.person =
        static_cast<std::size_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
    prediction.probabilities = couple_pairs(pairwise, n);
    put_first(prediction.probabilities, prediction.person);
  }
  prediction.label = labels_[prediction.person];
  return prediction;
}

}  // namespace likeness
