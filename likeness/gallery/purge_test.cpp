// After purge() no byte of what was removed is in any of the gallery's files.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/embed/byte_values.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDimension = 128;
constexpr std::size_t kPeople = 300;
const EmbeddingSpace kSpace{
    .contract = "", .contract_id = "test-model", .precision = "f32", .dimension = kDimension};

class Purge : public ::testing::TestWithParam<EmbeddingFormat> {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    create_sqlite_gallery(path_, kSpace, {.format = GetParam()});
    std::mt19937 random(5);  // names that sort otherwise than they come: pages of the names' index are split
    for (std::size_t i = 0; i < kPeople; ++i)
      names_.push_back("name" + std::to_string(random()) + "of" + std::to_string(i));
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] Gallery open(int lock_timeout_ms = 5000) const {
    return open_gallery(path_.string(), {.lock_timeout_ms = lock_timeout_ms, .index = IndexKind::kExactInt8});
  }
  [[nodiscard]] std::string photo_of(std::size_t row) const { return "photos/of" + names_[row / 2] + ".jpg"; }
  /// Long enough for pages of its own; of the first people alone, for everything is looked for everywhere.
  [[nodiscard]] std::string picture_of(std::size_t row) const {
    std::string picture;
    while (row < 12 && picture.size() < 12000) picture += "picture of " + names_[row / 2] + " ";
    return picture;
  }
  void enrol(Gallery& gallery, std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      NewFace face = face_of(faces_[row], static_cast<int>(row) + 1);
      face.photo = photo_of(row);
      const std::string picture = picture_of(row);
      face.crop = std::as_bytes(std::span(picture));
      ids_.push_back(gallery.add_faces(names_[row / 2], std::span(&face, 1)).at(0).id);
    }
  }
  /// How often a part of a name, a photo's path or an embedding, as floats or bytes, is in the files.
  [[nodiscard]] std::size_t found(const std::vector<std::string>& parts) const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(stream), {});
      for (const std::string& part : parts)
        count += ::memmem(bytes.data(), bytes.size(), part.data(), part.size()) != nullptr ? 1 : 0;
    }
    return count;
  }
  /// Pieces of 16 bytes, so that a copy which is overwritten in part is found too.
  [[nodiscard]] std::vector<std::string> parts_of(std::size_t row) const {
    std::vector<std::string> parts;
    const auto cut = [&](std::string_view bytes) {
      for (std::size_t at = 0; at + 16 <= bytes.size(); at += 16) parts.emplace_back(bytes.substr(at, 16));
    };
    const auto floats = std::as_bytes(faces_[row]);
    cut({reinterpret_cast<const char*>(floats.data()), floats.size()});
    std::vector<std::int8_t> small(kDimension);
    (void)quantize(faces_[row], small);
    cut({reinterpret_cast<const char*>(small.data()), small.size()});
    return parts;
  }

  const fs::path folder_ = fs::path(::testing::TempDir()) / ("purge_" + std::to_string(::getpid()));
  const fs::path path_ = folder_ / "people.gallery";
  Embeddings faces_ = synthetic_faces(kPeople, 2, kDimension, 41);
  std::vector<std::string> names_;
  std::vector<std::int64_t> ids_;
};

INSTANTIATE_TEST_SUITE_P(Formats, Purge, ::testing::Values(EmbeddingFormat::kF32, EmbeddingFormat::kInt8),
                         [](const auto& format) {
                           return format.param == EmbeddingFormat::kF32 ? "f32" : "int8";
                         });

TEST_P(Purge, LeavesNoByteOfWhatWasRemoved) {
  Gallery gallery = open();
  enrol(gallery, 0, 400);
  gallery.refresh();  // writes the index file
  ASSERT_TRUE(fs::exists(path_.string() + ".index"));
  enrol(gallery, 400, 2 * kPeople);
  std::vector<std::string> gone;
  const auto expect_gone = [&](std::size_t row) {
    for (std::string& part : parts_of(row)) gone.push_back(std::move(part));
  };
  // Every third person goes, so that pages are emptied and joined; one of them later, alone.
  for (std::size_t person = 0; person < kPeople; person += 3) {
    EXPECT_TRUE(gallery.remove_person(names_[person]));
    expect_gone(2 * person);
    expect_gone(2 * person + 1);
    gone.push_back(names_[person]);  // also in the photos' paths
  }
  EXPECT_TRUE(gallery.rename_person(names_[1], "Ann"));
  EXPECT_TRUE(gallery.remove_face(ids_[2]));
  EXPECT_TRUE(gallery.remove_face(ids_[3]));  // her last: Ann goes too
  expect_gone(2);
  expect_gone(3);
  gone.push_back(names_[1]);
  EXPECT_TRUE(gallery.merge_people(names_[2], names_[4]));
  EXPECT_TRUE(gallery.rename_person(names_[5], "Bob"));
  EXPECT_GT(found(gone), 0U);
  gallery.purge();
  EXPECT_EQ(found(gone), 0U);
  EXPECT_EQ(found({"Ann"}), 0U);
  EXPECT_EQ(fs::file_size(path_.string() + "-wal"), 0U);
  // The others are there, and found.
  EXPECT_EQ(found({names_[4]}), 1U);
  EXPECT_TRUE(gallery.store().check().empty());
  EXPECT_EQ(gallery.view()->faces(), 2 * (kPeople - kPeople / 3 - 1));
  EXPECT_EQ(gallery.view()->search(faces_[10], 1).at(0).name, "Bob");
  // Merged away and renamed people's names are in their photos' paths alone.
  EXPECT_EQ(gallery.store().faces(gallery.store().find_person("Bob")->id).at(0).photo, photo_of(10));
  // A second time: what became free by the first.
  EXPECT_TRUE(gallery.remove_person("Bob"));
  gone = parts_of(10);
  gone.push_back(names_[5]);
  gallery.purge();
  EXPECT_EQ(found(gone), 0U);
  EXPECT_EQ(open().view()->faces(), gallery.view()->faces());
}

TEST_P(Purge, NeedsNoViewAndKeepsNoIndexWithoutFaces) {
  {
    Gallery gallery = open();
    enrol(gallery, 0, 20);
    gallery.refresh();
  }
  std::vector<std::string> gone;
  {
    Gallery gallery = open();
    EXPECT_TRUE(gallery.remove_person(names_[3]));
    gone = parts_of(6);
    EXPECT_GT(found(gone), 0U);
    gallery.purge();
    EXPECT_EQ(found(gone), 0U);
    EXPECT_TRUE(fs::exists(path_.string() + ".index"));
    EXPECT_GT(found(parts_of(8)), 0U);
    for (const Person& person : gallery.store().people()) gallery.remove_person(person.name);
    gallery.purge();
  }
  EXPECT_FALSE(fs::exists(path_.string() + ".index"));
  EXPECT_EQ(found(parts_of(8)), 0U);
}

TEST_P(Purge, SaysWhereSomebodyReadsForTooLong) {
  Gallery gallery = open(50);
  enrol(gallery, 0, 20);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM face", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_TRUE(gallery.remove_person(names_[3]));
  expect_error(ErrorCode::kUnavailable, "purge it again", [&] { gallery.purge(); });
  EXPECT_FALSE(gallery.store().find_person(names_[3]));
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  gallery.purge();
  EXPECT_EQ(found(parts_of(6)), 0U);
  sqlite3_close(other);
  expect_error(ErrorCode::kOutputUnwritable, "opened for reading",
               [&] { open_sqlite_gallery(path_, {.read_only = true})->purge(); });
}

}  // namespace
}  // namespace likeness
