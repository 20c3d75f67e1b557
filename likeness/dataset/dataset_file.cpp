#include "likeness/dataset/dataset_file.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/core/person_name.h"
#include "likeness/gallery/exchange.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

/// Names of one part's members.
struct PartNames {
  std::string rows;
  std::string labels;
  std::string files;
  std::string hashes;
  std::string faces;
};
const PartNames kTrain{"arr_0", "arr_1", "train_files", "photo_sha256", "faces"};
const PartNames kVal{"arr_2", "arr_3", "val_files", "val_photo_sha256", "val_faces"};

[[noreturn]] void fail(const NpzFile& file, const std::string& member, const std::string& problem) {
  throw Error(ErrorCode::kDataInvalid, file.file() + ": member " + member + " " + problem);
}

enum class Rows { kFaces, kEmbeddings };

/// Everything in a file, for people: "faces <f4 (93, 160, 160, 3), y <i8 (93)".
std::string listing(const NpzFile& file) {
  constexpr std::size_t kShown = 12;
  std::string text;
  const std::vector<std::string> names = file.names();
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    const ArrayInfo info = file.info(names[i]);
    std::string shape;
    for (const std::size_t side : info.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(side);
    text += (text.empty() ? "" : ", ") + names[i] + " " + info.dtype + " (" + shape + ")";
  }
  return names.size() > kShown ? text + ", ..." : text;
}

/// Members that may be one part of a file by their name: "train", "test" or "val" inside it, or none of them.
enum class Side { kLearn, kTest, kNeither };
Side side_of(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name.find("train") != std::string::npos) return Side::kLearn;
  const std::size_t val = name.find("val");
  const bool tested = name.find("test") != std::string::npos ||
                      (val != std::string::npos && name.compare(val, 5, "value") != 0);
  return tested ? Side::kTest : Side::kNeither;
}

/// Whether an array may be rows, or labels, by its type and shape.
bool may_be_rows(const ArrayInfo& info, Rows kind) {
  const char type = info.dtype[1];
  if (kind == Rows::kEmbeddings) return type == 'f' && info.shape.size() == 2 && info.shape[1] > 1;
  return (type == 'f' || type == 'i' || type == 'u') && info.shape.size() == 4 && info.shape[3] == 3;
}
bool may_be_labels(const ArrayInfo& info) {
  const bool list = info.shape.size() == 1 || (info.shape.size() == 2 && info.shape[1] == 1);
  return list && std::string_view("USiu").find(info.dtype[1]) != std::string_view::npos;
}

/// The one pair of rows and labels of a side; empty names where there is none or more than one.
PartNames only_pair(const NpzFile& file, Side side, Rows kind) {
  std::vector<std::string> rows;
  std::vector<std::string> labels;
  for (const std::string& name : file.names()) {
    // Ours say where photos came from, or what made them.
    if (side_of(name) != side || name == kTrain.files || name == kVal.files || name == kTrain.hashes ||
        name == kVal.hashes || name == "contract")
      continue;
    const ArrayInfo info = file.info(name);
    if (may_be_rows(info, kind)) rows.push_back(name);
    if (may_be_labels(info)) labels.push_back(name);
  }
  if (rows.size() != 1) return {};
  std::erase_if(labels, [&](const std::string& name) {
    return file.info(name).shape[0] != file.info(rows[0]).shape[0];
  });
  return labels.size() == 1 ? PartNames{rows[0], labels[0], {}, {}, {}} : PartNames{};
}

/// The members to read: those wanted, else ours, else the only ones there can be.
std::pair<PartNames, PartNames> members_of(const NpzFile& file, const MemberNames& wanted, Rows kind) {
  if (!wanted.empty()) {
    if (wanted.size() != 2 && wanted.size() != 4)
      throw std::invalid_argument("members are two names, rows and labels, or four");
    return {{wanted[0], wanted[1], {}, {}, {}},
            wanted.size() == 4 ? PartNames{wanted[2], wanted[3], {}, {}, {}} : PartNames{}};
  }
  if (file.contains(kTrain.rows)) return {kTrain, file.contains(kVal.rows) ? kVal : PartNames{}};
  const PartNames train = only_pair(file, Side::kLearn, kind);
  const PartNames val = only_pair(file, Side::kTest, kind);
  const PartNames neither = only_pair(file, Side::kNeither, kind);
  if (!train.rows.empty() && neither.rows.empty()) return {train, val};
  if (!neither.rows.empty() && train.rows.empty() && val.rows.empty()) return {neither, {}};
  throw Error(ErrorCode::kDataInvalid, file.file() + " has no member " + kTrain.rows +
                                           ", and which members are rows and labels is not clear; it holds " +
                                           listing(file));
}

/// Faces as bytes, from numbers that are 0 to 1 or 0 to 255 beyond doubt.
Array<std::uint8_t> face_bytes(const NpzFile& file, const std::string& member) {
  const ArrayInfo info = file.info(member);
  const char kind = info.dtype[1];
  const bool numbers = kind == 'f' || kind == 'i' || kind == 'u';
  if (info.dtype.substr(1) == "u1" || info.shape.size() != 4 || !numbers)
    return file.get<std::uint8_t>(member);
  const Array<float> from = file.floats(member);
  float low = 0;
  float high = 0;
  bool whole = true;
  for (const float value : from.values) {
    if (!std::isfinite(value)) fail(file, member, "holds a value that is not finite");
    low = std::min(low, value);
    high = std::max(high, value);
    whole = whole && value == std::floor(value);
  }
  if (low < 0 || high > 255) {
    fail(file, member,
         "holds values from " + std::to_string(low) + " to " + std::to_string(high) +
             "; faces are 0 to 255, or 0 to 1, before any standardisation");
  }
  if (high <= 1 && whole && !from.values.empty())
    fail(file, member, "holds 0 and 1 only, which may be of 1 or of 255; faces as uint8 leave no doubt");
  const float scale = high <= 1 ? 255 : 1;
  Array<std::uint8_t> bytes{from.shape, std::vector<std::uint8_t>(from.values.size())};
  for (std::size_t i = 0; i < bytes.values.size(); ++i)
    bytes.values[i] = static_cast<std::uint8_t>(std::lround(from.values[i] * scale));
  return bytes;
}

void read_rows(const NpzFile& file, const PartNames& names, FacePart& part) {
  const Array<std::uint8_t> rows = face_bytes(file, names.rows);
  const auto& shape = rows.shape;
  constexpr std::size_t kMaxSide = 1 << 14;
  if (shape.size() != 4 || shape[3] != 3 || shape[1] == 0 || shape[2] == 0 || shape[1] > kMaxSide ||
      shape[2] > kMaxSide) {
    fail(file, names.rows, "is not faces of height x width x 3 bytes");
  }
  const std::size_t size = shape[1] * shape[2] * 3;
  for (std::size_t i = 0; i < shape[0]; ++i) {
    const auto from = rows.values.begin() + static_cast<std::ptrdiff_t>(i * size);
    part.chips.emplace_back(static_cast<int>(shape[2]), static_cast<int>(shape[1]),
                            std::vector<std::uint8_t>(from, from + static_cast<std::ptrdiff_t>(size)));
  }
}

void read_rows(const NpzFile& file, const PartNames& names, EmbeddingPart& part) {
  const bool real = file.info(names.rows).dtype[1] == 'f';
  Array<float> rows = real ? file.floats(names.rows) : file.get<float>(names.rows);
  if (rows.shape.size() < 2) fail(file, names.rows, "is not rows of embeddings");
  part.embeddings.dimension = 1;
  for (std::size_t axis = 1; axis < rows.shape.size(); ++axis) part.embeddings.dimension *= rows.shape[axis];
  if (part.embeddings.dimension == 0) fail(file, names.rows, "holds embeddings of no values");
  for (std::size_t i = 0; i < rows.values.size(); ++i) {
    if (!std::isfinite(rows.values[i])) {
      fail(file, names.rows,
           "holds a value that is not finite in row " + std::to_string(i / part.embeddings.dimension));
    }
  }
  part.embeddings.values = std::move(rows.values);
}

std::size_t rows_of(const FacePart& part) { return part.chips.size(); }
std::size_t rows_of(const EmbeddingPart& part) { return part.embeddings.size(); }

/// Labels as text, from text or whole numbers, n or n x 1.
std::vector<std::string> labels_of(const NpzFile& file, const std::string& member) {
  const ArrayInfo info = file.info(member);
  const bool column = info.shape.size() == 2 && info.shape[1] == 1;
  if (info.shape.size() != 1 && !column) fail(file, member, "is not a list of labels");
  const char kind = info.dtype[1];
  std::vector<std::string> labels;
  if (kind != 'i' && kind != 'u') {
    for (const std::string& label : file.get<std::string>(member).values) {
      labels.push_back(tidy_name(label));
      if (labels.back().empty())
        fail(file, member, "has a blank label in row " + std::to_string(labels.size() - 1));
    }
    return labels;
  }
  for (const std::int64_t number : file.whole_numbers(member).values)
    labels.push_back(std::to_string(number));
  return labels;
}

/// Ours alone: what others call by these names is left aside.
RowOrigins read_origins(const NpzFile& file, const PartNames& names, std::size_t rows) {
  RowOrigins origins;
  const auto is = [&](const std::string& member, const char* type, const std::vector<std::size_t>& shape) {
    if (!file.contains(member)) return false;
    const ArrayInfo info = file.info(member);
    return info.dtype.find(type) != std::string::npos && info.shape == shape;
  };
  if (!is(names.hashes, "U", {rows})) return origins;
  auto hashes = file.strings(names.hashes);
  const bool sums = std::ranges::all_of(hashes, [](const std::string& hash) {
    return hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == std::string::npos;
  });
  if (!sums) return origins;
  origins.hashes = std::move(hashes);
  if (is(names.faces, "f4", {rows, kFaceColumns})) origins.faces = file.get<float>(names.faces).values;
  return origins;
}

template <typename Part>
void read_part(const NpzFile& file, const PartNames& names, Part& part) {
  read_rows(file, names, part);
  part.labels = labels_of(file, names.labels);
  if (part.labels.size() != rows_of(part)) {
    fail(file, names.labels,
         "holds " + std::to_string(part.labels.size()) + " labels for " + std::to_string(rows_of(part)) +
             " rows of " + names.rows);
  }
  if (names.files.empty()) return;
  part.origins = read_origins(file, names, rows_of(part));
  if (!file.contains(names.files)) return;
  part.files = file.strings(names.files);
  if (part.files.size() != rows_of(part)) fail(file, names.files, "holds another number of names than rows");
}

template <typename Dataset>
Dataset read(const std::filesystem::path& path, const MemberNames& wanted, Rows kind) {
  const NpzFile file(path);
  Dataset dataset;
  const auto [train, val] = members_of(file, wanted, kind);
  read_part(file, train, dataset.train);
  if (!val.rows.empty()) read_part(file, val, dataset.val);
  dataset.space = read_space(file);
  return dataset;
}

AnyArray rows_array(const FacePart& part, int width, int height) {
  ByteRows rows{{part.chips.size(), static_cast<std::size_t>(height), static_cast<std::size_t>(width), 3},
                {}};
  for (const Chip& chip : part.chips) {
    if (chip.width() != width || chip.height() != height) throw std::invalid_argument("chips differ in size");
    rows.values.emplace_back(chip.pixels());
  }
  return rows;
}

template <typename Part>
void append(std::vector<NpzMember>& members, const PartNames& names, AnyArray rows, const Part& part) {
  const std::size_t count = rows_of(part);
  const RowOrigins& origins = part.origins;
  if (part.labels.size() != count || (!part.files.empty() && part.files.size() != count) ||
      (!origins.hashes.empty() && origins.hashes.size() != count) ||
      (!origins.faces.empty() && origins.faces.size() != count * kFaceColumns)) {
    throw std::invalid_argument("rows, labels, files and origins differ in number");
  }
  members.push_back({names.rows, std::move(rows)});
  members.push_back(strings_member(names.labels, part.labels));
  if (!part.files.empty()) members.push_back(strings_member(names.files, part.files));
  if (!origins.hashes.empty()) members.push_back(strings_member(names.hashes, origins.hashes));
  if (!origins.faces.empty())
    members.push_back({names.faces, Array<float>{{count, kFaceColumns}, origins.faces}});
}

void append(std::vector<NpzMember>& members, const EmbeddingSpace& space) {
  if (space.known()) members.push_back(text_member("contract", to_json(space)));
}

}  // namespace

FaceDataset read_faces(const std::filesystem::path& path, const MemberNames& members) {
  return read<FaceDataset>(path, members, Rows::kFaces);
}

bool named_as_npz(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  std::error_code ignored;
  if (ending.empty() && std::filesystem::is_regular_file(path, ignored)) {
    char head[4] = {};
    std::ifstream(path, std::ios::binary).read(head, sizeof head);
    return std::string_view(head, sizeof head) == std::string_view("PK\3\4", sizeof head);
  }
  return std::ranges::equal(ending, std::string_view(".npz"),
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
}

EmbeddingDataset read_embeddings(const std::filesystem::path& path, const MemberNames& members) {
  auto dataset = read<EmbeddingDataset>(path, members, Rows::kEmbeddings);
  const std::size_t d = dataset.train.embeddings.dimension;
  std::size_t& other = dataset.val.embeddings.dimension;
  if (other == 0) other = d;
  if (other != d) {
    throw Error(ErrorCode::kDataInvalid, path.string() + ": member arr_2 holds embeddings of " +
                                             std::to_string(other) + " values, and arr_0 of " +
                                             std::to_string(d));
  }
  return dataset;
}

void write_faces(const std::filesystem::path& path, const FaceDataset& dataset) {
  const FacePart& first = dataset.train.chips.empty() ? dataset.val : dataset.train;
  if (first.chips.empty()) throw std::invalid_argument("no faces to write");
  const int width = first.chips[0].width();
  const int height = first.chips[0].height();
  std::vector<NpzMember> members;
  append(members, kTrain, rows_array(dataset.train, width, height), dataset.train);
  append(members, kVal, rows_array(dataset.val, width, height), dataset.val);
  append(members, dataset.space);
  write_npz(path, members);
}

void write_embeddings(const std::filesystem::path& path, const EmbeddingDataset& dataset) {
  const std::size_t d = dataset.train.embeddings.dimension;
  std::vector<NpzMember> members;
  for (const auto& [names, part] : {std::pair{kTrain, &dataset.train}, std::pair{kVal, &dataset.val}}) {
    if (part->embeddings.size() > 0 && part->embeddings.dimension != d) {
      throw std::invalid_argument("train and val embeddings differ in dimension");
    }
    append(members, names, Array<float>{{part->embeddings.size(), d}, part->embeddings.values}, *part);
  }
  append(members, dataset.space);
  write_npz(path, members);
}

}  // namespace likeness
