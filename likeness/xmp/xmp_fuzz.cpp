#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "likeness/core/error.h"
#include "likeness/xmp/region_writer.h"

namespace {

/// The first byte says how much of a packet stands about the others: none, that for properties, that for
/// regions.
std::string packet_of(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return {};
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 0) return text;
  const std::string description =
      R"(<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description )"
      R"(xmlns:m="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:a="http://ns.adobe.com/xmp/sType/Area#" )"
      R"(xmlns:d="http://ns.adobe.com/xap/1.0/sType/Dimensions#" xmlns:M="http://ns.microsoft.com/photo/1.2/" )"
      R"(xmlns:I="http://ns.microsoft.com/photo/1.2/t/RegionInfo#" xmlns:R="http://ns.microsoft.com/photo/1.2/t/Region#">)";
  const std::string end = "</r:Description></r:RDF>";
  if (data[0] % 3 == 1) return description + text + end;
  return description + "<m:Regions><m:RegionList><r:Bag><r:li><m:Name>A</m:Name>" + text +
         "</r:li></r:Bag></m:RegionList></m:Regions>" + end;
}

}  // namespace

// Whatever the text: regions, or one of our errors; and where faces can be added, the result has them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = packet_of(data, size);
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
    if (marked.added == 1 && there.size() < 1000 &&
        likeness::mark_faces(marked.text, "again", face, {640, 480}).there != 1)
      __builtin_trap();
  } catch (const likeness::Error&) {
  }
  return 0;
}
