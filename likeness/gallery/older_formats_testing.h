#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <string>

// A gallery's file as an older likeness would have made it.

namespace likeness {

/// Changes a file behind the store's back.
inline void change_file(const std::filesystem::path& path, const std::string& sql) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &raw), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
      << (message ? message : "");
  sqlite3_close(raw);
}

/// Before it kept the sizes of photos, pictures of faces, seen faces and rejections, and a log of changes.
inline const std::string kToFormat4 =
    "ALTER TABLE face DROP COLUMN photo_height; ALTER TABLE face DROP COLUMN photo_width; ALTER TABLE "
    "seen_face DROP COLUMN photo_height; ALTER TABLE seen_face DROP COLUMN photo_width; PRAGMA user_version "
    "= 4;";
inline const std::string kToFormat3 = kToFormat4 + "DROP TABLE face_crop; PRAGMA user_version = 3;";
inline const std::string kToFormat2 =
    kToFormat3 +
    "DROP TABLE seen_face; DROP TABLE seen_group; DROP TABLE rejection; PRAGMA user_version = 2;";
inline const std::string kToFormat1 =
    kToFormat2 +
    "DROP TABLE change; DELETE FROM meta WHERE key IN ('version', 'note_version', 'log_after'); PRAGMA "
    "user_version = 1";

}  // namespace likeness
