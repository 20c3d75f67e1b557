#pragma once

#include <filesystem>
#include <string>

namespace likeness::train {

/// A checkpoint as it lies in a file: a line of JSON that says what it is and how far it is, and libtorch's
/// archive of weights and optimizer state. The file begins with "likeness-checkpoint 1", then the SHA-256 of
/// what follows, so that a damaged one is never continued from.
struct Checkpoint {
  std::string json;
  std::string archive;
};

/// Appears complete or not at all. @throws Error kOutputUnwritable; the file from before stays.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// @throws Error kInputUnreadable (no such file), kDataInvalid (damaged).
[[nodiscard]] Checkpoint read_checkpoint(const std::filesystem::path& path);

}  // namespace likeness::train
