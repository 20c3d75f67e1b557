#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/call.h"
#include "serve/http.h"
#include "serve/multipart.h"

namespace likeness::serve {

/// What other servers' clients send: parameters of the query, and a body that is a form (multipart or URL
/// encoded) or JSON. As lenient as those servers are: what nobody asks for is passed over, an empty value is
/// none (`threshold=`), of a name given twice the first counts. Points into the request.
class Input {
 public:
  /// @throws Refusal 400 "bad_body" for a body that is neither form nor JSON.
  explicit Input(const Request& request);
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  /// Of the query, else of the body.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  /// @throws Refusal 400 "bad_value" naming the field where it is no number from `low` to `high`.
  [[nodiscard]] std::optional<double> number(std::string_view name, double low, double high) const;
  [[nodiscard]] std::size_t whole(std::string_view name, std::size_t otherwise, std::size_t most) const;
  [[nodiscard]] bool flag(std::string_view name, bool otherwise) const;  ///< "true", "True", "1"
  /// A JSON body; null where it is none.
  [[nodiscard]] const nlohmann::json& json() const { return json_; }

  /// A photo: the part of that name, or base64 in the JSON field. @throws Refusal 400 "no_part" where there
  /// is none, "bad_value" for bad base64; 413.
  [[nodiscard]] Upload photo(const std::string& name) const;
  /// All parts that came with a file's name, in their order; where none did, all that are no UTF-8 text.
  /// @throws Refusal as photo().
  [[nodiscard]] std::vector<Upload> photos() const;

 private:
  void read_body();

  const Request& request_;
  std::vector<Part> parts_;
  Fields encoded_;
  nlohmann::json json_;
  mutable std::vector<std::shared_ptr<std::string>> decoded_;
};

/// The same as base64 JSON anywhere: bytes of a photo within the limits. @throws as Input::photo().
[[nodiscard]] std::string photo_from_base64(const std::string& text, const std::string& field);

}  // namespace likeness::serve
