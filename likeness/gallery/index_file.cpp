#include "likeness/gallery/index_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "likeness/gallery/checked_file.h"
#include "likeness/gallery/sketch_index.h"

namespace likeness {
namespace {

constexpr char kMagic[9] = "LKNSIDX2";
constexpr std::size_t kIdentityDigits = 32;

struct Header {
  char magic[8];
  char identity[kIdentityDigits];
  std::uint32_t kind;  // IndexKind
  std::uint32_t dimension;
  std::uint64_t rows;
};

}  // namespace

/// Knows the insides of an int8 index.
class IndexFile {
 public:
  using Index = ExactIndex<std::int32_t>;

  static void save(const Index& index, const std::filesystem::path& path, const std::string& identity,
                   std::span<const std::int64_t> without, bool for_owner) {
    std::vector<std::size_t> rows;  // that are written
    std::vector<std::int64_t> faces;
    std::vector<float> scales;
    for (std::size_t row = 0; row < index.rows_.size(); ++row) {
      const std::int64_t face = index.table_.face(row);
      if (!without.empty() && (face == FaceTable::kGone || std::ranges::binary_search(without, face)))
        continue;
      rows.push_back(row);
      faces.push_back(face);
      scales.push_back(index.scales_[row]);
    }
    Header header{};
    std::memcpy(header.magic, kMagic, sizeof(header.magic));
    std::memcpy(header.identity, identity.data(), std::min(identity.size(), kIdentityDigits));
    header.kind = static_cast<std::uint32_t>(index.options_.kind);
    header.dimension = static_cast<std::uint32_t>(index.options_.dimension);
    header.rows = rows.size();
    CheckedWriter file(path, for_owner);
    file.write_values(std::span<const Header>(&header, 1));
    file.write_values(std::span<const std::int64_t>(faces));
    file.write_values(std::span<const float>(scales));
    write_rows(file, index.rows_, rows);
    if (const auto* sketches = dynamic_cast<const SketchIndex*>(&index))
      write_sketches(file, sketches->blocks_, rows);
    file.finish();
  }

  static std::unique_ptr<SearchIndex> load(const std::filesystem::path& path, const std::string& identity,
                                           const IndexOptions& options) {
    CheckedReader file(path);
    Header header{};
    file.read(std::as_writable_bytes(std::span(&header, 1)));
    if (std::memcmp(header.magic, kMagic, sizeof(header.magic)) != 0)
      file.fail("not an index of this version");
    if (identity.size() != kIdentityDigits ||
        std::memcmp(header.identity, identity.data(), kIdentityDigits) != 0) {
      file.fail("the index of another gallery");
    }
    if (header.dimension != options.dimension) file.fail("an index of another dimension");
    if (header.kind != static_cast<std::uint32_t>(options.kind)) {
      const bool known = header.kind == static_cast<std::uint32_t>(IndexKind::kExactInt8) ||
                         header.kind == static_cast<std::uint32_t>(IndexKind::kSketch);
      if (!known) file.fail("an index of no known kind");
      throw Error(ErrorCode::kUnsupported, path.string() + ": an index of another kind");
    }
    auto made = make_index(options);
    auto& index = dynamic_cast<Index&>(*made);
    read_faces(file, header.rows, index);
    if (auto* sketches = dynamic_cast<SketchIndex*>(&index)) {
      read_rows(file, (header.rows + kSketchBlockRows - 1) / kSketchBlockRows, sketches->blocks_);
    }
    file.finish();
    return made;
  }

 private:
  static void write_rows(CheckedWriter& file, const Rows& rows, std::span<const std::size_t> wanted) {
    for (std::size_t first = 0, end = 0; first < wanted.size(); first = end) {
      // As many as lie one behind another.
      const std::size_t row = wanted[first];
      const std::size_t most = std::min(wanted.size() - first, Rows::kChunkRows - row % Rows::kChunkRows);
      for (end = first + 1; end < first + most && wanted[end] == row + end - first;) ++end;
      file.write({rows[row], (end - first) * rows.row_bytes()});
    }
  }

  /// Sketches lie in blocks, word by word, with zeros after the last one.
  static void write_sketches(CheckedWriter& file, const Rows& blocks, std::span<const std::size_t> wanted) {
    std::vector<std::uint64_t> block(blocks.row_bytes() / sizeof(std::uint64_t));
    for (std::size_t first = 0; first < wanted.size(); first += kSketchBlockRows) {
      std::ranges::fill(block, 0);
      for (std::size_t i = 0; i < std::min(kSketchBlockRows, wanted.size() - first); ++i) {
        const std::size_t row = wanted[first + i];
        const auto* from = reinterpret_cast<const std::uint64_t*>(blocks[row / kSketchBlockRows]);
        for (std::size_t word = 0; word < block.size(); word += kSketchBlockRows)
          block[word + i] = from[word + row % kSketchBlockRows];
      }
      file.write_values(std::span<const std::uint64_t>(block));
    }
  }

  static void read_rows(CheckedReader& file, std::uint64_t count, Rows& rows) {
    if (count > UINT32_MAX || count * rows.row_bytes() > file.left()) file.fail("cut short");
    while (rows.size() < count)
      file.read(rows.append_unset(std::min<std::size_t>(Rows::kChunkRows, count - rows.size())));
  }

  static void read_faces(CheckedReader& file, std::uint64_t count, Index& index) {
    if (count > UINT32_MAX || count * index.rows_.row_bytes() > file.left()) file.fail("cut short");
    auto faces = file.read_values<std::int64_t>(count);
    require_faces(file, faces);
    index.table_.restore(std::move(faces));
    index.scales_ = file.read_values<float>(count);
    const auto usable = [](float scale) { return std::isfinite(scale) && scale >= 0 && scale <= 1; };
    if (!std::ranges::all_of(index.scales_, usable)) file.fail("damaged (a scale out of range)");
    read_rows(file, count, index.rows_);
  }

  static void require_faces(const CheckedReader& file, std::vector<std::int64_t> faces) {
    std::erase(faces, FaceTable::kGone);
    const auto not_rising = [](std::int64_t a, std::int64_t b) { return a >= b; };
    if ((!faces.empty() && faces.front() < 0) ||
        std::ranges::adjacent_find(faces, not_rising) != faces.end()) {
      file.fail("damaged (faces do not rise)");
    }
  }
};

std::filesystem::path index_path(const std::filesystem::path& gallery) { return gallery.string() + ".index"; }

std::filesystem::path index_path_in(const std::filesystem::path& folder, const std::string& identity,
                                    Shard shard) {
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (folder.empty() || identity.size() != kIdentityDigits || !std::ranges::all_of(identity, digit))
    return {};
  const std::string part =
      shard.of == 1 ? "" : "." + std::to_string(shard.number) + "-of-" + std::to_string(shard.of);
  return folder / (identity + part + ".index");
}

std::string identity_of_index(const std::string& identity, Shard shard) {
  if (shard.of == 1) return identity;
  const std::string whole = identity + "/" + std::to_string(shard.number) + "/" + std::to_string(shard.of);
  return sha256(std::as_bytes(std::span(whole))).substr(0, kIdentityDigits);
}

bool can_be_saved(const SearchIndex& index) {
  return dynamic_cast<const IndexFile::Index*>(&index) != nullptr;
}

void save_index(const SearchIndex& index, const std::filesystem::path& path, const std::string& identity,
                std::span<const std::int64_t> without, IndexReaders readers) {
  const auto* rows = dynamic_cast<const IndexFile::Index*>(&index);
  if (!rows) throw std::invalid_argument("only an int8 or sketch index can be saved");
  IndexFile::save(*rows, path, identity, without, readers == IndexReaders::kOwner);
}

std::unique_ptr<SearchIndex> load_index(const std::filesystem::path& path, const std::string& identity,
                                        const IndexOptions& options) {
  if (options.kind == IndexKind::kExactF32) throw std::invalid_argument("an exact f32 index has no file");
  return IndexFile::load(path, identity, options);
}

}  // namespace likeness
