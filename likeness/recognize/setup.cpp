#include "likeness/recognize/setup.h"

#include <utility>

#include "likeness/core/error.h"

namespace likeness {

ModelPack Setup::embedder() const {
  ModelPack pack = find_pack(model, models);
  CropSpec& crop = pack.contract.crop;
  // The contract's own profile keeps the contract's own numbers.
  if (profile && *profile != crop.profile) crop = usual_crop(*profile, crop.width, crop.height);
  if (detector_pack.empty()) return pack;
  // Thresholds were measured with the contract's own detector, whose landmarks and boxes are others.
  std::string name = detector_for(pack).contract.name;
  if (name != pack.contract.detector) pack.contract.thresholds.clear();
  pack.contract.detector = std::move(name);
  return pack;
}

ModelPack Setup::detector_for(const ModelPack& embedder) const {
  ModelPack pack = find_pack(detector_pack.empty() ? embedder.contract.detector : detector_pack, models);
  if (pack.kind != PackKind::kDetector) {
    throw Error(ErrorCode::kModelInvalid, "the model pack " + pack.contract.name + " at " +
                                              pack.folder.string() + " finds no faces: it is an embedder");
  }
  return pack;
}

EmbeddingSpace Setup::space(const ModelPack& embedder) const {
  return space_of(embedder.contract, precision, quality);
}

StreamOptions Setup::stream_options() const {
  StreamOptions options;
  options.detector = detector;
  options.precision = precision;
  options.quality = quality;
  options.threads = threads;
  options.cache_folder = cache_folder;
  return options;
}

}  // namespace likeness
