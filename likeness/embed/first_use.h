#pragma once

// Inside embed/ only: a precision proves itself before it is used.

#include <filesystem>
#include <string>
#include <vector>

#include "likeness/embed/embedder.h"
#include "likeness/model/self_test.h"

namespace likeness {

/// The cosine between what a pack's network gives for its self-test and what it must give, from which on it
/// counts as right. f32: rounding leaves 1 - 1e-7. bf16: .9999 with our kernels and OpenVINO's. int8: .99999
/// with VNNI, .939 with 8-bit products that saturate (both of 20180408-102900, against exact products).
[[nodiscard]] double least_cosine(Precision precision);

/// The embedding that the pack's self-test asks for in `precision`. For int8 it is the stored one or, in a
/// pack that has none, what the int8 network gives with exact products, which takes seconds.
/// @throws Error as read_self_test() and Embedder.
[[nodiscard]] std::vector<float> expected_embedding(const ModelPack& pack, const SelfTest& test,
                                                    Precision precision);

/// Computes the pack's self-test with `embedder`, unless it is remembered in `cache_folder` to have passed
/// for the same files, precision and `identity` of what computes them. A pack without a self-test passes.
/// @throws Error kUnsupported, with the cosine, where it fails; as read_self_test().
void require_self_test(const ModelPack& pack, Embedder& embedder, const std::string& identity,
                       const std::filesystem::path& cache_folder);

}  // namespace likeness
