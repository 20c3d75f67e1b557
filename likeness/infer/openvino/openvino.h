#pragma once

// Inside infer/openvino/ only: what its files share of OpenVINO.

#include <filesystem>
#include <memory>
#include <openvino/op/constant.hpp>
#include <openvino/openvino.hpp>
#include <string>

#include "likeness/core/error.h"

namespace likeness {

/// The process's one OpenVINO core; its methods may be called from any thread.
[[nodiscard]] ov::Core& openvino_core();

/// OpenVINO's many-line messages as one line (reduced_reason()).
[[nodiscard]] std::string openvino_reason(const std::exception& e);

/// Reads a network file as it is. @throws Error kModelNotFound, kModelInvalid, with the path.
[[nodiscard]] std::shared_ptr<ov::Model> read_network(const std::filesystem::path& file);

/// Lets the first dimension of every input be any size, whatever it was made for: shapes and reshapes that
/// say that size are rewritten. @throws ov::Exception where that does not work out.
void free_batch(ov::Model& model);

/// Whether the shapes fit together for two pictures, which give two rows; the batch is free afterwards,
/// unless they do not.
[[nodiscard]] bool takes_any_batch(ov::Model& model);

/// Lets the one input be a picture of any height and width, in planes, one at a time; see NetworkOptions.
/// @throws ov::Exception, std::runtime_error where the network has no such input.
void free_size(ov::Model& model);

/// Writes `model` as IR: `xml` and its weights beside it as .bin, in the precision they have.
/// @throws Error kOutputUnwritable.
void write_ir(const std::shared_ptr<const ov::Model>& model, const std::filesystem::path& xml);

}  // namespace likeness
