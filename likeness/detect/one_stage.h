#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "likeness/detect/face_finder.h"
#include "likeness/infer/graph_engine.h"
#include "likeness/infer/network.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// Which kernels compute a network: our own where they read it and this CPU gains by them, else OpenVINO's.
enum class Road { kQuicker, kOpenvino };

/// The network of a detector of one stage, whatever the size of its input. Any number of threads may share
/// one: through OpenVINO each run that goes on at the same time has a compiled network of its own.
class OneStageNetwork {
 public:
  /// Of the network in `file`; each run through OpenVINO takes `threads`, ours one.
  /// @throws Error kModelNotFound, kModelInvalid, kUnsupported where OpenVINO is needed and missing.
  OneStageNetwork(DetectorContract contract, std::filesystem::path file, int threads,
                  Road road = Road::kQuicker);

  /// The faces of `picture`, which fills an input of its own size, sides rounded up to multiples of 32, and
  /// is stretched where the contract says so: every face of at least `min_score` that suppress() keeps, best
  /// first, in pixels of `picture`.
  [[nodiscard]] std::vector<Face> faces(ImageView picture, float min_score) const;

  [[nodiscard]] const DetectorContract& contract() const { return contract_; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  using Sizes = std::vector<std::shared_ptr<const GraphEngine>>;

  [[nodiscard]] std::vector<Tensor> run_openvino(ImageView picture, int width, int height) const;
  [[nodiscard]] std::vector<Tensor> run_own(const GraphEngine& engine, ImageView picture) const;
  /// Our engine for this size, empty where OpenVINO's road is taken.
  [[nodiscard]] std::shared_ptr<const GraphEngine> sized(int width, int height) const;

  DetectorContract contract_;
  std::filesystem::path file_;
  int threads_;
  std::optional<GraphEngine> own_;
  mutable std::mutex mutex_;  // guards the rest
  mutable Sizes sizes_;       // the last few, each with the memory of its runs
  mutable std::vector<Network> idle_;
};

/// A detector of one stage (YuNet, CenterFace) over photos of any size. A photo is looked at in scales: first
/// where the shortest face to look for has the least height that the network sees, then at halves of that
/// scale up to faces as high as the photo. A scale of many pixels is looked at in tiles.
/// @throws as FaceDetector.
[[nodiscard]] std::unique_ptr<FaceFinder> make_one_stage(const ModelPack& pack,
                                                         const DetectorOptions& options);

}  // namespace likeness
