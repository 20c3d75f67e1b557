#pragma once

#include <cstddef>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/auth.h"
#include "serve/http.h"
#include "serve/router.h"

namespace likeness::serve {

/// Of a photo, before it is decoded; image/ has the limit on pixels.
inline constexpr std::size_t kMostPhotoBytes = 20U << 20;

/// A file that came with a request.
struct Upload {
  std::string field;
  std::string name;  ///< The client's name for it; empty where it gave none.
  std::string_view bytes;
};

/// A request that agrees with the OpenAPI document: values are there, of their types and within their bounds,
/// and what the document has a default for is filled in. For one thread.
class Call {
 public:
  /// @throws Refusal saying which field is wrong.
  Call(const nlohmann::json& document, const Router::Match& match, Request request, std::optional<Key> key);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] const Operation& operation() const { return operation_; }
  [[nodiscard]] const Request& request() const { return request_; }
  /// Who asks; empty where the server has no keys.
  [[nodiscard]] const std::optional<Key>& key() const { return key_; }

  /// A parameter of path or query, or a field of the body. @throws Refusal where it was not given.
  template <typename T>
  [[nodiscard]] T get(const char* name) const {
    return values_.at(name).template get<T>();
  }
  /// The same; empty where it was not given.
  template <typename T>
  [[nodiscard]] std::optional<T> find(const char* name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->template get<T>();
  }
  [[nodiscard]] const nlohmann::json& values() const { return values_; }
  /// In the order sent.
  [[nodiscard]] const std::vector<Upload>& uploads() const { return uploads_; }
  /// The only one of that field. @throws Refusal where there is none, or more.
  [[nodiscard]] const Upload& upload(const std::string& field) const;

 private:
  void read_parameters(const Router::Match& match);
  void read_body();
  void read_json(const nlohmann::json& schema);
  void read_form(const nlohmann::json& schema, const std::string& boundary);
  void take_files(const nlohmann::json& schema, nlohmann::json& fields);
  void add_upload(Upload upload);
  void fill_defaults(const nlohmann::json& schema);

  const nlohmann::json& document_;
  const Operation& operation_;
  Request request_;
  std::optional<Key> key_;
  nlohmann::json values_ = nlohmann::json::object();
  std::deque<std::string> decoded_;  ///< What uploads point at where they came in base64.
  std::vector<Upload> uploads_;
};

/// Bytes of base64 text, padded or not, in either alphabet, with or without "data:...;base64," before it and
/// line ends within; nothing where it is damaged.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace likeness::serve
