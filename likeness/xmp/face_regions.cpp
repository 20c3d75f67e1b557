#include "likeness/xmp/face_regions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "likeness/core/error.h"
#include "likeness/core/text_file.h"
#include "likeness/xmp/names.h"
#include "likeness/xmp/rdf.h"

namespace likeness {
namespace {

using xmp::in;

constexpr std::size_t kMostRegions = 1000;

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// A part of the picture: of some size, and not wholly outside.
std::optional<RegionArea> checked(const RegionArea& area) {
  const bool usable = area.right - area.left > 0 && area.bottom - area.top > 0 && area.right > 0 &&
                      area.bottom > 0 && area.left < 1 && area.top < 1 && area.left > -1 && area.top > -1 &&
                      area.right < 2 && area.bottom < 2;
  return usable ? std::optional(area) : std::nullopt;
}

/// x, y, w and h of an area whose x and y are its middle, each over the side it is measured along.
std::optional<RegionArea> centred(const XmlElement& area, std::string_view space, double width,
                                  double height) {
  const auto field = [&](const char* name) { return number(xmp::text(area, in(space, name))); };
  const auto x = field("x"), y = field("y"), w = field("w"), h = field("h");
  if (!x || !y || !w || !h || !(width > 0) || !(height > 0)) return std::nullopt;
  return checked(
      {(*x - *w / 2) / width, (*y - *h / 2) / height, (*x + *w / 2) / width, (*y + *h / 2) / height});
}

/// Names and areas of the list `lists` in the property `info`; nothing where there is no such property.
template <typename Area>
std::vector<FaceRegion> regions_in(const XmlElement& info, const std::string& lists, const std::string& names,
                                   const std::string& types, const std::string& file, Area area) {
  std::vector<FaceRegion> found;
  const XmlElement* property = xmp::property(info, lists);
  const XmlElement* list = property == nullptr ? nullptr : xmp::list(*property);
  if (list == nullptr) return found;
  for (const XmlElement* item : xmp::items(*list)) {
    const std::string type = types.empty() ? "" : xmp::text(*item, types);
    if (!type.empty() && type != "Face") continue;
    if (found.size() == kMostRegions)
      throw Error(ErrorCode::kDataInvalid, file + ": it marks more than 1,000 faces");
    found.push_back({xmp::text(*item, names), area(*item)});
  }
  return found;
}

std::vector<FaceRegion> mwg_regions(const XmlElement& info, const std::string& file) {
  // Shares of the sides unless they are said to be pixels.
  const XmlElement* applied = xmp::property(info, in(xmp::kRegions, "AppliedToDimensions"));
  const auto side = [&](const char* name) {
    return applied == nullptr ? 0 : number(xmp::text(*applied, in(xmp::kDimensions, name))).value_or(0);
  };
  return regions_in(info, in(xmp::kRegions, "RegionList"), in(xmp::kRegions, "Name"),
                    in(xmp::kRegions, "Type"), file,
                    [&](const XmlElement& item) -> std::optional<RegionArea> {
                      const XmlElement* area = xmp::property(item, in(xmp::kRegions, "Area"));
                      if (area == nullptr) return std::nullopt;
                      const bool pixels = xmp::text(*area, in(xmp::kArea, "unit")) == "pixel";
                      return centred(*area, xmp::kArea, pixels ? side("w") : 1, pixels ? side("h") : 1);
                    });
}

/// "x, y, w, h" of the upper left corner.
std::vector<FaceRegion> microsoft_regions(const XmlElement& info, const std::string& file) {
  return regions_in(info, in(xmp::kMicrosoftInfo, "Regions"), in(xmp::kMicrosoftRegion, "PersonDisplayName"),
                    "", file, [&](const XmlElement& item) -> std::optional<RegionArea> {
                      const auto fields =
                          split_fields(xmp::text(item, in(xmp::kMicrosoftRegion, "Rectangle")));
                      if (fields.size() != 4) return std::nullopt;
                      std::array<double, 4> v{};
                      for (std::size_t i = 0; i < 4; ++i) {
                        const auto value = number(fields[i]);
                        if (!value) return std::nullopt;
                        v[i] = *value;
                      }
                      return checked({v[0], v[1], v[0] + v[2], v[1] + v[3]});
                    });
}

/// What the user drew (DLYArea), else what ACDSee found (ALGArea).
std::vector<FaceRegion> acdsee_regions(const XmlElement& info, const std::string& file) {
  return regions_in(info, in(xmp::kAcdsee, "RegionList"), in(xmp::kAcdsee, "Name"), in(xmp::kAcdsee, "Type"),
                    file, [&](const XmlElement& item) -> std::optional<RegionArea> {
                      for (const char* name : {"DLYArea", "ALGArea"}) {
                        const XmlElement* area = xmp::property(item, in(xmp::kAcdsee, name));
                        if (area == nullptr) continue;
                        if (const auto found = centred(*area, xmp::kAcdseeArea, 1, 1)) return found;
                      }
                      return std::nullopt;
                    });
}

/// Where a point of the stored picture lies in the upright photo, both as shares (Exif 2.32, table of
/// Orientation).
std::pair<double, double> turned(double x, double y, int orientation) {
  switch (orientation) {
    case 2:
      return {1 - x, y};
    case 3:
      return {1 - x, 1 - y};
    case 4:
      return {x, 1 - y};
    case 5:
      return {y, x};
    case 6:
      return {1 - y, x};
    case 7:
      return {1 - y, 1 - x};
    case 8:
      return {y, 1 - x};
    default:
      return {x, y};
  }
}

}  // namespace

std::vector<FaceRegion> face_regions(std::string_view xmp_text, const std::string& file) {
  const XmlElement root = read_xml(xmp_text, file);
  const auto all = xmp::descriptions(root, file);
  using Reader = std::vector<FaceRegion> (*)(const XmlElement&, const std::string&);
  const std::array<std::pair<std::string, Reader>, 3> kinds{
      {{in(xmp::kRegions, "Regions"), mwg_regions},
       {in(xmp::kMicrosoft, "RegionInfo"), microsoft_regions},
       {in(xmp::kAcdsee, "Regions"), acdsee_regions}}};
  for (const auto& [name, read] : kinds) {
    for (const XmlElement* description : all) {
      const XmlElement* info = description->child(name);
      if (info == nullptr) continue;
      auto found = read(*info, file);
      if (!found.empty()) return found;
    }
  }
  return {};
}

RegionArea to_upright(const RegionArea& stored, int orientation) {
  const auto [x1, y1] = turned(stored.left, stored.top, orientation);
  const auto [x2, y2] = turned(stored.right, stored.bottom, orientation);
  return {std::min(x1, x2), std::min(y1, y2), std::max(x1, x2), std::max(y1, y2)};
}

RegionArea to_stored(const RegionArea& upright, int orientation) {
  // Turns by a quarter are each other's way back; all others are their own.
  return to_upright(upright, orientation == 6 ? 8 : orientation == 8 ? 6 : orientation);
}

Box box_of(const RegionArea& area, const ImageSize& size) {
  return {static_cast<float>(area.left * size.width), static_cast<float>(area.top * size.height),
          static_cast<float>(area.right * size.width), static_cast<float>(area.bottom * size.height)};
}

RegionArea area_of(const Box& box, const ImageSize& size) {
  return {static_cast<double>(box.left) / size.width, static_cast<double>(box.top) / size.height,
          static_cast<double>(box.right) / size.width, static_cast<double>(box.bottom) / size.height};
}

double overlap(const RegionArea& a, const RegionArea& b) {
  const auto side = [](double low, double high) { return std::max(0.0, high - low); };
  const double common = side(std::max(a.left, b.left), std::min(a.right, b.right)) *
                        side(std::max(a.top, b.top), std::min(a.bottom, b.bottom));
  const double both =
      side(a.left, a.right) * side(a.top, a.bottom) + side(b.left, b.right) * side(b.top, b.bottom) - common;
  return both > 0 ? common / both : 0;
}

}  // namespace likeness
