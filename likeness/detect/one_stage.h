#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "likeness/detect/face_finder.h"
#include "likeness/infer/network.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// The network of a detector of one stage, whatever the size of its input. Any number of threads may share
/// one: each run that goes on at the same time has a compiled network of its own.
class OneStageNetwork {
 public:
  /// Of the network in `file`; each run takes `threads`.
  /// @throws Error kModelNotFound, kModelInvalid, kUnsupported without OpenVINO.
  OneStageNetwork(DetectorContract contract, std::filesystem::path file, int threads);

  /// The faces of `picture`, which fills an input of its own size, sides rounded up to multiples of 32, and
  /// is stretched where the contract says so: every face of at least `min_score` that suppress() keeps, best
  /// first, in pixels of `picture`.
  [[nodiscard]] std::vector<Face> faces(ImageView picture, float min_score) const;

  [[nodiscard]] const DetectorContract& contract() const { return contract_; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  [[nodiscard]] std::vector<Tensor> run(const TensorView& input) const;

  DetectorContract contract_;
  std::filesystem::path file_;
  int threads_;
  mutable std::mutex mutex_;  // guards idle_
  mutable std::vector<Network> idle_;
};

/// A detector of one stage (YuNet, CenterFace) over photos of any size. A photo is looked at in scales: first
/// where the shortest face to look for has the least height that the network sees, then at halves of that
/// scale up to faces as high as the photo. A scale of many pixels is looked at in tiles.
/// @throws as FaceDetector.
[[nodiscard]] std::unique_ptr<FaceFinder> make_one_stage(const ModelPack& pack,
                                                         const DetectorOptions& options);

}  // namespace likeness
