#pragma once

// Inside infer/ only: packed weights kept for the next start.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "likeness/infer/graph_memory.h"
#include "likeness/infer/graph_prepare.h"
#include "likeness/infer/precision.h"

namespace likeness {

/// What a file holds: a graph whose kernels have shapes and no numbers, and its weights as they were packed.
struct GraphFile {
  GraphMemory memory;
  PreparedGraph graph;
  Precision precision = Precision::kF32;
  std::size_t first_weight = 0;  ///< Bytes from the start of `memory`; a multiple of 4096.
  std::size_t weights = 0;       ///< Bytes.
};

/// Empty where the file is missing, damaged, or made for another key or version of this program.
[[nodiscard]] std::optional<GraphFile> load_graph_file(const std::filesystem::path& file,
                                                       const std::string& key);

/// Appears complete or not at all; false where it cannot be written.
bool store_graph_file(const std::filesystem::path& file, const std::string& key, const PreparedGraph& graph,
                      Precision precision, std::span<const std::byte> weights);

}  // namespace likeness
