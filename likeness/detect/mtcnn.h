#pragma once

#include <filesystem>
#include <memory>

#include "likeness/detect/face_finder.h"

namespace likeness {

/// MTCNN's three networks (Zhang et al. 2016, arXiv:1604.02878), as the Python package mtcnn 0.1.1, by
/// kernels of this project for the CPU at hand. Reads pnet.onnx, rnet.onnx and onet.onnx from `folder`.
/// @throws Error kModelNotFound, kModelInvalid; std::invalid_argument for options out of range.
[[nodiscard]] std::unique_ptr<FaceFinder> make_mtcnn(const std::filesystem::path& folder,
                                                     const DetectorOptions& options);

}  // namespace likeness
