#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/image/geometry.h"
#include "likeness/image/read_image.h"

namespace likeness {

/// A part of a picture: shares of its width (left, right) and height (top, bottom), in [0, 1] where the whole
/// region lies in it.
struct RegionArea {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

/// A face that a program for photos has marked.
struct FaceRegion {
  std::string name;  ///< Empty: nobody is named.
  /// Of the picture as it is stored, before Exif's orientation turns it: "region metadata is applied to the
  /// stored image" (MWG's Guidelines for Handling Image Metadata 2.0, 5.9). Empty where what stands there is
  /// no area.
  std::optional<RegionArea> area;
};

/// The faces that an XMP packet marks, by the first of these that it has: regions of the Metadata Working
/// Group (mwg-rs:Regions: digiKam, Lightroom, Picasa), of Microsoft's Photo Gallery (MP:RegionInfo), of
/// ACDSee (acdsee-rs:Regions). digiKam writes all three of the same faces. Regions of other things (pets,
/// focus) are left out. A packet without any gives none.
/// @throws Error kDataInvalid naming `file` where it is no XMP, see read_xml(), or has more than 1,000.
[[nodiscard]] std::vector<FaceRegion> face_regions(std::string_view xmp, const std::string& file);

/// The same part in the photo that Exif's `orientation` (1 to 8) makes of the stored picture, and back.
[[nodiscard]] RegionArea to_upright(const RegionArea& stored, int orientation);
[[nodiscard]] RegionArea to_stored(const RegionArea& upright, int orientation);

/// In pixels of a photo of this size, and back.
[[nodiscard]] Box box_of(const RegionArea& area, const ImageSize& size);
[[nodiscard]] RegionArea area_of(const Box& box, const ImageSize& size);

/// What two areas have in common, as a share of what they cover together: 0 to 1.
[[nodiscard]] double overlap(const RegionArea& a, const RegionArea& b);

}  // namespace likeness
