#include "likeness/gallery/memory_seen.h"

#include <algorithm>
#include <tuple>

#include "likeness/gallery/known_faces.h"
#include "likeness/gallery/row_values.h"

namespace likeness {

std::vector<float> MemorySeen::compared(std::span<const float> embedding) const {
  if (!comparison_) comparison_.emplace(space_.contract, "a gallery in memory");
  return comparison_->comparable(embedding);
}

SeenGroup MemorySeen::told(const Group& group) {
  SeenGroup told = group.group;
  told.faces = static_cast<std::int64_t>(group.faces.size());
  float largest = -1;
  for (const auto& [id, entry] : group.faces) {
    if (entry.face.quality.size_px <= largest) continue;
    largest = entry.face.quality.size_px;
    told.exemplar = id;
  }
  return told;
}

MemorySeen::Group& MemorySeen::make_group(std::int64_t time_ms) {
  if (groups_.size() >= static_cast<std::size_t>(kMostGroups)) {
    const auto oldest = std::min_element(groups_.begin(), groups_.end(), [](const auto& a, const auto& b) {
      const auto order = [](const SeenGroup& one) { return std::tuple(one.shelf, one.last_ms, one.id); };
      return order(a.second.group) < order(b.second.group);
    });
    centres_.remove(oldest->first);
    groups_.erase(oldest);
  }
  Group& group = groups_[++last_group_];
  group.group = {.id = last_group_, .first_ms = time_ms, .last_ms = time_ms};
  return group;
}

std::int64_t MemorySeen::drop_smallest(Group& group) {
  if (group.faces.size() <= static_cast<std::size_t>(kMostFacesOfGroup)) return 0;
  const auto smallest =
      std::min_element(group.faces.begin(), group.faces.end(), [](const auto& a, const auto& b) {
        const float one = a.second.face.quality.size_px;
        const float other = b.second.face.quality.size_px;
        return one != other ? one < other : a.first > b.first;
      });
  const std::int64_t face = smallest->first;
  group.faces.erase(smallest);
  return face;
}

void MemorySeen::settle(std::int64_t group) {
  const Embeddings left = embeddings(group);
  if (left.size() == 0) {
    groups_.erase(group);
    centres_.remove(group);
  } else {
    centres_.set(group, compared(centre_of(left)));
  }
}

std::optional<SeenFace> MemorySeen::find_known(const std::string& hash, const Box& box) const {
  for (const auto& [id, group] : groups_) {
    for (const auto& [number, entry] : group.faces) {
      if (!hash.empty() && entry.face.photo_hash == hash && entry.face.box == box) return entry.face;
    }
  }
  return std::nullopt;
}

std::int64_t MemorySeen::insert(Group& group, const NewSeenFace& face, const std::string& hash) {
  const std::int64_t face_id = ++last_face_;
  group.faces[face_id] = {{.id = face_id,
                           .group = group.group.id,
                           .box = face.box,
                           .quality = face.quality,
                           .photo_hash = hash,
                           .photo_size = face.photo_size,
                           .time_ms = face.time_ms,
                           .has_crop = !face.crop.empty()},
                          as_stored(face.embedding, format_),
                          {face.crop.begin(), face.crop.end()}};
  return face_id;
}

AddedSeenFace MemorySeen::add(const NewSeenFace& face, double link_threshold) {
  require_seen(face, space_.dimension);
  const std::string hash = to_hex(from_hex(face.photo_hash, "photo_hash"));
  const Lock lock(mutex_);
  if (const auto known = find_known(hash, face.box)) {
    return {.face = known->id,
            .group = known->group,
            .is_new = false,
            .shelf = groups_.at(known->group).group.shelf};
  }
  const auto likest = centres_.likest(compared(face.embedding));
  AddedSeenFace added;
  added.is_new_group = !likest || likest->cosine < link_threshold;
  if (!added.is_new_group) added.cosine = likest->cosine;
  Group& group = added.is_new_group ? make_group(face.time_ms) : groups_.at(likest->group);
  added.group = group.group.id;
  added.shelf = group.group.shelf;
  added.face = insert(group, face, hash);
  ++group.group.sightings;
  group.group.first_ms = std::min(group.group.first_ms, face.time_ms);
  group.group.last_ms = std::max(group.group.last_ms, face.time_ms);
  if (drop_smallest(group) == added.face) added.face = 0;
  settle(added.group);
  return added;
}

std::int64_t MemorySeen::put(const SeenGroup& as, std::span<const NewSeenFace> faces, std::int64_t into) {
  std::vector<std::pair<const NewSeenFace*, std::string>> left;
  const Lock lock(mutex_);
  for (const NewSeenFace& face : faces) {
    require_seen(face, space_.dimension);
    std::string hash = to_hex(from_hex(face.photo_hash, "photo_hash"));
    if (!find_known(hash, face.box)) left.emplace_back(&face, std::move(hash));
  }
  if (into == 0 ? left.empty() : !groups_.contains(into)) return 0;
  Group& group = into == 0 ? make_group(as.first_ms) : groups_.at(into);
  if (into == 0) group.group.shelf = as.shelf;
  for (const auto& [face, hash] : left) {
    insert(group, *face, hash);
    drop_smallest(group);
  }
  group.group.sightings = std::max(group.group.sightings, as.sightings);
  group.group.first_ms = std::min(group.group.first_ms, as.first_ms);
  group.group.last_ms = std::max(group.group.last_ms, as.last_ms);
  const std::int64_t id = group.group.id;
  settle(id);
  return id;
}

std::vector<SeenGroup> MemorySeen::groups(std::optional<SeenShelf> shelf) const {
  const Lock lock(mutex_);
  std::vector<SeenGroup> groups;
  for (const auto& [id, group] : groups_) {
    if (!shelf || group.group.shelf == *shelf) groups.push_back(told(group));
  }
  std::ranges::sort(groups, [](const SeenGroup& a, const SeenGroup& b) {
    return std::tie(a.last_ms, a.id) > std::tie(b.last_ms, b.id);
  });
  return groups;
}

std::optional<SeenGroup> MemorySeen::find_group(std::int64_t group) const {
  const Lock lock(mutex_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? std::nullopt : std::optional(told(found->second));
}

std::vector<SeenFace> MemorySeen::faces(std::int64_t group) const {
  const Lock lock(mutex_);
  std::vector<SeenFace> faces;
  const auto found = groups_.find(group);
  if (found == groups_.end()) return faces;
  for (const auto& [id, entry] : found->second.faces) faces.push_back(entry.face);
  return faces;
}

Embeddings MemorySeen::embeddings(std::int64_t group) const {
  const Lock lock(mutex_);
  Embeddings rows{space_.dimension, {}};
  const auto found = groups_.find(group);
  if (found == groups_.end()) return rows;
  for (const auto& [id, entry] : found->second.faces)
    rows.values.insert(rows.values.end(), entry.embedding.begin(), entry.embedding.end());
  return rows;
}

Embeddings MemorySeen::centres(std::span<const std::int64_t> groups) const {
  const Lock lock(mutex_);
  Embeddings rows{space_.dimension, {}};
  for (const std::int64_t group : groups) {
    const Embeddings faces = embeddings(group);
    const auto centre = faces.size() == 0 ? std::vector<float>(rows.dimension) : centre_of(faces);
    rows.values.insert(rows.values.end(), centre.begin(), centre.end());
  }
  return rows;
}

std::optional<SeenFace> MemorySeen::find_face(std::int64_t face) const {
  const Lock lock(mutex_);
  for (const auto& [id, group] : groups_) {
    if (const auto found = group.faces.find(face); found != group.faces.end()) return found->second.face;
  }
  return std::nullopt;
}

std::vector<std::byte> MemorySeen::crop(std::int64_t face) const {
  const Lock lock(mutex_);
  const auto found = find_face(face);
  return found ? groups_.at(found->group).faces.at(face).crop : std::vector<std::byte>();
}

bool MemorySeen::remove_group(std::int64_t group) {
  const Lock lock(mutex_);
  centres_.remove(group);
  return groups_.erase(group) > 0;
}

bool MemorySeen::remove_face(std::int64_t face) {
  const Lock lock(mutex_);
  const auto found = find_face(face);
  if (!found) return false;
  groups_.at(found->group).faces.erase(face);
  settle(found->group);
  return true;
}

bool MemorySeen::set_shelf(std::int64_t group, SeenShelf shelf) {
  const Lock lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return false;
  found->second.group.shelf = shelf;
  return true;
}

std::size_t MemorySeen::remove_older_than(std::int64_t time_ms, std::optional<SeenShelf> shelf) {
  const Lock lock(mutex_);
  std::size_t removed = 0;
  std::vector<std::int64_t> touched;
  for (auto& [id, group] : groups_) {
    if (shelf && group.group.shelf != *shelf) continue;
    const std::size_t gone =
        std::erase_if(group.faces, [&](const auto& one) { return one.second.face.time_ms < time_ms; });
    if (gone > 0) touched.push_back(id);
    removed += gone;
  }
  for (const std::int64_t group : touched) settle(group);
  return removed;
}

}  // namespace likeness
