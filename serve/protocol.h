#pragma once

#include <optional>
#include <string>

#include "serve/auth.h"
#include "serve/http.h"
#include "serve/refusal.h"
#include "serve/router.h"

namespace likeness::serve {

class Service;
struct Done;

/// Who asks.
struct Asker {
  std::optional<Key> key{};
  bool proven = true;  ///< False: the header says it, the body is to prove it (Protocol::prove()).
};

/// Paths, and what answers them: /v1 of the OpenAPI document (api_v1/), or what another server's clients
/// speak (compat/). It says what a request asks for, who asks and about which gallery; the service lets in,
/// queues, counts and logs all of them alike. Threads share one.
class Protocol {
 public:
  virtual ~Protocol() = default;

  /// As Router::match().
  [[nodiscard]] virtual Router::Match match(const RequestHead& head) const = 0;
  /// The gallery that a request is about, as far as its header says it.
  [[nodiscard]] virtual std::optional<std::string> gallery_named(const RequestHead& head,
                                                                 const Router::Match& match,
                                                                 const std::optional<Key>& key) const = 0;
  /// Whose request this is, by its header. By default the key in Authorization: Bearer or X-Api-Key.
  /// @throws Error as KeyFile::find(); Refusal where the header cannot be right.
  [[nodiscard]] virtual Asker asker(KeyFile& keys, const RequestHead& head, const Router::Match& match) const;
  /// The same with the body, where the header alone does not prove it. @throws as asker().
  [[nodiscard]] virtual std::optional<Key> prove(KeyFile& keys, const Request& request,
                                                 const Router::Match& match) const;
  /// @throws Refusal, Error, std::invalid_argument; see refusal_for().
  [[nodiscard]] virtual Done answer(Service& service, const Router::Match& match, Request request,
                                    const std::optional<Key>& key) const = 0;
  /// A refusal in the protocol's own form.
  [[nodiscard]] virtual Response refuse(const Refusal& refusal, const std::string& request_id) const;
};

/// The key's text in Authorization: Bearer, or X-Api-Key; empty where there is none.
[[nodiscard]] std::string secret_of(const RequestHead& head);

}  // namespace likeness::serve
