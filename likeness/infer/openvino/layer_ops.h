#pragma once

// Inside infer/ only: OpenVINO's nodes for layers of a Graph that take more than one of them.

#include <openvino/core/node_output.hpp>

#include "likeness/infer/graph.h"

namespace likeness {

/// `in` lies as OpenVINO's pictures do: batch x channels x height x width, or batch x channels.
[[nodiscard]] ov::Output<ov::Node> grouped_convolution(const ov::Output<ov::Node>& in,
                                                       const GraphLayer& layer);
[[nodiscard]] ov::Output<ov::Node> padded(const ov::Output<ov::Node>& in, const GraphLayer& layer);
[[nodiscard]] ov::Output<ov::Node> leaky(const ov::Output<ov::Node>& in, const GraphLayer& layer);
[[nodiscard]] ov::Output<ov::Node> at_most(const ov::Output<ov::Node>& in, const GraphLayer& layer);
[[nodiscard]] ov::Output<ov::Node> flattened(const ov::Output<ov::Node>& in);
[[nodiscard]] ov::Output<ov::Node> global_max(const ov::Output<ov::Node>& in);
[[nodiscard]] ov::Output<ov::Node> unit_length(const ov::Output<ov::Node>& in);

}  // namespace likeness
