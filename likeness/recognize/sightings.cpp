#include "likeness/recognize/sightings.h"

#include <algorithm>
#include <utility>

#include "likeness/cluster/cluster.h"
#include "likeness/gallery/face_review.h"
#include "likeness/recognize/face_picture.h"

namespace likeness {
namespace {

/// Strangers that a camera meets between two reviews, or so: counting the groups that there are would read
/// them all.
constexpr std::size_t kGroupsThought = 1000;

}  // namespace

std::size_t add_sightings(GalleryStore& store, const Contract& contract, Precision precision,
                          const PhotoFaces& photo, std::span<const Identification> answers,
                          const SightingOptions& options) {
  std::size_t added = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].name) continue;
    const Face& face = photo.faces[photo.chosen[i]];
    std::vector<std::byte> crop;
    if (options.keep_crops) crop = picture_of(photo.chips[i]);
    const NewSeenFace seen{.embedding = photo.averaged[i],
                           .box = face.box,
                           .quality = measure_quality(face, photo.chips[i]),
                           .photo_hash = photo.sha256,
                           .photo_size = {photo.width, photo.height},
                           .time_ms = options.time_ms,
                           .crop = crop};
    if (store.seen().add(seen, link_threshold(kGroupsThought, contract, precision)).is_new) ++added;
  }
  return added;
}

std::optional<std::vector<AddedFace>> name_sightings(Gallery& gallery, std::int64_t group,
                                                     const std::string& person) {
  SeenStore& seen = gallery.store().seen();
  if (!seen.find_group(group)) return std::nullopt;
  const std::vector<SeenFace> faces = seen.faces(group);
  const Embeddings embeddings = seen.embeddings(group);
  std::vector<NewFace> enrolled;
  std::vector<std::vector<std::byte>> crops;
  for (const SeenFace& face : faces)
    crops.push_back(face.has_crop ? seen.crop(face.id) : std::vector<std::byte>());
  for (std::size_t i = 0; i < faces.size(); ++i)
    enrolled.push_back({.photo_hash = faces[i].photo_hash,
                        .photo_size = faces[i].photo_size,
                        .box = faces[i].box,
                        .quality = faces[i].quality,
                        .embedding = embeddings[i],
                        .crop = crops[i]});
  std::vector<AddedFace> added = gallery.add_faces(person, enrolled);
  seen.remove_group(group);
  return added;
}

std::size_t unname_faces(Gallery& gallery, const Contract& contract, Precision precision,
                         std::span<const std::int64_t> faces) {
  std::size_t taken = 0;
  for (const std::int64_t id : faces) {
    const auto face = gallery.store().find_face(id);
    const std::vector<float> embedding = gallery.store().embedding(id);
    if (!face || embedding.empty()) continue;
    const std::vector<std::byte> crop = gallery.store().crop(id);
    gallery.store().seen().add({.embedding = embedding,
                                .box = face->box,
                                .quality = face->quality,
                                .photo_hash = face->photo_hash,
                                .photo_size = face->photo_size,
                                .time_ms = face->added_ms,
                                .crop = crop},
                               link_threshold(kGroupsThought, contract, precision));
    if (gallery.remove_face(id)) ++taken;
  }
  return taken;
}

std::vector<std::int64_t> reject_for_group(Gallery& gallery, std::int64_t group, std::int64_t person) {
  const GalleryStore& store = std::as_const(gallery).store();
  const std::vector<SeenFace> faces = store.seen().faces(group);
  const Embeddings embeddings = store.seen().embeddings(group);
  const auto noted = [&] {
    std::vector<std::int64_t> ids;
    for (const Rejection& one : store.rejections(person).list) ids.push_back(one.id);
    return ids;
  };
  const std::vector<std::int64_t> before = noted();
  for (std::size_t i = 0; i < faces.size(); ++i)
    gallery.reject(person, embeddings[i], faces[i].photo_hash, faces[i].box);
  std::vector<std::int64_t> made = noted();
  std::erase_if(made, [&](std::int64_t id) { return std::ranges::find(before, id) != before.end(); });
  return made;
}

std::size_t reject_in_photo(Gallery& gallery, std::int64_t person, const PhotoFaces& photo,
                            std::span<const Identification> answers) {
  std::size_t rejected = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].name || answers[i].nearest->person != person) continue;
    if (gallery.reject(person, photo.averaged[i], photo.sha256, photo.faces[photo.chosen[i]].box)) ++rejected;
  }
  return rejected;
}

}  // namespace likeness
