// Faces that stayed without a name, for somebody to name, ignore or forget; and names that somebody took
// back.
#include "likeness/gallery/seen.h"

#include <algorithm>

#include "likeness/recognize/seen_review.h"
#include "likeness/recognize/sightings.h"
#include "serve/api_v1/json.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

const char* shelf_name(ReviewShelf shelf) {
  switch (shelf) {
    case ReviewShelf::kIgnored:
      return "ignored";
    case ReviewShelf::kUnconfirmed:
      return "unconfirmed";
    case ReviewShelf::kUnknown:
      break;
  }
  return "unknown";
}

SeenShelf shelf_from(const std::string& name) {
  return name == "ignored" ? SeenShelf::kIgnored : SeenShelf::kUnknown;
}

Json group_json(const ReviewedGroup& reviewed) {
  const SeenGroup& group = reviewed.group;
  return {{"id", group.id},
          {"shelf", shelf_name(reviewed.shelf())},
          {"suggestion", match_json(reviewed.suggestion)},
          {"count", group.sightings},
          {"faces", group.faces},
          {"first_ms", group.first_ms},
          {"last_ms", group.last_ms}};
}

/// With suggestions, by the gallery's rule of now.
std::vector<ReviewedGroup> reviewed(const Service& service, const GalleryView& view,
                                    const std::vector<SeenGroup>& groups) {
  const NamingRule rule = service.rule_for(view);
  return with_suggestions(view, rule, service.suggestion_threshold_of(rule), groups);
}

SeenGroup group_of(const ServedGallery& served, const Call& call) {
  const auto id = call.get<std::int64_t>("group");
  const auto group = std::as_const(*served.gallery).store().seen().find_group(id);
  if (!group) throw not_found("group " + std::to_string(id));
  return *group;
}

Done list(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const auto view = served.view();
  const auto shelf = call.find<std::string>("shelf");
  const auto like = call.find<std::int64_t>("like");
  const SeenStore& seen = view->store().seen();
  if (like && !seen.find_group(*like)) throw not_found("group " + std::to_string(*like));
  std::optional<SeenShelf> stored;
  if (shelf) stored = shelf_from(*shelf);
  std::vector<ReviewedGroup> groups = reviewed(service, *view, seen.groups(stored));
  if (shelf)
    std::erase_if(groups, [&](const ReviewedGroup& one) { return *shelf != shelf_name(one.shelf()); });
  if (like) {
    sort_by_likeness(*view, *like, groups);
  } else if (shelf == "unconfirmed") {
    std::stable_sort(groups.begin(), groups.end(), [](const ReviewedGroup& a, const ReviewedGroup& b) {
      return a.suggestion->similarity > b.suggestion->similarity;
    });
  }
  auto [items, next] = page_by_place(groups, call, group_json);
  return {json_response({{"groups", std::move(items)}, {"next", std::move(next)}})};
}

Done show(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  Json json = group_json(reviewed(service, *served.view(), {group_of(served, call)}).at(0));
  json["sightings"] = Json::array();
  for (const SeenFace& face :
       std::as_const(*served.gallery).store().seen().faces(call.get<std::int64_t>("group")))
    json["sightings"].push_back({{"id", face.id},
                                 {"box", box_json(face.box)},
                                 {"photo_width", pixels_or_null(face.photo_size.width)},
                                 {"photo_height", pixels_or_null(face.photo_size.height)},
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
  return {json_response(group_json(reviewed(service, *served.view(), {group_of(served, call)}).at(0)))};
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
  Json faces = Json::array();
  for (const AddedFace& face : *added) {
    if (face.is_new) faces.push_back(face.id);
  }
  const auto enrolled = static_cast<std::int64_t>(faces.size());
  service.events().publish({"enrolled", served.name, {{"person", person->id}, {"faces", enrolled}}});
  return {json_response({{"person", person_json(*person)},
                         {"enrolled", enrolled},
                         {"faces", std::move(faces)},
                         {"version", version_json(served)}}),
          person->id, enrolled};
}

Done unname(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const auto taken =
      static_cast<std::int64_t>(service.take_back(served, call.get<std::vector<std::int64_t>>("faces")));
  if (taken > 0) {
    served.gallery->purge();
    service.events().publish({"removed", served.name, {{"person", nullptr}, {"faces", taken}}});
  }
  return {json_response({{"faces", taken}, {"version", version_json(served)}}), {}, taken};
}

// ---- not this person ----

Done reject_suggestion(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const SeenGroup group = group_of(served, call);
  const auto person = call.get<std::int64_t>("person");
  if (!served.gallery->store().find_person(person)) throw not_found("person " + std::to_string(person));
  const std::vector<std::int64_t> noted = reject_for_group(*served.gallery, group.id, person);
  const auto count = static_cast<std::int64_t>(noted.size());
  service.events().publish({"rejected", served.name, {{"person", person}, {"faces", count}}});
  return {json_response({{"rejected", count}, {"rejections", noted}}), person, count};
}

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
  table["unnameFaces"] = unname;
  table["rejectSuggestion"] = reject_suggestion;
  table["rejectName"] = reject;
  table["listRejections"] = rejections;
  table["takeBackRejection"] = take_back;
}

}  // namespace likeness::serve
