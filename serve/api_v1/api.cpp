#include "serve/api_v1/api.h"

#include "serve/call.h"
#include "serve/service.h"

namespace likeness::serve {

/// The gallery that a request names, where its operation is about one.
std::optional<std::string> ApiV1::gallery_named(const RequestHead& head, const Router::Match& match,
                                                const std::optional<Key>&) const {
  if (const auto in_path = match.path_values.find("gallery"); in_path != match.path_values.end())
    return in_path->get<std::string>();
  const auto listed = match.operation->description->find("parameters");
  if (listed == match.operation->description->end()) return std::nullopt;
  for (const auto& parameter : *listed) {
    if (parameter.at("name") != "gallery") continue;
    if (const auto given = find_field(head.query, "gallery")) return std::string(*given);
    return parameter.at("schema").value("default", "");
  }
  return std::nullopt;
}

Done ApiV1::answer(Service& service, const Router::Match& match, Request request,
                   const std::optional<Key>& key) const {
  const Call call(router_.document(), match, std::move(request), key);
  return operations().at(match.operation->id)(service, call);
}

}  // namespace likeness::serve
