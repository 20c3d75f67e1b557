#include "serve/router.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace likeness::serve {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, Right>, 5> kRights{{{"none", Right::kNone},
                                                                     {"observe", Right::kObserve},
                                                                     {"search", Right::kSearch},
                                                                     {"enrol", Right::kEnrol},
                                                                     {"administer", Right::kAdminister}}};

bool is_parameter(const std::string& segment) { return segment.size() > 2 && segment[0] == '{'; }

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

bool agrees(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  return pattern.size() == path.size() && std::equal(pattern.begin(), pattern.end(), path.begin(),
                                                     [](const std::string& wanted, const std::string& is) {
                                                       return is_parameter(wanted) ? !is.empty()
                                                                                   : wanted == is;
                                                     });
}

}  // namespace

std::string_view to_string(Right right) {
  return std::find_if(kRights.begin(), kRights.end(),
                      [right](const auto& one) { return one.second == right; })
      ->first;
}

std::optional<Right> right_from(std::string_view name) {
  const auto found =
      std::find_if(kRights.begin(), kRights.end(), [name](const auto& one) { return one.first == name; });
  if (found == kRights.end()) return std::nullopt;
  return found->second;
}

bool includes(Right has, Right wanted) {
  if (wanted == Right::kNone) return true;
  if (wanted == Right::kObserve) return has == Right::kObserve || has == Right::kAdminister;
  return has != Right::kObserve && has >= wanted;
}

Router::Router(Json document) : document_(std::move(document)) {
  for (const auto& [path, methods] : document_.at("paths").items()) {
    for (const auto& [method, description] : methods.items()) {
      const auto target = parse_target(path);
      const auto right = right_from(description.at("x-right").get<std::string>());
      if (!target || !right) throw std::invalid_argument("the API's description is damaged at " + path);
      operations_.push_back({.id = description.at("operationId").get<std::string>(),
                             .method = upper(method),
                             .path = target->path,
                             .right = *right,
                             .body_limit = description.value("x-body-limit", std::size_t{0}),
                             .quick = description.value("x-quick", false),
                             .description = &description});
    }
  }
}

Router::Match Router::match(const RequestHead& head) const {
  const std::string method = head.method == "HEAD" ? "GET" : head.method;
  Match match;
  for (const Operation& operation : operations_) {
    if (!agrees(operation.path, head.path)) continue;
    if (operation.method != method) {
      match.allowed += (match.allowed.empty() ? "" : ", ") + operation.method;
      continue;
    }
    match.operation = &operation;
    match.allowed.clear();
    for (std::size_t i = 0; i < operation.path.size(); ++i) {
      const std::string& segment = operation.path[i];
      if (is_parameter(segment)) match.path_values[segment.substr(1, segment.size() - 2)] = head.path[i];
    }
    return match;
  }
  return match;
}

const Operation& Router::operation(std::string_view id) const {
  const auto found =
      std::find_if(operations_.begin(), operations_.end(), [id](const Operation& o) { return o.id == id; });
  if (found == operations_.end()) throw std::invalid_argument("the API describes no " + std::string(id));
  return *found;
}

}  // namespace likeness::serve
