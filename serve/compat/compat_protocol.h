#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "serve/compat/input.h"
#include "serve/compat/options.h"
#include "serve/protocol.h"
#include "serve/service.h"

namespace likeness::serve {

/// One request in another server's protocol.
struct Visit {
  Service& service;
  ServedGallery& served;       ///< The key's one gallery, else the server's first.
  const nlohmann::json& path;  ///< Texts of the path's parameters.
  const std::optional<Key>& key;
  const Request& request;
  const Input& input;
};

/// A protocol of routes, each with the right that it needs. What it does not find is left to the others.
class CompatProtocol : public Protocol {
 public:
  [[nodiscard]] Router::Match match(const RequestHead& head) const override;
  [[nodiscard]] std::optional<std::string> gallery_named(const RequestHead& head, const Router::Match& match,
                                                         const std::optional<Key>& key) const override;
  [[nodiscard]] Done answer(Service& service, const Router::Match& match, Request request,
                            const std::optional<Key>& key) const override;

 protected:
  /// `gallery`: of those who ask without a key, or with one for all galleries.
  explicit CompatProtocol(std::string gallery) : gallery_(std::move(gallery)) {}

  using Answer = std::function<Done(const Visit&)>;
  enum class Pace { kQueued, kQuick };
  /// `path` as in the API's description; "{name*}" at its end stands for one segment or more.
  void route(const std::string& id, const std::string& method, std::string_view path, Right right,
             Answer answer, Pace pace = Pace::kQueued);
  /// An operation that no path is for.
  const Operation& operation(const std::string& id, Right right, Answer answer);
  [[nodiscard]] const Answer& answer_of(const Operation& operation) const;

 private:
  struct Route {
    Operation operation;
    Answer answer;
    bool pathless = false;
  };
  std::string gallery_;
  std::deque<Route> routes_;  ///< Matches point at its operations.
};

/// People whom a client made and gave no face yet. Galleries know nobody without a face; so these are kept
/// until the first face comes, or the server ends. Threads may share one.
class FacelessPeople {
 public:
  void add(const std::string& gallery, const std::string& name);
  bool remove(const std::string& gallery, const std::string& name);
  void clear(const std::string& gallery);
  [[nodiscard]] bool has(const std::string& gallery, const std::string& name) const;
  [[nodiscard]] std::vector<std::string> names(const std::string& gallery) const;

 private:
  static constexpr std::size_t kMost = 10'000;
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> people_;
};

/// The names that `--compat` takes.
[[nodiscard]] const std::vector<std::string>& compat_protocols();
/// @throws std::invalid_argument for another name, or where the protocol cannot be spoken with this model.
[[nodiscard]] std::unique_ptr<Protocol> compat_protocol(const std::string& name, const CompatOptions& options,
                                                        const std::string& gallery,
                                                        const Recognizer& recognizer);

[[nodiscard]] std::unique_ptr<Protocol> compreface_protocol(const CompatOptions& options,
                                                            const std::string& gallery);
[[nodiscard]] std::unique_ptr<Protocol> deepstack_protocol(const std::string& gallery);
[[nodiscard]] std::unique_ptr<Protocol> immich_protocol(const CompatOptions& options,
                                                        const std::string& gallery);
[[nodiscard]] std::unique_ptr<Protocol> nextcloud_protocol(const std::string& gallery,
                                                           const Recognizer& recognizer);
/// `retry_ms`: for how long one signature may come again, as a client's retry does (AwsReplays).
[[nodiscard]] std::unique_ptr<Protocol> rekognition_protocol(const std::string& gallery,
                                                             std::int64_t retry_ms = 5000);

}  // namespace likeness::serve
