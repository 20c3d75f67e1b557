#pragma once

#include <optional>

#include "likeness/embed/embeddings.h"
#include "likeness/model/model_pack.h"
#include "likeness/model/projection.h"

namespace likeness {

/// What makes a contract's embeddings of its network's outputs: unit length, then the contract's projection
/// and value format. Threads may share one.
class Finisher {
 public:
  /// @throws Error as read_projection().
  explicit Finisher(const ModelPack& pack);

  /// Rows of Contract::network_dimension() values to rows of Contract::dimension.
  [[nodiscard]] Embeddings operator()(Embeddings outputs) const;

 private:
  std::optional<Projection> projection_;
  ValueFormat values_;
};

}  // namespace likeness
