#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "likeness/stats/intervals.h"

namespace likeness {

struct ClassificationOptions {
  int folds = 5;
  int repeats = 4;
  std::uint64_t seed = 0;
};

/// One bin of a reliability diagram.
struct ReliabilityBin {
  double said = 0;   ///< Mean probability given to the label.
  double right = 0;  ///< Share of labels that were right.
  std::size_t faces = 0;
};

/// How a classifier does on faces it has not seen.
struct CrossValidation {
  std::vector<double> accuracies;   ///< One a repeat.
  double accuracy = 0;              ///< Their mean.
  std::optional<double> deviation;  ///< Their standard deviation; of one repeat there is none.
  Interval interval;                ///< Wilson's 95 % for as many faces as there are, at that accuracy.
  std::optional<double>
      brier;  ///< Mean squared error of the label's probability; empty without probabilities.
  std::optional<double>
      calibration_error;  ///< Mean gap between said and right over ten bins, weighted by faces.
  std::vector<ReliabilityBin> reliability;
};

/// What happens to a person who is not enrolled: everybody is left out once.
struct LeftOut {
  std::size_t strangers = 0;  ///< Faces asked about.
  std::optional<std::size_t>
      named;  ///< Strangers whose label has a probability of .5 or more: the SVM's weakness.
  std::vector<double>
      known_cosines;  ///< Nearest cosine of each face with its person enrolled, itself left out.
  std::vector<double> stranger_cosines;  ///< The same with its person left out.
  double auc = 0;                        ///< How well the nearest cosine tells the two apart.
};

/// Repeated stratified cross-validation of Classifier. @throws Error kDataInvalid for fewer than two people
/// or a person of fewer than two faces; std::invalid_argument for counts or options.
[[nodiscard]] CrossValidation cross_validate_classifier(const Embeddings& embeddings,
                                                        std::span<const std::string> labels,
                                                        const ClassificationOptions& options);

/// Trains without each person in turn. @throws as above, and Error kDataInvalid for fewer than three people.
[[nodiscard]] LeftOut leave_one_person_out(const Embeddings& embeddings, std::span<const std::string> labels,
                                           std::uint64_t seed);

}  // namespace likeness
