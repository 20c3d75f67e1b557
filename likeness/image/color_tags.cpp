#include "likeness/image/color_tags.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace likeness {
namespace {

using Bytes = std::span<const std::byte>;

// Reads big-endian numbers one after the other. Past the end everything is 0 and ok() false.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::size_t left() const { return bytes_.size(); }
  Bytes take(std::size_t count) {
    if (count > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const Bytes taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    for (const std::byte byte : take(count)) value = value << 8U | std::to_integer<std::uint64_t>(byte);
    return value;
  }

 private:
  Bytes bytes_;
  bool ok_ = true;
};

bool is(Bytes name, std::string_view text) {
  return name.size() == text.size() && std::memcmp(name.data(), text.data(), text.size()) == 0;
}

struct Box {
  Bytes type;  // four letters; empty where there is no further box
  Bytes body;
};

// ISO/IEC 14496-12, 4.2: size, type, perhaps a long size; a size of 0 goes on to the end.
Box next_box(Cursor& boxes) {
  const std::size_t whole = boxes.left();
  std::uint64_t size = boxes.number(4);
  const Bytes type = boxes.take(4);
  std::size_t header = 8;
  if (size == 1) {
    size = boxes.number(8);
    header = 16;
  } else if (size == 0) {
    size = whole;
  }
  if (!boxes.ok() || size < header || size > whole) return {};
  return {type, boxes.take(static_cast<std::size_t>(size) - header)};
}

Bytes box_in(Bytes parent, std::string_view type) {
  Cursor boxes(parent);
  for (Box box = next_box(boxes); !box.type.empty(); box = next_box(boxes)) {
    if (is(box.type, type)) return box.body;
  }
  return {};
}

// Numbers, from 1, of the properties that ipma gives to `item` (ISO/IEC 23008-12, 9.3).
std::vector<std::size_t> properties_of(std::uint64_t item, Bytes ipma) {
  Cursor cursor(ipma);
  const auto version = cursor.number(1);
  const bool wide = (cursor.number(3) & 1U) != 0;
  const auto items = cursor.number(4);
  std::vector<std::size_t> found;
  for (std::uint64_t i = 0; i < items && cursor.ok(); ++i) {
    const bool mine = cursor.number(version < 1 ? 2 : 4) == item;
    const auto count = cursor.number(1);
    for (std::uint64_t k = 0; k < count && cursor.ok(); ++k) {
      const auto property = cursor.number(wide ? 2 : 1) & (wide ? 0x7FFFU : 0x7FU);
      if (mine) found.push_back(static_cast<std::size_t>(property));
    }
  }
  return found;
}

// A gamma that some camera or program may mean; others are damage. cHRM's white and primaries in 1/100000.
bool is_gamma(double gamma) { return gamma >= 0.2 && gamma <= 5; }

void read_chromaticities(Bytes chunk, Colorimetry& color) {
  if (chunk.size() != 32) return;
  Cursor cursor(chunk);
  std::array<double, 8> xy{};
  for (double& value : xy) value = static_cast<double>(cursor.number(4)) / 100000;
  for (std::size_t i = 0; i < 8; i += 2) {
    if (!(xy[i] >= 0 && xy[i + 1] > 0 && xy[i] + xy[i + 1] <= 1)) return;
  }
  color.white = {xy[0], xy[1]};
  for (std::size_t i = 0; i < 6; ++i) color.primaries[i] = xy[i + 2];
}

}  // namespace

const char* hdr_transfer(int transfer) { return transfer == 16 ? "PQ" : transfer == 18 ? "HLG" : nullptr; }

Colorimetry colorimetry_of(CodePoints points) {
  Colorimetry color;
  if (points.primaries == 9) color.primaries = {0.708, 0.292, 0.170, 0.797, 0.131, 0.046};
  if (points.primaries == 11 || points.primaries == 12) {
    color.primaries = {0.680, 0.320, 0.265, 0.690, 0.150, 0.060};
    if (points.primaries == 11) color.white = {0.314, 0.351};
  }
  if (points.transfer == 4) color.gamma = 2.2;
  if (points.transfer == 5) color.gamma = 2.8;
  if (points.transfer == 8) color.gamma = 1;
  if (points.transfer == 17) color.gamma = 2.6;
  return color;
}

PngColor png_color(Bytes png) {
  PngColor found;
  std::optional<double> gamma;
  Colorimetry numbers;
  Cursor cursor(png);
  (void)cursor.take(8);
  while (cursor.ok()) {
    const auto length = cursor.number(4);
    const Bytes type = cursor.take(4);
    const Bytes body = cursor.take(static_cast<std::size_t>(length));
    (void)cursor.take(4);  // the checksum; libvips looks at it
    if (!cursor.ok() || is(type, "IDAT")) break;
    if (is(type, "sRGB")) found.is_srgb = true;
    if (is(type, "cHRM")) read_chromaticities(body, numbers);
    if (is(type, "gAMA") && body.size() == 4) {
      const double value = 100000.0 / static_cast<double>(Cursor(body).number(4));
      if (is_gamma(value)) gamma = value;
    }
    if (is(type, "cICP") && body.size() == 4) {
      found.code_points = {std::to_integer<int>(body[0]), std::to_integer<int>(body[1])};
    }
  }
  if (gamma) {
    numbers.gamma = *gamma;
    found.colorimetry = numbers;
  }
  return found;
}

std::optional<CodePoints> heif_code_points(Bytes heif) {
  Bytes meta = box_in(heif, "meta");
  if (meta.size() < 4) return std::nullopt;
  meta = meta.subspan(4);  // version and flags
  Cursor primary(box_in(meta, "pitm"));
  const auto version = primary.number(1);
  (void)primary.take(3);
  const auto item = primary.number(version == 0 ? 2 : 4);
  if (!primary.ok()) return std::nullopt;

  const Bytes iprp = box_in(meta, "iprp");
  const auto mine = properties_of(item, box_in(iprp, "ipma"));
  Cursor properties(box_in(iprp, "ipco"));
  std::size_t number = 1;
  for (Box box = next_box(properties); !box.type.empty(); box = next_box(properties), ++number) {
    if (!is(box.type, "colr") || std::ranges::find(mine, number) == mine.end()) continue;
    Cursor color(box.body);
    if (!is(color.take(4), "nclx")) continue;
    const auto primaries = static_cast<int>(color.number(2));
    const auto transfer = static_cast<int>(color.number(2));
    if (color.ok()) return CodePoints{primaries, transfer};
  }
  return std::nullopt;
}

}  // namespace likeness
