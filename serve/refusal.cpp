#include "serve/refusal.h"

#include <new>
#include <nlohmann/json.hpp>

#include "likeness/core/error_name.h"
#include "likeness/gallery/no_rights.h"

namespace likeness::serve {
namespace {

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kImageUnreadable:
      return 422;
    case ErrorCode::kInputUnreadable:
      return 404;
    case ErrorCode::kModelMismatch:
      return 409;
    case ErrorCode::kUnsupported:
      return 501;
    case ErrorCode::kModelNotFound:
    case ErrorCode::kModelInvalid:
    case ErrorCode::kUnavailable:
    case ErrorCode::kStopped:
      return 503;
    case ErrorCode::kOutputUnwritable:
      return 507;
    case ErrorCode::kDataInvalid:
      return 500;
  }
  return 500;
}

}  // namespace

Refusal not_found(const std::string& what) { return {404, "not_found", "there is no " + what}; }

Refusal refusal_for(const std::exception& error) {
  if (const auto* refusal = dynamic_cast<const Refusal*>(&error)) return *refusal;
  if (const auto* rights = dynamic_cast<const NoRights*>(&error)) return {403, "forbidden", rights->what()};
  if (const auto* known = dynamic_cast<const Error*>(&error))
    return {status_of(known->code()), std::string(name_of(known->code())), known->what()};
  if (dynamic_cast<const std::invalid_argument*>(&error) != nullptr) return {400, "invalid", error.what()};
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
    return {503, "busy", "not enough memory for this now; try again later"};
  return {500, "internal", "an error inside the server; its log has more under this request's id"};
}

Response response_for(const Refusal& refusal, const std::string& request_id) {
  nlohmann::ordered_json error{{"code", refusal.code()}, {"message", refusal.what()}};
  error["field"] =
      refusal.field().empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(refusal.field());
  error["request"] = request_id;
  Response response{.status = refusal.status()};
  response.body = nlohmann::ordered_json{{"error", error}}.dump(-1, ' ', false,
                                                                nlohmann::json::error_handler_t::replace) +
                  "\n";
  if (refusal.status() == 503 || refusal.status() == 429) response.headers.emplace_back("Retry-After", "1");
  if (refusal.status() == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

std::string code_of_status(int status) {
  switch (status) {
    case 404:
      return "not_found";
    case 405:
      return "method_not_allowed";
    case 413:
      return "too_large";
    case 415:
      return "unsupported_type";
    case 431:
      return "header_too_large";
    case 503:
      return "busy";
    case 505:
      return "http_version";
    default:
      return "invalid";
  }
}

}  // namespace likeness::serve
