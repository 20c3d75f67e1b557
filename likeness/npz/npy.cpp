#include "likeness/npz/npy.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>

static_assert(std::endian::native == std::endian::little, "arrays are kept in little-endian order");

namespace likeness {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

[[noreturn]] void fail(const std::string& problem) { throw std::runtime_error(problem); }

/// Reads the Python dictionary that an .npy header is: three known keys, with a string, a bool and a tuple.
class DictReader {
 public:
  explicit DictReader(std::string_view text) : text_(text) {}

  void read(NpyHeader& header) {
    bool seen[3] = {};
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        if (peek() == '[') fail("is a structured array, which is not supported");
        header.dtype = quoted();
        seen[0] = true;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        seen[1] = true;
      } else if (key == "shape") {
        header.shape = tuple();
        seen[2] = true;
      } else {
        fail("has an unknown key '" + std::string(key) + "' in its header");
      }
      if (!accept(',') && peek() != '}') fail(kDamaged);
    }
    if (peek() != '\0') fail(kDamaged);
    if (!seen[0] || !seen[1] || !seen[2]) fail("lacks descr, fortran_order or shape in its header");
  }

 private:
  static constexpr const char* kDamaged = "has a damaged header";

  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char wanted) {
    if (peek() != wanted || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(kDamaged);
  }
  std::string_view quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail(kDamaged);
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail(kDamaged);
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inside;
  }
  bool boolean() {
    peek();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    fail(kDamaged);
  }
  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> values;
    expect('(');
    while (!accept(')')) {
      peek();
      std::size_t value = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc()) fail("has a shape that is not understood");
      at_ = static_cast<std::size_t>(end - text_.data());
      accept('L');  // written by Python 2
      values.push_back(value);
      if (values.size() > 32) fail("has more than 32 dimensions");
      if (!accept(',') && peek() != ')') fail(kDamaged);
    }
    return values;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Byte order, kind and size from a dtype such as "<f4".
void understand_dtype(NpyHeader& header) {
  const std::string& dtype = header.dtype;
  const auto refuse = [&](const std::string& why) {
    fail("holds " + why + " (dtype " + dtype.substr(0, 40) + ")");
  };
  if (dtype.find('O') != std::string::npos)
    refuse("Python objects, which are never unpickled; text becomes text by .astype(str)");
  if (dtype.size() < 3) refuse("an unknown type");
  header.kind = dtype[1];
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(dtype.data() + 2, dtype.data() + dtype.size(), number);
  if (error != std::errc() || end != dtype.data() + dtype.size()) refuse("an unknown type");
  const bool text = header.kind == 'S';
  const bool order_known = dtype[0] == '<' || dtype[0] == '>' || (dtype[0] == '|' && (number == 1 || text));
  if (!order_known || std::string_view("fiubUS").find(header.kind) == std::string_view::npos) {
    refuse("a type that is not supported");
  }
  header.big_endian = dtype[0] == '>';
  if (header.kind == 'U') {
    if (number == 0 || number > (std::size_t{1} << 28)) refuse("strings of an impossible length");
    header.item_size = number * 4;
  } else if (text) {
    if (number == 0 || number > (std::size_t{1} << 30)) refuse("strings of an impossible length");
    header.item_size = number;
  } else {
    if (number != 1 && number != 2 && number != 4 && number != 8) refuse("a type that is not supported");
    header.item_size = number;
  }
}

}  // namespace

std::size_t count_items(std::span<const std::size_t> shape) {
  // A zero makes the product zero, but the other sides may still not overflow it: NumPy refuses that too.
  std::size_t count = 1;
  std::size_t nonzero = 1;
  for (const std::size_t side : shape) {
    if (side != 0 && nonzero > std::numeric_limits<std::size_t>::max() / side)
      fail("has an impossible shape");
    count *= side;
    nonzero *= side == 0 ? 1 : side;
  }
  return count;
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::uint64_t total) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < 10 || !text.starts_with(kMagic)) fail("is not an .npy array");
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const int version = byte_at(6);
  if (version < 1 || version > 3 || byte_at(7) != 0) {
    fail("is an .npy array of unknown version " + std::to_string(version) + "." + std::to_string(byte_at(7)));
  }
  const std::size_t start = version == 1 ? 10 : 12;
  if (text.size() < start) fail("has a damaged header");
  std::size_t length = byte_at(8) | std::size_t{byte_at(9)} << 8;
  if (version > 1) length |= std::size_t{byte_at(10)} << 16 | std::size_t{byte_at(11)} << 24;
  if (length > kMaxNpyHeader) fail("has a header of " + std::to_string(length) + " bytes");
  if (start + length > text.size()) fail("ends inside its header");

  NpyHeader header;
  DictReader(text.substr(start, length)).read(header);
  understand_dtype(header);
  header.count = count_items(header.shape);
  header.data_at = start + length;
  const std::uint64_t room = total - header.data_at;
  if (header.count != room / header.item_size || room % header.item_size != 0) {
    fail("announces " + std::to_string(header.count) + " items of " + std::to_string(header.item_size) +
         " bytes, but holds " + std::to_string(room) + " bytes");
  }
  return header;
}

std::string make_npy_header(std::string_view dtype, std::span<const std::size_t> shape) {
  std::string dict = "{'descr': '" + std::string(dtype) + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) dict += ", ";
    dict += std::to_string(shape[i]);
  }
  dict += shape.size() == 1 ? ",), }" : "), }";
  // NumPy's rule: numbers begin at a multiple of 64, and the header ends in a newline.
  const std::size_t unpadded = 10 + dict.size() + 1;
  dict.append((64 - unpadded % 64) % 64, ' ');
  dict += '\n';
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(dict.size() & 0xFF), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

std::vector<std::byte> to_c_order(std::span<const std::byte> items, std::size_t item_size,
                                  std::span<const std::size_t> shape) {
  std::vector<std::byte> out(items.size());
  std::vector<std::size_t> stride(shape.size());
  std::size_t step = 1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    stride[axis] = step;
    step *= shape[axis];
  }
  // Counts up in C order while `from` follows in Fortran order.
  std::vector<std::size_t> index(shape.size());
  std::size_t from = 0;
  for (std::size_t to = 0; to < items.size(); to += item_size) {
    std::memcpy(out.data() + to, items.data() + from * item_size, item_size);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < shape[axis]) break;
      from -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

float half_to_float(std::uint16_t bits) {
  const bool negative = (bits & 0x8000) != 0;
  const int exponent = bits >> 10 & 0x1F;
  const int fraction = bits & 0x3FF;
  float value = 0;
  if (exponent == 0x1F) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  }
  return negative ? -value : value;
}

void swap_bytes(std::span<std::byte> bytes, std::size_t width) {
  for (std::size_t at = 0; at + width <= bytes.size(); at += width) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + width));
  }
}

std::u32string utf8_to_utf32(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const int length = lead < 0x80                   ? 1
                       : lead >= 0xC2 && lead < 0xE0 ? 2
                       : lead >= 0xE0 && lead < 0xF0 ? 3
                       : lead >= 0xF0 && lead < 0xF5 ? 4
                                                     : 0;
    if (length == 0 || i + static_cast<std::size_t>(length) > text.size()) fail("is not valid UTF-8");
    char32_t code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (int k = 1; k < length; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + static_cast<std::size_t>(k)]);
      if ((next & 0xC0) != 0x80) fail("is not valid UTF-8");
      code = code << 6 | (next & 0x3F);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail("is not valid UTF-8");
    out.push_back(code);
    i += static_cast<std::size_t>(length);
  }
  return out;
}

std::string utf32_to_utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t code : text) {
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail("is not valid Unicode");
    if (code < 0x80) {
      out += static_cast<char>(code);
      continue;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    out += static_cast<char>((0xFF00U >> (more + 1) & 0xFF) | code >> (6 * more));
    for (int k = more - 1; k >= 0; --k) out += static_cast<char>(0x80 | (code >> (6 * k) & 0x3F));
  }
  return out;
}

}  // namespace likeness
