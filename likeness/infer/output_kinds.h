#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace likeness {

/// One output of a network, as its file declares it.
struct OutputFacts {
  std::string name;
  std::vector<std::int64_t> shape;  ///< Batch first; -1 where any size goes.
};

/// Each output with its shape and what one of that shape usually is: "fc1 (? x 128: 128 numbers a picture,
/// may be the embedding), score (? x 1: one number a picture)".
[[nodiscard]] std::string explained(std::span<const OutputFacts> outputs);

/// Whether an output may be an embedding: a row of 16 numbers or more a picture.
[[nodiscard]] bool may_be_embedding(const OutputFacts& output);

/// What a network with these outputs is where it finds faces instead of embedding them, and which detectors
/// are known: "it finds faces (YuNet's 12 outputs), ...". Empty where it is no detector.
[[nodiscard]] std::string detector_by_outputs(std::span<const OutputFacts> outputs);

/// What a network finds that gives so many numbers a picture and no embedding: the places of landmarks. Empty
/// where they may be one.
[[nodiscard]] std::string landmarks_of(std::int64_t numbers);

}  // namespace likeness
