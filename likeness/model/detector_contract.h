#pragma once

// Inside model/ only: the part of a pack's model.json that says how a detector's networks are used.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "likeness/model/json_fields.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// A file's name inside the pack. @throws Error kModelInvalid where it is none.
[[nodiscard]] std::string file_name(const JsonFields& fields, const char* field);

/// Of a pack's model.json; one of the kind "mtcnn" names no method. @throws Error kModelInvalid.
[[nodiscard]] DetectorContract detector_from(const JsonFields& fields, bool names_method);

/// The same fields, as they are written.
[[nodiscard]] nlohmann::ordered_json detector_object(const DetectorContract& detector);

/// The files that the method reads.
[[nodiscard]] std::vector<std::string> network_files(const DetectorContract& detector);

}  // namespace likeness
