#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bench/synthetic_faces.h"
#include "likeness/core/error.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/sqlite_store.h"

// Large galleries of synthetic faces, as benchmarks search them.

namespace likeness {

/// Gives five faces a person to `sink`, a thousand people at a time; about 200 people get a sixth face, the
/// query.
inline Embeddings make_faces(const FaceSettings& settings,
                             const std::function<void(std::int64_t, std::span<const float>)>& sink) {
  const FaceMaker maker(settings);
  const std::size_t asked_each = std::max<std::size_t>(1, 200'000 / settings.people);
  Embeddings queries{settings.dimension, {}};
  for (std::size_t first = 0; first < settings.people; first += 1000) {
    const std::size_t count = std::min<std::size_t>(1000, settings.people - first);
    const Embeddings faces = maker.make(count, kFacesEach + 1, static_cast<std::uint32_t>(1000 + first));
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const std::size_t person = i / (kFacesEach + 1);
      const std::size_t face = i % (kFacesEach + 1);
      if (face < kFacesEach) {
        sink(static_cast<std::int64_t>((first + person) * kFacesEach + face), faces[i]);
      } else if (person < asked_each) {
        queries.values.insert(queries.values.end(), faces[i].begin(), faces[i].end());
      }
    }
  }
  return queries;
}

inline EmbeddingSpace space_of(const FaceSettings& settings) {
  return {.contract = "", .contract_id = "bench", .precision = "f32", .dimension = settings.dimension};
}

/// Gives every five faces a person of their own. Enrolled one by one they would take a commit each, and
/// minutes.
inline void split_into_people(const std::filesystem::path& path) {
  sqlite3* database = nullptr;
  const char* sql =
      "BEGIN; DELETE FROM person; DELETE FROM change;"
      "INSERT INTO person (id, name_key, name) SELECT (id - 1) / 5 + 1, CAST('person ' || ((id - 1) / 5 + 1) "
      "AS "
      "BLOB), 'person ' || ((id - 1) / 5 + 1) FROM face WHERE id % 5 = 1;"
      "UPDATE face SET person_id = (id - 1) / 5 + 1; COMMIT";
  const bool done = sqlite3_open(path.c_str(), &database) == SQLITE_OK &&
                    sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  const std::string message = sqlite3_errmsg(database);
  sqlite3_close(database);
  if (!done) throw Error(ErrorCode::kOutputUnwritable, path.string() + ": " + message);
}

/// A gallery of all the faces; gives the queries back.
inline Embeddings make_gallery(const std::filesystem::path& path, const FaceSettings& settings) {
  std::filesystem::remove(path);
  std::filesystem::remove(index_path(path));
  create_sqlite_gallery(path, space_of(settings), {.format = EmbeddingFormat::kInt8});
  Embeddings queries;
  {
    const auto store = open_sqlite_gallery(path);
    Embeddings waiting{settings.dimension, {}};
    const auto flush = [&](std::int64_t last) {
      std::vector<NewFace> faces(waiting.size());
      for (std::size_t i = 0; i < faces.size(); ++i) faces[i].embedding = waiting[i];
      store->add_faces("person " + std::to_string(last), faces);
      waiting.values.clear();
    };
    queries = make_faces(settings, [&](std::int64_t face, std::span<const float> values) {
      waiting.values.insert(waiting.values.end(), values.begin(), values.end());
      if (waiting.size() == 5000) flush(face);
    });
    if (waiting.size() > 0) flush(-1);
  }
  split_into_people(path);
  return queries;
}

}  // namespace likeness
