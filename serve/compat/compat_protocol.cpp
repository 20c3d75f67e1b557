#include "serve/compat/compat_protocol.h"

#include <algorithm>
#include <stdexcept>

namespace likeness::serve {
namespace {

constexpr std::size_t kPhotoBody = 28U << 20;  ///< As /v1's routes for a photo: 20 MiB in base64.

bool is_parameter(const std::string& segment) { return segment.size() > 2 && segment[0] == '{'; }
bool takes_rest(const std::vector<std::string>& pattern) {
  return !pattern.empty() && is_parameter(pattern.back()) && pattern.back()[pattern.back().size() - 2] == '*';
}

/// The values of the pattern's parameters; nothing where the path is another.
std::optional<nlohmann::json> values_of(const std::vector<std::string>& pattern,
                                        const std::vector<std::string>& path) {
  const bool rest = takes_rest(pattern);
  if (rest ? path.size() < pattern.size() : path.size() != pattern.size()) return std::nullopt;
  nlohmann::json values = nlohmann::json::object();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!is_parameter(pattern[i])) {
      if (pattern[i] != path[i]) return std::nullopt;
      continue;
    }
    std::string value = path[i];
    const bool last = rest && i + 1 == pattern.size();
    for (std::size_t j = i + 1; last && j < path.size(); ++j) value += "/" + path[j];
    if (value.empty()) return std::nullopt;
    values[pattern[i].substr(1, pattern[i].size() - (last ? 3 : 2))] = std::move(value);
  }
  return values;
}

}  // namespace

Router::Match CompatProtocol::match(const RequestHead& head) const {
  const std::string method = head.method == "HEAD" ? "GET" : head.method;
  std::vector<std::string> path = head.path;
  if (path.size() > 1 && path.back().empty()) path.pop_back();  // "/subjects/" is "/subjects"
  Router::Match match;
  for (const Route& route : routes_) {
    if (route.pathless) continue;
    auto values = values_of(route.operation.path, path);
    if (!values) continue;
    if (route.operation.method != method) {
      match.allowed += (match.allowed.empty() ? "" : ", ") + route.operation.method;
      continue;
    }
    return {.operation = &route.operation, .path_values = *std::move(values)};
  }
  return match;
}

std::optional<std::string> CompatProtocol::gallery_named(const RequestHead&, const Router::Match& match,
                                                         const std::optional<Key>& key) const {
  if (match.operation->right == Right::kNone) return std::nullopt;
  if (key && !key->may_see(gallery_)) return key->galleries.front();
  if (key && key->galleries.size() == 1) return key->galleries.front();
  return gallery_;
}

Done CompatProtocol::answer(Service& service, const Router::Match& match, Request request,
                            const std::optional<Key>& key) const {
  const Input input(request);
  const std::string name = gallery_named(request, match, key).value_or(gallery_);
  return answer_of(*match.operation)(
      {service, service.gallery(name), match.path_values, key, request, input});
}

void CompatProtocol::route(const std::string& id, const std::string& method, std::string_view path,
                           Right right, Answer answer, Pace pace) {
  const auto target = parse_target(path);
  if (!target) throw std::invalid_argument("no path: " + std::string(path));
  const bool body = method == "POST" || method == "PUT";
  routes_.push_back({{.id = id,
                      .method = method,
                      .path = target->path,
                      .right = right,
                      .body_limit = body ? kPhotoBody : std::size_t{1} << 16,
                      .quick = pace == Pace::kQuick},
                     std::move(answer)});
}

const Operation& CompatProtocol::operation(const std::string& id, Right right, Answer answer) {
  routes_.push_back({{.id = id, .method = "POST", .path = {""}, .right = right, .body_limit = kPhotoBody},
                     std::move(answer),
                     true});
  return routes_.back().operation;
}

const CompatProtocol::Answer& CompatProtocol::answer_of(const Operation& operation) const {
  const auto found = std::find_if(routes_.begin(), routes_.end(),
                                  [&](const Route& route) { return &route.operation == &operation; });
  if (found == routes_.end()) throw std::invalid_argument("another protocol's operation");
  return found->answer;
}

// ---- FacelessPeople ----

void FacelessPeople::add(const std::string& gallery, const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (people_.size() >= kMost)
    throw std::invalid_argument("10,000 people wait for their first face already; enrol or remove some");
  people_.emplace(gallery, name);
}

bool FacelessPeople::remove(const std::string& gallery, const std::string& name) {
  const std::lock_guard lock(mutex_);
  return people_.erase({gallery, name}) > 0;
}

void FacelessPeople::clear(const std::string& gallery) {
  const std::lock_guard lock(mutex_);
  std::erase_if(people_, [&](const auto& person) { return person.first == gallery; });
}

bool FacelessPeople::has(const std::string& gallery, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return people_.contains({gallery, name});
}

std::vector<std::string> FacelessPeople::names(const std::string& gallery) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [where, name] : people_) {
    if (where == gallery) names.push_back(name);
  }
  return names;
}

// ---- which there are ----

const std::vector<std::string>& compat_protocols() {
  static const std::vector<std::string> names{"compreface", "deepstack", "immich", "nextcloud",
                                              "rekognition"};
  return names;
}

std::unique_ptr<Protocol> compat_protocol(const std::string& name, const CompatOptions& options,
                                          const std::string& gallery, const Recognizer& recognizer) {
  if (name == "compreface") return compreface_protocol(options, gallery);
  if (name == "deepstack") return deepstack_protocol(gallery);
  if (name == "immich") return immich_protocol(options, gallery);
  if (name == "nextcloud") return nextcloud_protocol(gallery, recognizer);
  if (name == "rekognition") return rekognition_protocol(gallery);
  std::string all;
  for (const std::string& one : compat_protocols()) all += (all.empty() ? "" : ", ") + one;
  throw std::invalid_argument("--compat " + name + ": there is " + all);
}

}  // namespace likeness::serve
