#include "serve/service.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <set>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/core/now.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/seen.h"
#include "likeness/recognize/sightings.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The gallery that a request names, where its operation is about one.
std::optional<std::string> gallery_named(const RequestHead& head, const Router::Match& match) {
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

std::string secret_of(const RequestHead& head) {
  if (const auto key = find_field(head.headers, "x-api-key")) return std::string(*key);
  const std::string_view bearer = find_field(head.headers, "authorization").value_or("");
  constexpr std::string_view kScheme = "bearer ";
  if (bearer.size() <= kScheme.size()) return "";
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(bearer[i])) != kScheme[i]) return "";
  }
  return std::string(bearer.substr(kScheme.size()));
}

/// A Host or Origin without its port.
std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos) return host;
  return host.substr(0, colon);
}

}  // namespace

// ---- ServedGallery ----

std::shared_ptr<const GalleryView> ServedGallery::view() {
  gallery->refresh();
  auto now = gallery->view();
  const std::lock_guard lock(mutex_);
  last_ = now;
  return now;
}

std::shared_ptr<const GalleryView> ServedGallery::last_view() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

// ---- Service ----

/// A request that was let in.
struct Service::Asked {
  Router::Match match;
  std::optional<Key> key;
  std::string id;
  std::optional<std::string> gallery;
  Clock::time_point since = Clock::now();
};

Service::Service(ServiceOptions options)
    : options_(std::move(options)),
      router_(nlohmann::json::parse(openapi_text())),
      recognizer_(options_.models),
      photos_(recognizer_.stream({.hash = true})),
      audit_(options_.audit),
      events_([this] { metrics_.count_event_lost(); }),
      // More than compute at once: their faces share runs of the network (SharedRuns).
      queue_(static_cast<std::size_t>(std::max(8, 4 * options_.models.threads)), options_.most_waiting) {
  if (options_.keys) keys_.emplace(*options_.keys);
  open_galleries();
  recognizer_.load();
  if (options_.keep_seen_days > 0)
    housekeeper_ = std::jthread([this](const std::stop_token& stop) { keep_house(stop); });
}

Service::~Service() = default;

/// Forgets faces that were kept long enough, also where nobody asks for anything.
void Service::keep_house(const std::stop_token& stop) {
  constexpr std::chrono::minutes kPause(10);
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    const std::int64_t oldest = now_ms() - std::int64_t{options_.keep_seen_days} * 24 * 3600 * 1000;
    for (const auto& served : galleries_) {
      try {
        if (served->gallery->store().seen().remove_older_than(oldest) > 0) served->gallery->purge();
      } catch (const std::exception& error) {  // locked or full: the next round tries again
        if (!options_.log) continue;
        const std::lock_guard lock(log_mutex_);
        options_.log({{"level", "error"},
                      {"operation", "forgetting"},
                      {"gallery", served->name},
                      {"error", error.what()}});
      }
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, kPause, [] { return false; });
  }
}

void Service::remember_unknown(ServedGallery& served, const PhotoFaces& photo,
                               std::span<const Identification> answers) {
  if (options_.keep_seen_days == 0) return;
  const std::lock_guard lock(served.changing);
  (void)add_sightings(served.gallery->store(), recognizer_.contract(), options_.models.precision, photo,
                      answers, {.keep_crops = options_.keep_crops, .time_ms = now_ms()});
}

void Service::open_galleries() {
  std::set<std::string> names;
  for (const GallerySource& source : options_.galleries) {
    if (!names.insert(source.name).second)
      throw std::invalid_argument("two galleries are called " + source.name + "; give them other names");
    auto served = std::make_unique<ServedGallery>();
    served->name = source.name;
    served->gallery = std::make_unique<Gallery>(open_or_create_gallery(
        source.uri, recognizer_.space(), {.passphrase = options_.gallery_options.passphrase},
        options_.gallery_options));
    require_same_space(served->gallery->store().space(), served->gallery->store().name(), recognizer_.space(),
                       "the model " + options_.models.model);
    (void)served->view();
    galleries_.push_back(std::move(served));
  }
}

void Service::begin_stop() {
  stopping_ = true;
  events_.end();
}

bool Service::may_see(const Call& call, std::string_view gallery) {
  return !call.key() || call.key()->may_see(gallery);
}

ServedGallery& Service::gallery_of(const Call& call) {
  const auto name = call.get<std::string>("gallery");
  for (const auto& served : galleries_) {
    if (served->name == name) return *served;
  }
  throw not_found("gallery " + name);
}

NamingRule Service::rule_for(const GalleryView& view, std::optional<double> threshold) const {
  return naming_rule(view, recognizer_.contract(), options_.models.precision, {.threshold = threshold});
}

// ---- letting in ----

std::optional<Key> Service::authenticate(const RequestHead& head, const Operation& operation) {
  if (!keys_ || operation.right == Right::kNone) return std::nullopt;
  const std::string secret = secret_of(head);
  std::optional<Key> key;
  try {
    if (!secret.empty()) key = keys_->find(secret);
  } catch (const Error& error) {  // somebody is at the file: nobody gets in meanwhile
    throw Refusal(503, "unavailable", std::string("the keys cannot be read: ") + error.what());
  }
  if (!key)
    throw Refusal(401, "unauthorized", "this needs a key, in Authorization: Bearer or X-Api-Key",
                  "Authorization");
  return key;
}

void Service::require_gallery(const RequestHead& head, const Router::Match& match,
                              const std::optional<Key>& key) const {
  const auto name = gallery_named(head, match);
  if (!name) return;
  const bool there =
      std::any_of(galleries_.begin(), galleries_.end(), [&](const auto& g) { return g->name == *name; });
  // What a key may not see is answered as what is not there.
  if (!there || (key && !key->may_see(*name))) throw not_found("gallery " + name->substr(0, 100));
}

/// Without keys anybody on this machine may ask, but no web page of somebody else's in a browser on it: such
/// requests carry an Origin of another site, or a Host that is no name of this machine.
void Service::require_same_site(const RequestHead& head) const {
  if (keys_) return;
  const std::string_view host = without_port(find_field(head.headers, "host").value_or(""));
  const bool local = host == "localhost" || host == "[::1]" || host.substr(0, 4) == "127.";
  const auto origin = find_field(head.headers, "origin");
  const std::string_view from = origin ? *origin : std::string_view();
  const std::size_t scheme = from.find("://");
  const bool same =
      !origin || (scheme != std::string_view::npos && without_port(from.substr(scheme + 3)) == host);
  if (!local || !same)
    throw Refusal(403, "forbidden",
                  "a server without keys answers this machine alone: make a key, and start it with --keys",
                  local ? "Origin" : "Host");
}

bool Service::enter(const std::optional<Key>& key) {
  if (!key) return true;
  const std::lock_guard lock(under_way_mutex_);
  std::size_t& count = under_way_[key->id];
  if (count >= options_.requests_a_key) return false;
  ++count;
  return true;
}

void Service::leave(const std::optional<Key>& key) {
  if (!key) return;
  const std::lock_guard lock(under_way_mutex_);
  const auto found = under_way_.find(key->id);
  if (--found->second == 0) under_way_.erase(found);
}

Admission Service::admit(const RequestHead& head) {
  Admission admission;
  Asked asked{.match = router_.match(head), .id = head.id};
  try {
    require_same_site(head);
    if (asked.match.operation == nullptr) {
      if (asked.match.allowed.empty()) throw not_found("such path");
      throw Refusal(405, "method_not_allowed", "this path answers " + asked.match.allowed);
    }
    const Operation& operation = *asked.match.operation;
    asked.key = authenticate(head, operation);
    require_gallery(head, asked.match, asked.key);
    if (asked.key && !includes(asked.key->right, operation.right))
      throw Refusal(403, "forbidden",
                    "this key may " + std::string(to_string(asked.key->right)) + "; this needs " +
                        std::string(to_string(operation.right)),
                    "Authorization");
    if (operation.id == "getMetrics" && asked.key && !asked.key->galleries.empty())
      throw Refusal(403, "forbidden", "this needs a key for all galleries", "Authorization");
    if (!operation.quick && queue_.full())
      throw Refusal(503, "busy", "too much work waits; try again in a second");
    admission.body_limit = operation.body_limit;
  } catch (const std::exception& error) {
    const Refusal refusal = refusal_for(error);
    admission.refusal = response_for(refusal, head.id);
    if (!asked.match.allowed.empty()) admission.refusal->headers.emplace_back("Allow", asked.match.allowed);
    finish(asked, *admission.refusal);
  }
  return admission;
}

// ---- answering ----

void Service::handle(Request request, std::function<void(Response)> reply) {
  const auto asked = std::make_shared<Asked>();
  asked->match = router_.match(request);
  asked->id = request.id;
  const auto answer = [this, asked, reply = std::move(reply)](Response response) {
    finish(*asked, response);
    reply(std::move(response));
  };
  try {
    asked->key = authenticate(request, *asked->match.operation);
    asked->gallery = gallery_named(request, asked->match);
  } catch (const std::exception& error) {
    answer(response_for(refusal_for(error), request.id));
    return;
  }
  if (asked->match.operation->quick) {
    answer(run(*asked, std::move(request)));
    return;
  }
  if (!enter(asked->key)) {
    answer(response_for(Refusal(429, "too_many_requests",
                                "this key has " + std::to_string(options_.requests_a_key) +
                                    " requests under way; wait for one"),
                        request.id));
    return;
  }
  const std::string id = request.id;
  const auto shared = std::make_shared<Request>(std::move(request));
  const bool taken = queue_.submit([this, asked, shared, answer] {
    metrics_.count_wait(seconds_since(asked->since));
    Response response = run(*asked, std::move(*shared));
    leave(asked->key);
    answer(std::move(response));
  });
  if (!taken) {
    leave(asked->key);
    answer(response_for(Refusal(503, "busy", "too much work waits; try again in a second"), id));
  }
}

Response Service::run(const Asked& asked, Request request) noexcept {
  const Operation& operation = *asked.match.operation;
  AuditLog::Entry entry{.request = asked.id,
                        .key = asked.key ? std::optional(asked.key->id) : std::nullopt,
                        .action = operation.id,
                        .gallery = asked.gallery};
  Response response;
  try {
    try {
      const Call call(router_.document(), asked.match, std::move(request), asked.key);
      Done done = operations().at(operation.id)(*this, call);
      response = std::move(done.response);
      entry.person = done.person;
      entry.faces = done.faces;
      entry.named = done.named;
    } catch (const std::exception& error) {
      const Refusal refusal = refusal_for(error);
      response = response_for(refusal, asked.id);
      if (refusal.status() >= 500 && options_.log) {
        const std::lock_guard lock(log_mutex_);
        options_.log({{"level", "error"},
                      {"request", asked.id},
                      {"operation", operation.id},
                      {"error", error.what()}});
      }
    }
    entry.status = response.status;
    if (!operation.quick) audit_.add(entry);
  } catch (const std::exception& error) {
    try {
      response = response_for(refusal_for(error), asked.id);
    } catch (const std::exception&) {
      response.status = 503;
    }
  }
  return response;
}

Response Service::refuse(int status, const std::string& id, const std::string& message) {
  Response response = response_for(Refusal(status, code_of_status(status), message), id);
  finish({.id = id}, response);
  return response;
}

/// What every answer gets and leaves behind.
void Service::finish(const Asked& asked, Response& response) {
  auto& headers = response.headers;
  headers.emplace_back("X-Request-Id", asked.id);
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  headers.emplace_back("Cache-Control", "no-store");
  const std::string operation = asked.match.operation != nullptr ? asked.match.operation->id : "none";
  const double seconds = seconds_since(asked.since);
  metrics_.count_request(operation, response.status, seconds);
  if (!options_.log) return;
  nlohmann::ordered_json line{{"level", "info"},
                              {"request", asked.id},
                              {"operation", operation},
                              {"status", response.status},
                              {"ms", seconds * 1000}};
  if (asked.key) line["key"] = asked.key->id;
  if (asked.gallery) line["gallery"] = *asked.gallery;
  const std::lock_guard lock(log_mutex_);
  options_.log(line);
}

std::string Service::metrics_text() const {
  std::vector<Metrics::Gauge> gauges;
  for (const auto& served : galleries_) {
    const auto view = served->last_view();
    const std::string labels = "gallery=\"" + label_value(served->name) + "\"";
    gauges.push_back({"likeness_people", labels, "People enrolled.", static_cast<double>(view->people())});
  }
  for (const auto& served : galleries_) {
    const auto view = served->last_view();
    const std::string labels = "gallery=\"" + label_value(served->name) + "\"";
    gauges.push_back({"likeness_faces", labels, "Faces enrolled.", static_cast<double>(view->faces())});
  }
  const StageSeconds stages = photos_.seconds();
  const std::array<std::pair<const char*, double>, 4> each{
      {{"read", stages.read}, {"detect", stages.detect}, {"align", stages.align}, {"embed", stages.embed}}};
  for (const auto& [stage, seconds] : each)
    gauges.push_back({"likeness_stage_cpu_seconds_total", std::string("stage=\"") + stage + "\"",
                      "Processor seconds spent in each stage, enrolment's too.", seconds, true});
  gauges.push_back({"likeness_queue_length", "", "Requests that wait for a thread.",
                    static_cast<double>(queue_.waiting())});
  gauges.push_back(
      {"process_resident_memory_bytes", "", "Resident memory.", static_cast<double>(resident_bytes())});
  return metrics_.text(gauges);
}

Response json_response(const nlohmann::ordered_json& json) {
  Response response;
  response.body = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return response;
}

}  // namespace likeness::serve
