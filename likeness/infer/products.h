#pragma once

#include <filesystem>

namespace likeness {

/// Multiply-adds of a network's convolutions and matrix products for one row of its batch (one face): what
/// its time is measured against. Reads the file.
/// @throws Error kModelNotFound, kModelInvalid, also where a size but the batch is unknown.
[[nodiscard]] double products_a_row(const std::filesystem::path& network);

}  // namespace likeness
