#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "likeness/embed/quality.h"
#include "likeness/infer/precision.h"
#include "likeness/model/contract.h"

namespace likeness {

class NpzFile;

/// What made faces or embeddings, and so what they can be compared with; stored beside them. Without a
/// contract id it is unknown, as in files of other programs. A plain value.
struct EmbeddingSpace {
  std::string contract;       ///< to_json() of the model's Contract; may be empty where only the id is known.
  std::string contract_id;    ///< Its id().
  std::string precision;      ///< "f32", "bf16", "int8"; empty for face chips, which no network has seen.
  std::size_t dimension = 0;  ///< Values of an embedding; 0 unknown.
  Quality quality = Quality::kSinglePass;  ///< Over how many views each is averaged.

  [[nodiscard]] bool known() const { return !contract_id.empty(); }
  /// Names the space: the contract's id, and behind it "+two" or "+best" where embeddings are averaged.
  [[nodiscard]] std::string id() const;
  /// Takes contract_id and quality from what id() gave.
  void set_id(std::string_view id);
  bool operator==(const EmbeddingSpace&) const = default;
};

/// Of embeddings that a model with this contract makes; without a precision, of its chips.
[[nodiscard]] EmbeddingSpace space_of(const Contract& contract, std::optional<Precision> precision,
                                      Quality quality = Quality::kSinglePass);

/// The contract's JSON object with two more keys, "id" and "precision"; and back, without the dimension.
/// `what` names the source in errors. @throws Error kDataInvalid.
[[nodiscard]] std::string to_json(const EmbeddingSpace& space);
[[nodiscard]] EmbeddingSpace space_from_json(std::string_view json, const std::string& what);

/// The member `contract` of an .npz; unknown where there is none. @throws Error kDataInvalid.
[[nodiscard]] EmbeddingSpace read_space(const NpzFile& file);

/// Refuses to mix two spaces: other ids, or other dimensions where both are known. An unknown space passes:
/// the caller has said what it is. `a` and `b` are named in the message by `what_a`, `what_b`.
/// @throws Error kModelMismatch.
void require_same_space(const EmbeddingSpace& a, const std::string& what_a, const EmbeddingSpace& b,
                        const std::string& what_b);

}  // namespace likeness
