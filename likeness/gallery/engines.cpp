#include "likeness/gallery/engines.h"

#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/embed/comparison.h"

namespace likeness {
namespace {

using Json = nlohmann::json;
using Row = std::function<void(const FaceEvidence&, std::span<const float>)>;

/// Faces whose names and photos are asked for at once.
constexpr std::size_t kAtOnce = 1000;

/// Every face with an embedding to be compared, rising by id. Faces that go meanwhile are left out.
std::size_t for_each_face(const GalleryStore& store, const Row& row) {
  const Comparison comparison(store.space().contract, store.name());
  std::vector<std::int64_t> ids;
  Embeddings rows{store.space().dimension, {}};
  std::size_t count = 0;
  const auto take = [&] {
    const std::vector<FaceEvidence> known = store.evidence(ids);  // in the order of their ids, as these are
    const Embeddings compared = comparison.comparable(std::move(rows));
    std::size_t place = 0;
    for (const FaceEvidence& face : known) {
      while (ids[place] != face.face) ++place;
      row(face, compared[place]);
    }
    count += known.size();
    ids.clear();
    rows = {store.space().dimension, {}};
  };
  store.read_embeddings(0, [&](FaceOwner face, std::span<const float> values) {
    ids.push_back(face.face);
    rows.values.insert(rows.values.end(), values.begin(), values.end());
    if (ids.size() == kAtOnce) take();
  });
  if (!ids.empty()) take();
  if (count == 0) throw Error(ErrorCode::kDataInvalid, "the gallery is empty: nothing to export");
  return count;
}

/// [0.1,-0.2]; `digits` 0: as many as give the same float again.
void append_vector(std::string& text, std::span<const float> values, int digits) {
  std::array<char, 32> number{};
  text += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    char* const end = number.data() + number.size();
    const auto written =
        digits > 0 ? std::to_chars(number.data(), end, values[i], std::chars_format::general, digits)
                   : std::to_chars(number.data(), end, values[i]);
    text.append(number.data(), written.ptr);
  }
  text += ']';
}

/// Quoted, and in UTF-8: other bytes, as in names of files, are replaced.
std::string json_text(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// A field of COPY's text format.
std::string copy_text(const std::string& text) {
  std::string escaped;
  for (const char c : Json::parse(json_text(text)).get<std::string>()) {
    if (c == '\\')
      escaped += "\\\\";
    else if (c == '\n')
      escaped += "\\n";
    else if (c == '\r')
      escaped += "\\r";
    else if (c == '\t')
      escaped += "\\t";
    else
      escaped += c;
  }
  return escaped;
}

void write(AtomicFile& file, const std::string& text) { file.write(std::as_bytes(std::span(text))); }

}  // namespace

std::size_t export_for_pgvector(const GalleryStore& store, const std::filesystem::path& path) {
  AtomicFile file(path);
  const std::string vector = "halfvec(" + std::to_string(store.space().dimension) + ")";
  std::string model;  // within a string of SQL
  for (const char c : store.space().id()) model += c == '\'' ? "''" : std::string(1, c);
  write(file,
        "\\set ON_ERROR_STOP on\nBEGIN;\nCREATE EXTENSION IF NOT EXISTS vector;\n"
        "CREATE TABLE likeness_person (id bigint PRIMARY KEY, name text NOT NULL);\n"
        "CREATE TABLE likeness_face (id bigint PRIMARY KEY, person_id bigint NOT NULL, photo text NOT NULL, "
        "embedding " +
            vector + " NOT NULL);\nCOMMENT ON TABLE likeness_face IS 'Embeddings of " + model +
            ", ready to be compared: ORDER BY embedding <#> query, id';\n"
            "COPY likeness_face (id, person_id, photo, embedding) FROM stdin;\n");
  std::map<std::int64_t, std::string> people;  // of the faces that are written, so that nobody is missing
  const std::size_t count =
      for_each_face(store, [&](const FaceEvidence& face, std::span<const float> values) {
        people.emplace(face.person, face.name);
        std::string line = std::to_string(face.face) + '\t' + std::to_string(face.person) + '\t' +
                           copy_text(face.photo) + '\t';
        append_vector(line, values, 6);  // a half has 11 bits
        write(file, line + '\n');
      });
  write(file, "\\.\nCOPY likeness_person (id, name) FROM stdin;\n");
  for (const auto& [id, name] : people) write(file, std::to_string(id) + '\t' + copy_text(name) + '\n');
  write(file,
        "\\.\nALTER TABLE likeness_face ADD FOREIGN KEY (person_id) REFERENCES likeness_person ON DELETE "
        "CASCADE;\n"
        "CREATE INDEX ON likeness_face (person_id);\nCOMMIT;\n");
  file.commit();
  return count;
}

std::size_t export_for_milvus(const GalleryStore& store, const std::filesystem::path& path) {
  AtomicFile file(path);
  std::string line = "{\"rows\":[\n";
  const std::size_t count =
      for_each_face(store, [&](const FaceEvidence& face, std::span<const float> values) {
        line += "{\"id\":" + std::to_string(face.face) + ",\"person_id\":" + std::to_string(face.person) +
                ",\"person\":" + json_text(face.name) + ",\"photo\":" + json_text(face.photo) +
                ",\"embedding\":";
        append_vector(line, values, 0);
        write(file, line + '}');
        line = ",\n";
      });
  write(file, "\n]}\n");
  file.commit();
  return count;
}

}  // namespace likeness
