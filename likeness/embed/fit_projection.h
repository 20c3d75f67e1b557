#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "likeness/embed/embeddings.h"
#include "likeness/model/projection.h"

namespace likeness {

/// How fewer values are made of many.
enum class ProjectionMethod {
  kPca,             ///< The directions in which faces differ most; needs no names.
  kWhitened,        ///< The same, each divided by its standard deviation.
  kDiscriminative,  ///< The directions in which people differ most, measured by how much one person's faces
                    ///< do: Fisher's linear discriminants, the scatter inside people shrunk towards a sphere.
};

/// "pca", "whitened", "discriminative"; and back, empty where there is no such method.
[[nodiscard]] std::string_view to_string(ProjectionMethod method);
[[nodiscard]] std::optional<ProjectionMethod> projection_method_from(std::string_view name);

struct ProjectionOptions {
  ProjectionMethod method = ProjectionMethod::kPca;
  std::size_t dimension = 128;
  double shrinkage = 0.95;  ///< kDiscriminative: share of the sphere, in [0, 1]. Source: docs/accuracy.md, "A
                            ///< face in 128 bytes".
};

/// Learns a projection on unit-length `faces`; `people[i]` names whose face i is. Same input, same result.
/// @throws Error kDataInvalid where the faces are too few for the dimension, or kDiscriminative finds nobody
/// with two faces; std::invalid_argument for options out of range or sizes that differ.
[[nodiscard]] Projection fit_projection(const Embeddings& faces, std::span<const std::string> people,
                                        const ProjectionOptions& options);

/// weights * x + offset for every row x; not brought to unit length.
[[nodiscard]] Embeddings projected(const Projection& projection, const Embeddings& embeddings);

}  // namespace likeness
