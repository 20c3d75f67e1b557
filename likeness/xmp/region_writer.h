#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/xmp/face_regions.h"

namespace likeness {

/// An XMP text with faces written into it.
struct MarkedXmp {
  std::string text;
  std::size_t added = 0;
  std::size_t there = 0;  ///< Marked already, with the same name.
  /// Faces that are marked already otherwise, and stay so: in words, with both names.
  std::vector<std::string> otherwise;
};

/// Adds faces to an XMP text (empty: a new one) as regions of the Metadata Working Group. What is there stays
/// as it is, byte by byte. A face whose area shares half with one that is marked is that one.
/// @param faces with names and areas (FaceRegion::area of the stored picture).
/// @param stored the picture's size in pixels, before Exif's orientation.
/// @throws Error kDataInvalid naming `file` where the text is no XMP, its regions are of a picture of other
/// proportions or written in a way that cannot be added to, or a name is no UTF-8.
[[nodiscard]] MarkedXmp mark_faces(std::string_view xmp, const std::string& file,
                                   std::span<const FaceRegion> faces, const ImageSize& stored);

}  // namespace likeness
