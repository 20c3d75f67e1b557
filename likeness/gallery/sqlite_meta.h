#pragma once

#include <memory>
#include <optional>
#include <string>

#include "likeness/gallery/row_values.h"
#include "likeness/gallery/sqlite.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// The fields of `meta` that never change, and what reads values with their help.
struct SqliteMeta {
  /// @throws Error kDataInvalid where a field is missing or damaged, or the passphrase does not fit.
  SqliteMeta(sqlite::Database& database, sqlite::Statements& statements, const OpenOptions& options);
  EmbeddingSpace space;
  std::unique_ptr<RowValues> values;
};

/// A field of `meta`; empty where there is none.
[[nodiscard]] std::optional<std::string> meta_field(sqlite::Statements& statements, const std::string& key);

}  // namespace likeness
