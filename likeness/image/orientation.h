#pragma once

#include <string_view>

namespace likeness {

/// EXIF orientation, 1 to 8, from where PNG files and their editors keep it; 0 where `text` has none.
/// `xmp`: an XMP packet with tiff:Orientation, as an attribute or an element.
[[nodiscard]] int orientation_in_xmp(std::string_view xmp);
/// `profile`: ImageMagick's text chunk "Raw profile type exif", an EXIF block spelt in hexadecimal digits.
[[nodiscard]] int orientation_in_raw_profile(std::string_view profile);

}  // namespace likeness
