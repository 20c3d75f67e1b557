// Faces without a name, kept for review: wherever they are kept, open and sealed.
#include "likeness/gallery/seen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/tested_gallery.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{.contract = "", .contract_id = "test-model", .precision = "f32", .dimension = 64};

/// In the plane of the first two axes, at so many degrees: cosines are those of differences.
std::vector<float> at(double degrees) {
  std::vector<float> values(64);
  values[0] = static_cast<float>(std::cos(degrees * M_PI / 180));
  values[1] = static_cast<float>(std::sin(degrees * M_PI / 180));
  return values;
}

class Seen : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    gallery_ = tested_gallery(kind());
    if (!gallery_) GTEST_SKIP() << "no server for " << kind();
    store_ = gallery_->make(kSpace);
  }
  [[nodiscard]] static std::string kind() { return GetParam(); }
  /// The same gallery, opened anew where others can.
  void reopen() {
    if (auto other = gallery_->open(false)) store_ = std::move(other);
  }
  SeenStore& seen() { return store_->seen(); }
  AddedSeenFace add(double degrees, std::int64_t time_ms, float size_px = 80, int photo = 0) {
    const std::vector<float> embedding = at(degrees);
    NewSeenFace face{.embedding = embedding, .box = {1, 2, 81, 82}, .time_ms = time_ms};
    face.quality = {.size_px = size_px, .sharpness = 5, .brightness = 100, .yaw = 0.25F, .score = 0.5F};
    face.photo_hash = photo == 0 ? "" : hash_of(photo);
    face.photo_size = {640, 480};
    return seen().add(face, kLink);
  }

  static constexpr double kLink = 0.9;  // 25.8 degrees
  std::unique_ptr<TestedGallery> gallery_;
  std::unique_ptr<GalleryStore> store_;
};

TEST_P(Seen, AClockThatIsSetBackLosesNoFace) {
  add(0, 5000);
  add(1, 100);
  add(60, 50);
  const auto groups = seen().groups();
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].first_ms, 100);
  EXPECT_EQ(groups[0].last_ms, 5000);
  EXPECT_EQ(groups[0].faces, 2);
  EXPECT_EQ(seen().remove_older_than(50), 0U);
}

INSTANTIATE_TEST_SUITE_P(Stores, Seen, ::testing::ValuesIn(tested_kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(Seen, MiddlesComeInTheOrderAskedFor) {
  const AddedSeenFace first = add(0, 1);
  ASSERT_EQ(add(20, 2).group, first.group);
  const AddedSeenFace second = add(90, 3);
  reopen();
  const std::vector<std::int64_t> asked{second.group, 99, first.group};
  const Embeddings centres = seen().centres(asked);
  ASSERT_EQ(centres.size(), 3U);
  const auto cosine = [&](std::size_t row, double degrees) { return dot(centres[row], at(degrees)); };
  EXPECT_NEAR(cosine(0, 90), 1, 1e-6);
  EXPECT_NEAR(cosine(1, 0), 0, 1e-6);
  EXPECT_NEAR(cosine(2, 10), 1, 1e-6);  // half way between 0 and 20 degrees
}

TEST_P(Seen, FacesJoinTheLikestGroupOrOpenOne) {
  const auto first = add(0, 1000);
  EXPECT_TRUE(first.is_new_group);
  EXPECT_EQ(first.cosine, 0);
  const auto second = add(20, 3000, 120);  // the middle is at 10 degrees now
  EXPECT_EQ(second.group, first.group);
  EXPECT_FALSE(second.is_new_group);
  EXPECT_NEAR(second.cosine, std::cos(20 * M_PI / 180), 1e-6);
  const auto far = add(90, 2000);
  EXPECT_TRUE(far.is_new_group);
  const auto between = add(35, 500);  // 25 degrees from one middle, 55 from the other
  EXPECT_EQ(between.group, first.group);
  EXPECT_NEAR(between.cosine, std::cos(25 * M_PI / 180), 1e-6);
  reopen();
  const auto groups = seen().groups();
  ASSERT_EQ(groups.size(), 2U);  // the one seen last first
  EXPECT_EQ(groups[0].id, first.group);
  EXPECT_EQ(groups[0].sightings, 3);
  EXPECT_EQ(groups[0].faces, 3);
  EXPECT_EQ(groups[0].first_ms, 500);
  EXPECT_EQ(groups[0].last_ms, 3000);
  EXPECT_EQ(groups[0].exemplar, second.face);
  EXPECT_EQ(groups[0].shelf, SeenShelf::kUnknown);
  EXPECT_EQ(groups[1].id, far.group);
  const auto faces = seen().faces(first.group);
  ASSERT_EQ(faces.size(), 3U);
  EXPECT_EQ(faces[1].id, second.face);
  EXPECT_EQ(faces[1].group, first.group);
  EXPECT_EQ(faces[1].box, (Box{1, 2, 81, 82}));
  EXPECT_EQ(faces[1].quality.size_px, 120);
  EXPECT_EQ(faces[1].quality.yaw, 0.25F);
  EXPECT_EQ(faces[1].time_ms, 3000);
  const Embeddings embeddings = seen().embeddings(first.group);
  ASSERT_EQ(embeddings.size(), 3U);
  EXPECT_EQ(std::vector<float>(embeddings[2].begin(), embeddings[2].end()), at(35));
  EXPECT_TRUE(seen().faces(99).empty());
  EXPECT_EQ(seen().embeddings(99).size(), 0U);
  EXPECT_FALSE(seen().find_group(99));
  EXPECT_TRUE(store_->check().empty());
  EXPECT_TRUE(store_->people().empty());
  EXPECT_EQ(store_->version(), 0U);
  // The middle, read from the file again, is where it was: (0 + 20 + 35) / 3, about.
  EXPECT_NEAR(add(18.4, 4000).cosine, 1, 1e-5);
}

TEST_P(Seen, TheSamePhotoAndBoxCountOnce) {
  const auto first = add(0, 1, 80, 7);
  reopen();
  const auto again = add(0, 2, 80, 7);
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.face, first.face);
  EXPECT_EQ(again.group, first.group);
  EXPECT_EQ(seen().find_group(first.group)->sightings, 1);
  EXPECT_EQ(seen().find_face(first.face)->photo_hash, hash_of(7));
  EXPECT_TRUE(add(0, 2, 80, 8).is_new);
  EXPECT_TRUE(add(0, 2).is_new);
  EXPECT_TRUE(add(0, 2).is_new);  // of no known photo: never the same
}

TEST_P(Seen, PicturesAreKept) {
  const std::vector<float> embedding = at(0);
  std::vector<std::byte> crop(5000, std::byte{0x5A});
  NewSeenFace face{.embedding = embedding, .box = {1, 2, 3, 4}, .time_ms = 1, .crop = crop};
  const auto with = seen().add(face, kLink);
  const auto without = add(0, 2);
  reopen();
  EXPECT_EQ(seen().crop(with.face), crop);
  EXPECT_TRUE(seen().find_face(with.face)->has_crop);
  EXPECT_TRUE(seen().crop(without.face).empty());
  EXPECT_FALSE(seen().find_face(without.face)->has_crop);
  EXPECT_EQ(seen().find_face(without.face)->photo_size, (ImageSize{640, 480}));
  EXPECT_EQ(seen().find_face(with.face)->photo_size, ImageSize{});
  EXPECT_TRUE(seen().crop(99).empty());
  crop.resize(kMostCropBytes + 1);
  face.crop = crop;
  EXPECT_THROW(seen().add(face, kLink), std::invalid_argument);
  const std::vector<float> longer(64, 1);
  EXPECT_THROW(seen().add({.embedding = longer}, kLink), std::invalid_argument);
  EXPECT_THROW(seen().add({.embedding = std::span(embedding).first(32)}, kLink), std::invalid_argument);
  if (gallery_->folder().empty()) return;
  store_.reset();  // what lies in the file
  std::ifstream stream(gallery_->folder() / "people.gallery", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(stream), {});
  const std::string vector(reinterpret_cast<const char*>(embedding.data()), 64 * sizeof(float));
  EXPECT_EQ(bytes.find(std::string(64, 'Z')) != std::string::npos, kind() == "sqlite");
  EXPECT_EQ(bytes.find(vector) != std::string::npos, kind() == "sqlite");
}

TEST_P(Seen, WhoIsIgnoredStaysIgnored) {
  const auto first = add(0, 1);
  const auto other = add(90, 2);
  EXPECT_TRUE(seen().set_shelf(first.group, SeenShelf::kIgnored));
  EXPECT_FALSE(seen().set_shelf(99, SeenShelf::kIgnored));
  reopen();
  EXPECT_EQ(add(5, 3).shelf, SeenShelf::kIgnored);
  ASSERT_EQ(seen().groups(SeenShelf::kUnknown).size(), 1U);
  EXPECT_EQ(seen().groups(SeenShelf::kUnknown)[0].id, other.group);
  ASSERT_EQ(seen().groups(SeenShelf::kIgnored).size(), 1U);
  EXPECT_EQ(seen().groups(SeenShelf::kIgnored)[0].sightings, 2);
  EXPECT_TRUE(seen().set_shelf(first.group, SeenShelf::kUnknown));
  EXPECT_EQ(seen().groups(SeenShelf::kUnknown).size(), 2U);
}

TEST_P(Seen, WhatIsRemovedMovesTheMiddleAndIsNotFoundAgain) {
  const auto first = add(0, 1);
  const auto second = add(20, 2);
  const auto other = add(90, 3);
  EXPECT_TRUE(seen().remove_face(first.face));
  EXPECT_FALSE(seen().remove_face(first.face));
  EXPECT_NEAR(add(20, 4).cosine, 1, 1e-6);  // the middle is at 20 degrees
  EXPECT_TRUE(seen().remove_group(first.group));
  EXPECT_FALSE(seen().remove_group(first.group));
  EXPECT_FALSE(seen().find_face(second.face));
  const auto anew = add(20, 5);
  EXPECT_TRUE(anew.is_new_group);
  EXPECT_GT(anew.group, other.group);
  EXPECT_TRUE(seen().remove_face(other.face));  // the last one takes the group along
  EXPECT_FALSE(seen().find_group(other.group));
  EXPECT_TRUE(add(90, 6).is_new_group);
  EXPECT_TRUE(store_->check().empty());
}

TEST_P(Seen, OldFacesExpire) {
  const auto first = add(0, 100);
  add(10, 300);
  const auto old = add(90, 200);
  const auto ignored = add(180, 50);
  seen().set_shelf(ignored.group, SeenShelf::kIgnored);
  EXPECT_EQ(seen().remove_older_than(50), 0U);
  EXPECT_EQ(seen().remove_older_than(250, SeenShelf::kUnknown), 2U);
  EXPECT_FALSE(seen().find_group(old.group));
  EXPECT_EQ(seen().find_group(first.group)->faces, 1);
  EXPECT_EQ(seen().find_group(first.group)->sightings, 2);
  EXPECT_NEAR(add(10, 400).cosine, 1, 1e-6);
  EXPECT_EQ(seen().remove_older_than(250), 1U);
  EXPECT_FALSE(seen().find_group(ignored.group));
  EXPECT_EQ(seen().groups().size(), 1U);
}

TEST_P(Seen, AGroupKeepsItsLargestFaces) {
  std::int64_t group = 0;
  for (int i = 0; i < kMostFacesOfGroup; ++i) group = add(0, i, 100 + static_cast<float>(i)).group;
  const auto small = add(1, 60, 50);
  EXPECT_EQ(small.face, 0);
  EXPECT_EQ(small.group, group);
  const auto large = add(1, 61, 500);
  EXPECT_NE(large.face, 0);
  const auto told = seen().find_group(group);
  EXPECT_EQ(told->faces, kMostFacesOfGroup);
  EXPECT_EQ(told->sightings, kMostFacesOfGroup + 2);
  EXPECT_EQ(told->last_ms, 61);
  EXPECT_EQ(told->exemplar, large.face);
  EXPECT_EQ(seen().faces(group)[0].quality.size_px, 101);  // the smallest one went
}

TEST_P(Seen, TwoWhoHaveTheGalleryOpenSeeEachOther) {
  const auto first = add(0, 1);
  const auto other = gallery_->open(false);
  if (!other) GTEST_SKIP() << "nobody else can have it";
  const std::vector<float> embedding = at(10);
  EXPECT_EQ(other->seen().add({.embedding = embedding, .time_ms = 2}, kLink).group, first.group);
  EXPECT_NEAR(add(5, 3).cosine, 1, 1e-6);  // the other's face moved the middle
  EXPECT_TRUE(other->seen().remove_group(first.group));
  EXPECT_TRUE(add(5, 4).is_new_group);
  expect_error(ErrorCode::kOutputUnwritable, "may not be written",
               [&] { gallery_->open(true)->seen().remove_group(first.group + 1); });
}

TEST_P(Seen, PurgeLeavesNothingOfThem) {
  if (kind() != "sqlite") return;
  const std::vector<std::byte> crop(3000, std::byte{0x5A});
  const std::vector<float> embedding = at(45);
  const auto added = seen().add({.embedding = embedding, .time_ms = 1, .crop = crop}, kLink);
  add(90, 2);
  EXPECT_TRUE(seen().remove_group(added.group));
  store_->purge();
  for (const auto& entry : fs::directory_iterator(gallery_->folder())) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(stream), {});
    EXPECT_EQ(bytes.find(std::string(16, 'Z')), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find(std::string(reinterpret_cast<const char*>(embedding.data()), 8)), std::string::npos)
        << entry.path();
  }
  EXPECT_EQ(seen().groups().size(), 1U);
}

}  // namespace
}  // namespace likeness
