#include "likeness/embed/finisher.h"

#include "likeness/embed/byte_values.h"
#include "likeness/embed/fit_projection.h"

namespace likeness {

Finisher::Finisher(const ModelPack& pack) : values_(pack.contract.values) {
  if (pack.contract.projection) projection_ = read_projection(pack);
}

Embeddings Finisher::operator()(Embeddings outputs) const {
  l2_normalize(outputs);
  if (projection_) {
    outputs = projected(*projection_, outputs);
    l2_normalize(outputs);
  }
  if (values_ == ValueFormat::kInt8) round_to_bytes(outputs);
  return outputs;
}

}  // namespace likeness
