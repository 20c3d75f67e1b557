#pragma once

#include <stdexcept>
#include <string>

namespace likeness {

/// What kind of outside trouble stopped the work. The command line maps these to exit codes and a service to
/// HTTP statuses; each has one such table.
enum class ErrorCode {
  kImageUnreadable,  ///< One photo: missing, damaged, over a limit, or of a format that is not read.
  kInputUnreadable,  ///< No input at all: no such folder, no photos in it, no face in any of them.
  kModelNotFound,    ///< No model pack of that name, or a file of it is missing.
  kModelInvalid,     ///< A model file or contract is damaged, fails its checksum or self-test, or is not
                     ///< understood.
  kDataInvalid,    ///< An .npz, gallery or other data file is damaged, or does not hold what is asked of it.
  kModelMismatch,  ///< Data made by one model are used with another; the message names both.
  kOutputUnwritable,  ///< A result cannot be written: no permission, no such folder, disk full.
  kUnsupported,  ///< This machine or build cannot do what was asked, e.g. a precision that the CPU lacks.
  kUnavailable,  ///< A service or database cannot be reached, or is locked by another process.
  kStopped,      ///< The caller's Progress stopped the work.
};

/// Bad input from outside, with a message for the person who gave it: which file, what is wrong, what to do.
/// A caller's mistake is std::invalid_argument instead; an expected outcome (no face, nobody) is a value.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace likeness
