#include "likeness/embed/embedding_space.h"

#include <nlohmann/json.hpp>

#include "likeness/core/error.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

constexpr const char* kMember = "contract";

std::string with_dimension(const EmbeddingSpace& space) {
  return space.id() + (space.dimension == 0 ? "" : " (" + std::to_string(space.dimension) + " values)");
}

}  // namespace

std::string EmbeddingSpace::id() const { return contract_id + passes_suffix(quality); }

void EmbeddingSpace::set_id(std::string_view id) {
  quality = Quality::kSinglePass;
  for (const Quality averaged : {Quality::kTwoViews, Quality::kBest}) {
    const std::string suffix = passes_suffix(averaged);
    if (!id.ends_with(suffix)) continue;
    quality = averaged;
    id.remove_suffix(suffix.size());
    break;
  }
  contract_id = id;
}

EmbeddingSpace space_of(const Contract& contract, std::optional<Precision> precision, Quality quality) {
  return {.contract = to_json(contract),
          .contract_id = contract.id(),
          .precision = precision ? std::string(to_string(*precision)) : "",
          .dimension = static_cast<std::size_t>(contract.dimension),
          .quality = quality};
}

std::string to_json(const EmbeddingSpace& space) {
  nlohmann::ordered_json json = space.contract.empty() ? nlohmann::ordered_json::object()
                                                       : nlohmann::ordered_json::parse(space.contract);
  json["id"] = space.id();
  if (!space.precision.empty()) json["precision"] = space.precision;
  return json.dump();
}

EmbeddingSpace space_from_json(std::string_view text, const std::string& what) {
  auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  const auto fail = [&](const char* problem) { throw Error(ErrorCode::kDataInvalid, what + " " + problem); };
  if (!json.is_object()) fail("is not a JSON object");
  const auto take = [&](const char* key) -> std::string {
    if (!json.contains(key)) return {};
    if (!json[key].is_string()) fail("has a field that is not text: id or precision");
    auto value = json[key].get<std::string>();
    json.erase(key);
    return value;
  };
  EmbeddingSpace space;
  space.set_id(take("id"));
  space.precision = take("precision");
  if (space.contract_id.empty()) fail("lacks the contract's id");
  if (!json.empty()) space.contract = json.dump();
  return space;
}

EmbeddingSpace read_space(const NpzFile& file) {
  if (!file.contains(kMember)) return {};
  return space_from_json(file.text(kMember), file.file() + ": member " + kMember);
}

void require_same_space(const EmbeddingSpace& a, const std::string& what_a, const EmbeddingSpace& b,
                        const std::string& what_b) {
  if (!a.known() || !b.known()) return;
  const bool same_dimension = a.dimension == b.dimension || a.dimension == 0 || b.dimension == 0;
  if (a.contract_id == b.contract_id && a.quality == b.quality && same_dimension) return;
  throw Error(ErrorCode::kModelMismatch, what_a + " was made by " + with_dimension(a) + " and " + what_b +
                                             " by " + with_dimension(b) +
                                             ": their embeddings cannot be compared");
}

}  // namespace likeness
