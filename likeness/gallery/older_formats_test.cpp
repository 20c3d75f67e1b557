#include <unistd.h>

#include "likeness/gallery/older_formats_testing.h"
#include "likeness/gallery/seen.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 64};

class OlderFormats : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::path(::testing::TempDir()) / ("older_" + std::to_string(::getpid()) + ".gallery");
    create_sqlite_gallery(path_, kSpace);
  }
  void TearDown() override {
    for (const char* tail : {"", "-wal", "-shm"}) fs::remove(path_.string() + tail);
  }

  AddedFace enrolled() {
    const NewFace face = face_of(faces_[0], 1);
    return open_sqlite_gallery(path_)->add_faces("Ada", std::span(&face, 1)).at(0);
  }

  fs::path path_;
  Embeddings faces_ = synthetic_faces(4, 3, 64, 7);
};

TEST_F(OlderFormats, ReadsFormat1AsItIs) {
  const auto added = enrolled();
  change_file(path_, kToFormat1);
  {
    const auto store = open_sqlite_gallery(path_, {.read_only = true});
    EXPECT_EQ(store->people().at(0).name, "Ada");
    EXPECT_EQ(store->embedding(added.id), std::vector<float>(faces_[0].begin(), faces_[0].end()));
    EXPECT_TRUE(store->check().empty());
    // No count and no log: what changed has to be found by comparing everything.
    const auto version = store->version();
    change_file(path_, "UPDATE person SET name = 'Eve', name_key = 'Eve'");
    EXPECT_NE(store->version(), version);
    EXPECT_FALSE(store->changes_since(version));
  }
  change_file(path_, "PRAGMA user_version = 2");  // and no such table
  expect_error(ErrorCode::kDataInvalid, "unexpected definition",
               [&] { static_cast<void>(open_sqlite_gallery(path_)); });
}

TEST_F(OlderFormats, ReadsFormat2AsItIsAndBringsItToTodaysWhenItIsOpenedForWriting) {
  const auto added = enrolled();
  change_file(path_, kToFormat2);
  {
    const auto store = open_sqlite_gallery(path_, {.read_only = true});
    EXPECT_EQ(store->version(), 1U);
    EXPECT_TRUE(store->seen().groups().empty());
    EXPECT_FALSE(store->seen().find_face(1));
    EXPECT_TRUE(store->rejections().list.empty());
    EXPECT_TRUE(store->check().empty());
    expect_error(ErrorCode::kOutputUnwritable, "older format",
                 [&] { store->seen().add({.embedding = faces_[0]}, 0.5); });
  }
  const auto store = open_sqlite_gallery(path_);
  EXPECT_EQ(store->version(), 1U);  // and counts on
  EXPECT_EQ(store->find_face(added.id)->photo_hash, hash_of(1));
  EXPECT_TRUE(store->seen().add({.embedding = faces_[0]}, 0.5).is_new_group);
  EXPECT_TRUE(store->reject(store->find_person("Ada")->id, faces_[3], "", {}));
  EXPECT_TRUE(store->check().empty());
}

TEST_F(OlderFormats, ReadsFormat3AsItIsAndBringsItToTodaysWhenItIsOpenedForWriting) {
  const auto added = enrolled();
  change_file(path_, kToFormat3);
  {
    const auto store = open_sqlite_gallery(path_, {.read_only = true});
    EXPECT_FALSE(store->find_face(added.id)->has_crop);
    EXPECT_TRUE(store->crop(added.id).empty());
    EXPECT_TRUE(store->check().empty());
  }
  const auto store = open_sqlite_gallery(path_);
  const std::vector<std::byte> crop(100, std::byte{7});
  NewFace face = face_of(faces_[3], 2);
  face.crop = crop;
  EXPECT_EQ(store->crop(store->add_faces("Ada", std::span(&face, 1)).at(0).id), crop);
  EXPECT_TRUE(store->crop(added.id).empty());
  EXPECT_TRUE(store->check().empty());
}

TEST_F(OlderFormats, ReadsFormat4AsItIsAndBringsItToTodaysWhenItIsOpenedForWriting) {
  const auto added = enrolled();
  const auto seen =
      open_sqlite_gallery(path_)->seen().add({.embedding = faces_[3], .box = {1, 2, 3, 4}}, 0.5);
  change_file(path_, kToFormat4);
  {
    const auto store = open_sqlite_gallery(path_, {.read_only = true});
    EXPECT_EQ(store->find_face(added.id)->photo_size, ImageSize{});
    EXPECT_EQ(store->find_face(added.id)->box, (Box{10, 20, 110, 150.5F}));
    EXPECT_EQ(store->seen().find_face(seen.face)->photo_size, ImageSize{});
    EXPECT_EQ(store->seen().faces(seen.group).size(), 1U);
    EXPECT_TRUE(store->check().empty());
  }
  for (int round = 0; round < 2; ++round) {  // brought to today's format, and opened again as it is then
    const auto store = open_sqlite_gallery(path_);
    EXPECT_EQ(store->find_face(added.id)->photo_size, ImageSize{});
    EXPECT_EQ(store->embedding(added.id), std::vector<float>(faces_[0].begin(), faces_[0].end()));
    EXPECT_EQ(store->seen().find_face(seen.face)->box, (Box{1, 2, 3, 4}));
    EXPECT_TRUE(store->check().empty());
  }
  EXPECT_FALSE(enrolled().is_new);  // the photo comes again, and tells its size
  const auto store = open_sqlite_gallery(path_);
  EXPECT_EQ(store->find_face(added.id)->photo_size, (ImageSize{640, 480}));
  EXPECT_EQ(store->version(), 1U);
}

TEST_F(OlderFormats, WhereASizeCannotBeLearntNoFaceIsEnrolled) {
  enrolled();
  change_file(path_, "UPDATE face SET photo_width = NULL, photo_height = NULL");
  const auto store = open_sqlite_gallery(path_);
  change_file(path_,
              "CREATE TRIGGER stop BEFORE UPDATE OF photo_width ON face "
              "BEGIN SELECT RAISE(ABORT, 'no room'); END");
  const std::vector<NewFace> both{face_of(faces_[0], 1), face_of(faces_[3], 2)};
  EXPECT_THROW(store->add_faces("Ada", both), Error);
  EXPECT_EQ(store->face_count(), 1);
  EXPECT_EQ(store->version(), 1U);
  change_file(path_, "DROP TRIGGER stop");
  EXPECT_TRUE(store->add_faces("Ada", both).at(1).is_new);
  EXPECT_EQ(store->faces_of_photo(hash_of(1)).at(0).photo_size, (ImageSize{640, 480}));
  EXPECT_EQ(store->version(), 2U);
}

TEST_F(OlderFormats, AnImpossibleSizeIsDamageThatIsNamed) {
  enrolled();
  open_sqlite_gallery(path_)->seen().add({.embedding = faces_[3]}, 0.5);
  for (const char* wrong : {"-640", "0", "99999999999"}) {
    const std::string set = std::string(" SET photo_height = 480, photo_width = ") + wrong;
    change_file(path_, "UPDATE face" + set + "; UPDATE seen_face" + set);
    const auto found = open_sqlite_gallery(path_, {.read_only = true})->check();
    ASSERT_EQ(found.size(), 2U) << wrong;
    EXPECT_NE(found[0].find(std::string("photo of seen face 1 has ") + wrong + " x 480"), std::string::npos)
        << found[0];
    EXPECT_NE(found[1].find("photo of face 1 has "), std::string::npos) << found[1];
  }
}

}  // namespace
}  // namespace likeness
