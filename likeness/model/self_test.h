#pragma once

#include <filesystem>
#include <vector>

#include "likeness/image/chip.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// A chip and the embedding that a pack's network must give for it: unit length, computed in f32.
/// embed/check_pack.h runs it.
struct SelfTest {
  Chip chip;
  std::vector<float> embedding;
  /// What the pack's int8 network must give, with its rounding and exact products; empty: not stored.
  std::vector<float> int8_embedding{};
};

/// A picture to test a network with: soft coloured waves and an oval, no photo. A pack stores the pixels.
[[nodiscard]] Chip self_test_chip(int width, int height);

/// Reads a pack's self-test (docs/model_pack.md).
/// @throws Error kModelInvalid where the pack has none, or it does not fit the pack's contract.
[[nodiscard]] SelfTest read_self_test(const ModelPack& pack);

/// Writes a self-test as .npz: `chip` (uint8, height x width x 3), `embedding` (float32, dimension) and,
/// where it is stored, `embedding_int8`.
/// @throws Error kOutputUnwritable.
void write_self_test(const std::filesystem::path& path, const SelfTest& test);

}  // namespace likeness
