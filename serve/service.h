#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/naming.h"
#include "likeness/recognize/recognizer.h"
#include "serve/audit.h"
#include "serve/auth.h"
#include "serve/call.h"
#include "serve/compat/options.h"
#include "serve/events.h"
#include "serve/http.h"
#include "serve/metrics.h"
#include "serve/protocol.h"
#include "serve/router.h"
#include "serve/shards.h"
#include "serve/static_files.h"
#include "serve/work_queue.h"

namespace likeness::serve {

/// A gallery and what it is called in paths.
struct GallerySource {
  std::string name;
  /// As open_gallery() takes it; made where there is none. One at a server that may only be read is searched.
  std::string uri;
};

struct ServiceOptions {
  Setup models;
  std::vector<GallerySource> galleries;
  /// For opening each; not `may_be_read_only`. Of a shard: nothing else is answered.
  GalleryOptions gallery_options{};
  std::optional<std::filesystem::path> keys{};  ///< Empty: whoever reaches the server may do everything.
  std::filesystem::path audit{};                ///< AuditLog's.
  /// How long faces that stayed without a name are kept for review, for which galleries must be writable; 0:
  /// not at all.
  int keep_seen_days = 0;
  bool keep_crops = false;  ///< Keep a picture of each enrolled face, and of each that is kept for review.
  std::filesystem::path backups{};  ///< Folder for backups; empty: none are made.
  std::vector<StaticFile> files{};  ///< Served as they are beside the API; each has a path of its own.
  std::size_t most_waiting = 64;    ///< Requests that wait for a thread; more are answered 503.
  std::size_t requests_a_key = 16;  ///< Under way at once; more are answered 429.
  CompatOptions compat{};           ///< Other servers' protocols.
  ShardServices shards{};           ///< Where given, these hold the faces of each gallery.
  /// Is told of each request, an object without personal data. Called from many threads, one at a time.
  std::function<void(const nlohmann::ordered_json&)> log{};
};

/// A version that is not there yet is waited for so long by a thread that works for others.
inline constexpr std::chrono::seconds kMostWaitForVersion(2);

/// A gallery that is open.
struct ServedGallery {
  std::string name;
  std::unique_ptr<Gallery> gallery;
  std::mutex changing;  ///< Held while a change is looked up and made.

  /// With the changes of everybody up to now; as Gallery::view_or_last() where the database is out of reach.
  [[nodiscard]] std::shared_ptr<const GalleryView> view();
  /// That view() has this version, which another service may have made. @throws Refusal for one that nobody
  /// has made; Error kUnavailable where the database stays out of reach for a moment.
  void require_version(std::uint64_t version) const;
  /// What view() gave last: for figures, without waiting.
  [[nodiscard]] std::shared_ptr<const GalleryView> last_view() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const GalleryView> last_;
};

/// What answers requests: finds the protocol and its operation, checks the key and the fields, queues the
/// work, and turns what operations give or throw into answers. Operations (api_v1/) read a Call, ask the
/// library, and give JSON; they decide nothing. Threads share it.
class Service : public Handler {
 public:
  /// Loads the models, opens the galleries and builds their views.
  /// @throws Error as Recognizer, open_or_create_gallery() and KeyFile do; kModelMismatch where a gallery is
  /// of another space than the model; std::invalid_argument for galleries with one name.
  explicit Service(ServiceOptions options);
  ~Service() override;

  [[nodiscard]] Admission admit(const RequestHead& head) override;
  void handle(Request request, std::function<void(Response)> reply) override;
  [[nodiscard]] Response refuse(int status, const std::string& id, const std::string& message) override;

  /// Says "not ready" from now on and ends streams of events.
  void begin_stop();

  // For operations.
  [[nodiscard]] const Recognizer& recognizer() const { return recognizer_; }
  [[nodiscard]] PhotoStream& photos() { return photos_; }
  [[nodiscard]] bool keeps_crops() const { return options_.keep_crops; }
  [[nodiscard]] const Router& router() const { return router_; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] const std::vector<std::unique_ptr<ServedGallery>>& galleries() const { return galleries_; }
  /// @throws Refusal 404.
  [[nodiscard]] ServedGallery& gallery(std::string_view name);
  /// The gallery that a call is about, in the version that it asks for at least. @throws Refusal 404; Error
  /// kUnavailable.
  [[nodiscard]] ServedGallery& gallery_of(const Call& call);
  [[nodiscard]] NamingRule rule_for(const GalleryView& view, std::optional<double> threshold = {}) const;
  /// From which similarity on a face without a name is shown with a suggestion.
  [[nodiscard]] std::optional<double> suggestion_threshold_of(const NamingRule& rule) const;
  /// unname_faces() with this service's model.
  [[nodiscard]] std::size_t take_back(ServedGallery& served, std::span<const std::int64_t> faces) const;
  [[nodiscard]] int keep_seen_days() const { return options_.keep_seen_days; }
  /// Whether faces that stayed without a name are kept.
  [[nodiscard]] bool keeps_unknown() const { return options_.keep_seen_days > 0; }
  /// Keeps faces that stayed without a name for review, where the options say so and the gallery can be
  /// reached.
  void remember_unknown(ServedGallery& served, const PhotoFaces& photo,
                        std::span<const Identification> answers);
  [[nodiscard]] const std::filesystem::path& backups() const { return options_.backups; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }
  /// Tells the log something beside requests.
  void note(const nlohmann::ordered_json& line);
  [[nodiscard]] AuditLog& audit_log() { return audit_; }
  [[nodiscard]] EventHub& events() { return events_; }
  [[nodiscard]] std::string metrics_text() const;
  /// Whether the call's key may see a gallery.
  [[nodiscard]] static bool may_see(const Call& call, std::string_view gallery);

 private:
  struct Asked;
  [[nodiscard]] Asked asked_by(const RequestHead& head) const;
  void authenticate(Asked& asked, const RequestHead& head, const Request* whole);
  void require_allowed(Asked& asked, const RequestHead& head) const;
  void require_faces_for(const Operation& operation) const;
  void require_same_site(const RequestHead& head) const;
  [[nodiscard]] bool enter(const std::optional<Key>& key);
  void leave(const std::optional<Key>& key);
  void open_galleries();
  static void follow(ServedGallery& served, const std::stop_token& stop);
  void keep_house(const std::stop_token& stop);
  void forget_older_than(std::int64_t oldest);
  [[nodiscard]] Refusal too_many() const;
  [[nodiscard]] Response run(const Asked& asked, Request request) noexcept;
  [[nodiscard]] Response run_entered(const Asked& asked, Request request) noexcept;
  [[nodiscard]] Response prove_and_run(Asked& asked, Request request) noexcept;
  void finish(const Asked& asked, Response& response);
  [[nodiscard]] bool is_for_file(const RequestHead& head, const Asked& asked) const;
  void give_file(const RequestHead& head, const std::function<void(Response)>& reply);

  ServiceOptions options_;
  Router router_;
  StaticFiles files_;
  std::vector<std::unique_ptr<Protocol>> protocols_;  ///< The first that knows a path answers it.
  Recognizer recognizer_;
  PhotoStream photos_;  ///< All faces, with the photo's hash.
  std::optional<KeyFile> keys_;
  std::vector<std::unique_ptr<ServedGallery>> galleries_;
  Metrics metrics_;
  AuditLog audit_;
  std::mutex log_mutex_;
  EventHub events_;  ///< Its hooks may log until they are gone.
  std::atomic<bool> stopping_ = false;
  std::mutex under_way_mutex_;
  std::map<std::string, std::size_t> under_way_;  ///< Requests of each key.
  std::jthread housekeeper_;
  std::vector<std::jthread> followers_;  // of galleries that others change too
  WorkQueue queue_;                      ///< Last: its threads use all of the above.
};

/// What a call did, for the audit log; operations fill what they know.
struct Done {
  Response response;
  std::optional<std::int64_t> person{};
  std::optional<std::int64_t> faces{};
  std::optional<std::int64_t> named{};
  std::optional<std::string> gallery{};  ///< Where Protocol::gallery_named() could not know it.
};

/// By operationId: what answers each operation of the document.
using Operations = std::map<std::string, std::function<Done(Service&, const Call&)>>;
[[nodiscard]] const Operations& operations();

/// The OpenAPI document, as the server serves it.
[[nodiscard]] const std::string& openapi_text();

/// 200 with a JSON body.
[[nodiscard]] Response json_response(const nlohmann::ordered_json& json);

}  // namespace likeness::serve
