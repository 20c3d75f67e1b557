#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <vector>

#include "likeness/gallery/store.h"

namespace likeness {

/// Values of one row of an .npz's `faces`: box (4), landmarks (10), size, sharpness, brightness, yaw, score.
inline constexpr std::size_t kFaceColumns = 19;
void append_face_row(std::vector<float>& rows, const Box& box, const std::array<Point, 5>& landmarks,
                     const FaceQuality& quality);
/// The other way round.
void read_face_row(const float* row, NewFace& face);

/// Writes everybody's faces as an .npz that NumPy and `likeness train` read: embeddings (arr_0), names
/// (arr_1), the contract, and what else an import needs (docs/gallery_format.md). Nothing in it is encrypted.
/// @returns how many faces. @throws Error kOutputUnwritable; kDataInvalid for an empty or damaged gallery.
std::size_t export_gallery(const GalleryStore& store, const std::filesystem::path& path);

struct Imported {
  std::size_t added = 0;
  std::size_t known = 0;  ///< Enrolled already (GalleryStore::add_faces()).
};

/// Enrols what export_gallery() wrote, or any embeddings.npz with names. Where a file does not say from which
/// photos and boxes its rows came, these are unknown.
/// @throws Error kInputUnreadable, kDataInvalid, kModelMismatch where the embeddings are of another model.
Imported import_gallery(GalleryStore& store, const std::filesystem::path& path);

/// The space of an .npz's embeddings, to make a gallery for them. @throws Error kDataInvalid where it is not
/// known.
[[nodiscard]] EmbeddingSpace space_of_npz(const std::filesystem::path& path);

}  // namespace likeness
