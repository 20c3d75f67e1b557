#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness {

/// One way to a smaller embedding, over all pairs of faces of people that it was not fitted on; means over
/// the folds.
struct ProjectionTrial {
  std::string name;
  std::size_t bytes = 0;                  ///< Of a face.
  std::optional<double> validation_at_2;  ///< VAL at FAR 1e-2; empty where a fold has too few pairs.
  std::optional<double> validation_at_3;  ///< At FAR 1e-3.
  double area_under_roc = 0;
  double equal_error_rate = 0;
};

struct ProjectionTrialOptions {
  std::size_t dimension = 128;
  double shrinkage = 0.95;
  int folds = 5;
  std::uint64_t seed = 0;  ///< Deals the people into folds.
};

/// The faces as they are, every ProjectionMethod, and the faces without the others' mean (Contract::centre),
/// each in floats and in bytes. @throws as fit_projection(); Error kDataInvalid where a fold has nobody with
/// two faces.
[[nodiscard]] std::vector<ProjectionTrial> try_projections(const Embeddings& faces,
                                                           std::span<const std::string> people,
                                                           const ProjectionTrialOptions& options);

}  // namespace likeness
