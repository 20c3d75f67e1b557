#include "likeness/gallery/repair.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "likeness/core/person_name.h"
#include "likeness/gallery/doubles.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {
namespace {

/// The doubles among the faces of one person, under one name or several.
void look_for_doubles(const GalleryStore& store, const std::string& name, const std::vector<Person>& people,
                      std::vector<GalleryRepairs::Double>& found) {
  std::vector<StoredFace> faces;
  for (const Person& person : people) {
    for (StoredFace& face : store.faces(person.id)) faces.push_back(std::move(face));
  }
  std::map<std::int64_t, std::string> photos;
  for (const StoredFace& face : faces) photos[face.id] = face.photo;
  for (const DoubleFace& one : find_doubles(store, std::move(faces)))
    found.push_back({one.face, one.of, name, photos[one.face]});
}

/// Faces that people have in common who are two by name.
void look_for_shared(const GalleryStore& store, const std::map<std::int64_t, std::string>& names,
                     std::vector<GalleryRepairs::Shared>& found) {
  const auto name_of = [&](std::int64_t person) {
    const auto name = names.find(person);
    return name == names.end() ? std::string() : name->second;
  };
  for (const SharedFace& one : find_shared_faces(store)) {
    GalleryRepairs::Shared shared{one.first.face, name_of(one.first.person), one.other.face,
                                  name_of(one.other.person)};
    if (shared.person != shared.other_person) found.push_back(std::move(shared));
  }
}

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
  std::map<std::int64_t, std::string> names;
  for (const auto& group : people) {
    const std::string& name = group.first;
    const std::vector<Person>& same = group.second;
    for (const Person& person : same) names[person.id] = name;
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
    look_for_doubles(store, name, same, repairs.doubles);
  }
  look_for_shared(store, names, repairs.shared);
  return repairs;
}

void repair(GalleryStore& store, const GalleryRepairs& repairs) {
  for (const GalleryRepairs::Name& one : repairs.names)
    one.merge ? store.merge_people(one.from, one.into) : store.rename_person(one.from, one.into);
  for (const GalleryRepairs::Double& one : repairs.doubles) store.remove_face(one.face);
}

}  // namespace likeness
