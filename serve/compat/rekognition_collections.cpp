// Rekognition: collections, the faces within, and users.
#include <algorithm>

#include "likeness/gallery/undo.h"
#include "serve/compat/rekognition.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

/// One page of `all`; the token is the position behind it.
template <typename T>
Json page_of(const Visit& visit, const std::vector<T>& all, const char* field, std::size_t most,
             const std::function<Json(const T&)>& to_json) {
  const auto token = visit.input.text("NextToken");
  std::size_t from = 0;
  if (token) {
    if (token->size() > 12 || token->find_first_not_of("0123456789") != std::string::npos)
      throw Refusal(400, "InvalidPaginationTokenException", "NextToken is none of this server's",
                    "NextToken");
    from = std::min<std::size_t>(std::stoull(*token), all.size());
  }
  const std::size_t to = std::min(all.size(), from + count_in(visit, "MaxResults", most, most));
  Json list = Json::array();
  for (std::size_t i = from; i < to; ++i) list.push_back(to_json(all[i]));
  Json json{{field, std::move(list)}};
  if (to < all.size()) json["NextToken"] = std::to_string(to);
  return json;
}

std::map<std::int64_t, std::string> names_in(const Visit& visit) {
  std::map<std::int64_t, std::string> names;
  for (const Person& person : visit.served.gallery->store().people()) names[person.id] = person.name;
  return names;
}

std::string arn_of(const std::string& collection) {
  return "aws:rekognition:local:000000000000:collection/" + collection;
}

std::string face_model(const Visit& visit) { return visit.service.recognizer().space().id(); }

Refusal no_user(const std::string& user) {
  return {400, "ResourceNotFoundException", "The user id: " + user + " does not exist"};
}

/// Faces that a call names and are somebody's; the others as they are to be told.
std::vector<StoredFace> faces_named(const Visit& visit, Json& missing, const char* reason) {
  std::vector<StoredFace> faces;
  for (const std::string& uuid : ids_in(visit, "FaceIds")) {
    auto face = stored_face(visit, uuid);
    if (face) {
      faces.push_back(*std::move(face));
    } else {
      missing.push_back({{"FaceId", uuid}, {"Reasons", {reason}}});
    }
  }
  return faces;
}

}  // namespace

/// A collection is there before: a gallery that the server was started with. One that holds nobody yet can be
/// "made", so that scripts that begin with it run.
Done create_collection(const Visit& visit, const FacelessPeople&) {
  const std::string id = id_in(visit, "CollectionId");
  for (const auto& served : visit.service.galleries()) {
    if (served->name != id || (visit.key && !visit.key->may_see(id))) continue;
    if (served->view()->faces() > 0)
      throw Refusal(400, "ResourceAlreadyExistsException", "The collection id: " + id + " already exists");
    Done done = rekognition_done(
        visit, {{"StatusCode", 200}, {"CollectionArn", arn_of(id)}, {"FaceModelVersion", face_model(visit)}});
    done.gallery = id;
    return done;
  }
  throw Refusal(400, "AccessDeniedException",
                "a collection is a gallery here: start the server with --gallery " + id + "=FILE");
}

/// Everybody within goes; the gallery itself is the server's and stays, empty.
Done delete_collection(const Visit& visit, FacelessPeople& users) {
  (void)id_in(visit, "CollectionId");
  users.clear(visit.served.name);
  const std::int64_t faces = remove_everybody(visit);
  Done done = rekognition_done(visit, {{"StatusCode", 200}});
  done.faces = faces;
  return done;
}

Done list_collections(const Visit& visit, const FacelessPeople&) {
  std::vector<std::string> names;
  for (const auto& served : visit.service.galleries()) {
    if (!visit.key || visit.key->may_see(served->name)) names.push_back(served->name);
  }
  Json json = page_of<std::string>(visit, names, "CollectionIds", 4096,
                                   [](const std::string& name) { return Json(name); });
  json["FaceModelVersions"] = std::vector<std::string>(json["CollectionIds"].size(), face_model(visit));
  return rekognition_done(visit, json);
}

Done describe_collection(const Visit& visit, const FacelessPeople& users) {
  (void)id_in(visit, "CollectionId");
  const auto view = visit.served.view();
  return rekognition_done(visit, {{"FaceCount", view->faces()},
                                  {"UserCount", view->people() + users.names(visit.served.name).size()},
                                  {"FaceModelVersion", face_model(visit)},
                                  {"CollectionARN", arn_of(visit.served.name)}});
}

Done list_faces(const Visit& visit, const FacelessPeople&) {
  (void)id_in(visit, "CollectionId");
  const GalleryStore& store = visit.served.gallery->store();
  std::optional<std::int64_t> only;
  std::vector<StoredFace> faces;
  if (const auto user = visit.input.text("UserId")) {
    const auto person = store.find_person(*user);
    if (!person) throw no_user(*user);
    only = person->id;
  }
  if (visit.input.json().contains("FaceIds")) {
    Json ignored = Json::array();
    faces = faces_named(visit, ignored, "");
  } else {
    faces = store.faces(only);
  }
  const auto names = names_in(visit);
  Json json = page_of<StoredFace>(visit, faces, "Faces", 4096, [&](const StoredFace& face) {
    const auto name = names.find(face.person);
    return stored_json(visit, face, name == names.end() ? "" : name->second);
  });
  json["FaceModelVersion"] = face_model(visit);
  return rekognition_done(visit, json);
}

Done delete_faces(const Visit& visit, FacelessPeople&) {
  (void)id_in(visit, "CollectionId");
  Json missing = Json::array();
  const auto faces = faces_named(visit, missing, "FACE_NOT_FOUND");
  Json deleted = Json::array();
  for (const StoredFace& face : faces)
    deleted.push_back(uuid_of_face(visit.served.gallery->store(), face.id));
  const std::int64_t removed = remove_faces(visit, faces);
  Done done = rekognition_done(
      visit, {{"DeletedFaces", std::move(deleted)}, {"UnsuccessfulFaceDeletions", std::move(missing)}});
  done.faces = removed;
  return done;
}

// ---- users ----

Done create_user(const Visit& visit, FacelessPeople& users) {
  (void)id_in(visit, "CollectionId");
  const std::string user = checked(id_in(visit, "UserId"));
  if (visit.served.gallery->store().find_person(user) || users.has(visit.served.name, user))
    throw Refusal(400, "ConflictException", "The user id: " + user + " already exists");
  users.add(visit.served.name, user);
  return rekognition_done(visit, Json::object());
}

Done delete_user(const Visit& visit, FacelessPeople& users) {
  (void)id_in(visit, "CollectionId");
  const std::string user = text_in(visit, "UserId");
  const auto person = visit.served.gallery->store().find_person(user);
  const bool faceless = users.remove(visit.served.name, user);
  if (!person && !faceless) throw no_user(user);
  Done done = rekognition_done(visit, Json::object());
  if (!person) return done;
  done.person = person->id;
  done.faces = remove_person(visit, *person);
  return done;
}

Done list_users(const Visit& visit, const FacelessPeople& users) {
  (void)id_in(visit, "CollectionId");
  std::vector<std::pair<std::string, const char*>> all;
  for (const Person& person : visit.served.gallery->store().people()) all.emplace_back(person.name, "ACTIVE");
  for (const std::string& name : users.names(visit.served.name)) all.emplace_back(name, "CREATED");
  return rekognition_done(
      visit, page_of<std::pair<std::string, const char*>>(visit, all, "Users", 500, [](const auto& user) {
        return Json{{"UserId", user.first}, {"UserStatus", user.second}};
      }));
}

/// Gives faces to a person, by the library's own move.
Done associate_faces(const Visit& visit, FacelessPeople& users) {
  (void)id_in(visit, "CollectionId");
  const std::string user = checked(id_in(visit, "UserId"));
  Gallery& gallery = *visit.served.gallery;
  if (!gallery.store().find_person(user) && !users.has(visit.served.name, user)) throw no_user(user);
  Json missing = Json::array();
  Json given = Json::array();
  const auto faces = faces_named(visit, missing, "FACE_NOT_FOUND");
  const std::lock_guard lock(visit.served.changing);
  for (const StoredFace& face : faces) {
    if (!UndoLog(gallery).move_face(face.id, user)) continue;
    given.push_back({{"FaceId", uuid_of_face(gallery.store(), face.id)}});
    users.remove(visit.served.name, user);
    visit.service.events().publish({"moved", visit.served.name, {{"face", face.id}}});
  }
  Done done = rekognition_done(visit, {{"AssociatedFaces", std::move(given)},
                                       {"UnsuccessfulFaceAssociations", std::move(missing)},
                                       {"UserStatus", "ACTIVE"}});
  done.faces = static_cast<std::int64_t>(faces.size());
  return done;
}

/// A face belongs to somebody here: taken from a user it belongs to nobody else, under its own id.
Done disassociate_faces(const Visit& visit, FacelessPeople&) {
  (void)id_in(visit, "CollectionId");
  const std::string user = id_in(visit, "UserId");
  Gallery& gallery = *visit.served.gallery;
  const auto person = gallery.store().find_person(user);
  if (!person) throw no_user(user);
  Json missing = Json::array();
  Json taken = Json::array();
  const auto faces = faces_named(visit, missing, "FACE_NOT_FOUND");
  const std::lock_guard lock(visit.served.changing);
  for (const StoredFace& face : faces) {
    const std::string uuid = uuid_of_face(gallery.store(), face.id);
    if (face.person != person->id) {
      missing.push_back(
          {{"FaceId", uuid}, {"UserId", user}, {"Reasons", {"ASSOCIATED_TO_A_DIFFERENT_USER"}}});
    } else if (UndoLog(gallery).move_face(face.id, "face " + uuid)) {
      taken.push_back({{"FaceId", uuid}});
      visit.service.events().publish({"moved", visit.served.name, {{"face", face.id}}});
    }
  }
  return rekognition_done(visit, {{"DisassociatedFaces", std::move(taken)},
                                  {"UnsuccessfulFaceDisassociations", std::move(missing)},
                                  {"UserStatus", "ACTIVE"}});
}

}  // namespace likeness::serve
