#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/seen.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness {

struct SightingOptions {
  bool keep_crops = false;   ///< Keep each face's chip as a JPEG, sealed as the gallery's values are.
  std::int64_t time_ms = 0;  ///< When it was seen: milliseconds since 1970, UTC.
};

/// Adds the faces of a photo that stayed without a name to the gallery's seen faces, where they join those of
/// the likest group or begin one: by the threshold that links a thousand faces into clusters. `answers` are
/// those to `photo.averaged`, in its order.
/// @returns how many were added. @throws Error as SeenStore::add().
std::size_t add_sightings(GalleryStore& store, const Contract& contract, Precision precision,
                          const PhotoFaces& photo, std::span<const Identification> answers,
                          const SightingOptions& options);

/// Enrols the faces that are kept of a group as `person`, who is made where new, and removes the group. Empty
/// where there is no such group. @throws std::invalid_argument for a name that nobody may have; Error as
/// add_faces().
std::optional<std::vector<AddedFace>> name_sightings(Gallery& gallery, std::int64_t group,
                                                     const std::string& person);

/// Takes enrolled faces back among those without a name: the way back from name_sightings(). Whose last face
/// goes is gone. Faces that are not there are left out. Their bytes stay until Gallery::purge().
/// @returns how many were taken back. @throws Error as SeenStore::add() and Gallery::remove_face().
std::size_t unname_faces(Gallery& gallery, const Contract& contract, Precision precision,
                         std::span<const std::int64_t> faces);

/// Says that the faces of a group are not `person` (GalleryStore::reject()): he or she is not suggested for
/// them any more. @returns the ids of what was noted; none where there is no such group or person.
std::vector<std::int64_t> reject_for_group(Gallery& gallery, std::int64_t group, std::int64_t person);

/// Says that the faces of a photo that get the name of `person` are somebody else's (GalleryStore::reject()).
/// @returns how many there were.
std::size_t reject_in_photo(Gallery& gallery, std::int64_t person, const PhotoFaces& photo,
                            std::span<const Identification> answers);

}  // namespace likeness
