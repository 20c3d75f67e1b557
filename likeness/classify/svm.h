#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "likeness/classify/platt.h"
#include "likeness/embed/embeddings.h"

namespace likeness {

/// What libsvm found. Layout as libsvm's model: see Classifier.
struct SvmSolution {
  std::vector<std::int32_t> support;  ///< Rows, ascending.
  std::vector<double> coefficients;   ///< (classes - 1) x support.
  std::vector<double> intercepts;  ///< One a pair, added to the sum (libsvm's -rho, as scikit-learn has it).
};

/// Trains libsvm's linear C-SVC, one against one, shrinking on. `classes[i]` of row i counts from 0,
/// ascending by row; every class has a row. Thread-safe: libsvm draws no random numbers here.
[[nodiscard]] SvmSolution train_svm(const Embeddings& rows, std::span<const std::int32_t> classes, double c,
                                    double tolerance);

/// One sigmoid for each pair of classes, each fitted to decision values of a stratified cross-validation of
/// `folds` parts dealt by `seed`. Every class needs at least `folds` rows.
[[nodiscard]] std::vector<Sigmoid> fit_pair_sigmoids(const Embeddings& rows,
                                                     std::span<const std::int32_t> classes, double c,
                                                     double tolerance, int folds, std::uint64_t seed);

}  // namespace likeness
