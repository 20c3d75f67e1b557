#include "likeness/gallery/repair.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "likeness/core/person_name.h"
#include "likeness/gallery/known_faces.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {
namespace {

/// Finds the doubles among the faces of one person, under one name or several.
class Doubles {
 public:
  Doubles(const GalleryStore& store, std::vector<GalleryRepairs::Double>& found)
      : store_(store), found_(found) {}

  void look_at(const std::string& name, const std::vector<Person>& people) {
    std::vector<StoredFace> faces;
    for (const Person& person : people) {
      for (StoredFace& face : store_.faces(person.id)) faces.push_back(std::move(face));
    }
    std::ranges::sort(faces, {}, &StoredFace::id);
    std::vector<std::int64_t> ids;
    for (const StoredFace& face : faces) ids.push_back(face.id);
    const FaceEmbeddings all = store_.embeddings(ids);
    std::map<std::int64_t, std::size_t> rows;
    for (std::size_t i = 0; i < all.faces.size(); ++i) rows[all.faces[i].face] = i;
    std::ranges::stable_sort(faces, {}, [](const StoredFace& face) { return face.photo_hash.empty(); });
    KnownFaces kept(store_.format());
    std::map<std::string, std::vector<const StoredFace*>> by_photo;
    const std::size_t first = found_.size();
    for (const StoredFace& face : faces) {
      const auto row = rows.find(face.id);
      if (row == rows.end()) continue;  // removed meanwhile
      const auto embedding = all.embeddings[row->second];
      std::optional<std::int64_t> of = kept.find(!face.photo_hash.empty(), embedding);
      if (!face.photo_hash.empty()) {
        auto& same_photo = by_photo[face.photo_hash];
        for (const StoredFace* other : same_photo) {
          if (!of && same_vector(all.embeddings[rows.at(other->id)], embedding, store_.format()))
            of = other->id;
        }
        if (!of) same_photo.push_back(&face);
      }
      if (of) {
        found_.push_back({face.id, *of, name, face.photo});
      } else {
        kept.add(face.id, !face.photo_hash.empty(), embedding);
      }
    }
    std::sort(found_.begin() + static_cast<std::ptrdiff_t>(first), found_.end(),
              [](const auto& a, const auto& b) { return a.face < b.face; });
  }

 private:
  const GalleryStore& store_;
  std::vector<GalleryRepairs::Double>& found_;
};

bool may_be_called(const std::string& name) {
  try {
    return !checked_name(name).empty();
  } catch (const std::invalid_argument&) {
    return false;
  }
}

}  // namespace

GalleryRepairs find_repairs(const GalleryStore& store) {
  GalleryRepairs repairs;
  std::map<std::string, std::vector<Person>> people;
  for (Person& person : store.people()) people[tidy_name(person.name)].push_back(std::move(person));
  Doubles doubles(store, repairs.doubles);
  for (const auto& group : people) {
    const std::string& name = group.first;
    const std::vector<Person>& same = group.second;
    if (!may_be_called(name)) {
      for (const Person& person : same) repairs.nobodys_names.push_back(person.name);
      continue;
    }
    bool there = std::ranges::any_of(same, [&](const Person& person) { return person.name == name; });
    for (const Person& person : same) {
      if (person.name == name) continue;
      repairs.names.push_back({person.name, name, there});
      there = true;
    }
    doubles.look_at(name, same);
  }
  return repairs;
}

void repair(GalleryStore& store, const GalleryRepairs& repairs) {
  for (const GalleryRepairs::Name& one : repairs.names)
    one.merge ? store.merge_people(one.from, one.into) : store.rename_person(one.from, one.into);
  for (const GalleryRepairs::Double& one : repairs.doubles) store.remove_face(one.face);
}

}  // namespace likeness
