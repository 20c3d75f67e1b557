#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "likeness/classify/classifier.h"

namespace likeness {

/// The sigmoid that fits `decision_values` best to whether each was `positive`, by Newton's method with
/// Platt's softened targets. Source: Lin, Lin, Weng, "A note on Platt's probabilistic outputs for support
/// vector machines", Machine Learning 68 (2007). @throws std::invalid_argument where the spans differ or are
/// empty.
[[nodiscard]] Sigmoid fit_sigmoid(std::span<const double> decision_values, std::span<const char> positive);

/// One probability per class from the pairwise ones: `pairwise[i * n + j]` is that of class i where only i or
/// j can be right (the diagonal is not read). Sums to 1. Source: Wu, Lin, Weng, "Probability estimates for
/// multi-class classification by pairwise coupling", JMLR 5 (2004), second approach.
[[nodiscard]] std::vector<double> couple_pairs(std::span<const double> pairwise, std::size_t n);

/// The probabilities closest to `probabilities` (least squares) in which nobody stands before `winner`: the
/// winner and those above it share their mean. Their sum is kept.
void put_first(std::vector<double>& probabilities, std::size_t winner);

}  // namespace likeness
