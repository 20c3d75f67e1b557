#pragma once

#include <string>

#include "likeness/core/error.h"

namespace likeness {

/// A role of a database lacks the rights for what was asked, as one that may only search does for a change.
class NoRights : public Error {
 public:
  explicit NoRights(const std::string& message) : Error(ErrorCode::kOutputUnwritable, message) {}
};

}  // namespace likeness
