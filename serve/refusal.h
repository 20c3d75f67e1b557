#pragma once

#include <exception>
#include <stdexcept>
#include <string>

#include "likeness/core/error.h"
#include "serve/http.h"

namespace likeness::serve {

/// A request that is answered with an error: an HTTP status, a name for programs that never changes, one line
/// for people, and which field is wrong.
class Refusal : public std::runtime_error {
 public:
  /// `which`: the field, part or parameter; empty where it is none of them.
  Refusal(int http_status, std::string name, const std::string& message, std::string which = "")
      : std::runtime_error(message), status_(http_status), code_(std::move(name)), field_(std::move(which)) {}
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& code() const { return code_; }
  [[nodiscard]] const std::string& field() const { return field_; }

 private:
  int status_;
  std::string code_;
  std::string field_;
};

[[nodiscard]] Refusal not_found(const std::string& what);

/// The one table from the library's errors to statuses; std::invalid_argument is 400. What an unknown
/// exception says stays inside: 500.
[[nodiscard]] Refusal refusal_for(const std::exception& error);

/// {"error": {...}} with the headers that its status asks for.
[[nodiscard]] Response response_for(const Refusal& refusal, const std::string& request_id);

/// The name of a status that HTTP itself answers with ("too_large" of 413).
[[nodiscard]] std::string code_of_status(int status);

}  // namespace likeness::serve
