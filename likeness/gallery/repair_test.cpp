#include "likeness/gallery/repair.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/older_formats_testing.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 64};

class Repair : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    create_sqlite_gallery(path_, kSpace);
    store_ = open_sqlite_gallery(path_);
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  /// Enrols the face as Ada's, as an older likeness did.
  std::int64_t let_in(const NewFace& face) {
    const auto added = store_->add_faces("Somebody", std::span(&face, 1)).at(0);
    EXPECT_TRUE(added.is_new);
    if (store_->find_person("Ada")) {
      change_file(path_,
                  "UPDATE face SET person_id = (SELECT id FROM person WHERE name = 'Ada') WHERE id = " +
                      std::to_string(added.id) + "; DELETE FROM person WHERE name = 'Somebody'");
    } else {
      EXPECT_TRUE(store_->rename_person("Somebody", "Ada"));
    }
    return added.id;
  }
  NewFace bare(std::size_t row) {
    NewFace face;
    face.embedding = faces_[row];
    return face;
  }
  const fs::path folder_ = fs::path(::testing::TempDir()) / ("doubles_" + std::to_string(::getpid()));
  const fs::path path_ = folder_ / "people.gallery";
  std::unique_ptr<GalleryStore> store_;
  Embeddings faces_ = synthetic_faces(2, 4, 64, 7);
};

TEST_F(Repair, LeavesTheFaceWhosePhotoIsKnownAndElseTheOldest) {
  const auto first = let_in(bare(0));
  const auto second = let_in(bare(0));
  const auto with_photo = let_in(face_of(faces_[0], 1));
  const auto alone = let_in(bare(1));
  const auto again = let_in(bare(1));
  const NewFace other = face_of(faces_[2], 2);
  const auto of_ada = store_->add_faces("Ada", std::span(&other, 1)).at(0).id;
  const NewFace elsewhere = bare(2);  // whose it is nobody knows: no double
  const auto of_bob = store_->add_faces("Bob", std::span(&elsewhere, 1)).at(0).id;

  const GalleryRepairs found = find_repairs(*store_);
  ASSERT_EQ(found.doubles.size(), 3U);
  EXPECT_EQ(found.doubles[0].face, first);
  EXPECT_EQ(found.doubles[0].of, with_photo);
  EXPECT_EQ(found.doubles[0].person, "Ada");
  EXPECT_EQ(found.doubles[1].face, second);
  EXPECT_EQ(found.doubles[1].of, with_photo);
  EXPECT_EQ(found.doubles[2].face, again);
  EXPECT_EQ(found.doubles[2].of, alone);
  ASSERT_EQ(found.shared.size(), 1U);
  EXPECT_EQ(found.shared[0].face, of_ada);
  EXPECT_EQ(found.shared[0].person, "Ada");
  EXPECT_EQ(found.shared[0].other, of_bob);
  EXPECT_EQ(found.shared[0].other_person, "Bob");
  EXPECT_EQ(store_->face_count(), 7);
  repair(*store_, found);
  EXPECT_EQ(store_->face_count(), 4);
  EXPECT_TRUE(find_repairs(*store_).empty());
  EXPECT_EQ(find_repairs(*store_).shared.size(), 1U);
}

/// A gallery whose people an older likeness called as nobody may be called now.
class OldNames : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    create_sqlite_gallery(path_, kSpace);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void let_in(const std::string& name, const std::vector<NewFace>& faces) {
    (void)open_sqlite_gallery(path_)->add_faces("Somebody", faces);
    change_file(path_, "UPDATE person SET name = '" + name + "', name_key = CAST('" + name +
                           "' AS BLOB) WHERE name = 'Somebody'");
  }
  const fs::path folder_ = fs::path(::testing::TempDir()) / ("repair_" + std::to_string(::getpid()));
  const fs::path path_ = folder_ / "people.gallery";
  const std::string composed_ = "Jos\u00e9";
  const std::string decomposed_ = "Jose\u0301";
  Embeddings faces_ = synthetic_faces(4, 4, 64, 7);
};

TEST_F(OldNames, AreFoundAndMadeOne) {
  NewFace bare;
  bare.embedding = faces_[0];
  let_in(composed_, {face_of(faces_[0], 1), face_of(faces_[1], 2)});
  let_in(decomposed_, {bare, face_of(faces_[2], 3)});
  let_in("Ann ", {face_of(faces_[4], 4)});
  let_in(" Bob", {face_of(faces_[8], 5)});
  let_in("Bob ", {face_of(faces_[9], 6)});
  let_in(" ", {face_of(faces_[12], 7)});
  const auto store = open_sqlite_gallery(path_);
  const GalleryRepairs found = find_repairs(*store);
  ASSERT_EQ(found.names.size(), 4U);
  const auto is = [](const GalleryRepairs::Name& one, const std::string& from, const std::string& into,
                     bool merge) {
    EXPECT_EQ(one.from, from);
    EXPECT_EQ(one.into, into);
    EXPECT_EQ(one.merge, merge) << from;
  };
  is(found.names[0], "Ann ", "Ann", false);
  is(found.names[1], " Bob", "Bob", false);
  is(found.names[2], "Bob ", "Bob", true);
  is(found.names[3], decomposed_, composed_, true);
  EXPECT_EQ(found.nobodys_names, (std::vector<std::string>{" "}));
  ASSERT_EQ(found.doubles.size(), 1U);  // under both of his names
  EXPECT_EQ(found.doubles[0].person, composed_);
  EXPECT_EQ(found.doubles[0].of, 1);
  EXPECT_EQ(store->people().size(), 6U);  // nothing is done yet
  repair(*store, found);
  std::map<std::string, std::int64_t> people;
  for (const Person& person : store->people()) people[person.name] = person.faces;
  EXPECT_EQ(people, (std::map<std::string, std::int64_t>{{" ", 1}, {"Ann", 1}, {"Bob", 2}, {composed_, 3}}));
  EXPECT_TRUE(store->rename_person(" ", "Cy"));
  EXPECT_TRUE(find_repairs(*store).empty());
  EXPECT_TRUE(find_repairs(*store).nobodys_names.empty());
  EXPECT_TRUE(store->check().empty());
}

TEST_F(OldNames, AreFoundHoweverTheyAreGiven) {
  let_in(decomposed_, {face_of(faces_[0], 1)});
  let_in("Ann ", {face_of(faces_[4], 2)});
  const auto store = open_sqlite_gallery(path_);
  EXPECT_TRUE(store->find_person(composed_));
  EXPECT_TRUE(store->find_person("Ann"));
  EXPECT_FALSE(store->find_person("An"));
  // A new face goes to the person there is, not to another one who looks alike.
  const NewFace face = face_of(faces_[1], 3);
  EXPECT_EQ(store->add_faces(composed_, std::span(&face, 1)).at(0).person, decomposed_);
  EXPECT_EQ(store->people().size(), 2U);
  EXPECT_TRUE(store->rename_person("Ann", "Ann"));
  EXPECT_EQ(store->people()[0].name, "Ann");
  EXPECT_TRUE(store->remove_person("Ann"));
  EXPECT_FALSE(store->find_person("Ann "));
}

TEST(SharedFaces, AreFoundAmongManyWithinRoundingAndNoOthers) {
  for (const EmbeddingFormat format : {EmbeddingFormat::kF32, EmbeddingFormat::kInt8}) {
    const auto store = make_memory_store(kSpace, format);
    Embeddings faces = synthetic_faces(400, 3, 64, 11);  // cosines of .6 within a person
    const auto enrol = [&](const std::string& name, std::span<const float> embedding) {
      NewFace face;
      face.embedding = embedding;
      return store->add_faces(name, std::span(&face, 1)).at(0).id;
    };
    for (std::size_t i = 0; i < faces.size(); ++i) enrol("P" + std::to_string(i / 3), faces[i]);
    EXPECT_TRUE(find_repairs(*store).shared.empty());
    std::vector<std::int64_t> again;
    for (std::size_t i = 0; i < 100; ++i) {  // as another processor computes them
      Embeddings one{64, {faces[i].begin(), faces[i].end()}};
      for (std::size_t j = 0; j < 64; ++j) one.values[j] += (i + j) % 3 == 0 ? 1e-4F : -5e-5F;
      l2_normalize(one);
      again.push_back(enrol("Q" + std::to_string(i), one[0]));
    }
    const auto shared = find_repairs(*store).shared;
    ASSERT_EQ(shared.size(), 100U);
    for (std::size_t i = 0; i < shared.size(); ++i) {
      EXPECT_EQ(shared[i].face, static_cast<std::int64_t>(i + 1));
      EXPECT_EQ(shared[i].other, again[i]);
      EXPECT_EQ(shared[i].person, "P" + std::to_string(i / 3));
      EXPECT_EQ(shared[i].other_person, "Q" + std::to_string(i));
    }
  }
}

TEST_F(Repair, TwoFacesOfOnePhotoAreNoDoubles) {
  NewFace left = face_of(faces_[0], 1);
  NewFace right = face_of(faces_[1], 1);
  right.box.left += 200;
  const NewFace both[] = {left, right};
  store_->add_faces("Ada", both);
  EXPECT_TRUE(find_repairs(*store_).empty());
}

}  // namespace
}  // namespace likeness
