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
#include "likeness/recognize/seen_review.h"
#include "likeness/recognize/sightings.h"
#include "serve/api_v1/api.h"
#include "serve/compat/compat_protocol.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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
  auto now = gallery->view_or_last();
  const std::lock_guard lock(mutex_);
  last_ = now;
  return now;
}

void ServedGallery::require_version(std::uint64_t version) const {
  if (const auto last = last_view(); last && last->version() >= version) return;
  try {
    static_cast<void>(gallery->view_with(version, kMostWaitForVersion));
  } catch (const std::invalid_argument& error) {
    throw Refusal(400, "invalid", std::string("min_version: ") + error.what(), "min_version");
  }
}

std::shared_ptr<const GalleryView> ServedGallery::last_view() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

// ---- Service ----

/// A request that was let in.
struct Service::Asked {
  const Protocol* protocol = nullptr;  ///< That of /v1 where the path is nobody's.
  Router::Match match;
  std::optional<Key> key;
  bool proven = true;  ///< Asker::proven
  std::string id;
  std::optional<std::string> gallery;
  Clock::time_point since = Clock::now();
  /// What it is called in figures and in the log.
  [[nodiscard]] std::string operation() const { return match.operation ? match.operation->id : beside; }
  const char* beside = "none";  ///< Where it is for no operation of the API.
};

Service::Service(ServiceOptions options)
    : options_(std::move(options)),
      router_(nlohmann::json::parse(openapi_text())),
      files_(options_.files),
      recognizer_(options_.models),
      photos_(recognizer_.stream({.hash = true})),
      audit_(options_.audit),
      events_([this] { metrics_.count_event_lost(); }),
      // More than compute at once: their faces share runs of the network (SharedRuns).
      queue_(static_cast<std::size_t>(std::max(8, 4 * options_.models.threads)), options_.most_waiting) {
  protocols_.push_back(std::make_unique<ApiV1>(router_));
  if (options_.keys) keys_.emplace(*options_.keys);
  open_galleries();
  if (galleries_.empty() && !options_.compat.protocols.empty())
    throw std::invalid_argument("other servers' protocols need a gallery");
  for (const std::string& name : options_.compat.protocols)
    protocols_.push_back(compat_protocol(name, options_.compat, galleries_.front()->name, recognizer_));
  recognizer_.load();
  for (const auto& served : galleries_) {
    if (served->gallery->store().remote())
      followers_.emplace_back([&gallery = *served](const std::stop_token& stop) { follow(gallery, stop); });
  }
  if (options_.keep_seen_days > 0)
    housekeeper_ = std::jthread([this](const std::stop_token& stop) { keep_house(stop); });
}

Service::~Service() = default;

/// Brings in what others change, so that no request waits for it.
void Service::follow(ServedGallery& served, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kAtMost(500);
  while (!stop.stop_requested()) {
    try {
      if (served.gallery->store().wait_for_change(served.view()->version(), kAtMost)) {
        (void)served.view();
      } else {
        served.gallery->keep_index();
      }
    } catch (const Error&) {  // out of reach, or damaged: requests say so; the next round tries again
      std::this_thread::sleep_for(kAtMost);
    }
  }
}

void Service::forget_older_than(std::int64_t oldest) {
  for (const auto& served : galleries_) {
    try {
      if (served->gallery->store().seen().remove_older_than(oldest) > 0) served->gallery->purge();
    } catch (const std::exception& error) {  // locked or full: the next round tries again
      note({{"level", "error"},
            {"operation", "forgetting"},
            {"gallery", served->name},
            {"error", error.what()}});
    }
  }
}

/// Forgets faces that were kept long enough, also where nobody asks for anything.
void Service::keep_house(const std::stop_token& stop) {
  constexpr std::chrono::minutes kPause(10);
  std::mutex mutex;
  std::condition_variable_any wake;
  ClockWatch watch;
  while (!stop.stop_requested()) {
    const std::int64_t now = now_ms();
    // A clock that was set wrongly for a moment must not have everything forgotten: it is believed a round
    // later.
    if (watch.was_set(now, steady_ms())) {
      note({{"level", "warning"}, {"operation", "forgetting"}, {"error", "the clock was set"}});
    } else {
      forget_older_than(now - std::int64_t{options_.keep_seen_days} * 24 * 3600 * 1000);
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, kPause, [] { return false; });
  }
}

void Service::remember_unknown(ServedGallery& served, const PhotoFaces& photo,
                               std::span<const Identification> answers) {
  if (options_.keep_seen_days == 0) return;
  const std::lock_guard lock(served.changing);
  try {
    (void)add_sightings(served.gallery->store(), recognizer_.contract(), options_.models.precision, photo,
                        answers, {.keep_crops = options_.keep_crops, .time_ms = now_ms()});
  } catch (const Error& error) {  // what is out of reach, or a standby, keeps no face; the answer comes
    if (error.code() != ErrorCode::kUnavailable) throw;
    note({{"level", "error"},
          {"operation", "remembering"},
          {"gallery", served.name},
          {"error", error.what()}});
  }
}

void Service::open_galleries() {
  std::set<std::string> names;
  for (const GallerySource& source : options_.galleries) {
    if (!names.insert(source.name).second)
      throw std::invalid_argument("two galleries are called " + source.name + "; give them other names");
    auto served = std::make_unique<ServedGallery>();
    served->name = source.name;
    GalleryOptions open = options_.gallery_options;
    open.may_be_read_only = options_.keep_seen_days == 0;  // else each search may have something to keep
    if (!options_.shards.urls.empty()) open.shards = shards_over_http(options_.shards, source.name);
    served->gallery = std::make_unique<Gallery>(open_or_create_gallery(
        source.uri, recognizer_.space(), {.passphrase = options_.gallery_options.passphrase}, open));
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

ServedGallery& Service::gallery(std::string_view name) {
  for (const auto& served : galleries_) {
    if (served->name == name) return *served;
  }
  throw not_found("gallery " + std::string(name.substr(0, 100)));
}

ServedGallery& Service::gallery_of(const Call& call) {
  ServedGallery& served = gallery(call.get<std::string>("gallery"));
  if (const auto version = call.find<std::uint64_t>("min_version")) served.require_version(*version);
  return served;
}

void Service::note(const nlohmann::ordered_json& line) {
  if (!options_.log) return;
  const std::lock_guard lock(log_mutex_);
  options_.log(line);
}

NamingRule Service::rule_for(const GalleryView& view, std::optional<double> threshold) const {
  return naming_rule(view, recognizer_.contract(), options_.models.precision, {.threshold = threshold});
}

std::optional<double> Service::suggestion_threshold_of(const NamingRule& rule) const {
  return suggestion_threshold(rule, recognizer_.contract(), options_.models.precision);
}

std::size_t Service::take_back(ServedGallery& served, std::span<const std::int64_t> faces) const {
  return unname_faces(*served.gallery, recognizer_.contract(), options_.models.precision, faces);
}

// ---- letting in ----

Service::Asked Service::asked_by(const RequestHead& head) const {
  Asked asked{.protocol = protocols_.front().get(), .id = head.id};
  for (const auto& protocol : protocols_) {
    Router::Match match = protocol->match(head);
    // One that knows the path for other methods alone goes behind one that answers.
    if (match.operation == nullptr && (match.allowed.empty() || !asked.match.allowed.empty())) continue;
    asked.protocol = protocol.get();
    asked.match = std::move(match);
    if (asked.match.operation != nullptr) break;
  }
  return asked;
}

/// Finds out whose request it is: by its header, or with its body where only that proves it.
void Service::authenticate(Asked& asked, const RequestHead& head, const Request* whole) {
  if (!keys_ || asked.match.operation->right == Right::kNone) return;
  try {
    if (whole == nullptr) {
      Asker asker = asked.protocol->asker(*keys_, head, asked.match);
      asked.key = std::move(asker.key);
      asked.proven = asker.proven;
    } else {
      asked.key = asked.protocol->prove(*keys_, *whole, asked.match);
      asked.proven = true;
    }
  } catch (const Error& error) {  // somebody is at the file: nobody gets in meanwhile
    throw Refusal(503, "unavailable", std::string("the keys cannot be read: ") + error.what());
  }
  if (!asked.key && asked.proven)
    throw Refusal(401, "unauthorized", "this needs a key, in Authorization: Bearer or X-Api-Key",
                  "Authorization");
}

/// Whether the key may do it, in that gallery.
void Service::require_allowed(Asked& asked, const RequestHead& head) const {
  const std::optional<Key>& key = asked.key;
  const Operation& operation = *asked.match.operation;
  if (auto name = asked.protocol->gallery_named(head, asked.match, key)) {
    const bool there =
        std::any_of(galleries_.begin(), galleries_.end(), [&](const auto& g) { return g->name == *name; });
    // What a key may not see is answered as what is not there.
    if (!there || (key && !key->may_see(*name))) throw not_found("gallery " + name->substr(0, 100));
    asked.gallery = std::move(name);
  }
  if (key && !includes(key->right, operation.right))
    throw Refusal(403, "forbidden",
                  "this key may " + std::string(to_string(key->right)) + "; this needs " +
                      std::string(to_string(operation.right)),
                  "Authorization");
  if (asked.gallery) require_faces_for(operation);
}

/// A share of the faces is answered to whoever asks for a share, and to nobody else: people of the other
/// shares would be unknown.
void Service::require_faces_for(const Operation& operation) const {
  const Shard& shard = options_.gallery_options.shard;
  if ((operation.id == "askShard") == (shard.of > 1)) return;
  if (shard.of == 1) throw not_found("shard here: this service was started without --shard");
  throw Refusal(404, "not_found",
                "this service holds shard " + std::to_string(shard.number) + "/" + std::to_string(shard.of) +
                    " of the gallery; ask the one that was started with --shards");
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
  Asked asked = asked_by(head);
  try {
    require_same_site(head);
    if (is_for_file(head, asked)) return admission;
    if (asked.match.operation == nullptr) {
      if (asked.match.allowed.empty()) throw not_found("such path");
      throw Refusal(405, "method_not_allowed", "this path answers " + asked.match.allowed);
    }
    const Operation& operation = *asked.match.operation;
    authenticate(asked, head, nullptr);
    if (asked.key || asked.proven) require_allowed(asked, head);
    if (operation.id == "getMetrics" && asked.key && !asked.key->galleries.empty())
      throw Refusal(403, "forbidden", "this needs a key for all galleries", "Authorization");
    if (!operation.quick && queue_.full())
      throw Refusal(503, "busy", "too much work waits; try again in a second");
    admission.body_limit = operation.body_limit;
  } catch (const std::exception& error) {
    admission.refusal = asked.protocol->refuse(refusal_for(error), head.id);
    if (!asked.match.allowed.empty()) admission.refusal->headers.emplace_back("Allow", asked.match.allowed);
    finish(asked, *admission.refusal);
  }
  return admission;
}

// ---- answering ----

/// What a protocol answers on a file's path by another method (Rekognition's POST /) is the protocol's.
bool Service::is_for_file(const RequestHead& head, const Asked& asked) const {
  const bool reads = head.method == "GET" || head.method == "HEAD";
  return files_.has(head) && (reads || asked.match.operation == nullptr);
}

void Service::give_file(const RequestHead& head, const std::function<void(Response)>& reply) {
  Response response = files_.answer(head);
  finish({.id = head.id, .beside = "page"}, response);
  reply(std::move(response));
}

void Service::handle(Request request, std::function<void(Response)> reply) {
  const auto asked = std::make_shared<Asked>(asked_by(request));
  if (is_for_file(request, *asked)) return give_file(request, reply);
  const auto answer = [this, asked, reply = std::move(reply)](Response response) {
    finish(*asked, response);
    reply(std::move(response));
  };
  const auto refuse = [&](const Refusal& refusal) { answer(asked->protocol->refuse(refusal, asked->id)); };
  try {
    authenticate(*asked, request, nullptr);
    if (asked->proven) require_allowed(*asked, request);
  } catch (const std::exception& error) {
    refuse(refusal_for(error));
    return;
  }
  if (asked->match.operation->quick && asked->proven) {
    answer(run(*asked, std::move(request)));
    return;
  }
  const bool entered = asked->proven;
  if (entered && !enter(asked->key)) {
    refuse(too_many());
    return;
  }
  const auto shared = std::make_shared<Request>(std::move(request));
  const bool taken = queue_.submit([this, asked, shared, answer] {
    metrics_.count_wait(seconds_since(asked->since));
    answer(asked->proven ? run_entered(*asked, std::move(*shared))
                         : prove_and_run(*asked, std::move(*shared)));
  });
  if (!taken) {
    if (entered) leave(asked->key);
    refuse(Refusal(503, "busy", "too much work waits; try again in a second"));
  }
}

Refusal Service::too_many() const {
  return {429, "too_many_requests",
          "this key has " + std::to_string(options_.requests_a_key) + " requests under way; wait for one"};
}

Response Service::run_entered(const Asked& asked, Request request) noexcept {
  Response response = run(asked, std::move(request));
  leave(asked.key);
  return response;
}

/// On a thread of the queue, for to prove a signature over a photo takes the network's thread too long.
Response Service::prove_and_run(Asked& asked, Request request) noexcept {
  try {
    authenticate(asked, request, &request);
    require_allowed(asked, request);
    if (!enter(asked.key)) throw too_many();
  } catch (const std::exception& error) {
    return asked.protocol->refuse(refusal_for(error), asked.id);
  }
  return run_entered(asked, std::move(request));
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
      Done done = asked.protocol->answer(*this, asked.match, std::move(request), asked.key);
      response = std::move(done.response);
      if (done.gallery) entry.gallery = done.gallery;
      entry.person = done.person;
      entry.faces = done.faces;
      entry.named = done.named;
    } catch (const std::exception& error) {
      const Refusal refusal = refusal_for(error);
      response = asked.protocol->refuse(refusal, asked.id);
      if (refusal.status() >= 500)
        note({{"level", "error"},
              {"request", asked.id},
              {"operation", operation.id},
              {"error", error.what()}});
    }
    entry.status = response.status;
    if (!operation.quick) audit_.add(entry);
  } catch (const std::exception& error) {
    try {
      response = asked.protocol->refuse(refusal_for(error), asked.id);
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
  if (std::none_of(headers.begin(), headers.end(), [](const auto& h) { return h.first == "Cache-Control"; }))
    headers.emplace_back("Cache-Control", "no-store");
  const std::string operation = asked.operation();
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
  note(line);
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
