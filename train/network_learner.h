#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "likeness/image/chip.h"
#include "likeness/infer/graph.h"
#include "likeness/model/contract.h"
#include "train/learner.h"

namespace likeness::train {

/// What is trained.
enum class Scope {
  kHead,  ///< A projection on frozen embeddings.
  kLast,  ///< The network's last block and what stands behind it.
  kAll,   ///< The whole network.
};

/// "head", "last", "all"; and back, empty where there is no such scope.
[[nodiscard]] std::string_view to_string(Scope scope);
[[nodiscard]] std::optional<Scope> scope_from(std::string_view name);

/// Trains a network (model/trainable.h) on chips cut as `contract` says. With `augment` a chip is flipped,
/// cut by up to 6 % of its sides, made brighter or darker by up to a fifth, and compressed with a JPEG
/// quality of 40 to 95, each time anew, drawn with `seed`. Takes some 100 MB a chip of a batch for kAll.
/// @throws std::invalid_argument for kHead, without chips, or where no layer would be trained.
[[nodiscard]] Learner network_learner(const Graph& graph, std::vector<Chip> chips, const Contract& contract,
                                      Scope scope, bool augment, std::uint64_t seed);

/// The network with the weights it has now. @throws std::invalid_argument for a head's learner.
[[nodiscard]] Graph graph_of(Learner& learner);

}  // namespace likeness::train
