#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "likeness/infer/precision.h"
#include "likeness/model/contract.h"
#include "likeness/npz/npz.h"

namespace likeness {

/// Where faces or embeddings came from; stored beside them. All empty: unknown, as in files of other
/// programs.
struct Provenance {
  std::string contract_json;  ///< to_json() of the model's Contract.
  std::string contract_id;    ///< Its id(): names the embedding space.
  std::string precision;      ///< "f32", "bf16", "int8"; empty for face chips, which no network has seen.

  [[nodiscard]] bool known() const { return !contract_id.empty(); }
  bool operator==(const Provenance&) const = default;
};

/// Of embeddings that a model with this contract makes; without a precision, of its chips.
[[nodiscard]] Provenance provenance_of(const Contract& contract, std::optional<Precision> precision);

/// The contract's JSON object with two more keys, "id" and "precision"; and back. `what` names the source in
/// errors.
/// @throws Error kDataInvalid.
[[nodiscard]] std::string to_json(const Provenance& provenance);
[[nodiscard]] Provenance provenance_from_json(std::string_view json, const std::string& what);

/// The member `contract` of an .npz; unknown where there is none. @throws Error kDataInvalid.
[[nodiscard]] Provenance read_provenance(const NpzFile& file);

/// Refuses to mix two embedding spaces. Unknown provenance passes: the caller has said what it is.
/// `a` and `b` are named in the message by `what_a`, `what_b`. @throws Error kModelMismatch.
void require_same_space(const Provenance& a, const std::string& what_a, const Provenance& b,
                        const std::string& what_b);

}  // namespace likeness
