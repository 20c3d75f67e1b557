#include "likeness/image/read_image.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>
#include <vips/vips8>

#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/image/color_tags.h"
#include "likeness/image/orientation.h"
#include "likeness/image/photo_header.h"
#include "likeness/image/tiff_tag.h"
#include "likeness/image/to_srgb.h"
#include "likeness/image/vips_setup.h"

namespace likeness {
namespace {

using vips::VImage;
using Bytes = std::span<const std::byte>;
using Loader = VImage (*)(VipsBlob*, vips::VOption*);

Error unreadable(const std::string& name, const std::string& why) {
  return {ErrorCode::kImageUnreadable, "cannot read " + name + ": " + why};
}

bool has(Bytes bytes, std::size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() &&
         std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

struct Format {
  const char* name;
  Loader load;
};

// HEIF and AVIF are one container; its brand says whether it holds a still picture.
bool is_heif(Bytes bytes) {
  constexpr std::array<std::string_view, 10> kBrands{"heic", "heix", "hevc", "hevx", "heim",
                                                     "heis", "mif1", "msf1", "avif", "avis"};
  return has(bytes, 4, "ftyp") &&
         std::ranges::any_of(kBrands, [&](std::string_view brand) { return has(bytes, 8, brand); });
}

std::optional<Format> format_of(Bytes bytes) {
  using namespace std::string_view_literals;
  if (has(bytes, 0, "\xFF\xD8\xFF")) return Format{"JPEG", VImage::jpegload_buffer};
  if (has(bytes, 0, "\x89PNG\r\n\x1A\n")) return Format{"PNG", VImage::pngload_buffer};
  if (has(bytes, 0, "GIF87a") || has(bytes, 0, "GIF89a")) return Format{"GIF", VImage::gifload_buffer};
  if (has(bytes, 0, "RIFF") && has(bytes, 8, "WEBP")) return Format{"WebP", VImage::webpload_buffer};
  if (has(bytes, 0, "II*\0"sv) || has(bytes, 0, "MM\0*"sv) || has(bytes, 0, "II+\0"sv) ||
      has(bytes, 0, "MM\0+"sv)) {
    return Format{"TIFF", VImage::tiffload_buffer};
  }
  if (is_heif(bytes)) {
    load_heif();
    return Format{"HEIF", VImage::heifload_buffer};
  }
  return std::nullopt;
}

// Formats people have, which libvips reads badly, through ImageMagick, or not at all; for the message only.
const char* unread_format(Bytes bytes) {
  using namespace std::string_view_literals;
  constexpr std::array<std::pair<std::string_view, const char*>, 15> kMagics{
      {{"BM"sv, "a BMP file"},
       {"\0\0\1\0"sv, "an ICO file"},
       {"\0\0\2\0"sv, "a CUR file"},
       {"\xFF\x4F\xFF\x51"sv, "a JPEG 2000 file"},
       {"\0\0\0\x0CjP  "sv, "a JPEG 2000 file"},
       {"\0\0\0\x0CJXL "sv, "a JPEG XL file"},
       {"\xFF\x0A"sv, "a JPEG XL file"},
       {"8BPS"sv, "a Photoshop file"},
       {"%PDF"sv, "a PDF file"},
       {"P4"sv, "a PBM file"},
       {"P5"sv, "a PGM file"},
       {"P6"sv, "a PPM file"},
       {"<svg"sv, "an SVG file"},
       {"<?xml"sv, "an XML file"},
       {"\x76\x2F\x31\x01"sv, "an OpenEXR file"}}};
  for (const auto& [magic, words] : kMagics) {
    if (has(bytes, 0, magic)) return words;
  }
  return nullptr;
}

// Whether a PNG's chunks go on to its end chunk. libvips is content with all pixels; Pillow and we are not,
// since a file cut there was cut in transit.
bool png_is_whole(Bytes bytes) {
  std::size_t offset = 8;
  while (bytes.size() - offset >= 12) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
      length = length << 8U | std::to_integer<std::size_t>(bytes[offset + i]);
    if (has(bytes, offset + 4, "IEND")) return true;
    if (length > bytes.size() - offset - 12) return false;
    offset += 12 + length;
  }
  return false;
}

Format format_or_throw(Bytes bytes, const std::string& name, const ReadOptions& options) {
  if (options.shrink != 1 && options.shrink != 2 && options.shrink != 4 && options.shrink != 8) {
    throw std::invalid_argument("ReadOptions::shrink must be 1, 2, 4 or 8");
  }
  if (bytes.empty()) throw unreadable(name, "it is empty");
  if (bytes.size() > options.max_bytes) {
    throw unreadable(name, "it is larger than the limit of " + std::to_string(options.max_bytes) + " bytes");
  }
  if (const auto format = format_of(bytes)) {
    if (format->load == VImage::pngload_buffer && !png_is_whole(bytes))
      throw unreadable(name, "its PNG data are cut short");
    return *format;
  }
  if (const char* words = unread_format(bytes)) {
    throw unreadable(name, "it is " + std::string(words) + "; convert it to PNG or JPEG");
  }
  throw unreadable(name, "it is not a picture (JPEG, PNG, GIF, WebP, TIFF, HEIF and AVIF are read)");
}

// Runs `work` and turns what libvips throws into one line of ours.
template <typename Work>
auto translated(const std::string& name, const Format& format, Work work) {
  vips_error_clear();  // warnings about earlier files stay in there
  try {
    return work();
  } catch (const vips::VError&) {
    const std::string detail = take_vips_message();
    throw unreadable(name, std::string("its ") + format.name +
                               " data are damaged, cut short or of an unsupported kind" +
                               (detail.empty() ? "" : " (" + detail + ")"));
  }
}

// Reads the header only; pixels come when asked for, from top to bottom.
VImage open(Bytes bytes, const Format& format, int shrink) {
  vips::VOption* options = VImage::option()
                               ->set("access", VIPS_ACCESS_SEQUENTIAL)
                               ->set("fail_on", VIPS_FAIL_ON_TRUNCATED);  // else damaged files pass
  if (shrink != 1) options->set("shrink", shrink);
  const auto release = [](VipsBlob* blob) { vips_area_unref(VIPS_AREA(blob)); };
  const std::unique_ptr<VipsBlob, decltype(release)> blob(vips_blob_new(nullptr, bytes.data(), bytes.size()),
                                                          release);
  return format.load(blob.get(), options);
}

void check_size(const VImage& image, const std::string& name, const ReadOptions& options) {
  const auto pixels = static_cast<std::uint64_t>(image.width()) * static_cast<std::uint64_t>(image.height());
  if (pixels > options.max_pixels) {
    throw unreadable(name, std::to_string(image.width()) + " x " + std::to_string(image.height()) +
                               " pixels are over the limit of " + std::to_string(options.max_pixels));
  }
}

// The XMP packet; empty where there is none.
std::string_view xmp_in(const VImage& image) {
  if (image.get_typeof(VIPS_META_XMP_NAME) != VIPS_TYPE_BLOB) return {};
  std::size_t size = 0;
  const auto* xmp = static_cast<const char*>(image.get_blob(VIPS_META_XMP_NAME, &size));
  return {xmp, size};
}

// EXIF's orientation, 1 to 8; anything else counts as upright. HEIF and AVIF have boxes for it (irot, imir),
// which libheif has followed by now: whatever Exif or XMP repeat must not turn the picture once more.
int orientation_of(const VImage& image, const Format& format) {
  if (format.load == VImage::heifload_buffer) return 1;
  int orientation = 0;
  if (image.get_typeof(VIPS_META_ORIENTATION) == G_TYPE_INT)
    orientation = image.get_int(VIPS_META_ORIENTATION);
  constexpr const char* kRawProfile = "png-comment-0-Raw profile type exif";
  if (orientation < 1 && image.get_typeof(kRawProfile) == VIPS_TYPE_REF_STRING) {
    orientation = orientation_in_raw_profile(image.get_string(kRawProfile));
  }
  if (orientation < 1) orientation = orientation_in_xmp(xmp_in(image));
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

bool swaps_sides(int orientation) { return orientation >= 5; }

std::uint8_t upper_byte(std::uint8_t value) { return value; }
std::uint8_t upper_byte(std::uint16_t value) { return static_cast<std::uint8_t>(value >> 8); }

bool is_cmyk(const VImage& image) {
  return image.interpretation() == VIPS_INTERPRETATION_CMYK && image.bands() >= 4;
}

// a * b / 255, rounded, in integers.
int share(int a, int b) {
  const int product = a * b + 128;
  return (product + (product >> 8)) >> 8;
}

template <typename Value>
void cmyk_row_to_rgb(const Value* source, int bands, int width, std::uint8_t* target) {
  for (int x = 0; x < width; ++x, source += bands, target += 3) {
    const int light = 255 - upper_byte(source[3]);
    for (int c = 0; c < 3; ++c)
      target[c] = static_cast<std::uint8_t>(light - share(upper_byte(source[c]), light));
  }
}

template <typename Value>
void row_to_rgb(const Value* source, int bands, int width, std::uint8_t* target) {
  if (bands == 3 && sizeof(Value) == 1) {
    std::memcpy(target, source, static_cast<std::size_t>(width) * 3);
  } else if (bands < 3) {  // grey, perhaps with alpha
    for (int x = 0; x < width; ++x) std::memset(target + 3 * x, upper_byte(source[x * bands]), 3);
  } else {  // further bands are alpha, and dropped
    for (int x = 0; x < width; ++x, source += bands, target += 3) {
      for (int c = 0; c < 3; ++c) target[c] = upper_byte(source[c]);
    }
  }
}

// Samples that are sRGB already, or that say nothing of their colours.
template <typename Value>
void plain_row_to_rgb(const VImage& image, const void* source, std::uint8_t* target) {
  const auto* samples = static_cast<const Value*>(source);
  (is_cmyk(image) ? cmyk_row_to_rgb<Value> : row_to_rgb<Value>)(samples, image.bands(), image.width(),
                                                                target);
}

// Fills `target` from top to bottom, each row by `to_srgb` where there is one.
void copy_rows(const VImage& image, const ToSrgb* to_srgb, Image& target) {
  const auto plain_row =
      image.format() == VIPS_FORMAT_USHORT ? plain_row_to_rgb<std::uint16_t> : plain_row_to_rgb<std::uint8_t>;
  constexpr int kStrip = 64;  // rows a step; decoded in this thread, without libvips' thread pool
  const vips::VRegion region = image.region();
  for (int top = 0; top < image.height(); top += kStrip) {
    const int rows = std::min(kStrip, image.height() - top);
    region.prepare(0, top, image.width(), rows);
    for (int y = top; y < top + rows; ++y) {
      const void* source = region.addr(0, y);
      if (to_srgb != nullptr) {
        to_srgb->row(source, target.row(y), image.width());
      } else {
        plain_row(image, source, target.row(y));
      }
    }
  }
}

Bytes embedded_profile(const VImage& image) {
  if (image.get_typeof(VIPS_META_ICC_NAME) != VIPS_TYPE_BLOB) return {};
  std::size_t size = 0;
  const auto* profile = static_cast<const std::byte*>(image.get_blob(VIPS_META_ICC_NAME, &size));
  return {profile, size};
}

// Cameras set to Adobe RGB say so by Exif's interoperability index "R03" (DCF 2.0) and often embed no
// profile.
bool is_tagged_adobe_rgb(const VImage& image) {
  constexpr const char* kIndex = "exif-ifd4-InteroperabilityIndex";
  return image.get_typeof(kIndex) == VIPS_TYPE_REF_STRING &&
         std::string_view(image.get_string(kIndex)).starts_with("R03");
}

// Code points of a PNG or HEIF file; both name the transfer functions of HDR, and so do some profiles.
void refuse_hdr(const std::optional<CodePoints>& points, Bytes profile, const std::string& name) {
  const char* hdr = points ? hdr_transfer(points->transfer) : nullptr;
  if (const auto transfer = transfer_in_profile(profile); hdr == nullptr && transfer)
    hdr = hdr_transfer(*transfer);
  if (hdr == nullptr) return;
  throw unreadable(name, std::string("its colours are coded for HDR screens (") + hdr +
                             "), which have no one picture in sRGB; convert it to PNG or JPEG");
}

// How samples of 8 or 16 bits become sRGB; nullopt where they are sRGB, or say nothing of what they are.
std::optional<ToSrgb> colors_of(const VImage& image, Bytes bytes, const Format& format,
                                const std::string& name) {
  const bool grey = image.bands() < 3;
  const SampleLayout layout{is_cmyk(image) ? SampleLayout::Space::kCmyk
                            : grey         ? SampleLayout::Space::kGrey
                                           : SampleLayout::Space::kRgb,
                            image.format() == VIPS_FORMAT_USHORT ? 2 : 1, image.bands()};
  const Bytes profile = embedded_profile(image);
  const bool png = format.load == VImage::pngload_buffer;
  const PngColor chunks = png ? png_color(bytes) : PngColor{};
  const auto points = format.load == VImage::heifload_buffer ? heif_code_points(bytes) : chunks.code_points;
  refuse_hdr(points, profile, name);
  // The order that PNG's third edition sets (13.13): cICP, iCCP, sRGB, then gAMA and cHRM.
  if (png && points) return ToSrgb::by_colorimetry(colorimetry_of(*points), layout);
  if (!profile.empty()) return ToSrgb::by_profile(profile, layout);
  if (points) return ToSrgb::by_colorimetry(colorimetry_of(*points), layout);
  if (chunks.colorimetry && !chunks.is_srgb) return ToSrgb::by_colorimetry(*chunks.colorimetry, layout);
  if (!grey && !is_cmyk(image) && is_tagged_adobe_rgb(image))
    return ToSrgb::by_colorimetry(kAdobeRgb, layout);
  return std::nullopt;
}

// L*a*b* of a TIFF as floats. libvips packs 8 bits into its form of 10 bits for L*, which stops at 1020 of
// 1023.
VImage unpacked_lab(const VImage& image) {
  const bool packed = image.coding() == VIPS_CODING_LABQ;
  const VImage lab = image.colourspace(VIPS_INTERPRETATION_LAB);
  if (!packed) return lab.cast(VIPS_FORMAT_FLOAT);
  return lab.linear({1023.0 / 1020, 1, 1}, {0, 0, 0}).cast(VIPS_FORMAT_FLOAT);
}

// Kinds of TIFF that libvips opens and reads wrong (ICC's own Lab, YCbCr outside JPEG), or whose numbers have
// no certain white: floats but for linear RGB, signed and 32-bit integers.
void refuse_uncertain(const VImage& image, Bytes bytes, const Format& format, const std::string& name) {
  const auto samples = image.format();
  const auto space = image.interpretation();
  if (format.load == VImage::tiffload_buffer) {
    constexpr int kPhotometric = 262, kCompression = 259, kYcbcr = 6, kIccLab = 9, kItuLab = 10, kJpeg = 7;
    const int photometric = tiff_tag(bytes, kPhotometric);
    if (photometric == kIccLab || photometric == kItuLab)
      throw unreadable(name, "it is a TIFF in ICC's or ITU's form of Lab; convert it to PNG or JPEG");
    if (photometric == kYcbcr && tiff_tag(bytes, kCompression) != kJpeg)
      throw unreadable(name, "it is a TIFF in YCbCr without JPEG; convert it to PNG or JPEG");
  }
  const bool lab = space == VIPS_INTERPRETATION_LAB || space == VIPS_INTERPRETATION_LABS;
  const bool linear =
      space == VIPS_INTERPRETATION_scRGB && samples == VIPS_FORMAT_FLOAT && image.bands() >= 3;
  if (samples != VIPS_FORMAT_UCHAR && samples != VIPS_FORMAT_USHORT && !lab &&
      !(linear && embedded_profile(image).empty())) {
    throw unreadable(name,
                     "its samples are floating-point, signed or 32-bit numbers; convert it to 8 or 16 bits");
  }
}

// The pixels as they lie in the file, brought to RGB.
Image decode_rgb(VImage image, Bytes bytes, const Format& format, const std::string& name) {
  refuse_uncertain(image, bytes, format, name);
  Image rgb(image.width(), image.height());
  const auto space = image.interpretation();
  if (image.coding() == VIPS_CODING_LABQ || space == VIPS_INTERPRETATION_LAB ||
      space == VIPS_INTERPRETATION_LABS) {
    image = unpacked_lab(image);
    const ToSrgb from_lab = ToSrgb::from_lab(image.bands());
    copy_rows(image, &from_lab, rgb);
    return rgb;
  }
  if (space == VIPS_INTERPRETATION_scRGB)
    image = image.colourspace(VIPS_INTERPRETATION_sRGB).cast(VIPS_FORMAT_UCHAR);
  const auto to_srgb = colors_of(image, bytes, format, name);
  copy_rows(image, to_srgb ? &*to_srgb : nullptr, rgb);
  return rgb;
}

// Turns and mirrors by EXIF's table of the eight cases: the upright picture's first pixel lies in some corner
// of the stored one, and its rows and columns run from there.
Image upright(Image stored, int orientation) {
  if (orientation == 1) return stored;
  const bool swapped = swaps_sides(orientation);
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const ImageView source = stored.view();
  const auto stride = static_cast<std::ptrdiff_t>(source.stride);
  const std::ptrdiff_t across = from_right ? -3 : 3, down = from_bottom ? -stride : stride;
  const std::uint8_t* corner =
      source.row(from_bottom ? source.height - 1 : 0) + (from_right ? 3 * (source.width - 1) : 0);
  const std::ptrdiff_t next_pixel = swapped ? down : across, next_row = swapped ? across : down;

  Image result(swapped ? stored.height() : stored.width(), swapped ? stored.width() : stored.height());
  for (int y = 0; y < result.height(); ++y) {
    std::uint8_t* target = result.row(y);
    for (int x = 0; x < result.width(); ++x, target += 3)
      std::memcpy(target, corner + y * next_row + x * next_pixel, 3);
  }
  return result;
}

}  // namespace

Image read_image(const std::filesystem::path& path, const ReadOptions& options) {
  const auto bytes = read_file_bytes(path, options.max_bytes, ErrorCode::kImageUnreadable);
  return decode_image(bytes, path.string(), options);
}

Image decode_image(Bytes bytes, const std::string& name, const ReadOptions& options) {
  start_vips();
  const Format format = format_or_throw(bytes, name, options);
  return translated(name, format, [&] {
    VImage image = open(bytes, format, /*shrink=*/1);
    check_size(image, name, options);
    int shrink = options.shrink;
    while (shrink > std::min(image.width(), image.height())) shrink /= 2;
    if (shrink != 1 && format.load == VImage::jpegload_buffer) image = open(bytes, format, shrink);
    return upright(decode_rgb(image, bytes, format, name), orientation_of(image, format));
  });
}

PhotoHeader read_photo_header(Bytes bytes, const std::string& name) {
  constexpr std::size_t kMostXmp = std::size_t{8} << 20;
  start_vips();
  const ReadOptions options;
  const Format format = format_or_throw(bytes, name, options);
  return translated(name, format, [&] {
    const VImage image = open(bytes, format, /*shrink=*/1);
    check_size(image, name, options);
    PhotoHeader header{.orientation = orientation_of(image, format)};
    header.size = swaps_sides(header.orientation) ? ImageSize{image.height(), image.width()}
                                                  : ImageSize{image.width(), image.height()};
    const std::string_view xmp = xmp_in(image);
    if (xmp.size() <= kMostXmp) header.xmp = xmp.substr(0, xmp.find('\0'));
    return header;
  });
}

ImageSize probe_image(Bytes bytes, const std::string& name, const ReadOptions& options) {
  start_vips();
  const Format format = format_or_throw(bytes, name, options);
  return translated(name, format, [&] {
    const VImage image = open(bytes, format, /*shrink=*/1);
    check_size(image, name, options);
    return swaps_sides(orientation_of(image, format)) ? ImageSize{image.height(), image.width()}
                                                      : ImageSize{image.width(), image.height()};
  });
}

}  // namespace likeness
