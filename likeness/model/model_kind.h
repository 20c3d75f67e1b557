#pragma once

#include <filesystem>
#include <string>

namespace likeness {

/// What a file or folder is that people take for a model and that is none we read, and what to make of it: "a
/// Git LFS pointer, not the model itself; ...". Told by its first bytes, else by its name. Empty for what may
/// be a model. Reads at most 1 KiB.
[[nodiscard]] std::string foreign_model(const std::filesystem::path& file);

/// What a network that gives `numbers` for a picture finds instead of embeddings; empty where they may be
/// one.
[[nodiscard]] std::string landmark_network(int numbers);

}  // namespace likeness
