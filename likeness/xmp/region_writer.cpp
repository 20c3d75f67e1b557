#include "likeness/xmp/region_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "likeness/core/error.h"
#include "likeness/xmp/names.h"
#include "likeness/xmp/rdf.h"

namespace likeness {
namespace {

using xmp::in;

/// Share of two areas' common part from which on they are one face.
constexpr double kSameFace = 0.5;

std::string escaped(std::string_view text) {
  constexpr std::array<std::pair<char, std::string_view>, 4> kMarks{
      {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}}};
  std::string out;
  for (const char c : text) {
    const auto mark = std::ranges::find(kMarks, c, [](const auto& one) { return one.first; });
    out += mark == kMarks.end() ? std::string_view(&c, 1) : mark->second;
  }
  return out;
}

std::string attribute(const char* name, std::string_view value) {
  return std::string(" ") + name + "=\"" + escaped(value) + "\"";
}

std::string share(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6f", value);
  return text.data();
}

/// Each piece names its namespaces itself: it may come into a text that gives them other short names.
std::string item_of(const FaceRegion& face) {
  const RegionArea& a = *face.area;
  return "<rdf:li" + attribute("xmlns:rdf", xmp::kRdf) + "><rdf:Description" +
         attribute("xmlns:mwg-rs", xmp::kRegions) + attribute("mwg-rs:Name", face.name) +
         " mwg-rs:Type=\"Face\"><mwg-rs:Area" + attribute("xmlns:stArea", xmp::kArea) +
         attribute("stArea:x", share((a.left + a.right) / 2)) +
         attribute("stArea:y", share((a.top + a.bottom) / 2)) +
         attribute("stArea:w", share(a.right - a.left)) + attribute("stArea:h", share(a.bottom - a.top)) +
         " stArea:unit=\"normalized\"/></rdf:Description></rdf:li>\n";
}

std::string description_of(const std::string& items, const ImageSize& stored) {
  return "<rdf:Description" + attribute("xmlns:rdf", xmp::kRdf) + " rdf:about=\"\"" +
         attribute("xmlns:mwg-rs", xmp::kRegions) + attribute("xmlns:stDim", xmp::kDimensions) +
         ">\n<mwg-rs:Regions rdf:parseType=\"Resource\">\n<mwg-rs:AppliedToDimensions" +
         attribute("stDim:w", std::to_string(stored.width)) +
         attribute("stDim:h", std::to_string(stored.height)) +
         " stDim:unit=\"pixel\"/>\n<mwg-rs:RegionList>\n<rdf:Bag>\n" + items +
         "</rdf:Bag>\n</mwg-rs:RegionList>\n</mwg-rs:Regions>\n</rdf:Description>\n";
}

std::string new_packet(const std::string& description) {
  return "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta" +
         attribute("xmlns:x", xmp::kMeta) + ">\n<rdf:RDF" + attribute("xmlns:rdf", xmp::kRdf) + ">\n" +
         description + "</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>\n";
}

/// `text` with `piece` as the last thing in `element`.
std::string with_last(std::string_view text, const XmlElement& element, const std::string& piece) {
  const std::string_view tag = text.substr(element.begin, element.inner - element.begin);
  if (element.end != element.inner)
    return std::string(text.substr(0, element.close)) + piece + std::string(text.substr(element.close));
  // "<r:Bag/>" becomes "<r:Bag>...</r:Bag>".
  const std::string_view name = tag.substr(1, tag.find_first_of(" \t\r\n/>") - 1);
  return std::string(text.substr(0, element.inner - 2)) + ">" + piece + "</" + std::string(name) + ">" +
         std::string(text.substr(element.inner));
}

/// @throws Error kDataInvalid where the regions that are there belong to a picture of another shape.
void require_same_shape(const XmlElement& regions, const std::string& file, const ImageSize& stored) {
  const XmlElement* applied = xmp::property(regions, in(xmp::kRegions, "AppliedToDimensions"));
  if (applied == nullptr) return;
  const auto side = [&](const char* name) {
    const std::string text = xmp::text(*applied, in(xmp::kDimensions, name));
    double value = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  const double width = side("w"), height = side("h");
  if (!(width > 0) || !(height > 0)) return;
  constexpr double kRounding = 0.02;  // of a picture that was made smaller
  if (std::abs(std::log(width / height * stored.height / stored.width)) > kRounding)
    throw Error(ErrorCode::kDataInvalid, file + ": its face regions are of a picture of other proportions");
}

const XmlElement* regions_of(const XmlElement& root, const std::string& file) {
  for (const XmlElement* description : xmp::descriptions(root, file)) {
    if (const XmlElement* regions = description->child(in(xmp::kRegions, "Regions"))) return regions;
  }
  return nullptr;
}

/// Which of `faces` are not marked in `there`; the others are counted.
std::string new_items(std::span<const FaceRegion> faces, const std::vector<FaceRegion>& there,
                      MarkedXmp& result) {
  std::string items;
  for (const FaceRegion& face : faces) {
    const FaceRegion* same = nullptr;
    for (const FaceRegion& marked : there) {
      if (marked.area && overlap(*marked.area, *face.area) >= kSameFace) same = &marked;
    }
    if (same == nullptr) {
      items += item_of(face);
      ++result.added;
    } else if (same->name == face.name) {
      ++result.there;
    } else {
      result.otherwise.push_back("where " + face.name + " is, " +
                                 (same->name.empty() ? "a face without a name" : same->name) + " is marked");
    }
  }
  return items;
}

}  // namespace

MarkedXmp mark_faces(std::string_view text, const std::string& file, std::span<const FaceRegion> faces,
                     const ImageSize& stored) {
  MarkedXmp result;
  result.text = text;
  if (text.empty()) {
    const std::string items = new_items(faces, {}, result);
    if (!items.empty()) result.text = new_packet(description_of(items, stored));
  } else {
    const XmlElement root = read_xml(text, file);
    const XmlElement* regions = regions_of(root, file);
    if (regions != nullptr) require_same_shape(*regions, file, stored);
    const XmlElement* property =
        regions == nullptr ? nullptr : xmp::property(*regions, in(xmp::kRegions, "RegionList"));
    const XmlElement* list = property == nullptr ? nullptr : xmp::list(*property);
    if (regions != nullptr && list == nullptr)
      throw Error(ErrorCode::kDataInvalid, file + ": its mwg-rs:Regions have no list to add to");
    const std::vector<FaceRegion> there = face_regions(text, file);
    std::string items = new_items(faces, there, result);
    if (items.empty()) return result;
    // Readers take one kind of regions: what stands in another one goes along.
    if (list == nullptr || xmp::items(*list).empty()) {
      for (const FaceRegion& marked : there) {
        if (marked.area && !marked.name.empty()) items += item_of(marked);
      }
    }
    result.text = list != nullptr ? with_last(text, *list, items)
                                  : with_last(text, *xmp::rdf_of(root), description_of(items, stored));
  }
  // Whatever the names held: what is written can be read.
  if (result.added > 0) (void)read_xml(result.text, file);
  return result;
}

}  // namespace likeness
