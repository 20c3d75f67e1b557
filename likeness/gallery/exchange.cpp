#include "likeness/gallery/exchange.h"

#include <cmath>
#include <map>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/core/person_name.h"
#include "likeness/embed/embeddings.h"
#include "likeness/gallery/store_checks.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

/// A model's own output may be a hair off unit length, and float64 files are rounded.
Embeddings embeddings_of(const NpzFile& file) {
  const auto fail = [&](const std::string& what) {
    return Error(ErrorCode::kDataInvalid, file.file() + ": " + what);
  };
  auto array = file.get<float>("arr_0");
  if (array.shape.size() != 2 || array.shape[0] == 0 || array.shape[1] == 0)
    throw fail("arr_0 holds no embeddings");
  Embeddings embeddings{array.shape[1], std::move(array.values)};
  l2_normalize(embeddings);
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    if (!(std::abs(dot(embeddings[i], embeddings[i]) - 1) < 1e-4)) {
      throw fail("row " + std::to_string(i) + " of arr_0 is no embedding");
    }
  }
  return embeddings;
}

EmbeddingSpace known_space(const NpzFile& file, std::size_t dimension) {
  EmbeddingSpace space = read_space(file);
  if (!space.known()) {
    throw Error(ErrorCode::kDataInvalid, file.file() + ": does not say which model its embeddings came from");
  }
  space.dimension = dimension;
  return space;
}

ImageSize size_of(const Array<std::int64_t>& sizes, std::size_t row, const std::string& file) {
  const std::int64_t width = sizes.values[2 * row];
  const std::int64_t height = sizes.values[2 * row + 1];
  if (!may_be_size(width, height))
    throw Error(ErrorCode::kDataInvalid,
                file + ": photo_size " + std::to_string(row) + " is no photo's size");
  return {static_cast<int>(width), static_cast<int>(height)};
}

bool hexadecimal_hash(const std::string& text) {
  return text.empty() ||
         (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos);
}

}  // namespace

void read_face_row(const float* row, NewFace& face) {
  face.box = {row[0], row[1], row[2], row[3]};
  for (std::size_t i = 0; i < face.landmarks.size(); ++i)
    face.landmarks[i] = {row[4 + 2 * i], row[5 + 2 * i]};
  face.quality = {row[14], row[15], row[16], row[17], row[18]};
}

void append_face_row(std::vector<float>& rows, const Box& box, const std::array<Point, 5>& landmarks,
                     const FaceQuality& quality) {
  rows.insert(rows.end(), {box.left, box.top, box.right, box.bottom});
  for (const Point& point : landmarks) rows.insert(rows.end(), {point.x, point.y});
  const FaceQuality& q = quality;
  rows.insert(rows.end(), {q.size_px, q.sharpness, q.brightness, q.yaw, q.score});
}

std::size_t export_gallery(const GalleryStore& store, const std::filesystem::path& path) {
  std::map<std::int64_t, std::string> names;
  for (const Person& person : store.people()) names[person.id] = person.name;
  Array<float> embeddings{{0, store.space().dimension}, {}};
  std::vector<std::int64_t> ids;
  store.read_embeddings(0, [&](FaceOwner face, std::span<const float> values) {
    ids.push_back(face.face);
    embeddings.values.insert(embeddings.values.end(), values.begin(), values.end());
  });
  if (ids.empty()) throw Error(ErrorCode::kDataInvalid, "the gallery is empty: nothing to export");
  Array<float> rows{{ids.size(), kFaceColumns}, {}};
  Array<std::int32_t> sizes{{ids.size(), 2}, {}};
  std::vector<std::string> labels;
  std::vector<std::string> files;
  std::vector<std::string> hashes;
  for (const std::int64_t id : ids) {
    const auto face = store.find_face(id);
    if (!face) throw Error(ErrorCode::kUnavailable, "the gallery changed during the export; try again");
    labels.push_back(names[face->person]);
    files.push_back(face->photo);
    hashes.push_back(face->photo_hash);
    append_face_row(rows.values, face->box, face->landmarks, face->quality);
    sizes.values.insert(sizes.values.end(), {face->photo_size.width, face->photo_size.height});
  }
  embeddings.shape[0] = ids.size();
  write_npz(path, {{"arr_0", std::move(embeddings)},
                   strings_member("arr_1", std::move(labels)),
                   text_member("contract", to_json(store.space())),
                   strings_member("train_files", std::move(files)),
                   strings_member("photo_sha256", std::move(hashes)),
                   {"faces", std::move(rows)},
                   {"photo_size", std::move(sizes)}});
  return ids.size();
}

Imported import_gallery(GalleryStore& store, const std::filesystem::path& path) {
  const NpzFile file(path);
  const auto fail = [&](const std::string& what) {
    return Error(ErrorCode::kDataInvalid, file.file() + ": " + what);
  };
  const Embeddings embeddings = embeddings_of(file);
  require_same_space(store.space(), "the gallery", known_space(file, embeddings.dimension), file.file());
  const auto strings = [&](const char* name, bool required) {
    if (!required && !file.contains(name)) return std::vector<std::string>(embeddings.size());
    auto values = file.strings(name);
    if (values.size() != embeddings.size()) throw fail(std::string(name) + " has another length than arr_0");
    return values;
  };
  const auto labels = strings("arr_1", true);
  const auto files = strings("train_files", false);
  const auto hashes = strings("photo_sha256", false);
  Array<float> rows;
  if (file.contains("faces") && file.contains("photo_sha256")) {  // else it is another program's
    rows = file.get<float>("faces");
    if (rows.shape != std::vector<std::size_t>{embeddings.size(), kFaceColumns})
      throw fail("faces has another shape");
  }
  Array<std::int64_t> sizes;  // an older likeness wrote none
  if (!rows.values.empty() && file.contains("photo_size")) {
    sizes = file.whole_numbers("photo_size");
    if (sizes.shape != std::vector<std::size_t>{embeddings.size(), 2})
      throw fail("photo_size has another shape");
  }
  std::map<std::string, std::vector<NewFace>> people;
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    if (!hexadecimal_hash(hashes[i])) throw fail("photo_sha256 " + std::to_string(i) + " is no SHA-256");
    NewFace face;
    face.photo = files[i];
    face.photo_hash = hashes[i];
    if (!rows.values.empty()) read_face_row(rows.values.data() + i * kFaceColumns, face);
    if (!sizes.values.empty()) face.photo_size = size_of(sizes, i, file.file());
    face.embedding = embeddings[i];
    const std::string name = tidy_name(labels[i]);
    if (name.empty()) throw fail("row " + std::to_string(i) + " of arr_1 is a blank name");
    people[name].push_back(std::move(face));
  }
  for (const auto& [name, faces] : people) {
    try {
      (void)checked_name(name);  // of everybody, before the first is enrolled
    } catch (const std::invalid_argument& error) {
      throw fail("\"" + name + "\": " + error.what());
    }
  }
  Imported imported;
  for (const auto& [name, faces] : people) {
    for (const AddedFace& added : store.add_faces(name, faces))
      ++(added.is_new ? imported.added : imported.known);
  }
  return imported;
}

EmbeddingSpace space_of_npz(const std::filesystem::path& path) {
  const NpzFile file(path);
  const auto shape = file.info("arr_0").shape;
  if (shape.size() != 2) throw Error(ErrorCode::kDataInvalid, file.file() + ": arr_0 holds no embeddings");
  return known_space(file, shape[1]);
}

}  // namespace likeness
