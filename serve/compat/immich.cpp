// Immich's machine learning server, for faces: /predict, /ping and /.
#include <algorithm>
#include <atomic>

#include "likeness/embed/comparison.h"
#include "serve/api_v1/json.h"
#include "serve/compat/people.h"
#include "serve/refusal.h"
#include "serve/schema.h"

namespace likeness::serve {
namespace {

constexpr std::size_t kColumn = 512;  ///< Immich's database holds vectors of this length.
constexpr const char* kTask = "facial-recognition";

/// The vector as JSON text, as Immich hands it to its database; padded with zeros, which leave cosines alone.
std::string vector_text(std::vector<float> vector) {
  vector.resize(std::max(vector.size(), kColumn));
  return Json(vector).dump();
}

class Immich : public CompatProtocol {
 public:
  Immich(const CompatOptions& options, const std::string& gallery)
      : CompatProtocol(gallery), upstream_(options.immich_upstream), forward_(options.forward) {
    while (!upstream_.empty() && upstream_.back() == '/') upstream_.pop_back();
    route(
        "immich.ping", "GET", "/ping", Right::kNone,
        [](const Visit&) {
          return Done{{.status = 200, .type = "text/plain; charset=utf-8", .body = "pong"}};
        },
        Pace::kQuick);
    route(
        "immich.root", "GET", "/", Right::kNone,
        [](const Visit&) {
          return Done{json_response({{"message", "Immich ML"}})};
        },
        Pace::kQuick);
    route("immich.predict", "POST", "/predict", Right::kSearch,
          [this](const Visit& visit) { return predict(visit); });
  }

  [[nodiscard]] Router::Match match(const RequestHead& head) const override {
    // "/" is the page's where a browser asks.
    const auto accept = find_field(head.headers, "accept");
    if (head.path.size() == 1 && head.path[0].empty() && accept &&
        accept->find("text/html") != std::string_view::npos)
      return {};
    return CompatProtocol::match(head);
  }

  [[nodiscard]] Response refuse(const Refusal& refusal, const std::string& request_id) const override {
    Response response = response_for(refusal, request_id);
    response.body = json_response({{"detail", refusal.what()}}).body;
    return response;
  }

 private:
  [[nodiscard]] Done predict(const Visit& visit) const;
  [[nodiscard]] Done pass_on(const Visit& visit) const;
  void tell_model(const Visit& visit, const std::string& name) const;

  std::string upstream_;
  Forward forward_;
  mutable std::atomic<bool> told_ = false;
};

/// What is asked of a photo: `entries` of the form.
nlohmann::json entries_of(const Visit& visit) {
  const auto text = visit.input.text("entries");
  try {
    nlohmann::json entries = parse_json(text.value_or(""));
    if (entries.is_object() && !entries.empty()) return entries;
  } catch (const std::invalid_argument&) {
  }
  throw Refusal(422, "invalid", "Invalid request format: entries is to be a JSON object of tasks", "entries");
}

/// A member of nested objects; null where one of them is none.
const nlohmann::json& member(const nlohmann::json& json, std::initializer_list<const char*> names) {
  static const nlohmann::json kNull;
  const nlohmann::json* at = &json;
  for (const char* name : names) {
    if (!at->is_object() || !at->contains(name)) return kNull;
    at = &at->at(name);
  }
  return *at;
}

/// Immich's settings name models of its own; whatever they say, ours answers. The log says so once.
void Immich::tell_model(const Visit& visit, const std::string& name) const {
  if (told_.exchange(true)) return;
  visit.service.note({{"level", "info"},
                      {"operation", "immich.predict"},
                      {"note", "Immich asks for the model " + name.substr(0, 60) + "; " +
                                   visit.service.recognizer().space().id() + " answers"}});
}

Done Immich::pass_on(const Visit& visit) const {
  if (upstream_.empty())
    throw Refusal(501, "unsupported",
                  "only facial-recognition is done here; --immich-upstream passes other tasks on");
  Fields headers{
      {"Content-Type", std::string(find_field(visit.request.headers, "content-type").value_or(""))}};
  Response response = forward_(upstream_ + "/predict", headers, visit.request.body);
  return {std::move(response)};
}

Done Immich::predict(const Visit& visit) const {
  const nlohmann::json entries = entries_of(visit);
  if (!entries.contains(kTask)) return pass_on(visit);
  if (entries.size() > 1)
    throw Refusal(422, "invalid", "facial-recognition is to be asked for alone", "entries");
  const nlohmann::json& score = member(entries, {kTask, "detection", "options", "minScore"});
  const double min_score = score.is_number() ? score.get<double>() : 0;
  const nlohmann::json& model = member(entries, {kTask, "recognition", "modelName"});
  if (model.is_string()) tell_model(visit, model.get<std::string>());
  const PhotoFaces photo = look_at(visit.service, visit.input.photo("image"));
  const Comparison comparison(visit.service.recognizer().contract());
  Json faces = Json::array();
  for (const std::size_t i : largest_first(photo, min_score)) {
    const Face& face = photo.faces[photo.chosen[i]];
    faces.push_back(
        {{"boundingBox",
          {{"x1", face.box.left}, {"y1", face.box.top}, {"x2", face.box.right}, {"y2", face.box.bottom}}},
         {"embedding", vector_text(comparison.comparable(photo.averaged[i]))},
         {"score", face.score}});
  }
  const auto count = static_cast<std::int64_t>(faces.size());
  return {
      json_response({{kTask, std::move(faces)}, {"imageHeight", photo.height}, {"imageWidth", photo.width}}),
      {},
      count};
}

}  // namespace

std::unique_ptr<Protocol> immich_protocol(const CompatOptions& options, const std::string& gallery) {
  return std::make_unique<Immich>(options, gallery);
}

}  // namespace likeness::serve
