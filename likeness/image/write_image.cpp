#include "likeness/image/write_image.h"

#include <cstring>
#include <memory>
#include <stdexcept>
#include <vips/vips8>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/image/vips_setup.h"

namespace likeness {
namespace {

using vips::VImage;

// `save` gets the picture as libvips sees it and returns the file; both share the caller's pixels meanwhile.
template <typename Save>
std::vector<std::byte> encode(ImageView image, Save save) {
  if (image.empty()) throw std::invalid_argument("an empty picture cannot be written");
  start_vips();
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
  std::vector<std::uint8_t> packed;
  const std::uint8_t* pixels = image.data;
  if (image.stride != row_bytes) {
    packed.resize(row_bytes * static_cast<std::size_t>(image.height));
    for (int y = 0; y < image.height; ++y)
      std::memcpy(&packed[row_bytes * static_cast<std::size_t>(y)], image.row(y), row_bytes);
    pixels = packed.data();
  }
  try {
    const VImage picture = VImage::new_from_memory(const_cast<std::uint8_t*>(pixels),
                                                   row_bytes * static_cast<std::size_t>(image.height),
                                                   image.width, image.height, 3, VIPS_FORMAT_UCHAR)
                               .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
    const auto release = [](VipsBlob* blob) { vips_area_unref(VIPS_AREA(blob)); };
    const std::unique_ptr<VipsBlob, decltype(release)> blob(save(picture), release);
    std::size_t size = 0;
    const auto* data = static_cast<const std::byte*>(vips_blob_get(blob.get(), &size));
    return {data, data + size};
  } catch (const vips::VError&) {
    throw Error(ErrorCode::kOutputUnwritable, "cannot encode a picture: " + take_vips_message());
  }
}

}  // namespace

std::vector<std::byte> encode_png(ImageView image) {
  return encode(image, [](const VImage& picture) { return picture.pngsave_buffer(); });
}

std::vector<std::byte> encode_jpeg(ImageView image, int quality) {
  constexpr int kMaxSide = 65535;  // the format's
  if (quality < 1 || quality > 100) throw std::invalid_argument("JPEG quality goes from 1 to 100");
  if (image.width > kMaxSide || image.height > kMaxSide)
    throw std::invalid_argument("a JPEG's sides end at 65535");
  return encode(image, [quality](const VImage& picture) {
    return picture.jpegsave_buffer(VImage::option()->set("Q", quality));
  });
}

void write_png(const std::filesystem::path& path, ImageView image) { write_file(path, encode_png(image)); }

}  // namespace likeness
