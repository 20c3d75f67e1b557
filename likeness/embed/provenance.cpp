#include "likeness/embed/provenance.h"

#include <nlohmann/json.hpp>

#include "likeness/core/error.h"

namespace likeness {
namespace {

constexpr const char* kMember = "contract";

}  // namespace

Provenance provenance_of(const Contract& contract, std::optional<Precision> precision) {
  return {.contract_json = to_json(contract),
          .contract_id = contract.id(),
          .precision = precision ? std::string(to_string(*precision)) : ""};
}

std::string to_json(const Provenance& provenance) {
  nlohmann::ordered_json json = provenance.contract_json.empty()
                                    ? nlohmann::ordered_json::object()
                                    : nlohmann::ordered_json::parse(provenance.contract_json);
  json["id"] = provenance.contract_id;
  if (!provenance.precision.empty()) json["precision"] = provenance.precision;
  return json.dump();
}

Provenance provenance_from_json(std::string_view text, const std::string& what) {
  auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  const auto fail = [&](const char* problem) { throw Error(ErrorCode::kDataInvalid, what + " " + problem); };
  if (!json.is_object()) fail("is not a JSON object");
  Provenance provenance;
  const auto take = [&](const char* key, std::string& into) {
    if (!json.contains(key)) return;
    if (!json[key].is_string()) fail("has a field that is not text: id or precision");
    into = json[key].get<std::string>();
    json.erase(key);
  };
  take("id", provenance.contract_id);
  take("precision", provenance.precision);
  if (provenance.contract_id.empty()) fail("lacks the contract's id");
  if (!json.empty()) provenance.contract_json = json.dump();
  return provenance;
}

Provenance read_provenance(const NpzFile& file) {
  if (!file.contains(kMember)) return {};
  return provenance_from_json(file.text(kMember), file.file() + ": member " + kMember);
}

void require_same_space(const Provenance& a, const std::string& what_a, const Provenance& b,
                        const std::string& what_b) {
  if (!a.known() || !b.known() || a.contract_id == b.contract_id) return;
  throw Error(ErrorCode::kModelMismatch, what_a + " was made by " + a.contract_id + " and " + what_b +
                                             " by " + b.contract_id +
                                             ": their embeddings cannot be compared");
}

}  // namespace likeness
