#pragma once

// Inside embed/ only.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "likeness/infer/graph_engine.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// A pack's network for our own kernels (infer/graph_engine.h), where it is one that they compute exactly: IR
/// of layers that a Graph has (model/ir_graph.h), which is what import makes of every kind of file; an ONNX
/// file of such layers (model/onnx_graph.h), which may be as it was published; or a
/// frozen graph with the weights of Inception-ResNet-v1 by their names, that, computed so in f32, gives the
/// pack's own self-test. Empty for every other network, where OpenVINO is quicker (on CPUs with AMX
/// in bf16) or not known to be slower (on ARM), and for a pack that has no self-test. Its outputs are the
/// network's before the scaling to length 1, where the contract says that there is one.
///
/// In int8 it is what own_int8_network() made, on every CPU, where the pack's int8 network is such a file.
///
/// With a `cache_folder` the packed weights are kept there for the next start, and used again only for the
/// same file (by its place, size and time of change), precision and version; a damaged file is as if it were
/// not there. @throws Error kModelNotFound, kModelInvalid where the network or self-test is damaged, or an
/// int8 network belongs to another f32 network or another version; kUnsupported as ModelPack::network().
[[nodiscard]] std::optional<GraphEngine> own_network(const ModelPack& pack, Precision precision,
                                                     const std::filesystem::path& cache_folder);

/// A pack's f32 network in bytes, with ranges of `count` standardised chips, for a file that ends so. Empty
/// where own_network() would be for other reasons than the CPU. @throws Error as own_network().
inline constexpr const char* kPackedEnding = ".packed";
[[nodiscard]] std::optional<GraphEngine> own_int8_network(const ModelPack& pack, std::span<const float> chips,
                                                          std::size_t count);
/// The key that such a file is stored under: which network it was made of.
[[nodiscard]] std::string int8_key(const ModelPack& pack);

}  // namespace likeness
