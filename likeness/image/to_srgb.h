#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace likeness {

/// How one pixel of a stored picture lies in memory.
struct SampleLayout {
  enum class Space { kGrey, kRgb, kCmyk, kLab };
  Space space = Space::kRgb;
  int bytes = 1;  ///< A sample: 1 or 2; Lab is float, 4: L* in [0, 100], a* and b* about 0.
  int bands = 3;  ///< A pixel; those beyond the space's own (alpha) are passed over. At most 7 are.
};

/// What the numbers of RGB or grey samples stand for: CIE xy of the white and of the three primaries, and the
/// curve to linear light.
struct Colorimetry {
  std::array<double, 2> white{0.3127, 0.3290};                          ///< D65.
  std::array<double, 6> primaries{0.64, 0.33, 0.30, 0.60, 0.15, 0.06};  ///< R, G, B; these are sRGB's.
  double gamma = 0;                                                     ///< 0: the curve of sRGB.
};

/// Adobe RGB (1998), section 4.3: primaries and a gamma of 563/256.
inline constexpr Colorimetry kAdobeRgb{.primaries = {0.64, 0.33, 0.21, 0.71, 0.15, 0.06},
                                       .gamma = 563.0 / 256.0};

/// The transfer function of an ICC profile that holds a cicp tag (ICC.1:2022, 9.2.17), a number of ITU-T
/// H.273; nullopt without one.
[[nodiscard]] std::optional<int> transfer_in_profile(std::span<const std::byte> icc);

/// Turns rows of samples into sRGB, 8 bits, by Little CMS with the perceptual intent and without black point
/// compensation, as Pillow's ImageCms.profileToProfile does. One thread at a time may use one.
class ToSrgb {
 public:
  /// By the ICC profile that the picture holds. Nullopt where the samples stay as they are: the profile is
  /// damaged, is not for samples of that space, or is_nearly_srgb.
  [[nodiscard]] static std::optional<ToSrgb> by_profile(std::span<const std::byte> icc, const SampleLayout&);
  /// By numbers. Nullopt as above, and for numbers that span no colours.
  [[nodiscard]] static std::optional<ToSrgb> by_colorimetry(const Colorimetry&, const SampleLayout&);
  /// From CIE L*a*b* under D50. @throws std::bad_alloc.
  [[nodiscard]] static ToSrgb from_lab(int bands);

  /// `target` gets 3 bytes for each of `pixels` pixels.
  void row(const void* source, std::uint8_t* target, int pixels) const;

 private:
  using Transform = std::unique_ptr<void, void (*)(void*)>;
  explicit ToSrgb(Transform transform) : transform_(std::move(transform)) {}
  static std::optional<ToSrgb> make(void* profile, const SampleLayout& layout);
  Transform transform_;
};

}  // namespace likeness
