// DeepStack's and CodeProject.AI's routes for faces, /v1/vision/face and below, as their clients use them,
// and DeepStack's for backups.
#include <algorithm>
#include <cmath>
#include <map>

#include "likeness/core/atomic_file.h"
#include "likeness/core/file.h"
#include "likeness/embed/comparison.h"
#include "serve/api_v1/json.h"
#include "serve/compat/people.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

/// So much takes a photo's part of a form, and /v1/restore.
constexpr std::uintmax_t kMostBackup = 20U << 20;

/// From which confidence on DeepStack gives a name unless told otherwise (its server.go).
constexpr double kNamedFrom = 0.67;

/// One half is where the naming rule, or the model's threshold for two faces, lies: it becomes kNamedFrom.
double confidence_of(double probability) {
  return probability < 0.5 ? 2 * kNamedFrom * probability
                           : kNamedFrom + (1 - kNamedFrom) * (2 * probability - 1);
}

class DeepStack : public CompatProtocol {
 public:
  explicit DeepStack(const std::string& gallery) : CompatProtocol(gallery) {
    add("detect", "", Right::kSearch, [this](const Visit& visit) { return detect(visit); });
    add("recognize", "/recognize", Right::kSearch, [this](const Visit& visit) { return recognize(visit); });
    add("register", "/register", Right::kEnrol, [this](const Visit& visit) { return enrol(visit); });
    add("match", "/match", Right::kSearch, [this](const Visit& visit) { return compare(visit); });
    add("list", "/list", Right::kSearch, [](const Visit& visit) { return list(visit); });
    add("delete", "/delete", Right::kEnrol, [this](const Visit& visit) { return remove(visit); });
    route("deepstack.backup", "POST", "/v1/backup", Right::kAdminister, backup);
    route("deepstack.restore", "POST", "/v1/restore", Right::kAdminister, restore);
  }

  /// DeepStack's key is a field of the form: then the body tells. Backups have a key of their own there.
  [[nodiscard]] Asker asker(KeyFile& keys, const RequestHead& head,
                            const Router::Match& match) const override {
    if (!secret_of(head).empty()) return Protocol::asker(keys, head, match);
    return {.proven = false};
  }
  [[nodiscard]] std::optional<Key> prove(KeyFile& keys, const Request& request,
                                         const Router::Match&) const override {
    const std::string header = secret_of(request);
    if (!header.empty()) return keys.find(header);
    const Input input(request);
    const auto admin = input.text("admin_key");
    const auto secret = admin ? admin : input.text("api_key");
    return secret ? keys.find(*secret) : std::nullopt;
  }

  [[nodiscard]] Response refuse(const Refusal& refusal, const std::string& request_id) const override {
    Response response = response_for(refusal, request_id);
    if (refusal.code() == "image_unreadable") response.status = 400;
    response.body =
        json_response(
            {{"success", false}, {"error", refusal.what()}, {"code", response.status}, {"duration", 0}})
            .body;
    return response;
  }

 private:
  void add(const std::string& id, const std::string& path, Right right, const Answer& answer) {
    route("deepstack." + id, "POST", "/v1/vision/face" + path, right, answer);
  }

  [[nodiscard]] Done detect(const Visit& visit) const;
  [[nodiscard]] Done recognize(const Visit& visit) const;
  [[nodiscard]] Done enrol(const Visit& visit) const;
  [[nodiscard]] Done compare(const Visit& visit) const;
  [[nodiscard]] static Done list(const Visit& visit);
  [[nodiscard]] Done remove(const Visit& visit) const;
  [[nodiscard]] static Done backup(const Visit& visit);
  [[nodiscard]] static Done restore(const Visit& visit);
};

/// A file in a folder of its own, beside backups, that is gone when this is, with what SQLite lays beside it.
class PassingFile {
 public:
  explicit PassingFile(const Service& service) {
    if (service.backups().empty())
      throw Refusal(409, "conflict", "this server has no folder for backups: start it with --backups FOLDER");
    folder_ = service.backups() / (".deepstack-" + new_request_id());
    std::error_code error;
    std::filesystem::create_directory(folder_, error);
    if (error)
      throw Error(ErrorCode::kOutputUnwritable, "cannot make " + folder_.string() + ": " + error.message());
  }
  PassingFile(const PassingFile&) = delete;
  PassingFile& operator=(const PassingFile&) = delete;
  ~PassingFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_ / "backup.gallery"; }

 private:
  std::filesystem::path folder_;
};

Json face_json(const Box& box, double confidence) {
  const auto whole = [](float value) { return std::max(0L, std::lround(value)); };
  return {{"confidence", confidence},
          {"x_min", whole(box.left)},
          {"y_min", whole(box.top)},
          {"x_max", whole(box.right)},
          {"y_max", whole(box.bottom)}};
}

Done answered(Json json, std::size_t faces) {
  json["success"] = true;
  json["code"] = 200;
  json["duration"] = 0;
  return {json_response(json), {}, static_cast<std::int64_t>(faces)};
}

double min_confidence(const Visit& visit) { return visit.input.number("min_confidence", 0, 1).value_or(0); }

/// The photo, whatever its part is called.
Upload photo_in(const Visit& visit) {
  const auto photos = visit.input.photos();
  if (photos.empty()) return visit.input.photo("image");
  return photos.front();
}

Done DeepStack::detect(const Visit& visit) const {
  const double from = min_confidence(visit);
  PhotoStream stream = visit.service.recognizer().stream({.until = Stage::kDetect});
  const PhotoFaces photo = look_at(visit.service, stream, photo_in(visit));
  Json predictions = Json::array();
  for (const Face& face : photo.faces) {
    if (face.score >= from) predictions.push_back(face_json(face.box, face.score));
  }
  const std::size_t count = predictions.size();
  return answered({{"predictions", std::move(predictions)}, {"count", count}}, count);
}

Done DeepStack::recognize(const Visit& visit) const {
  const double from = min_confidence(visit);
  const PhotoFaces photo = look_at(visit.service, photo_in(visit));
  const auto view = visit.served.view();
  const NamingRule rule = visit.service.rule_for(*view);
  const auto found = candidates(*view, rule, photo.averaged, 1);
  Json predictions = Json::array();
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Box& box = photo.faces[photo.chosen[i]].box;
    const bool named = !found[i].empty() && found[i].front().named;
    const double confidence = named ? confidence_of(found[i].front().probability) : 0;
    const bool known = named && confidence >= from;
    Json face = face_json(box, known ? confidence : 0);
    face["userid"] = known ? found[i].front().match.name : "unknown";
    predictions.push_back(std::move(face));
  }
  const std::size_t named = tell_searched(visit, &photo, found, photo.averaged, *view, rule);
  const std::size_t count = predictions.size();
  Done done = answered({{"predictions", std::move(predictions)}, {"count", count}}, found.size());
  done.named = static_cast<std::int64_t>(named);
  return done;
}

/// The main face of each photo, as Recognizer::enrol() takes it: clients send portraits.
Done DeepStack::enrol(const Visit& visit) const {
  const auto given = visit.input.text("userid");
  if (!given) throw Refusal(400, "no_parameter", "userid not specified", "userid");
  const std::string name = checked(*given);
  const auto photos = visit.input.photos();
  if (photos.empty()) throw Refusal(400, "no_part", "no photo was sent", "image");
  std::size_t enrolled = 0;
  std::size_t known = 0;
  std::string why = "no face detected";
  Done done;
  for (const Upload& upload : photos) {
    const PhotoFaces photo = look_at(visit.service, upload);
    const auto faces = largest_first(photo, 0);
    if (faces.empty()) continue;
    const EnrolledFace face = enrol_face(visit, name, photo, faces.front(), Review::kStandard, upload.name);
    if (face.refused) {
      why = "the face cannot be enrolled: " + face.findings.front().what;
      continue;
    }
    ++(face.is_new ? enrolled : known);
    done.person = face.person_id;
  }
  if (enrolled + known == 0) throw Refusal(400, "no_face", why);
  const auto person = done.person;
  done = answered({{"message", "face added"}}, enrolled);
  done.person = person;
  return done;
}

Done DeepStack::compare(const Visit& visit) const {
  const auto photos = visit.input.photos();
  if (photos.size() != 2) throw Refusal(400, "no_part", "two photos are needed", "image");
  const Recognizer& recognizer = visit.service.recognizer();
  const Comparison comparison(recognizer.contract());
  std::vector<std::vector<float>> rows;
  for (const Upload& upload : photos) {
    const PhotoFaces photo = look_at(visit.service, upload);
    const auto faces = largest_first(photo, 0);
    if (faces.empty()) throw Refusal(400, "no_face", "no face detected in " + name_of(upload));
    rows.push_back(comparison.comparable(photo.averaged[faces.front()]));
  }
  const double probability = probability_of_pair(
      recognizer.contract(), recognizer.verification_rule().threshold, dot(rows[0], rows[1]));
  return answered({{"similarity", confidence_of(probability)}}, 2);
}

Done DeepStack::list(const Visit& visit) {
  Json names = Json::array();
  for (const Person& person : visit.served.gallery->store().people()) names.push_back(person.name);
  return answered({{"faces", std::move(names)}}, 0);
}

/// Who is not there is removed already, as DeepStack (server.go) and CodeProject.AI (face.py) answer: Viseron
/// removes each name before it sends its photos, and takes any other status for a failure.
Done DeepStack::remove(const Visit& visit) const {
  const auto name = visit.input.text("userid");
  if (!name) throw Refusal(400, "no_parameter", "userid not specified", "userid");
  const auto person = visit.served.gallery->store().find_person(*name);
  if (!person) return answered(Json::object(), 0);
  const std::int64_t faces = remove_person(visit, *person);
  Done done = answered(Json::object(), static_cast<std::size_t>(faces));
  done.person = person->id;
  return done;
}

/// Clients keep the file as it is, and send it back: what is in it is nobody's matter but ours.
Done DeepStack::backup(const Visit& visit) {
  const PassingFile file(visit.service);
  visit.served.gallery->store().backup_to(file.path());
  if (std::filesystem::file_size(file.path()) > kMostBackup)
    throw Refusal(413, "too_large",
                  "the gallery has more than 20 MiB, which /v1/restore would not take; use `likeness gallery "
                  "backup`");
  const auto bytes = read_file_bytes(file.path(), kMostBackup);
  return {{.type = "application/octet-stream",
           .headers = {{"Content-Disposition", "attachment; filename=\"backup.gallery\""}},
           .body = {reinterpret_cast<const char*>(bytes.data()), bytes.size()}}};
}

Done DeepStack::restore(const Visit& visit) {
  const Upload upload = visit.input.photo("file");
  const PassingFile file(visit.service);
  write_file(file.path(), upload.bytes);
  const std::int64_t faces = restore_gallery_from(visit.service, visit.served, file.path());
  return answered(Json::object(), static_cast<std::size_t>(faces));
}

}  // namespace

std::unique_ptr<Protocol> deepstack_protocol(const std::string& gallery) {
  return std::make_unique<DeepStack>(gallery);
}

}  // namespace likeness::serve
