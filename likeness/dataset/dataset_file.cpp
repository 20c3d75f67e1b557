#include "likeness/dataset/dataset_file.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

/// Names of one part's members.
struct PartNames {
  const char* rows;
  const char* labels;
  const char* files;
};
constexpr PartNames kTrain{"arr_0", "arr_1", "train_files"};
constexpr PartNames kVal{"arr_2", "arr_3", "val_files"};

[[noreturn]] void fail(const NpzFile& file, const std::string& member, const std::string& problem) {
  throw Error(ErrorCode::kDataInvalid, file.file() + ": member " + member + " " + problem);
}

void read_rows(const NpzFile& file, const PartNames& names, FacePart& part) {
  const Array<std::uint8_t> rows = file.get<std::uint8_t>(names.rows);
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
  Array<float> rows;
  if (file.info(names.rows).dtype.substr(1) == "f8") {
    const Array<double> wide = file.get<double>(names.rows);
    rows = {wide.shape, {wide.values.begin(), wide.values.end()}};
  } else {
    rows = file.get<float>(names.rows);
  }
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

template <typename Part>
void read_part(const NpzFile& file, const PartNames& names, Part& part) {
  read_rows(file, names, part);
  part.labels = file.strings(names.labels);
  if (part.labels.size() != rows_of(part)) {
    fail(file, names.labels,
         "holds " + std::to_string(part.labels.size()) + " labels for " + std::to_string(rows_of(part)) +
             " rows of " + names.rows);
  }
  if (!file.contains(names.files)) return;
  part.files = file.strings(names.files);
  if (part.files.size() != rows_of(part)) fail(file, names.files, "holds another number of names than rows");
}

template <typename Dataset>
Dataset read(const std::filesystem::path& path) {
  const NpzFile file(path);
  Dataset dataset;
  read_part(file, kTrain, dataset.train);
  if (file.contains(kVal.rows)) read_part(file, kVal, dataset.val);
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
  if (part.labels.size() != rows_of(part) || (!part.files.empty() && part.files.size() != rows_of(part))) {
    throw std::invalid_argument("rows, labels and files differ in number");
  }
  members.push_back({names.rows, std::move(rows)});
  members.push_back(strings_member(names.labels, part.labels));
  if (!part.files.empty()) members.push_back(strings_member(names.files, part.files));
}

void append(std::vector<NpzMember>& members, const EmbeddingSpace& space) {
  if (space.known()) members.push_back(text_member("contract", to_json(space)));
}

}  // namespace

FaceDataset read_faces(const std::filesystem::path& path) { return read<FaceDataset>(path); }

EmbeddingDataset read_embeddings(const std::filesystem::path& path) {
  auto dataset = read<EmbeddingDataset>(path);
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
