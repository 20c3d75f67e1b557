#pragma once

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

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
/// A side of a photo's size; null where it is not known.
[[nodiscard]] Json pixels_or_null(int side);
[[nodiscard]] Json face_json(const StoredFace& face);
[[nodiscard]] Json match_json(const std::optional<PersonMatch>& match);
[[nodiscard]] Json rule_json(const NamingRule& rule);
[[nodiscard]] Json gallery_json(ServedGallery& served);
/// The gallery's version right after a change, which has it; null where it cannot be asked for.
[[nodiscard]] Json version_json(const ServedGallery& served);
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

/// Makes a gallery what `copy` says (GalleryStore::restore_from()), and tells of it. @returns how many faces
/// it has now. @throws Refusal 409 where it is no copy of this gallery.
std::int64_t restore_gallery_from(Service& service, ServedGallery& served, const std::filesystem::path& copy);

/// The person, or the face, that a path names. @throws Refusal 404.
[[nodiscard]] Person person_of(const ServedGallery& served, const Call& call);
[[nodiscard]] StoredFace face_of(const ServedGallery& served, const Call& call);

/// The field `person` as it will be kept. @throws Refusal 400 for a name that nobody can have.
[[nodiscard]] std::string name_in(const Call& call);

/// Where a page of a list begins whose cursor is how many were shown. @throws Refusal 400.
[[nodiscard]] std::size_t first_of_page(const Call& call, std::size_t size);
/// A page of `all`, in its order, and the cursor of the next: how many were shown.
template <typename T, typename ToJson>
[[nodiscard]] std::pair<Json, Json> page_by_place(const std::vector<T>& all, const Call& call,
                                                  const ToJson& to_json) {
  const std::size_t from = first_of_page(call, all.size());
  const std::size_t to = std::min(all.size(), from + call.get<std::size_t>("limit"));
  Json items = Json::array();
  for (std::size_t i = from; i < to; ++i) items.push_back(to_json(all[i]));
  return {std::move(items), to < all.size() ? Json(std::to_string(to)) : Json(nullptr)};
}

/// Adds what a file answers for to a table.
void add_server_operations(Operations& table);
void add_photo_operations(Operations& table);
void add_gallery_operations(Operations& table);
void add_people_operations(Operations& table);
void add_face_operations(Operations& table);
void add_seen_operations(Operations& table);
void add_backup_operations(Operations& table);
void add_shard_operations(Operations& table);

}  // namespace likeness::serve
