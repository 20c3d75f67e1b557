#include "likeness/npz/npz.h"

#include <zip.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/npz/npy.h"

namespace likeness {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr zip_int64_t kMaxMembers = 100'000;
/// Deflate cannot do better than 1,032 to 1; a member that claims more is not what it says.
constexpr std::uint64_t kMaxDeflateRatio = 1032;
/// A std::string costs 32 bytes where a short `<U` item costs 4; this keeps them from eating the machine.
constexpr std::size_t kMaxStrings = std::size_t{1} << 26;

template <typename T>
constexpr std::string_view kDtype;
template <>
constexpr std::string_view kDtype<float> = "<f4";
template <>
constexpr std::string_view kDtype<double> = "<f8";
template <>
constexpr std::string_view kDtype<bool> = "|b1";
template <>
constexpr std::string_view kDtype<std::uint8_t> = "|u1";
template <>
constexpr std::string_view kDtype<std::int32_t> = "<i4";
template <>
constexpr std::string_view kDtype<std::int64_t> = "<i8";
template <>
constexpr std::string_view kDtype<std::string> = "<U";

struct CloseMember {
  void operator()(zip_file_t* member) const { zip_fclose(member); }
};
using OpenMember = std::unique_ptr<zip_file_t, CloseMember>;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};

std::string describe(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

/// What a file is that is no zip archive, where its first bytes say so; or empty.
std::string other_kind(zip_source_t* source) {
  if (zip_source_open(source) != 0) return {};
  char bytes[8] = {};
  const zip_int64_t count = zip_source_read(source, bytes, sizeof bytes);
  zip_source_close(source);
  if (count <= 0) return count == 0 ? "empty" : "";
  const std::string_view head(bytes, static_cast<std::size_t>(count));
  const std::string stored = "; numpy.savez(FILE, rows, labels) stores both as .npz";
  if (head.starts_with("\x93NUMPY")) return "one NumPy array (.npy)" + stored;
  if (head.starts_with("\x89HDF")) return "an HDF5 file" + stored;
  if (head.size() > 1 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5)
    return "a Python pickle, which is never opened" + stored;
  return {};
}

}  // namespace

struct NpzFile::Archive {
  std::unique_ptr<zip_t, Discard> zip;
  std::string file;

  [[noreturn]] void fail(const std::string& member, const std::string& problem) const {
    throw Error(ErrorCode::kDataInvalid, file + ": member " + member + " " + problem);
  }

  void open(zip_source_t* source) {
    zip_error_t error;
    zip_error_init(&error);
    zip.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
    if (!zip) {
      const std::string kind = other_kind(source);
      zip_source_free(source);
      if (!kind.empty()) throw Error(ErrorCode::kDataInvalid, file + " is " + kind);
      throw Error(ErrorCode::kDataInvalid, file + " is not a readable .npz file: " + describe(error));
    }
    zip_error_fini(&error);
    const zip_int64_t members = zip_get_num_entries(zip.get(), 0);
    if (members > kMaxMembers) throw Error(ErrorCode::kDataInvalid, file + " has too many members");
    std::set<std::string_view> seen;
    for (zip_int64_t i = 0; i < members; ++i) {
      const char* name = zip_get_name(zip.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      if (name != nullptr && !seen.insert(name).second) fail(name, "is there twice");
    }
  }

  /// Checks the sizes in the archive's directory and opens the member.
  OpenMember open_member(const std::string& name, std::uint64_t& size) const {
    const std::string full = name + std::string(kSuffix);
    zip_stat_t stat;
    const zip_int64_t index = zip_name_locate(zip.get(), full.c_str(), ZIP_FL_ENC_RAW);
    if (index < 0 || zip_stat_index(zip.get(), static_cast<zip_uint64_t>(index), 0, &stat) != 0) {
      throw Error(ErrorCode::kDataInvalid, file + " has no member " + name);
    }
    constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((stat.valid & kNeeded) != kNeeded) fail(name, "has no size");
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
      fail(name,
           "is compressed in a way NumPy does not use (method " + std::to_string(stat.comp_method) + ")");
    }
    if (stat.size > kMaxNpzMemberBytes) fail(name, "is over 4 GiB (" + std::to_string(stat.size) + " bytes)");
    if (stat.size / kMaxDeflateRatio > stat.comp_size + 64) fail(name, "claims an impossible size");
    OpenMember member(zip_fopen_index(zip.get(), static_cast<zip_uint64_t>(index), 0));
    if (!member) fail(name, std::string("cannot be read: ") + zip_strerror(zip.get()));
    size = stat.size;
    return member;
  }

  /// Reads exactly `count` more bytes.
  void read(zip_file_t* member, const std::string& name, std::span<std::byte> into) const {
    while (!into.empty()) {
      const zip_int64_t got = zip_fread(member, into.data(), into.size());
      if (got < 0) fail(name, std::string("cannot be read: ") + zip_file_strerror(member));
      if (got == 0) fail(name, "ends too early");
      into = into.subspan(static_cast<std::size_t>(got));
    }
  }

  NpyHeader read_header(zip_file_t* member, const std::string& name, std::uint64_t size,
                        std::vector<std::byte>& head) const {
    head.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size, kMaxNpyHeader + 12)));
    read(member, name, head);
    try {
      return parse_npy_header(head, size);
    } catch (const std::runtime_error& error) {
      fail(name, error.what());
    }
  }

  /// Header and items, in C order and little-endian; of any type where `dtype` is empty.
  std::vector<std::byte> read_items(const std::string& name, std::string_view dtype,
                                    NpyHeader& header) const {
    std::uint64_t size = 0;
    const OpenMember member = open_member(name, size);
    std::vector<std::byte> head;
    header = read_header(member.get(), name, size, head);
    const bool is_text = dtype == kDtype<std::string>;
    const bool text_there = header.kind == 'U' || header.kind == 'S';
    if (!dtype.empty() && (is_text ? !text_there : header.dtype.substr(1) != dtype.substr(1))) {
      fail(name, "holds " + header.dtype + " where " + std::string(dtype) + " is wanted");
    }
    if (is_text && header.count > kMaxStrings) fail(name, "holds too many strings");
    std::vector<std::byte> items(static_cast<std::size_t>(size) - header.data_at);
    const std::size_t have = std::min(items.size(), head.size() - header.data_at);
    std::copy_n(head.begin() + static_cast<std::ptrdiff_t>(header.data_at), have, items.begin());
    read(member.get(), name, std::span(items).subspan(have));
    std::byte beyond{};
    // Also where libzip checks the CRC.
    const zip_int64_t more = zip_fread(member.get(), &beyond, 1);
    if (more < 0) fail(name, std::string("cannot be read: ") + zip_file_strerror(member.get()));
    if (more > 0) fail(name, "is longer than the archive says");
    if (header.big_endian) swap_bytes(items, header.kind == 'U' ? 4 : header.item_size);
    if (header.fortran_order && header.shape.size() > 1)
      items = to_c_order(items, header.item_size, header.shape);
    return items;
  }
};

NpzFile::NpzFile(const std::filesystem::path& path)
    : archive_(std::make_unique<Archive>()), file_(path.string()) {
  archive_->file = file_;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) throw Error(ErrorCode::kInputUnreadable, "no file " + file_);
  if (std::filesystem::is_directory(path, ignored)) {
    throw Error(ErrorCode::kInputUnreadable, file_ + " is a folder, not an .npz file");
  }
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_file_create(path.c_str(), 0, -1, &error);
  if (source == nullptr)
    throw Error(ErrorCode::kInputUnreadable, "cannot read " + file_ + ": " + describe(error));
  zip_error_fini(&error);
  archive_->open(source);
}

NpzFile::NpzFile(std::span<const std::byte> bytes, std::string name)
    : archive_(std::make_unique<Archive>()), file_(std::move(name)) {
  archive_->file = file_;
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr)
    throw Error(ErrorCode::kInputUnreadable, "cannot read " + file_ + ": " + describe(error));
  zip_error_fini(&error);
  archive_->open(source);
}

NpzFile::~NpzFile() = default;
NpzFile::NpzFile(NpzFile&&) noexcept = default;
NpzFile& NpzFile::operator=(NpzFile&&) noexcept = default;

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> names;
  const zip_int64_t members = zip_get_num_entries(archive_->zip.get(), 0);
  for (zip_int64_t i = 0; i < members; ++i) {
    const char* name = zip_get_name(archive_->zip.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    const std::string_view view = name != nullptr ? name : "";
    if (view.ends_with(kSuffix)) names.emplace_back(view.substr(0, view.size() - kSuffix.size()));
  }
  return names;
}

bool NpzFile::contains(std::string_view name) const {
  const std::string full = std::string(name) + std::string(kSuffix);
  return zip_name_locate(archive_->zip.get(), full.c_str(), ZIP_FL_ENC_RAW) >= 0;
}

ArrayInfo NpzFile::info(const std::string& name) const {
  std::uint64_t size = 0;
  const OpenMember member = archive_->open_member(name, size);
  std::vector<std::byte> head;
  const NpyHeader header = archive_->read_header(member.get(), name, size, head);
  return {header.dtype, header.shape};
}

template <typename T>
Array<T> NpzFile::get(const std::string& name) const {
  NpyHeader header;
  const std::vector<std::byte> items = archive_->read_items(name, kDtype<T>, header);
  Array<T> array{header.shape, std::vector<T>(header.count)};
  if constexpr (std::is_same_v<T, bool>) {
    std::transform(items.begin(), items.end(), array.values.begin(),
                   [](std::byte b) { return b != std::byte{0}; });
  } else if (!items.empty()) {
    std::memcpy(array.values.data(), items.data(), items.size());
  }
  return array;
}

template <>
Array<std::string> NpzFile::get(const std::string& name) const {
  NpyHeader header;
  const std::vector<std::byte> items = archive_->read_items(name, kDtype<std::string>, header);
  Array<std::string> array{header.shape, std::vector<std::string>(header.count)};
  if (header.kind == 'S') {
    for (std::size_t i = 0; i < header.count; ++i) {
      const std::string_view bytes(reinterpret_cast<const char*>(items.data()) + i * header.item_size,
                                   header.item_size);
      const std::size_t last = bytes.find_last_not_of('\0');
      array.values[i] = bytes.substr(0, last + 1);
      try {
        (void)utf8_to_utf32(array.values[i]);
      } catch (const std::runtime_error& error) {
        archive_->fail(name, "item " + std::to_string(i) + " " + error.what());
      }
    }
    return array;
  }
  std::u32string text(header.item_size / 4, U'\0');
  for (std::size_t i = 0; i < header.count; ++i) {
    std::memcpy(text.data(), items.data() + i * header.item_size, header.item_size);
    const std::size_t last = text.find_last_not_of(U'\0');
    try {
      array.values[i] = utf32_to_utf8(std::u32string_view(text).substr(0, last + 1));
    } catch (const std::runtime_error& error) {
      archive_->fail(name, "item " + std::to_string(i) + " " + error.what());
    }
  }
  return array;
}

template Array<float> NpzFile::get(const std::string&) const;
template Array<double> NpzFile::get(const std::string&) const;
template Array<bool> NpzFile::get(const std::string&) const;
template Array<std::uint8_t> NpzFile::get(const std::string&) const;
template Array<std::int32_t> NpzFile::get(const std::string&) const;
template Array<std::int64_t> NpzFile::get(const std::string&) const;

namespace {

/// Items of type From, one by one, as To.
template <typename From, typename To>
void convert(const std::vector<std::byte>& items, std::vector<To>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    From value;
    std::memcpy(&value, items.data() + i * sizeof(From), sizeof(From));
    values[i] = static_cast<To>(value);
  }
}

/// Whole numbers of any width; false for other types.
template <typename To>
bool convert_whole(const NpyHeader& header, const std::vector<std::byte>& items, std::vector<To>& values) {
  const std::string type = header.kind == 'b' ? "u1" : header.dtype.substr(1);
  if (type == "i1") return convert<std::int8_t>(items, values), true;
  if (type == "i2") return convert<std::int16_t>(items, values), true;
  if (type == "i4") return convert<std::int32_t>(items, values), true;
  if (type == "i8") return convert<std::int64_t>(items, values), true;
  if (type == "u1") return convert<std::uint8_t>(items, values), true;
  if (type == "u2") return convert<std::uint16_t>(items, values), true;
  if (type == "u4") return convert<std::uint32_t>(items, values), true;
  if (type == "u8") return convert<std::uint64_t>(items, values), true;
  return false;
}

}  // namespace

Array<float> NpzFile::floats(const std::string& name) const {
  NpyHeader header;
  const std::vector<std::byte> items = archive_->read_items(name, "", header);
  Array<float> array{header.shape, std::vector<float>(header.count)};
  if (header.kind == 'f' && header.item_size == 2) {
    for (std::size_t i = 0; i < header.count; ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, items.data() + i * sizeof bits, sizeof bits);
      array.values[i] = half_to_float(bits);
    }
  } else if (header.kind == 'f' && header.item_size == 4) {
    convert<float>(items, array.values);
  } else if (header.kind == 'f' && header.item_size == 8) {
    convert<double>(items, array.values);
  } else if (!convert_whole(header, items, array.values)) {
    archive_->fail(name, "holds " + header.dtype + " where numbers are wanted");
  }
  return array;
}

Array<std::int64_t> NpzFile::whole_numbers(const std::string& name) const {
  NpyHeader header;
  const std::vector<std::byte> items = archive_->read_items(name, "", header);
  Array<std::int64_t> array{header.shape, std::vector<std::int64_t>(header.count)};
  if (!convert_whole(header, items, array.values))
    archive_->fail(name, "holds " + header.dtype + " where whole numbers are wanted");
  if (header.dtype.substr(1) == "u8" && std::ranges::any_of(array.values, [](auto v) { return v < 0; }))
    archive_->fail(name, "holds a number over 64 bits with a sign");
  return array;
}

std::vector<std::string> NpzFile::strings(const std::string& name) const {
  Array<std::string> array = get<std::string>(name);
  if (array.shape.size() != 1) archive_->fail(name, "is not a list of strings");
  return std::move(array.values);
}

std::string NpzFile::text(const std::string& name) const {
  Array<std::string> array = get<std::string>(name);
  if (!array.shape.empty()) archive_->fail(name, "is not a single string");
  return std::move(array.values.front());
}

NpzMember text_member(std::string name, std::string text) {
  return {std::move(name), Array<std::string>{{}, {std::move(text)}}};
}

NpzMember strings_member(std::string name, std::vector<std::string> strings) {
  const std::size_t count = strings.size();
  return {std::move(name), Array<std::string>{{count}, std::move(strings)}};
}

namespace {

/// One member ready for libzip: the header is ours, the numbers lie where the caller has them where possible.
struct Encoded {
  std::string name;
  std::string header;
  std::vector<std::byte> converted;
  std::vector<std::span<const std::byte>> items;  // One behind the other.

  [[nodiscard]] std::size_t bytes() const {
    std::size_t bytes = 0;
    for (const auto& piece : items) bytes += piece.size();
    return bytes;
  }
};

std::size_t count_values(const ByteRows& rows) {
  std::size_t count = 0;
  for (const auto& piece : rows.values) count += piece.size();
  return count;
}

template <typename T>
std::size_t count_values(const Array<T>& array) {
  return array.values.size();
}

template <typename T>
void encode_items(const Array<T>& array, Encoded& out) {
  if constexpr (std::is_same_v<T, bool>) {
    out.converted.resize(array.values.size());
    std::transform(array.values.begin(), array.values.end(), out.converted.begin(),
                   [](bool b) { return b ? std::byte{1} : std::byte{0}; });
    out.items = {out.converted};
  } else {
    out.items = {std::as_bytes(std::span(array.values))};
  }
  out.header = make_npy_header(kDtype<T>, array.shape);
}

void encode_items(const Array<std::string>& array, Encoded& out) {
  std::vector<std::u32string> texts;
  std::size_t longest = 1;  // NumPy has no strings of length 0 either
  for (const std::string& value : array.values) {
    try {
      texts.push_back(utf8_to_utf32(value));
    } catch (const std::runtime_error& error) {
      throw Error(ErrorCode::kDataInvalid,
                  "cannot store \"" + value + "\" in " + out.name + ": it " + error.what());
    }
    longest = std::max(longest, texts.back().size());
  }
  if (longest > kMaxNpzMemberBytes / 4 / std::max<std::size_t>(texts.size(), 1)) {
    throw Error(ErrorCode::kDataInvalid, "cannot store " + out.name + ": its strings would take over 4 GiB");
  }
  out.converted.resize(texts.size() * longest * 4);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::memcpy(out.converted.data() + i * longest * 4, texts[i].data(), texts[i].size() * 4);
  }
  out.items = {out.converted};
  out.header = make_npy_header("<U" + std::to_string(longest), array.shape);
}

void encode_items(const ByteRows& rows, Encoded& out) {
  for (const auto& piece : rows.values) {
    if (!piece.empty()) out.items.push_back(std::as_bytes(piece));
  }
  out.header = make_npy_header(kDtype<std::uint8_t>, rows.shape);
}

Encoded encode(const NpzMember& member) {
  Encoded out;
  out.name = member.name + std::string(kSuffix);
  std::visit(
      [&](const auto& array) {
        if (count_items(array.shape) != count_values(array)) {
          throw std::invalid_argument("array " + member.name + ": shape and number of values disagree");
        }
        encode_items(array, out);
      },
      member.array);
  if (out.header.size() + out.bytes() > kMaxNpzMemberBytes) {
    throw Error(ErrorCode::kDataInvalid, "cannot store " + out.name + ": it would be over 4 GiB");
  }
  return out;
}

/// Whether deflating is worth its time: a sample from the middle shrinks to three quarters or less. Chips cut
/// from larger faces shrink by a fifth, for a fifteenth of all that `likeness run` computes; chips of the
/// tutorial's way, whose pixels repeat, to a third.
bool shrinks(const Encoded& member) {
  constexpr std::size_t kSample = 64 << 10;
  if (member.bytes() <= kSample) return true;
  std::vector<std::byte> sample;
  std::size_t skipped = (member.bytes() - kSample) / 2;
  for (const auto& piece : member.items) {
    const std::size_t from = std::min(skipped, piece.size());
    skipped -= from;
    const auto part = piece.subspan(from, std::min(piece.size() - from, kSample - sample.size()));
    sample.insert(sample.end(), part.begin(), part.end());
  }
  uLongf size = compressBound(kSample);
  std::vector<Bytef> deflated(size);
  const int code =
      compress2(deflated.data(), &size, reinterpret_cast<const Bytef*>(sample.data()), kSample, 6);
  return code != Z_OK || size * 4 <= kSample * 3;
}

bool add(zip_t* archive, Encoded& member, bool compressed) {
  std::vector<zip_buffer_fragment_t> parts = {
      {reinterpret_cast<zip_uint8_t*>(member.header.data()), member.header.size()}};
  for (const auto& piece : member.items) {
    if (piece.empty()) continue;
    // libzip only reads through this pointer.
    parts.push_back(
        {const_cast<zip_uint8_t*>(reinterpret_cast<const zip_uint8_t*>(piece.data())), piece.size()});
  }
  zip_source_t* source = zip_source_buffer_fragment(archive, parts.data(), parts.size(), 0);
  if (source == nullptr) return false;
  const zip_int64_t index = zip_file_add(archive, member.name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return false;
  }
  // 1980-01-01 00:00 in DOS's spelling, as NumPy writes.
  constexpr zip_uint16_t kDate = 0 << 9 | 1 << 5 | 1;
  const auto at = static_cast<zip_uint64_t>(index);
  return zip_file_set_dostime(archive, at, 0, kDate, 0) == 0 &&
         zip_set_file_compression(archive, at, compressed && shrinks(member) ? ZIP_CM_DEFLATE : ZIP_CM_STORE,
                                  6) == 0;
}

}  // namespace

void write_npz(const std::filesystem::path& path, const std::vector<NpzMember>& members, bool compressed) {
  std::vector<Encoded> encoded;
  for (const NpzMember& member : members) encoded.push_back(encode(member));
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorCode::kOutputUnwritable, "cannot write " + path.string() + ": " + why);
  };

  AtomicFile file(path);
  int code = 0;
  zip_t* opened = zip_open(file.temporary().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (opened == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    fail(describe(error));
  }
  std::unique_ptr<zip_t, Discard> archive(opened);
  for (Encoded& member : encoded) {
    if (!add(archive.get(), member, compressed)) fail(zip_strerror(archive.get()));
  }
  if (zip_close(archive.get()) != 0) fail(zip_strerror(archive.get()));
  archive.release();
  file.commit();
}

}  // namespace likeness
