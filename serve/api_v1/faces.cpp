// Faces: enrol, look at, give to somebody else, remove.
#include <span>

#include "likeness/gallery/undo.h"
#include "serve/api_v1/json.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

Json enrolled_json(const EnrolledPhoto& photo) {
  Json reasons = Json::array();
  if (!photo.error.empty()) reasons.push_back(photo.error);
  for (const ReviewFinding& finding : photo.findings) reasons.push_back(finding.what);
  return {{"photo", photo.photo},
          {"status", to_string(photo.status)},
          {"person", photo.person},
          {"face", photo.face != 0 ? Json(photo.face) : Json(nullptr)},
          {"faces", photo.faces},
          {"reasons", std::move(reasons)},
          {"quality", photo.quality ? quality_json(*photo.quality) : Json(nullptr)}};
}

Done enrol(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::string name = name_in(call);
  std::vector<Photo> photos;
  for (const Upload& upload : call.uploads())
    photos.push_back({.id = upload.name.empty() ? std::to_string(photos.size()) : upload.name,
                      .content = std::as_bytes(std::span(upload.bytes))});
  Json told = Json::array();
  const EnrolOptions options{.review = *review_from(call.get<std::string>("review")),
                             .keep_crops = service.keeps_crops(),
                             .each = [&](const EnrolledPhoto& photo) {
                               service.metrics().count_enrolled(to_string(photo.status));
                               told.push_back(enrolled_json(photo));
                             }};
  const EnrolSummary sum =
      service.recognizer().enrol(*served.gallery, name, PhotoSource::list(std::move(photos)), options);
  const auto person = served.gallery->store().find_person(name);
  if (sum.enrolled > 0)
    service.events().publish(
        {"enrolled",
         served.name,
         {{"person", person ? Json(person->id) : Json(nullptr)}, {"faces", sum.enrolled}}});
  return {json_response({{"gallery", served.name},
                         {"version", version_json(served)},
                         {"person", person ? person_json(*person) : Json(nullptr)},
                         {"enrolled", sum.enrolled},
                         {"photos", std::move(told)}}),
          person ? std::optional(person->id) : std::nullopt, static_cast<std::int64_t>(sum.enrolled)};
}

Done show(Service& service, const Call& call) {
  const StoredFace face = face_of(service.gallery_of(call), call);
  return {json_response(face_json(face)), face.person};
}

Done crop(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  const StoredFace face = face_of(served, call);
  const auto bytes = served.gallery->store().crop(face.id);
  if (bytes.empty()) throw not_found("picture of this face: pictures are kept with --keep-crops alone");
  return {jpeg_response(bytes), face.person};
}

Done move(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const StoredFace face = face_of(served, call);
  const auto change = UndoLog(*served.gallery).move_face(face.id, name_in(call));
  if (!change) throw not_found("face " + std::to_string(face.id));
  service.events().publish({"moved", served.name, {{"face", face.id}, {"change", change->id}}});
  return {json_response({{"change", change->id}, {"version", version_json(served)}}), face.person, 1};
}

Done remove(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const StoredFace face = face_of(served, call);
  if (!served.gallery->remove_face(face.id)) throw not_found("face " + std::to_string(face.id));
  served.gallery->purge();
  service.events().publish({"removed", served.name, {{"person", face.person}, {"faces", 1}}});
  return {json_response({{"removed", 1}, {"version", version_json(served)}}), face.person, 1};
}

}  // namespace

void add_face_operations(Operations& table) {
  table["enrolFaces"] = enrol;
  table["getFace"] = show;
  table["getFaceCrop"] = crop;
  table["moveFace"] = move;
  table["removeFace"] = remove;
}

}  // namespace likeness::serve
