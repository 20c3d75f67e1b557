#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace likeness {

/// A photo or folder that could not be read.
struct FailedInput {
  std::string file;
  std::string error;  ///< Why; names the file.
};

/// Gives a report's object the key `failed`, a list of objects with `file` and `error`. Where all could be
/// read there is no such key.
void tell_failed(nlohmann::ordered_json& report, std::span<const FailedInput> failed);

}  // namespace likeness
