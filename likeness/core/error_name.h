#pragma once

#include <string_view>

#include "likeness/core/error.h"

namespace likeness {

/// A name for programs, "image_unreadable" and so on; does not change. Exit codes, HTTP statuses and Python's
/// exceptions are keyed by the same codes.
[[nodiscard]] constexpr std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kImageUnreadable:
      return "image_unreadable";
    case ErrorCode::kInputUnreadable:
      return "input_unreadable";
    case ErrorCode::kModelNotFound:
      return "model_not_found";
    case ErrorCode::kModelInvalid:
      return "model_invalid";
    case ErrorCode::kDataInvalid:
      return "data_invalid";
    case ErrorCode::kModelMismatch:
      return "model_mismatch";
    case ErrorCode::kOutputUnwritable:
      return "output_unwritable";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kStopped:
      return "stopped";
  }
  return "unknown";
}

}  // namespace likeness
