// Faces that stayed without a name, for somebody to name, ignore or forget; and names that somebody took
// back.
#include "likeness/gallery/seen.h"

#include <algorithm>
#include <charconv>

#include "likeness/recognize/sightings.h"
#include "serve/api_v1/json.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

const char* shelf_name(SeenShelf shelf) { return shelf == SeenShelf::kIgnored ? "ignored" : "unknown"; }

SeenShelf shelf_from(const std::string& name) {
  return name == "ignored" ? SeenShelf::kIgnored : SeenShelf::kUnknown;
}

Json group_json(const SeenGroup& group) {
  return {{"id", group.id},       {"shelf", shelf_name(group.shelf)}, {"count", group.sightings},
          {"faces", group.faces}, {"first_ms", group.first_ms},       {"last_ms", group.last_ms}};
}

SeenGroup group_of(const ServedGallery& served, const Call& call) {
  const auto id = call.get<std::int64_t>("group");
  const auto group = std::as_const(*served.gallery).store().seen().find_group(id);
  if (!group) throw not_found("group " + std::to_string(id));
  return *group;
}

/// A page of groups, the one seen last first: `cursor` is how many were shown.
Done list(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  std::optional<SeenShelf> shelf;
  if (const auto name = call.find<std::string>("shelf")) shelf = shelf_from(*name);
  const std::vector<SeenGroup> all = std::as_const(*served.gallery).store().seen().groups(shelf);
  std::size_t from = 0;
  if (const auto cursor = call.find<std::string>("cursor")) {
    const auto [end, error] = std::from_chars(cursor->data(), cursor->data() + cursor->size(), from);
    if (error != std::errc() || end != cursor->data() + cursor->size())
      throw Refusal(400, "invalid", "cursor is no `next` of a page", "cursor");
  }
  from = std::min(from, all.size());
  const std::size_t to = std::min(all.size(), from + call.get<std::size_t>("limit"));
  Json groups = Json::array();
  for (std::size_t i = from; i < to; ++i) groups.push_back(group_json(all[i]));
  return {json_response(
      {{"groups", std::move(groups)}, {"next", to < all.size() ? Json(std::to_string(to)) : Json(nullptr)}})};
}

Done show(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  Json json = group_json(group_of(served, call));
  json["sightings"] = Json::array();
  for (const SeenFace& face :
       std::as_const(*served.gallery).store().seen().faces(call.get<std::int64_t>("group")))
    json["sightings"].push_back({{"id", face.id},
                                 {"box", box_json(face.box)},
                                 {"quality", quality_json(face.quality)},
                                 {"sha256", face.photo_hash},
                                 {"time_ms", face.time_ms},
                                 {"has_crop", face.has_crop}});
  return {json_response(json)};
}

Done crop(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  const auto bytes = std::as_const(*served.gallery).store().seen().crop(group_of(served, call).exemplar);
  if (bytes.empty()) throw not_found("picture of this group: pictures are kept with --keep-crops alone");
  return {jpeg_response(bytes)};
}

Done set_shelf(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const SeenGroup group = group_of(served, call);
  served.gallery->store().seen().set_shelf(group.id, shelf_from(call.get<std::string>("shelf")));
  return {json_response(group_json(group_of(served, call)))};
}

Done remove(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const SeenGroup group = group_of(served, call);
  served.gallery->store().seen().remove_group(group.id);
  served.gallery->purge();
  return {json_response({{"removed", group.faces}}), {}, group.faces};
}

Done name(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const SeenGroup group = group_of(served, call);
  const std::string person_name = name_in(call);
  const auto added = name_sightings(*served.gallery, group.id, person_name);
  const auto person = served.gallery->store().find_person(person_name);
  if (!added || !person) throw not_found("group " + std::to_string(group.id));
  const auto enrolled =
      std::count_if(added->begin(), added->end(), [](const AddedFace& face) { return face.is_new; });
  service.events().publish({"enrolled", served.name, {{"person", person->id}, {"faces", enrolled}}});
  return {json_response({{"person", person_json(*person)}, {"enrolled", enrolled}}), person->id, enrolled};
}

// ---- not this person ----

Done reject(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const Person person = person_of(served, call);
  const PhotoFaces photo = look_at(service, call.upload("photo"));
  const std::lock_guard lock(served.changing);
  const auto view = served.view();
  const auto answers = identify(*view, service.rule_for(*view), photo.averaged);
  const std::size_t rejected = reject_in_photo(*served.gallery, person.id, photo, answers);
  if (rejected == 0) throw Refusal(409, "conflict", "no face of this photo gets that name", "photo");
  service.events().publish({"rejected", served.name, {{"person", person.id}, {"faces", rejected}}});
  return {json_response({{"rejected", rejected}}), person.id, static_cast<std::int64_t>(rejected)};
}

Done rejections(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  const Person person = person_of(served, call);
  Json list = Json::array();
  for (const Rejection& one : served.gallery->store().rejections(person.id).list)
    list.push_back(
        {{"id", one.id}, {"sha256", one.photo_hash}, {"box", box_json(one.box)}, {"time_ms", one.time_ms}});
  return {json_response({{"rejections", std::move(list)}}), person.id};
}

Done take_back(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const auto id = call.get<std::int64_t>("rejection");
  if (!served.gallery->remove_rejection(id)) throw not_found("rejection " + std::to_string(id));
  return {json_response({{"removed", 1}})};
}

}  // namespace

void add_seen_operations(Operations& table) {
  table["listSeen"] = list;
  table["getSeen"] = show;
  table["getSeenCrop"] = crop;
  table["shelveSeen"] = set_shelf;
  table["removeSeen"] = remove;
  table["nameSeen"] = name;
  table["rejectName"] = reject;
  table["listRejections"] = rejections;
  table["takeBackRejection"] = take_back;
}

}  // namespace likeness::serve
