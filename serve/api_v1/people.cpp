// People: who is enrolled, under which name, with which faces.
#include <algorithm>
#include <charconv>
#include <map>
#include <span>
#include <tuple>

#include "likeness/core/error.h"
#include "likeness/core/person_name.h"
#include "likeness/gallery/doubts.h"
#include "likeness/gallery/undo.h"
#include "serve/api_v1/json.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

std::int64_t after(const Call& call) {
  const auto cursor = call.find<std::string>("cursor");
  if (!cursor) return 0;
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(cursor->data(), cursor->data() + cursor->size(), id);
  if (error != std::errc() || end != cursor->data() + cursor->size() || id < 1)
    throw Refusal(400, "invalid", "cursor is no `next` of a page", "cursor");
  return id;
}

/// One page of `all`, which are sorted by id, and the cursor of the next.
template <typename T, typename ToJson>
std::pair<Json, Json> page(const std::vector<T>& all, const Call& call, const ToJson& to_json) {
  const std::int64_t from = after(call);
  const auto limit = call.get<std::size_t>("limit");
  Json items = Json::array();
  for (auto one = std::upper_bound(all.begin(), all.end(), from,
                                   [](std::int64_t id, const T&t) { return id < t.id; });
       one != all.end(); ++one) {
    if (items.size() == limit) return {std::move(items), std::to_string(std::prev(one)->id)};
    items.push_back(to_json(*one));
  }
  return {std::move(items), nullptr};
}

/// Sorts by name without regard to case.
void sort_by_name(std::vector<Person>& people) {
  std::vector<std::pair<std::string, Person>> keyed;
  for (Person& person : people) {
    std::string key = folded_name(person.name);
    keyed.emplace_back(std::move(key), std::move(person));
  }
  std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.name) < std::tie(b.first, b.second.name);
  });
  people.clear();
  for (auto& [key, person] : keyed) people.push_back(std::move(person));
}

/// With the face to show: the largest one of which a picture is kept.
Json listed_json(const GalleryStore& store, const Person& person) {
  std::optional<StoredFace> shown;
  for (StoredFace& face : store.faces(person.id)) {
    if (face.has_crop && (!shown || face.quality.size_px > shown->quality.size_px)) shown = std::move(face);
  }
  Json json = person_json(person);
  json["face"] = shown ? Json(shown->id) : Json(nullptr);
  return json;
}

Done list(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  std::vector<Person> people = served.gallery->store().people();
  if (const auto prefix = call.find<std::string>("prefix"))
    std::erase_if(people, [&](const Person& person) { return person.name.rfind(*prefix, 0) != 0; });
  if (const auto part = call.find<std::string>("contains")) {
    const std::string wanted = folded_name(*part);
    std::erase_if(people, [&](const Person& person) {
      return folded_name(person.name).find(wanted) == std::string::npos;
    });
  }
  const auto listed = [&](const Person& person) { return listed_json(served.gallery->store(), person); };
  if (call.get<std::string>("order") == "name") {
    sort_by_name(people);
    auto [items, next] = page_by_place(people, call, listed);
    return {json_response({{"people", std::move(items)}, {"next", std::move(next)}})};
  }
  std::sort(people.begin(), people.end(), [](const Person& a, const Person& b) { return a.id < b.id; });
  auto [items, next] = page(people, call, listed);
  return {json_response({{"people", std::move(items)}, {"next", std::move(next)}})};
}

Done show(Service& service, const Call& call) {
  const Person person = person_of(service.gallery_of(call), call);
  return {json_response(person_json(person)), person.id};
}

Json person_face_json(const StoredFace& face, const std::optional<double>& similarity,
                      const std::optional<PersonMatch>& looks_like) {
  Json json = face_json(face);
  json["similarity"] = or_null(similarity);
  json["looks_like"] = match_json(looks_like);
  return json;
}

Done doubtful_faces(Service& service, const Call& call, const Person& person) {
  ServedGallery& served = service.gallery_of(call);
  const auto view = served.view();
  std::map<std::int64_t, StoredFace> stored;
  for (StoredFace& face : view->store().faces(person.id)) stored.emplace(face.id, std::move(face));
  std::vector<FaceDoubt> all = doubts(*view, person.id);
  std::erase_if(all, [&](const FaceDoubt& one) { return !stored.contains(one.face); });
  auto [items, next] = page_by_place(all, call, [&](const FaceDoubt& one) {
    const auto others = view->search(view->store().embedding(one.face), 1, person.id);
    return person_face_json(stored.at(one.face), one.similarity,
                            others.empty() ? std::nullopt : std::optional(others[0]));
  });
  return {json_response({{"faces", std::move(items)}, {"next", std::move(next)}}), person.id};
}

Done faces(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  const Person person = person_of(served, call);
  if (call.get<std::string>("order") == "doubtful") return doubtful_faces(service, call, person);
  auto [items, next] = page(served.gallery->store().faces(person.id), call, [](const StoredFace& face) {
    return person_face_json(face, std::nullopt, std::nullopt);
  });
  return {json_response({{"faces", std::move(items)}, {"next", std::move(next)}}), person.id};
}

Done held(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  const Person person = person_of(served, call);
  const GalleryStore& store = served.gallery->store();
  Json list = Json::array();
  for (const StoredFace& face : store.faces(person.id))
    list.push_back({{"face", face_json(face)},
                    {"landmarks", landmarks_json(face.landmarks)},
                    {"embedding", store.embedding(face.id)}});
  return {
      json_response({{"person", person_json(person)}, {"gallery", served.name}, {"faces", std::move(list)}}),
      person.id, person.faces};
}

/// @throws Refusal 409 where what a name asks for contradicts what is there, as the library says.
template <typename Change>
auto or_conflict(const Change& change) {
  try {
    return change();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDataInvalid) throw;
    throw Refusal(409, "conflict", error.what());
  }
}

void tell(Service& service, const ServedGallery& served, const char* kind, Json data) {
  service.events().publish({kind, served.name, std::move(data)});
}

Done rename(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const Person person = person_of(served, call);
  const auto name = call.get<std::string>("name");
  const auto other = served.gallery->store().find_person(name);
  if (other && other->id != person.id)
    throw Refusal(409, "conflict", "somebody is called " + name + " already; merge the two", "name");
  const auto change = UndoLog(*served.gallery).rename_person(person.name, name);
  if (!change) throw not_found("person " + std::to_string(person.id));
  tell(service, served, "renamed", {{"person", person.id}, {"change", change->id}});
  return {json_response({{"change", change->id}, {"version", version_json(served)}}), person.id};
}

Done remove(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const Person person = person_of(served, call);
  UndoLog(*served.gallery).remove_person(person.name);
  served.gallery->purge();
  tell(service, served, "removed", {{"person", person.id}, {"faces", person.faces}});
  return {json_response({{"removed", person.faces}, {"version", version_json(served)}}), person.id,
          person.faces};
}

/// The largest similarity of a face of one person to the other, of at most 64 faces.
std::optional<double> similarity(const GalleryView& view, const Person& from, const Person& into) {
  constexpr std::size_t kMost = 64;
  std::vector<std::int64_t> ids;
  for (const StoredFace& face : view.store().faces(from.id)) {
    if (ids.size() == kMost) break;
    ids.push_back(face.id);
  }
  std::optional<double> largest;
  const FaceEmbeddings faces = view.store().embeddings(ids);
  for (std::size_t i = 0; i < faces.faces.size(); ++i) {
    const auto match = view.match_person(faces.embeddings[i], into.id);
    if (match) largest = std::max(largest.value_or(-1), match->similarity);
  }
  return largest;
}

Done merge(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const Person from = person_of(served, call);
  const auto into_id = call.get<std::int64_t>("into");
  const auto into = served.gallery->store().find_person(into_id);
  if (!into) throw not_found("person " + std::to_string(into_id));
  if (into->id == from.id) throw Refusal(409, "conflict", "that is one person already", "into");
  const auto view = served.view();
  const auto alike = similarity(*view, from, *into);
  const NamingRule rule = service.rule_for(*view);
  Json warning = nullptr;
  if (alike && rule.threshold && *alike < *rule.threshold)
    warning = "no face of one would get the other's name: they may be two people";
  Json merged{{"from", person_json(from)},
              {"into", person_json(*into)},
              {"similarity", or_null(alike)},
              {"warning", std::move(warning)},
              {"done", false},
              {"change", nullptr},
              {"version", nullptr}};
  if (call.get<bool>("preview")) return {json_response(merged), from.id};
  const auto change = UndoLog(*served.gallery).merge_people(from.name, into->name);
  if (!change) throw not_found("person " + std::to_string(from.id));
  merged["done"] = true;
  merged["change"] = change->id;
  merged["version"] = version_json(served);
  tell(service, served, "merged", {{"from", from.id}, {"into", into->id}, {"change", change->id}});
  return {json_response(merged), from.id, from.faces};
}

Json change_json(const NameChange& change) {
  return {{"id", change.id},        {"time_ms", change.time_ms}, {"kind", to_string(change.kind)},
          {"from", change.from},    {"to", change.to},           {"faces", change.faces.size()},
          {"undone", change.undone}};
}

Done changes(Service& service, const Call& call) {
  Json list = Json::array();
  for (const NameChange& change : UndoLog(*service.gallery_of(call).gallery).changes())
    list.push_back(change_json(change));
  return {json_response({{"changes", std::move(list)}})};
}

Done undo(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  const auto id = call.get<std::int64_t>("change");
  const auto change = or_conflict([&] { return UndoLog(*served.gallery).undo(id); });
  if (!change) throw not_found("change " + std::to_string(id));
  tell(service, served, "undone", {{"change", id}});
  Json undone = change_json(*change);
  undone["version"] = version_json(served);
  return {json_response(undone), {}, static_cast<std::int64_t>(change->faces.size())};
}

}  // namespace

void add_people_operations(Operations& table) {
  table["listPeople"] = list;
  table["getPerson"] = show;
  table["listPersonFaces"] = faces;
  table["getHeld"] = held;
  table["renamePerson"] = rename;
  table["removePerson"] = remove;
  table["mergePeople"] = merge;
  table["listChanges"] = changes;
  table["undoChange"] = undo;
}

}  // namespace likeness::serve
