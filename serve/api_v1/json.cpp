#include "serve/api_v1/json.h"

#include <charconv>
#include <span>

#include "likeness/core/error.h"
#include "likeness/gallery/store_checks.h"
#include "serve/refusal.h"

namespace likeness::serve {

Json box_json(const Box& box) { return {box.left, box.top, box.right, box.bottom}; }

Json pixels_or_null(int side) { return side == 0 ? Json() : Json(side); }

Json landmarks_json(const std::array<Point, 5>& landmarks) {
  Json list = Json::array();
  for (const Point& point : landmarks) list.push_back({point.x, point.y});
  return list;
}

Json quality_json(const FaceQuality& q) {
  return {{"size_px", q.size_px},
          {"sharpness", q.sharpness},
          {"brightness", q.brightness},
          {"yaw", q.yaw},
          {"score", q.score}};
}

Json person_json(const Person& person) {
  return {{"id", person.id}, {"name", person.name}, {"faces", person.faces}};
}

Json face_json(const StoredFace& face) {
  return {{"id", face.id},
          {"person", face.person},
          {"photo", face.photo},
          {"sha256", face.photo_hash},
          {"box", box_json(face.box)},
          {"photo_width", pixels_or_null(face.photo_size.width)},
          {"photo_height", pixels_or_null(face.photo_size.height)},
          {"quality", quality_json(face.quality)},
          {"added_ms", face.added_ms},
          {"has_crop", face.has_crop}};
}

Response jpeg_response(std::span<const std::byte> bytes) {
  Response response;
  response.type = "image/jpeg";
  response.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return response;
}

Json match_json(const std::optional<PersonMatch>& match) {
  if (!match) return nullptr;
  return {{"person", match->person}, {"name", match->name}, {"similarity", match->similarity},
          {"cosine", match->cosine}, {"face", match->face}, {"photo", match->photo}};
}

Json rule_json(const NamingRule& rule) {
  const char* origin = "none";
  std::optional<double> strangers = rule.strangers_named;
  switch (rule.origin) {
    case NamingRule::Origin::kCalibration:
      origin = "calibration";
      if (rule.calibration) strangers = rule.calibration->fpir;
      break;
    case NamingRule::Origin::kModel:
      origin = "model";
      break;
    case NamingRule::Origin::kCaller:
      origin = "caller";
      break;
    case NamingRule::Origin::kNone:
      break;
  }
  return {
      {"threshold", or_null(rule.threshold)}, {"origin", origin}, {"strangers_named", or_null(strangers)}};
}

Json gallery_json(ServedGallery& served) {
  const auto view = served.view();
  const GalleryStore& store = served.gallery->store();
  Json gallery = {{"name", served.name},
                  {"people", view->people()},
                  {"faces", view->faces()},
                  {"version", view->version()},
                  {"model", store.space().id()},
                  {"dimension", store.space().dimension},
                  {"encrypted", store.encrypted()},
                  {"calibrated", view->calibration().has_value()}};
  if (view->stale()) gallery["stale"] = true;
  return gallery;
}

Json version_json(const ServedGallery& served) {
  try {
    return served.gallery->store().version();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    return nullptr;
  }
}

std::size_t first_of_page(const Call& call, std::size_t size) {
  std::size_t from = 0;
  if (const auto cursor = call.find<std::string>("cursor")) {
    const auto [end, error] = std::from_chars(cursor->data(), cursor->data() + cursor->size(), from);
    if (error != std::errc() || end != cursor->data() + cursor->size())
      throw Refusal(400, "invalid", "cursor is no `next` of a page", "cursor");
  }
  return std::min(from, size);
}

std::string name_of(const Upload& upload) { return upload.name.empty() ? upload.field : upload.name; }

PhotoFaces look_at(Service& service, const Upload& upload) {
  return look_at(service, service.photos(), upload);
}

PhotoFaces look_at(Service& service, PhotoStream& stream, const Upload& upload) {
  try {
    PhotoFaces photo =
        stream.one(Photo{.id = name_of(upload), .content = std::as_bytes(std::span(upload.bytes))});
    service.metrics().count_stages(photo.seconds);
    return photo;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kImageUnreadable) throw;
    throw Refusal(422, "image_unreadable", error.what(), upload.field);
  }
}

Person person_of(const ServedGallery& served, const Call& call) {
  const auto id = call.get<std::int64_t>("person");
  auto person = served.gallery->store().find_person(id);
  if (!person) throw not_found("person " + std::to_string(id));
  return *std::move(person);
}

StoredFace face_of(const ServedGallery& served, const Call& call) {
  const auto id = call.get<std::int64_t>("face");
  auto face = served.gallery->store().find_face(id);
  if (!face) throw not_found("face " + std::to_string(id));
  return *std::move(face);
}

std::string name_in(const Call& call) {
  try {
    return checked_name(call.get<std::string>("person"));
  } catch (const std::invalid_argument& error) {
    throw Refusal(400, "invalid", error.what(), "person");
  }
}

const Operations& operations() {
  static const Operations table = [] {
    Operations made;
    add_server_operations(made);
    add_photo_operations(made);
    add_gallery_operations(made);
    add_people_operations(made);
    add_face_operations(made);
    add_seen_operations(made);
    add_backup_operations(made);
    add_shard_operations(made);
    return made;
  }();
  return table;
}

}  // namespace likeness::serve
