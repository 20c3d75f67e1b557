#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "likeness/infer/network.h"

namespace likeness {

/// What a network is refused for whose layers hold the size of the batch that it was exported with.
inline constexpr const char* kNotAnyBatch =
    "it does not compute any number of pictures alike; export it with a free batch";

struct ConvertOptions {
  std::string output{};  ///< Node that gives the embedding; empty: "embeddings" where there is one, else the
                         ///< only output.
  int width = 0;         ///< For a network that takes any size; 0: the network says.
  int height = 0;
};

/// Rewrites a frozen graph (.pb), ONNX or IR as IR that takes one picture input with a free batch and gives
/// one row of numbers a picture. Switches of training (`phase_train` and the like) are set to inference. To
/// be run in a child: it trusts OpenVINO's readers.
/// @throws Error kModelNotFound, kModelInvalid (also for a network of another kind), kOutputUnwritable.
void convert_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                     const ConvertOptions& options = {}, const std::string& called = "");

/// What a network looks like from outside.
struct NetworkFacts {
  std::vector<std::int64_t> input;  ///< Shape, batch first.
  bool planes = false;              ///< Batch, channels, height, width; else channels last.
  int width = 0;
  int height = 0;
  int dimension = 0;
  std::size_t convolutions = 0;
};

/// @throws Error kModelInvalid where it is not one picture of three channels in, one row of numbers out.
[[nodiscard]] NetworkFacts describe_network(const std::filesystem::path& xml);

}  // namespace likeness
