#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/xmp/region_writer.h"

// Whatever the text: regions, or one of our errors; and where faces can be added, the result is XMP that has
// them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto there = likeness::face_regions(text, "fuzz");
    for (const auto& region : there) {
      if (region.area && !(region.area->left < region.area->right && region.area->top < region.area->bottom))
        __builtin_trap();
    }
    const std::array<likeness::FaceRegion, 1> face{
        likeness::FaceRegion{"A<n>&\"n", likeness::RegionArea{0.1, 0.2, 0.3, 0.4}}};
    const auto marked = likeness::mark_faces(text, "fuzz", face, {640, 480});
    if (marked.added + marked.there + marked.otherwise.size() != 1) __builtin_trap();
    if (marked.added == 0 && marked.text != text) __builtin_trap();
    if (marked.added == 1 && likeness::mark_faces(marked.text, "again", face, {640, 480}).there != 1 &&
        there.size() < 1000)
      __builtin_trap();
  } catch (const likeness::Error&) {
  }
  return 0;
}
