#include "likeness/image/to_srgb.h"

#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

namespace likeness {
namespace {

using Bytes = std::span<const std::byte>;
using Space = SampleLayout::Space;

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using Curve = std::unique_ptr<cmsToneCurve, FreeCurve>;

struct SpaceFacts {
  cmsColorSpaceSignature signature;  // in a profile's header
  cmsUInt32Number pixel_type;        // in lcms' formats
  int channels;
};

SpaceFacts facts_of(Space space) {
  switch (space) {
    case Space::kGrey:
      return {cmsSigGrayData, PT_GRAY, 1};
    case Space::kRgb:
      return {cmsSigRgbData, PT_RGB, 3};
    case Space::kCmyk:
      return {cmsSigCmykData, PT_CMYK, 4};
    case Space::kLab:
      break;
  }
  return {cmsSigLabData, PT_Lab, 3};
}

Profile open_profile(Bytes icc) {
  if (icc.empty() || icc.size() > std::numeric_limits<cmsUInt32Number>::max()) return nullptr;
  return Profile(cmsOpenProfileFromMem(icc.data(), static_cast<cmsUInt32Number>(icc.size())));
}

// Whether a curve to linear light has a gamma in [lowest, 2.6] at middle grey; sRGB's own is 2.22 there.
bool is_curve_of_a_screen(const cmsToneCurve* curve, double lowest) {
  if (curve == nullptr) return false;
  const double middle = cmsEvalToneCurveFloat(curve, 0.5F);
  return middle >= std::pow(0.5, 2.6) && middle <= std::pow(0.5, lowest);
}

using Matrix = std::array<std::array<double, 3>, 3>;  // rows X, Y, Z; columns R, G, B

std::optional<Matrix> colorants(cmsHPROFILE profile) {
  Matrix matrix{};
  const std::array<cmsTagSignature, 3> tags{cmsSigRedColorantTag, cmsSigGreenColorantTag,
                                            cmsSigBlueColorantTag};
  for (std::size_t c = 0; c < 3; ++c) {
    const auto* color = static_cast<const cmsCIEXYZ*>(cmsReadTag(profile, tags[c]));
    if (color == nullptr) return std::nullopt;
    matrix[0][c] = color->X;
    matrix[1][c] = color->Y;
    matrix[2][c] = color->Z;
  }
  return matrix;
}

// Whether no primary, brought to linear sRGB, is more than 0.1 from sRGB's own. Apple's Generic RGB is .052
// away, Display P3 .225, Adobe RGB .398, ProPhoto RGB 1.034.
bool has_primaries_of_srgb(cmsHPROFILE profile) {
  // IEC 61966-2-1's matrix from XYZ, with the white brought from D65 to the profiles' D50 by Bradford's.
  constexpr Matrix kFromXyz{{{3.1338561, -1.6168667, -0.4906146},
                             {-0.9787684, 1.9161415, 0.0334540},
                             {0.0719453, -0.2289914, 1.4052427}}};
  const auto colors = colorants(profile);
  if (!colors) return false;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      double sum = row == column ? -1 : 0;
      for (std::size_t k = 0; k < 3; ++k) sum += kFromXyz[row][k] * (*colors)[k][column];
      if (!(std::abs(sum) <= 0.1)) return false;
    }
  }
  return true;
}

// Samples tagged so stay as they are, to the byte. For RGB that takes in the gamma of 1.8 that old Macs wrote
// into pictures of the web: networks were trained on such photos without a look at the tag, and the photos of
// the tutorial, whose figures are held to the byte, hold one. Grey is converted from 2.0 down
// (docs/photos.md).
bool is_nearly_srgb(cmsHPROFILE profile, Space space) {
  const auto is_near = [&](cmsTagSignature tag, double lowest) {
    return is_curve_of_a_screen(static_cast<const cmsToneCurve*>(cmsReadTag(profile, tag)), lowest);
  };
  if (space == Space::kGrey) return cmsGetPCS(profile) == cmsSigXYZData && is_near(cmsSigGrayTRCTag, 2.0);
  constexpr double kOldMac = 1.7;  // 1.8, with room for rounding
  return space == Space::kRgb && cmsIsMatrixShaper(profile) && is_near(cmsSigRedTRCTag, kOldMac) &&
         is_near(cmsSigGreenTRCTag, kOldMac) && is_near(cmsSigBlueTRCTag, kOldMac) &&
         has_primaries_of_srgb(profile);
}

Curve curve_of(double gamma) {
  if (gamma > 0) return Curve(cmsBuildGamma(nullptr, gamma));
  const std::array<double, 5> srgb{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};  // IEC 61966-2-1
  return Curve(cmsBuildParametricToneCurve(nullptr, 4, srgb.data()));
}

}  // namespace

std::optional<int> transfer_in_profile(Bytes icc) {
  const Profile profile = open_profile(icc);
  constexpr auto kTag = static_cast<cmsTagSignature>(0x63696370);  // "cicp"
  std::array<std::uint8_t, 12> tag{};  // type, 4 zeros, primaries, transfer, matrix, range
  if (!profile || cmsReadRawTag(profile.get(), kTag, tag.data(), tag.size()) != tag.size()) {
    return std::nullopt;
  }
  return tag[9];
}

std::optional<ToSrgb> ToSrgb::make(void* profile, const SampleLayout& layout) {
  const SpaceFacts facts = facts_of(layout.space);
  const bool is_float = layout.bytes == 4;
  const auto format = static_cast<cmsUInt32Number>(
      FLOAT_SH(is_float ? 1 : 0) | COLORSPACE_SH(facts.pixel_type) | EXTRA_SH(layout.bands - facts.channels) |
      CHANNELS_SH(facts.channels) | BYTES_SH(layout.bytes));
  const Profile srgb(cmsCreate_sRGBProfile());
  if (!srgb) throw std::bad_alloc();
  Transform transform(cmsCreateTransform(profile, format, srgb.get(), TYPE_RGB_8, INTENT_PERCEPTUAL, 0),
                      [](void* made) {
                        if (made != nullptr) cmsDeleteTransform(made);
                      });
  if (!transform) return std::nullopt;
  return ToSrgb(std::move(transform));
}

std::optional<ToSrgb> ToSrgb::by_profile(Bytes icc, const SampleLayout& layout) {
  const Profile profile = open_profile(icc);
  if (!profile || cmsGetColorSpace(profile.get()) != facts_of(layout.space).signature) return std::nullopt;
  const auto kind = cmsGetDeviceClass(profile.get());
  if (kind == cmsSigLinkClass || kind == cmsSigAbstractClass || kind == cmsSigNamedColorClass) {
    return std::nullopt;
  }
  if (is_nearly_srgb(profile.get(), layout.space)) return std::nullopt;
  return make(profile.get(), layout);
}

std::optional<ToSrgb> ToSrgb::by_colorimetry(const Colorimetry& color, const SampleLayout& layout) {
  const Curve curve = curve_of(color.gamma);
  if (!curve) return std::nullopt;
  const cmsCIExyY white{color.white[0], color.white[1], 1};
  const auto& p = color.primaries;
  const cmsCIExyYTRIPLE primaries{{p[0], p[1], 1}, {p[2], p[3], 1}, {p[4], p[5], 1}};
  std::array<cmsToneCurve*, 3> curves{curve.get(), curve.get(), curve.get()};
  const bool grey = layout.space == Space::kGrey;
  // Grey has no hue whatever its white: D50, the profiles' own, keeps it grey.
  const Profile profile(grey ? cmsCreateGrayProfile(cmsD50_xyY(), curve.get())
                             : cmsCreateRGBProfile(&white, &primaries, curves.data()));
  if (!profile || is_nearly_srgb(profile.get(), layout.space)) return std::nullopt;
  return make(profile.get(), layout);
}

ToSrgb ToSrgb::from_lab(int bands) {
  const Profile profile(cmsCreateLab4Profile(nullptr));
  auto made = profile ? make(profile.get(), {Space::kLab, 4, bands}) : std::nullopt;
  if (!made) throw std::bad_alloc();
  return std::move(*made);
}

void ToSrgb::row(const void* source, std::uint8_t* target, int pixels) const {
  cmsDoTransform(transform_.get(), source, target, static_cast<cmsUInt32Number>(pixels));
}

}  // namespace likeness
