#include "likeness/recognize/setup.h"

namespace likeness {

ModelPack Setup::embedder() const {
  ModelPack pack = find_pack(model, models);
  CropSpec& crop = pack.contract.crop;
  // The contract's own profile keeps the contract's own numbers.
  if (profile && *profile != crop.profile) crop = usual_crop(*profile, crop.width, crop.height);
  return pack;
}

ModelPack Setup::detector_for(const ModelPack& embedder) const {
  return find_pack(embedder.contract.detector, models);
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
