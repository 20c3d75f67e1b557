#include "cli/commands.h"

namespace likeness::cli {

Exit exit_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kImageUnreadable:
    case ErrorCode::kInputUnreadable:
      return Exit::kNoInput;
    case ErrorCode::kModelNotFound:
    case ErrorCode::kModelInvalid:
      return Exit::kModel;
    case ErrorCode::kDataInvalid:
    case ErrorCode::kModelMismatch:
      return Exit::kData;
    case ErrorCode::kOutputUnwritable:
      return Exit::kOutput;
    case ErrorCode::kUnsupported:
      return Exit::kUsage;
    case ErrorCode::kUnavailable:
      return Exit::kUnavailable;
    case ErrorCode::kStopped:
      return Exit::kSomeInputsFailed;
  }
  return Exit::kUsage;
}

}  // namespace likeness::cli
