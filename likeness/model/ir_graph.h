#pragma once

#include <filesystem>
#include <optional>

#include "likeness/infer/graph.h"

namespace likeness {

/// A network in plain numbers, and how its output was scaled in the file.
struct IrGraph {
  Graph graph;               ///< Without the scaling to length 1 at its end.
  bool unit_length = false;  ///< Whether there was one.
};

/// Reads OpenVINO IR (`xml` with its .bin) of one picture in, channels first or last, and one row of numbers
/// out, as import writes it from every kind of file. Layers have their names in the file; batch normalisation
/// that stands there stays a layer of its own (see fold()). Empty where a layer is of a kind that Graph does
/// not have, or is used in a way that it cannot say.
/// @throws Error kModelNotFound, kModelInvalid where the file is damaged.
[[nodiscard]] std::optional<IrGraph> read_ir_graph(const std::filesystem::path& xml);

}  // namespace likeness
