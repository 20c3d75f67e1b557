#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/naming.h"
#include "serve/call.h"
#include "serve/service.h"

namespace likeness::serve {

using Json = nlohmann::ordered_json;

// Values as the OpenAPI document has them.
[[nodiscard]] Json box_json(const Box& box);
[[nodiscard]] Json landmarks_json(const std::array<Point, 5>& landmarks);
[[nodiscard]] Json quality_json(const FaceQuality& quality);
[[nodiscard]] Json person_json(const Person& person);
[[nodiscard]] Json face_json(const StoredFace& face);
[[nodiscard]] Json match_json(const std::optional<PersonMatch>& match);
[[nodiscard]] Json rule_json(const NamingRule& rule);
[[nodiscard]] Json gallery_json(ServedGallery& served);
/// A picture that is kept of a face.
[[nodiscard]] Response jpeg_response(std::span<const std::byte> bytes);

template <typename T>
[[nodiscard]] Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// Finds the faces of an upload, by the service's own stream or by another, and counts what it took.
/// @throws Refusal 422 where it is no photo that can be read.
[[nodiscard]] PhotoFaces look_at(Service& service, const Upload& upload);
[[nodiscard]] PhotoFaces look_at(Service& service, PhotoStream& stream, const Upload& upload);
/// What an upload is called: the client's name for it, else the field's.
[[nodiscard]] std::string name_of(const Upload& upload);

/// The person, or the face, that a path names. @throws Refusal 404.
[[nodiscard]] Person person_of(const ServedGallery& served, const Call& call);
[[nodiscard]] StoredFace face_of(const ServedGallery& served, const Call& call);

/// The field `person` as it will be kept. @throws Refusal 400 for a name that nobody can have.
[[nodiscard]] std::string name_in(const Call& call);

/// Adds what a file answers for to a table.
void add_server_operations(Operations& table);
void add_photo_operations(Operations& table);
void add_gallery_operations(Operations& table);
void add_people_operations(Operations& table);
void add_face_operations(Operations& table);
void add_seen_operations(Operations& table);
void add_backup_operations(Operations& table);

}  // namespace likeness::serve
