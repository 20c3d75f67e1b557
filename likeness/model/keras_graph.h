#pragma once

// Inside model/ only: from a Keras model's layers and weights to a Graph.

#include <string>

#include "likeness/infer/graph.h"
#include "likeness/model/keras_file.h"

namespace likeness {

/// The graph of what `file` holds, with batch normalisation and scaling still layers of their own (see
/// fold()). `name` stands for the file in errors. @throws Error kModelInvalid.
[[nodiscard]] Graph keras_graph(KerasFile file, const std::string& name);

}  // namespace likeness
