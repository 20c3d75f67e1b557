#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/embed/comparison.h"
#include "likeness/embed/embedding_space.h"
#include "likeness/embed/embeddings.h"

namespace likeness {

/// Turns a decision value f into a probability: 1 / (1 + exp(slope * f + offset)).
struct Sigmoid {
  double slope = 0;
  double offset = 0;
  [[nodiscard]] double operator()(double decision_value) const;
  bool operator==(const Sigmoid&) const = default;
};

/// Of more people than this no SVM is made, and the nearest training face decides. One against one needs a
/// machine for each pair, its work, its file and the coupling of its probabilities growing with the square
/// of the people (bench/RESULTS.md, "Many people").
inline constexpr std::size_t kMostPeopleForSvm = 300;

struct ClassifierOptions {
  double c = 1;             ///< The SVM's cost of a mistake. From scikit-learn's default.
  double tolerance = 1e-3;  ///< When the solver stops. The same.
  std::uint64_t seed = 0;   ///< Deals photos into the folds of the calibration; nothing else is random.
  std::size_t most_people_for_svm = kMostPeopleForSvm;
};

/// Fewer photos of any person than this, and no probabilities are fitted: one for each of the five folds.
inline constexpr std::size_t kMinPhotosForProbability = 5;

/// Who a face is, by a Classifier.
struct Prediction {
  std::size_t person = 0;  ///< Index into Classifier::labels().
  std::string label;       ///< That label.
  bool by_votes = false;   ///< The SVM's votes decided; else the nearest training face did.
  /// One per label, summing to 1; never another person above `person`, though one may stand level. Empty
  /// where the classifier has no probabilities.
  std::vector<double> probabilities;
  std::size_t nearest_person = 0;  ///< Whose training face is nearest.
  /// Its cosine as the model's contract compares (Comparison), in [-1, 1]: the sign of a stranger, which an
  /// SVM cannot give.
  double nearest_cosine = -1;

  [[nodiscard]] std::optional<double> probability() const {
    return probabilities.empty() ? std::nullopt : std::optional(probabilities[person]);
  }
};

/// Tells known people apart: a linear SVM (libsvm's C-SVC, one against one) with Platt's probabilities on
/// L2-normalised embeddings. The label is the votes' winner (of equal votes the first label). The
/// probabilities come from a 5-fold cross-validation and pairwise coupling; where they would put somebody
/// else first, the winner and those above it share their mean (put_first()). With a person of fewer than
/// kMinPhotosForProbability photos there are no probabilities, and the nearest training face decides.
/// Of more than ClassifierOptions::most_people_for_svm people there is no SVM either.
/// Immutable: threads may share one.
class Classifier {
 public:
  /// `labels[i]` is the person of row i. Rows are normalised here. Same input and seed, same classifier.
  /// @throws Error kDataInvalid for fewer than two people; std::invalid_argument where the counts differ.
  [[nodiscard]] static Classifier train(const Embeddings& embeddings, std::span<const std::string> labels,
                                        const EmbeddingSpace& space, const ClassifierOptions& options = {});

  /// Reads what write() wrote (docs/people.md). @throws Error kInputUnreadable, kDataInvalid naming the
  /// field.
  [[nodiscard]] static Classifier read(const std::filesystem::path& path);
  /// @throws Error kOutputUnwritable.
  void write(const std::filesystem::path& path) const;

  /// Sorted by bytes, no two equal, at least two.
  [[nodiscard]] const std::vector<std::string>& labels() const { return labels_; }
  [[nodiscard]] const EmbeddingSpace& space() const { return space_; }
  [[nodiscard]] const ClassifierOptions& options() const { return options_; }
  [[nodiscard]] std::size_t dimension() const { return embeddings_.dimension; }
  /// Whether predictions carry probabilities.
  [[nodiscard]] bool calibrated() const { return !sigmoids_.empty(); }
  /// Whether there is an SVM; where not, the people are too many for one.
  [[nodiscard]] bool has_svm() const { return !intercepts_.empty(); }
  /// Why the nearest face decides, in one line; empty where the SVM does.
  [[nodiscard]] std::string why_nearest() const;
  [[nodiscard]] std::size_t support_vectors() const { return support_.size(); }

  /// One value for each pair of labels (0,1), (0,2), ... (1,2), ...; positive speaks for the first. None
  /// without an SVM.
  /// @throws Error kModelMismatch where `embedding` has another dimension.
  [[nodiscard]] std::vector<double> decision_values(std::span<const float> embedding) const;
  /// @throws Error kModelMismatch where `embedding` has another dimension.
  [[nodiscard]] Prediction predict(std::span<const float> embedding) const;

 private:
  Classifier() = default;
  friend struct ClassifierFile;
  void require_dimension(std::span<const float> embedding) const;
  void prepare_comparison(const std::string& what);  // of embeddings_, once they and space_ are there

  Embeddings embeddings_;             // of training, unit length, person by person
  std::vector<std::int32_t> people_;  // label of each row, ascending
  std::vector<std::string> labels_;
  std::vector<std::int32_t> support_;  // rows of embeddings_, ascending
  std::vector<double> coefficients_;   // (labels - 1) x support, as libsvm's sv_coef
  std::vector<double> intercepts_;     // one a pair
  std::vector<Sigmoid> sigmoids_;      // one a pair, or none
  ClassifierOptions options_;
  EmbeddingSpace space_;
  Comparison comparison_;
  Embeddings compared_;  // embeddings_ as they are compared with a face; the SVM sees embeddings_
};

}  // namespace likeness
