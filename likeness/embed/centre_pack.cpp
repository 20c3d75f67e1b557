#include "likeness/embed/centre_pack.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/embed/comparison.h"

namespace likeness {

ModelPack centred(const ModelPack& pack, const Embeddings& faces) {
  if (pack.contract.projection) {
    throw std::invalid_argument(pack.contract.name +
                                " has a projection, which centres its embeddings already");
  }
  if (faces.dimension != static_cast<std::size_t>(pack.contract.dimension)) {
    throw Error(ErrorCode::kDataInvalid, "embeddings of " + std::to_string(faces.dimension) +
                                             " values; the model " + pack.contract.name + " gives " +
                                             std::to_string(pack.contract.dimension));
  }
  ModelPack result = pack;
  result.contract.centre = mean_embedding(faces);
  // Six digits after the point: cosines move by less than 1e-5, and model.json stays readable.
  for (float& value : result.contract.centre) value = static_cast<float>(std::round(value * 1e6) / 1e6);
  result.contract.thresholds.clear();
  result.contract.naming_slope.reset();
  result.figures.clear();
  return result;
}

ModelPack centre_pack(const ModelPack& pack, const Embeddings& faces) {
  const ModelPack result = centred(pack, faces);
  write_file(result.folder / "model.json", to_json(result));
  return load_pack(result.folder);
}

}  // namespace likeness
