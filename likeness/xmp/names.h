#pragma once

#include <string>
#include <string_view>

namespace likeness::xmp {

// Namespaces of what programs write of faces, each from its own documentation: XMP Specification Part 1 (rdf,
// x); MWG Guidelines 2.0, 5.9 (mwg-rs, stArea, stDim); Microsoft's "People Tagging Overview" (MP, MPRI,
// MPReg); of ACDSee as ExifTool 12.57 writes them.
inline constexpr std::string_view kMeta = "adobe:ns:meta/";
inline constexpr std::string_view kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
inline constexpr std::string_view kRegions = "http://www.metadataworkinggroup.com/schemas/regions/";
inline constexpr std::string_view kArea = "http://ns.adobe.com/xmp/sType/Area#";
inline constexpr std::string_view kDimensions = "http://ns.adobe.com/xap/1.0/sType/Dimensions#";
inline constexpr std::string_view kMicrosoft = "http://ns.microsoft.com/photo/1.2/";
inline constexpr std::string_view kMicrosoftInfo = "http://ns.microsoft.com/photo/1.2/t/RegionInfo#";
inline constexpr std::string_view kMicrosoftRegion = "http://ns.microsoft.com/photo/1.2/t/Region#";
inline constexpr std::string_view kAcdsee = "http://ns.acdsee.com/regions/";
inline constexpr std::string_view kAcdseeArea = "http://ns.acdsee.com/sType/Area#";

/// A name as XmlElement has it.
[[nodiscard]] inline std::string in(std::string_view space, std::string_view local) {
  return std::string(space) + " " + std::string(local);
}

}  // namespace likeness::xmp
