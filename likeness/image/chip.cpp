#include "likeness/image/chip.h"

#include <array>
#include <utility>

namespace likeness {
namespace {

constexpr std::array<std::pair<Filter, std::string_view>, 5> kFilters{{{Filter::kNearest, "nearest"},
                                                                       {Filter::kBox, "box"},
                                                                       {Filter::kBilinear, "bilinear"},
                                                                       {Filter::kBicubic, "bicubic"},
                                                                       {Filter::kLanczos, "lanczos"}}};
constexpr std::array<std::pair<CropProfile, std::string_view>, 3> kProfiles{
    {{CropProfile::kTutorial, "tutorial"},
     {CropProfile::kMargin, "margin"},
     {CropProfile::kAligned, "aligned"}}};

template <typename Table, typename Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [key, name] : table) {
    if (key == value) return name;
  }
  return "";
}

template <typename Value, typename Table>
std::optional<Value> value_in(const Table& table, std::string_view wanted) {
  for (const auto& [key, name] : table) {
    if (name == wanted) return key;
  }
  return std::nullopt;
}

}  // namespace

CropSpec usual_crop(CropProfile profile, int width, int height) {
  CropSpec crop;
  crop.profile = profile;
  crop.filter = profile == CropProfile::kTutorial ? Filter::kNearest : Filter::kBilinear;
  crop.width = width;
  crop.height = height;
  return crop;
}

std::string_view to_string(Filter filter) { return name_in(kFilters, filter); }
std::optional<Filter> filter_from(std::string_view name) { return value_in<Filter>(kFilters, name); }
std::string_view to_string(CropProfile profile) { return name_in(kProfiles, profile); }
std::optional<CropProfile> crop_profile_from(std::string_view name) {
  return value_in<CropProfile>(kProfiles, name);
}

}  // namespace likeness
