#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "likeness/embed/embedding_space.h"
#include "likeness/embed/embeddings.h"
#include "likeness/model/contract.h"

namespace likeness {

/// How embeddings of one model are compared: by the cosine of what is left of each when the contract's centre
/// is taken away; without a centre, by the cosine of what they are. Whoever compares embeddings brings both
/// sides through the same Comparison first. A plain value; threads may share one.
class Comparison {
 public:
  Comparison() = default;  ///< The plain cosine.
  explicit Comparison(const Contract& contract) : centre_(contract.centre) {}
  /// As the contract says that came with stored embeddings; without one, the plain cosine.
  /// `what` names the source in errors. @throws Error kDataInvalid.
  Comparison(std::string_view contract_json, std::string_view what);

  [[nodiscard]] bool plain() const { return centre_.empty(); }

  /// What is to be compared, at unit length; rows of length 0 (no face) stay zero. With a centre the rows are
  /// brought to unit length before it is taken away.
  /// @throws Error kDataInvalid where the centre has another dimension than the embeddings.
  [[nodiscard]] Embeddings comparable(Embeddings embeddings) const;
  [[nodiscard]] std::vector<float> comparable(std::span<const float> embedding) const;

 private:
  std::vector<float> centre_;
};

/// The mean of unit-length embeddings: what Contract::centre holds. @throws std::invalid_argument for none.
[[nodiscard]] std::vector<float> mean_embedding(const Embeddings& embeddings);

}  // namespace likeness
