#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "likeness/core/error.h"

namespace likeness {

/// The whole content of a file, read once. `code` is what an unreadable file means to the caller.
/// @throws Error(code) "cannot read FILE: ..." for a missing file, a folder, or more than `max_bytes`.
[[nodiscard]] std::vector<std::byte> read_file_bytes(const std::filesystem::path& path, std::size_t max_bytes,
                                                     ErrorCode code = ErrorCode::kInputUnreadable);

}  // namespace likeness
