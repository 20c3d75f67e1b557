#include "likeness/gallery/undo.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "likeness/core/error.h"
#include "likeness/core/now.h"
#include "likeness/core/person_name.h"

namespace likeness {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kRemembered = 100;
constexpr const char* kNote = "undo";

constexpr std::array<std::pair<NameChangeKind, std::string_view>, 3> kKinds{
    {{NameChangeKind::kRename, "rename"},
     {NameChangeKind::kMerge, "merge"},
     {NameChangeKind::kMove, "move"}}};

NameChangeKind kind_from(std::string_view name) {
  for (const auto& [kind, word] : kKinds) {
    if (word == name) return kind;
  }
  throw Error(ErrorCode::kDataInvalid, "the gallery's list of changes is damaged: what is \"" +
                                           std::string(name.substr(0, 40)) + "\"?");
}

Json json_of(const NameChange& change) {
  return {{"id", change.id},        {"time_ms", change.time_ms}, {"kind", to_string(change.kind)},
          {"from", change.from},    {"to", change.to},           {"faces", change.faces},
          {"undone", change.undone}};
}

NameChange change_from(const Json& json) {
  return {.id = json.at("id").get<std::int64_t>(),
          .time_ms = json.at("time_ms").get<std::int64_t>(),
          .kind = kind_from(json.at("kind").get<std::string>()),
          .from = json.at("from").get<std::string>(),
          .to = json.at("to").get<std::string>(),
          .faces = json.at("faces").get<std::vector<std::int64_t>>(),
          .undone = json.at("undone").get<bool>()};
}

std::vector<std::int64_t> faces_of(const GalleryStore& store, const std::string& name) {
  std::vector<std::int64_t> ids;
  if (const auto person = store.find_person(name)) {
    for (const StoredFace& face : store.faces(person->id)) ids.push_back(face.id);
  }
  return ids;
}

[[noreturn]] void cannot(const NameChange& change, const std::string& why) {
  throw Error(ErrorCode::kDataInvalid, "the " + std::string(to_string(change.kind)) + " of " + change.from +
                                           " to " + change.to + " cannot be undone: " + why);
}

}  // namespace

std::string_view to_string(NameChangeKind kind) {
  return std::find_if(kKinds.begin(), kKinds.end(), [kind](const auto& one) { return one.first == kind; })
      ->second;
}

std::vector<NameChange> UndoLog::changes() const {
  const auto text = gallery_.store().private_note(kNote);
  std::vector<NameChange> found;
  if (!text) return found;
  try {
    for (const Json& one : Json::parse(*text)) found.push_back(change_from(one));
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kDataInvalid,
                gallery_.store().name() + ": the gallery's list of changes is damaged");
  }
  std::reverse(found.begin(), found.end());
  return found;
}

void UndoLog::write(const std::vector<NameChange>& newest_first) {
  Json list = Json::array();
  for (auto change = newest_first.rbegin(); change != newest_first.rend(); ++change)
    list.push_back(json_of(*change));
  gallery_.store().set_private_note(kNote, list.dump(-1, ' ', false, Json::error_handler_t::replace));
}

NameChange UndoLog::remember(NameChange change) {
  std::vector<NameChange> all = changes();
  change.id = all.empty() ? 1 : all.front().id + 1;
  change.time_ms = now_ms();
  all.insert(all.begin(), change);
  if (all.size() > kRemembered) all.resize(kRemembered);
  write(all);
  return change;
}

std::optional<NameChange> UndoLog::rename_person(const std::string& from, const std::string& to) {
  if (!gallery_.rename_person(from, to)) return std::nullopt;
  return remember({.kind = NameChangeKind::kRename, .from = tidy_name(from), .to = tidy_name(to)});
}

std::optional<NameChange> UndoLog::merge_people(const std::string& from, const std::string& into) {
  std::vector<std::int64_t> faces = faces_of(gallery_.store(), from);
  if (!gallery_.merge_people(from, into)) return std::nullopt;
  return remember({.kind = NameChangeKind::kMerge,
                   .from = tidy_name(from),
                   .to = tidy_name(into),
                   .faces = std::move(faces)});
}

std::optional<NameChange> UndoLog::move_face(std::int64_t face, const std::string& to) {
  const auto known = gallery_.store().find_face(face);
  const auto owner = known ? gallery_.store().find_person(known->person) : std::nullopt;
  if (!owner) return std::nullopt;
  if (gallery_.move_faces(std::array{face}, to).empty()) return std::nullopt;
  return remember({.kind = NameChangeKind::kMove, .from = owner->name, .to = tidy_name(to), .faces = {face}});
}

bool UndoLog::remove_person(const std::string& name) {
  const bool removed = gallery_.remove_person(name);
  std::vector<NameChange> all = changes();
  const auto before = all.size();
  std::set<std::string> names{name, tidy_name(name)};
  // With the name go those that it had before, as long as nobody else has them: Bob, who became Rob, who is
  // removed.
  for (bool more = true; more;) {
    more = false;
    std::erase_if(all, [&](const NameChange& change) {
      if (!names.contains(change.from) && !names.contains(change.to)) return false;
      for (const std::string& other : {change.from, change.to}) {
        if (!gallery_.store().find_person(other)) more = names.insert(other).second || more;
      }
      return true;
    });
  }
  if (all.size() != before) write(all);
  return removed;
}

std::optional<NameChange> UndoLog::undo(std::int64_t id) {
  std::vector<NameChange> all = changes();
  const auto change = std::find_if(all.begin(), all.end(), [id](const NameChange& c) { return c.id == id; });
  if (change == all.end()) return std::nullopt;
  if (change->undone) cannot(*change, "it is undone already");
  if (change->kind == NameChangeKind::kRename) {
    if (gallery_.store().find_person(change->from))
      cannot(*change, "somebody is called " + change->from + " by now");
    if (!gallery_.rename_person(change->to, change->from))
      cannot(*change, "nobody is called " + change->to + " any more");
  } else {
    // Only faces that are still where they went.
    std::vector<std::int64_t> back;
    for (const std::int64_t face : faces_of(gallery_.store(), change->to)) {
      if (std::find(change->faces.begin(), change->faces.end(), face) != change->faces.end())
        back.push_back(face);
    }
    if (back.empty()) cannot(*change, "none of its faces is " + change->to + "'s any more");
    (void)gallery_.move_faces(back, change->from);
  }
  change->undone = true;
  const NameChange undone = *change;
  write(all);
  return undone;
}

}  // namespace likeness
