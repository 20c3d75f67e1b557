#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"

namespace likeness::serve {

/// What a key may do; each includes those before it but kObserve, which stands alone.
enum class Right { kNone, kObserve, kSearch, kEnrol, kAdminister };
[[nodiscard]] std::string_view to_string(Right right);
[[nodiscard]] std::optional<Right> right_from(std::string_view name);
/// Whether a key with the right `has` may do what needs `wanted`.
[[nodiscard]] bool includes(Right has, Right wanted);

/// An operation of the OpenAPI document.
struct Operation {
  std::string id;  ///< operationId
  std::string method;
  std::vector<std::string> path;     ///< Segments; "{name}" stands for any.
  Right right = Right::kAdminister;  ///< x-right: what a key needs.
  std::size_t body_limit = 0;        ///< x-body-limit, bytes.
  bool quick = false;  ///< x-quick: needs no model and no gallery, and is answered beside the queue.
  const nlohmann::json* description = nullptr;  ///< In the document; null of another protocol's.
};

/// Finds the operation that a request is for. Made of the OpenAPI document, so that the document and the
/// server cannot differ. Threads may share one.
class Router {
 public:
  /// @throws std::invalid_argument for a document that it cannot serve.
  explicit Router(nlohmann::json document);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  struct Match {
    const Operation* operation =
        nullptr;  ///< Null: there is no such path, or `allowed` says for which methods.
    nlohmann::json path_values = nlohmann::json::object();  ///< Texts of the path's parameters.
    std::string allowed;                                    ///< "GET, POST": where the method is another.
  };
  /// HEAD is answered as GET.
  [[nodiscard]] Match match(const RequestHead& head) const;

  [[nodiscard]] const nlohmann::json& document() const { return document_; }
  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  [[nodiscard]] const Operation& operation(std::string_view id) const;

 private:
  nlohmann::json document_;
  std::vector<Operation> operations_;
};

}  // namespace likeness::serve
