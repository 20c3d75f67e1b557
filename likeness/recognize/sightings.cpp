#include "likeness/recognize/sightings.h"

#include "likeness/cluster/cluster.h"
#include "likeness/gallery/face_review.h"
#include "likeness/recognize/face_picture.h"

namespace likeness {

std::size_t add_sightings(GalleryStore& store, const Contract& contract, Precision precision,
                          const PhotoFaces& photo, std::span<const Identification> answers,
                          const SightingOptions& options) {
  // Strangers that a camera meets between two reviews, or so: counting the groups that there are would read
  // them all.
  constexpr std::size_t kGroupsThought = 1000;
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
                        .box = faces[i].box,
                        .quality = faces[i].quality,
                        .embedding = embeddings[i],
                        .crop = crops[i]});
  std::vector<AddedFace> added = gallery.add_faces(person, enrolled);
  seen.remove_group(group);
  return added;
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
