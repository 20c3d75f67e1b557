#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "likeness/gallery/row_values.h"
#include "likeness/gallery/sql.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// The format written, and the oldest one read. Format 2 has a log of changes and counts versions, format 3
/// faces that were seen and rejected names, format 4 pictures of enrolled faces, format 5 the sizes of
/// photos.
inline constexpr int kFormatVersion = 5;
inline constexpr int kOldestFormat = 1;
inline constexpr std::string_view kUnlockText = "likeness gallery";

/// The fields of `meta` that never change, and what reads values with their help.
struct SqlMeta {
  /// @throws Error kDataInvalid where a field is missing or damaged, or the passphrase does not fit.
  SqlMeta(sql::Database& database, sql::Statements& statements, const OpenOptions& options);
  EmbeddingSpace space;
  std::unique_ptr<RowValues> values;
};

/// Fills an empty `meta`. With a passphrase slow by design.
void write_meta(sql::Database& database, const EmbeddingSpace& space, const CreateOptions& options);

/// A field of `meta`; empty where there is none.
[[nodiscard]] std::optional<std::string> meta_field(sql::Statements& statements, const std::string& key);

}  // namespace likeness
