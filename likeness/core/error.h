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

/// What would help, where that is known. Messages are facts; a program has its own words for the way out
/// (options, commands, fields of a request), and one table for them.
enum class Remedy {
  kNone,
  kFetchModels,     ///< Get the models, or say where they are.
  kUseF32,          ///< Compute in f32.
  kQuantize,        ///< Give the pack an int8 network.
  kChooseOutput,    ///< Say which of a network's outputs is the embedding.
  kChooseSize,      ///< Say which size of pictures a network is to take.
  kEnrolSomebody,   ///< There is no gallery yet; enrolling somebody makes it.
  kGivePassphrase,  ///< Give the passphrase of an encrypted gallery.
};

/// Bad input from outside, with a message for the person who gave it: which file, what is wrong.
/// A caller's mistake is std::invalid_argument instead; an expected outcome (no face, nobody) is a value.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, Remedy remedy = Remedy::kNone)
      : std::runtime_error(message), code_(code), remedy_(remedy) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] Remedy remedy() const noexcept { return remedy_; }

 private:
  ErrorCode code_;
  Remedy remedy_;
};

}  // namespace likeness
