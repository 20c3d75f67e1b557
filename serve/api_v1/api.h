#pragma once

#include "serve/protocol.h"
#include "serve/router.h"

namespace likeness::serve {

/// /v1, as the OpenAPI document describes it.
class ApiV1 : public Protocol {
 public:
  /// `router` must outlive this.
  explicit ApiV1(const Router& router) : router_(router) {}

  [[nodiscard]] Router::Match match(const RequestHead& head) const override { return router_.match(head); }
  [[nodiscard]] std::optional<std::string> gallery_named(const RequestHead& head, const Router::Match& match,
                                                         const std::optional<Key>& key) const override;
  [[nodiscard]] Done answer(Service& service, const Router::Match& match, Request request,
                            const std::optional<Key>& key) const override;

 private:
  const Router& router_;
};

}  // namespace likeness::serve
