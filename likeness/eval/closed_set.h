#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "likeness/classify/classifier.h"
#include "likeness/embed/embeddings.h"

namespace likeness {

/// How a classifier did on labelled faces of people it knows. Plain numbers.
struct ClosedSetScore {
  std::size_t correct = 0;
  std::vector<Prediction> predictions;  ///< One a face.
  std::vector<std::size_t> misses;      ///< Faces named wrongly, ascending.
  std::vector<std::string>
      people;  ///< Rows and columns of `confusion`: the classifier's, then any it does not know.
  std::vector<std::vector<std::size_t>> confusion;  ///< [expected][predicted]: faces.

  [[nodiscard]] std::size_t total() const { return predictions.size(); }
};

/// Predicts every row and compares it with its label. A person the classifier does not know is always missed.
/// @throws Error kModelMismatch where the dimensions differ; std::invalid_argument where the counts differ.
[[nodiscard]] ClosedSetScore score_closed_set(const Classifier& classifier, const Embeddings& embeddings,
                                              std::span<const std::string> labels);

}  // namespace likeness
