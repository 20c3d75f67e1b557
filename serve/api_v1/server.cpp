// The server itself: whether it runs, what it is, what it did.
#include "likeness/version.h"
#include "serve/api_v1/json.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

Done live(Service&, const Call&) { return {json_response({{"status", "live"}})}; }

Done ready(Service& service, const Call&) {
  if (service.stopping()) throw Refusal(503, "busy", "the server is being stopped");
  return {json_response({{"status", "ready"}})};
}

Done show_version(Service&, const Call&) { return {json_response({{"version", version()}, {"api", "v1"}})}; }

Done description(Service&, const Call&) {
  Response response;
  response.body = openapi_text();
  return {std::move(response)};
}

Done me(Service& service, const Call& call) {
  const std::optional<Key>& key = call.key();
  return {json_response({{"key", key ? Json(key->id) : Json(nullptr)},
                         {"name", key ? Json(key->name) : Json(nullptr)},
                         {"right", to_string(key ? key->right : Right::kAdminister)},
                         {"keep_seen_days", service.keep_seen_days()},
                         {"keep_crops", service.keeps_crops()},
                         {"backups", !service.backups().empty()}})};
}

Done list_models(Service& service, const Call&) {
  const Recognizer& recognizer = service.recognizer();
  const EmbeddingSpace& space = recognizer.space();
  Json models = Json::array();
  models.push_back({{"name", recognizer.contract().name},
                    {"model", space.id()},
                    {"dimension", space.dimension},
                    {"precision", space.precision},
                    {"metric", recognizer.contract().metric()},
                    {"detector", recognizer.contract().detector}});
  return {json_response({{"models", std::move(models)}})};
}

Done metrics(Service& service, const Call&) {
  Response response;
  response.type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = service.metrics_text();
  return {std::move(response)};
}

Done audit(Service& service, const Call& call) {
  Json entries = Json::array();
  const auto limit = call.get<std::size_t>("limit");
  for (const nlohmann::json& entry : service.audit_log().newest(1000)) {
    if (entries.size() == limit) break;
    const nlohmann::json& gallery = entry.at("gallery");
    const bool all = !call.key() || call.key()->galleries.empty();
    if (gallery.is_null() ? all : Service::may_see(call, gallery.get<std::string>()))
      entries.push_back(Json(entry));
  }
  return {json_response({{"entries", std::move(entries)}})};
}

Done events(Service& service, const Call& call) {
  Response response;
  response.type = "text/event-stream";
  response.events = service.events().listen(service.gallery_of(call).name);
  if (!response.events) throw Refusal(503, "busy", "too many clients listen for events; try again later");
  return {std::move(response)};
}

}  // namespace

void add_server_operations(Operations& table) {
  table["getLive"] = live;
  table["getReady"] = ready;
  table["getVersion"] = show_version;
  table["getDescription"] = description;
  table["getMe"] = me;
  table["listModels"] = list_models;
  table["getMetrics"] = metrics;
  table["listAudit"] = audit;
  table["streamEvents"] = events;
}

}  // namespace likeness::serve
