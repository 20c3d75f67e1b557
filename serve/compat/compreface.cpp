#include "serve/compat/compreface.h"

#include <algorithm>

#include "likeness/core/person_name.h"
#include "likeness/gallery/undo.h"
#include "likeness/version.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

Refusal unknown_subject(const std::string& name) {
  return {404, "no_subject", "Subject " + name + " not found"};
}
Refusal unknown_image(const std::string& id) { return {404, "no_image", "Image " + id + " not found"}; }

std::string field_text(const Visit& visit, const char* name) {
  const auto text = visit.input.text(name);
  if (!text)
    throw Refusal(400, "no_parameter", std::string("Required parameter '") + name + "' is not present", name);
  return *text;
}

Json image_json(const GalleryStore& store, std::int64_t face, const std::string& subject) {
  return {{"image_id", uuid_of_face(store, face)}, {"subject", subject}};
}

/// The faces of the subject that the query names, or of everybody, with names by person.
std::vector<StoredFace> faces_asked_for(const Visit& visit, std::map<std::int64_t, std::string>& names) {
  const GalleryStore& store = visit.served.gallery->store();
  const auto subject = visit.input.text("subject");
  std::optional<std::int64_t> only;
  if (subject) {
    const auto person = store.find_person(*subject);
    if (!person) return {};
    only = person->id;
    names[person->id] = person->name;
  } else {
    for (const Person& person : store.people()) names[person.id] = person.name;
  }
  return store.faces(only);
}

}  // namespace

Done json_done(const Json& json, int status) {
  Done done{json_response(json)};
  done.response.status = status;
  return done;
}

StoredFace compreface_face(const Visit& visit) {
  const auto uuid = visit.path.at("image").get<std::string>();
  const GalleryStore& store = visit.served.gallery->store();
  const auto id = face_of_uuid(store, uuid);
  auto face = id ? store.find_face(*id) : std::nullopt;
  if (!face) throw unknown_image(uuid.substr(0, 100));
  return *std::move(face);
}

// ---- subjects ----

void CompreFace::add_subject_routes() {
  const std::string subjects = "/api/v1/recognition/subjects";
  route("compreface.addSubject", "POST", subjects, Right::kEnrol, bound(&CompreFace::add_subject));
  route("compreface.listSubjects", "GET", subjects, Right::kSearch, bound(&CompreFace::list_subjects));
  route("compreface.deleteSubjects", "DELETE", subjects, Right::kAdminister,
        bound(&CompreFace::delete_subjects));
  route("compreface.renameSubject", "PUT", subjects + "/{subject*}", Right::kEnrol,
        bound(&CompreFace::rename_subject));
  route("compreface.deleteSubject", "DELETE", subjects + "/{subject*}", Right::kEnrol,
        bound(&CompreFace::delete_subject));
}

Done CompreFace::add_subject(const Visit& visit) const {
  const std::string name = checked(field_text(visit, "subject"));
  if (visit.served.gallery->store().find_person(name) || faceless_.has(visit.served.name, name))
    throw Refusal(400, "subject_exists", "Subject " + name + " already exists");
  faceless_.add(visit.served.name, name);
  return json_done({{"subject", name}}, 201);
}

Done CompreFace::list_subjects(const Visit& visit) const {
  std::set<std::string> names;
  for (const Person& person : visit.served.gallery->store().people()) names.insert(person.name);
  for (std::string& name : faceless_.names(visit.served.name)) names.insert(std::move(name));
  return json_done({{"subjects", names}});
}

Done CompreFace::rename_subject(const Visit& visit) const {
  const std::string from = tidy_name(visit.path.at("subject").get<std::string>());
  const std::string to = checked(field_text(visit, "subject"));
  Gallery& gallery = *visit.served.gallery;
  const std::lock_guard lock(visit.served.changing);
  const auto person = gallery.store().find_person(from);
  if (!person) {
    if (!faceless_.remove(visit.served.name, from)) throw unknown_subject(from.substr(0, 100));
    if (!gallery.store().find_person(to)) faceless_.add(visit.served.name, to);
    return json_done({{"updated", true}});
  }
  if (person->name == to) return json_done({{"updated", true}});
  faceless_.remove(visit.served.name, to);
  const auto into = gallery.store().find_person(to);
  std::optional<NameChange> change;
  const char* kind = "renamed";
  if (into && into->id != person->id) {
    change =
        UndoLog(gallery).merge_people(person->name, into->name);  // as CompreFace: onto a name that is taken
    kind = "merged";
  } else {
    change = UndoLog(gallery).rename_person(person->name, to);
  }
  if (!change) throw unknown_subject(from.substr(0, 100));
  visit.service.events().publish({kind, visit.served.name, {{"person", person->id}, {"change", change->id}}});
  Done done = json_done({{"updated", true}});
  done.person = person->id;
  return done;
}

Done CompreFace::delete_subject(const Visit& visit) const {
  const std::string name = tidy_name(visit.path.at("subject").get<std::string>());
  const auto person = visit.served.gallery->store().find_person(name);
  const bool faceless = faceless_.remove(visit.served.name, name);
  if (!person && !faceless) throw unknown_subject(name.substr(0, 100));
  Done done = json_done({{"subject", name}});
  if (!person) return done;
  done.person = person->id;
  done.faces = remove_person(visit, *person);
  return done;
}

Done CompreFace::delete_subjects(const Visit& visit) const {
  const std::size_t people =
      visit.served.gallery->store().people().size() + faceless_.names(visit.served.name).size();
  faceless_.clear(visit.served.name);
  const std::int64_t faces = remove_everybody(visit);
  Done done = json_done({{"deleted", people}});
  done.faces = faces;
  return done;
}

// ---- faces ----

void CompreFace::add_face_routes() {
  const std::string faces = "/api/v1/recognition/faces";
  route("compreface.addFace", "POST", faces, Right::kEnrol, bound(&CompreFace::add_face));
  route("compreface.listFaces", "GET", faces, Right::kSearch, bound(&CompreFace::list_faces));
  route("compreface.deleteFaces", "DELETE", faces, Right::kEnrol, bound(&CompreFace::delete_faces));
  route("compreface.deleteListedFaces", "POST", faces + "/delete", Right::kEnrol,
        bound(&CompreFace::delete_listed));
  route("compreface.deleteFace", "DELETE", faces + "/{image}", Right::kEnrol,
        bound(&CompreFace::delete_face));
  route("compreface.getImage", "GET", faces + "/{image}/img", Right::kSearch, bound(&CompreFace::image));
  route("compreface.getImage", "GET", "/api/v1/static/{key}/images/{image}", Right::kSearch,
        bound(&CompreFace::image));
}

Done CompreFace::add_face(const Visit& visit) const {
  const std::string subject = checked(field_text(visit, "subject"));
  const Upload upload = visit.input.photo("file");
  const PhotoFaces photo = look_at(visit.service, upload);
  const auto faces = main_faces(photo, visit.input.number("det_prob_threshold", 0, 1).value_or(0));
  if (faces.empty()) throw Refusal(400, "no_face", "No face is found in the given image");
  if (faces.size() > 1)
    throw Refusal(400, "many_faces",
                  "More than one face in the given image: " + std::to_string(faces.size()));
  const EnrolledFace added = enrol_face(visit, subject, photo, faces.front(), Review::kStandard, upload.name);
  if (added.refused)
    throw Refusal(400, "bad_value", "The face cannot be enrolled: " + added.findings.front().what);
  faceless_.remove(visit.served.name, subject);
  Done done = json_done(
      {{"image_id", uuid_of_face(visit.served.gallery->store(), added.face)}, {"subject", added.person}},
      201);
  done.person = added.person_id;
  done.faces = added.is_new ? 1 : 0;
  return done;
}

Done CompreFace::list_faces(const Visit& visit) const {
  std::map<std::int64_t, std::string> names;
  const std::vector<StoredFace> all = faces_asked_for(visit, names);
  const std::size_t page = visit.input.whole("page", 0, 1'000'000'000);
  const std::size_t size = std::max<std::size_t>(1, visit.input.whole("size", 20, 100'000));
  Json faces = Json::array();
  const GalleryStore& store = visit.served.gallery->store();
  for (std::size_t i = page * size; i < all.size() && faces.size() < size; ++i)
    faces.push_back(image_json(store, all[i].id, names[all[i].person]));
  return json_done({{"faces", std::move(faces)},
                    {"page_number", page},
                    {"page_size", size},
                    {"total_pages", (all.size() + size - 1) / size},
                    {"total_elements", all.size()}});
}

Done CompreFace::delete_faces(const Visit& visit) const {
  std::map<std::int64_t, std::string> names;
  if (!visit.input.text("subject")) faceless_.clear(visit.served.name);
  const std::int64_t removed = remove_faces(visit, faces_asked_for(visit, names));
  Done done = json_done({{"deleted", removed}});
  done.faces = removed;
  return done;
}

Done CompreFace::delete_face(const Visit& visit) const {
  const StoredFace face = compreface_face(visit);
  const GalleryStore& store = visit.served.gallery->store();
  const auto person = store.find_person(face.person);
  const Json json = image_json(store, face.id, person ? person->name : "");
  Done done = json_done(json);
  done.faces = remove_faces(visit, {face});
  done.person = face.person;
  return done;
}

Done CompreFace::delete_listed(const Visit& visit) const {
  const nlohmann::json& ids = visit.input.json();
  if (!ids.is_array() || ids.size() > 100'000)
    throw Refusal(400, "bad_value", "the body is to be a list of image ids");
  const GalleryStore& store = visit.served.gallery->store();
  std::vector<StoredFace> faces;
  std::set<std::int64_t> seen;
  Json list = Json::array();
  for (const nlohmann::json& uuid : ids) {
    const auto id = uuid.is_string() ? face_of_uuid(store, uuid.get<std::string>()) : std::nullopt;
    if (!id || !seen.insert(*id).second) continue;  // unknown ones are nobody's mistake there
    auto face = store.find_face(*id);
    if (!face) continue;
    const auto person = store.find_person(face->person);
    list.push_back(image_json(store, face->id, person ? person->name : ""));
    faces.push_back(*std::move(face));
  }
  Done done = json_done(list);
  done.faces = remove_faces(visit, faces);
  return done;
}

/// Enrolled photos are not kept: an empty picture, as CompreFace gives where it keeps none.
Done CompreFace::image(const Visit& visit) const {
  const StoredFace face = compreface_face(visit);
  return {jpeg_response(visit.served.gallery->store().crop(face.id)),
          face.person};  // empty where none is kept
}

// ---- the server ----

void CompreFace::add_server_routes() {
  route(
      "compreface.config", "GET", "/api/v1/config", Right::kNone,
      [](const Visit&) {
        return json_done({{"clientMaxFileSize", 20U << 20}, {"clientMaxBodySize", 28U << 20}});
      },
      Pace::kQuick);
  route(
      "compreface.status", "GET", "/api/v1/consistence/status", Right::kNone,
      [](const Visit& visit) {
        return json_done({{"demoFaceCollectionIsInconsistent", false},
                          {"dbIsInconsistent", false},
                          {"saveImagesToDB", visit.service.keeps_crops()},
                          {"status", visit.service.stopping() ? "NOT_READY" : "OK"},
                          {"version", version()}});
      },
      Pace::kQuick);
}

Asker CompreFace::asker(KeyFile& keys, const RequestHead& head, const Router::Match& match) const {
  // In the address of a picture stands the key; such addresses are put into web pages.
  const auto in_path = match.path_values.find("key");
  const std::string secret =
      in_path != match.path_values.end() ? in_path->get<std::string>() : secret_of(head);
  if (secret.empty()) throw Refusal(400, "no_header", "Missing request header 'x-api-key'", "x-api-key");
  auto key = keys.find(secret);
  if (!key) throw Refusal(404, "no_service", "Face service with the given API key is not found", "x-api-key");
  return {.key = std::move(key)};
}

Response CompreFace::refuse(const Refusal& refusal, const std::string& request_id) const {
  // CompreFace's numbers (docs/Rest-API-description.md and its handlers).
  static const std::map<std::string, int> codes{
      {"no_header", 20},  {"no_service", 10},     {"image_unreadable", 21}, {"no_face", 28},
      {"many_faces", 31}, {"no_parameter", 33},   {"no_part", 34},          {"bad_value", 26},
      {"bad_body", 36},   {"bad_name", 36},       {"invalid", 36},          {"bad_embedding", 37},
      {"no_subject", 42}, {"subject_exists", 43}, {"no_image", 44},         {"forbidden", 10},
      {"not_found", 10}};
  const auto found = codes.find(refusal.code());
  Response response = response_for(refusal, request_id);
  if (refusal.code() == "image_unreadable") response.status = 400;
  response.body =
      json_response({{"message", refusal.what()}, {"code", found == codes.end() ? 41 : found->second}}).body;
  return response;
}

std::unique_ptr<Protocol> compreface_protocol(const CompatOptions& options, const std::string& gallery) {
  return std::make_unique<CompreFace>(options, gallery);
}

}  // namespace likeness::serve
