#include "likeness/gallery/sql_meta.h"

#include <algorithm>
#include <cstring>

#include "likeness/core/error.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {

using sql::Database;
using sql::Resetting;
using sql::Statement;
using sql::Statements;

std::optional<std::string> meta_field(Statements& statements, const std::string& key) {
  Statement& get = statements("SELECT value FROM meta WHERE key = ?");
  const Resetting guard(get);
  get.bind(1, std::string_view(key));
  return get.step() ? std::optional(get.text(0)) : std::nullopt;
}

void write_meta(sql::Database& database, const EmbeddingSpace& space, const CreateOptions& options) {
  const auto insert = database.prepare("INSERT INTO meta (key, value) VALUES (?, ?)");
  const auto put = [&](std::string_view key, std::string_view value) {
    insert->bind(1, key).bind(2, value).run();
  };
  const auto put_bytes = [&](std::string_view key, std::span<const std::byte> value) {
    insert->bind(1, key).bind(2, value).run();
  };
  const std::string identity = to_hex(Vault::new_salt());
  put("identity", identity);
  put("contract_id", space.id());
  put("contract", space.contract);
  put("precision", space.precision);
  put("dimension", std::to_string(space.dimension));
  put("embedding_format", options.format == EmbeddingFormat::kInt8 ? "int8" : "f32");
  if (!options.passphrase) return;
  const Vault::Salt salt = Vault::new_salt();
  put_bytes("salt", salt);
  put_bytes("unlock", Vault(*options.passphrase, salt).seal(as_bytes(kUnlockText), "unlock" + identity));
}

SqlMeta::SqlMeta(Database& database, Statements& statements, const OpenOptions& options) {
  const std::string& file = database.name();
  const auto damaged = [&](const std::string& what) {
    throw Error(ErrorCode::kDataInvalid, file + ": damaged: " + what);
  };
  const auto required = [&](const char* key) {
    auto value = meta_field(statements, key);
    if (!value) damaged(std::string("field ") + key + " is missing");
    return *value;
  };
  space.set_id(required("contract_id"));
  space.contract = required("contract");
  space.precision = required("precision");
  const std::string identity = required("identity");
  const std::string dimension = required("dimension");
  const bool digits = !dimension.empty() && dimension.size() <= 5 &&
                      std::ranges::all_of(dimension, [](char c) { return c >= '0' && c <= '9'; });
  space.dimension = digits ? std::stoul(dimension) : 0;
  if (space.dimension == 0 || space.dimension > kMaxDimension) damaged("dimension is '" + dimension + "'");
  const std::string format = required("embedding_format");
  if (format != "f32" && format != "int8") damaged("embedding_format is '" + format + "'");

  std::unique_ptr<Vault> vault;
  if (const auto salt_text = meta_field(statements, "salt")) {
    if (!options.passphrase) {
      throw Error(ErrorCode::kDataInvalid, file + ": encrypted, and no passphrase was given",
                  Remedy::kGivePassphrase);
    }
    Vault::Salt salt;
    if (salt_text->size() != salt.size()) damaged("salt has " + std::to_string(salt_text->size()) + " bytes");
    std::memcpy(salt.data(), salt_text->data(), salt.size());
    vault = std::make_unique<Vault>(*options.passphrase, salt);
    if (!vault->open(as_bytes(required("unlock")), "unlock" + identity)) {
      throw Error(ErrorCode::kDataInvalid, file + ": wrong passphrase");
    }
  }
  values = std::make_unique<RowValues>(file, space.dimension,
                                       format == "int8" ? EmbeddingFormat::kInt8 : EmbeddingFormat::kF32,
                                       identity, std::move(vault));
}

}  // namespace likeness
