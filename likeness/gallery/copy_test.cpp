#include "likeness/gallery/copy.h"

#include <gtest/gtest.h>

#include "likeness/core/error.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/seen.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"
#include "likeness/gallery/tested_gallery.h"

namespace likeness {
namespace {

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 64};

class Copy : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    place_ = tested_gallery(GetParam());
    if (!place_) GTEST_SKIP() << "no server for " << GetParam();
    for (int i = 0; i < 24; ++i) {
      NewFace face = face_of(faces_[static_cast<std::size_t>(i)], i + 1);
      face.added_ms = 1'700'000'000'000 + i;
      if (i % 4 == 0) face.crop = crop_;
      if (i == 7) face.photo_hash = "";
      if (i == 8) face.photo_size = {};
      from_->add_faces("P" + std::to_string(i / 3), std::span(&face, 1));
    }
    from_->set_note("calibration", "measured");
    from_->reject(from_->find_person("P2")->id, faces_[27], hash_of(99), {1, 2, 3, 4});
  }

  Embeddings faces_ = synthetic_faces(10, 3, 64, 7);
  std::vector<std::byte> crop_ = std::vector<std::byte>(300, std::byte{7});
  std::unique_ptr<GalleryStore> from_ = make_memory_store(kSpace);
  std::unique_ptr<TestedGallery> place_;
};

INSTANTIATE_TEST_SUITE_P(Stores, Copy, ::testing::ValuesIn(tested_kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(Copy, BringsEverythingThereAndBack) {
  const auto to = place_->make(kSpace);
  const CopyReport report = copy_gallery(*from_, *to);
  EXPECT_EQ(report.people, 8U);
  EXPECT_EQ(report.faces, 24U);
  EXPECT_EQ(report.added, 24U);
  EXPECT_TRUE(report.elsewhere.empty());
  EXPECT_EQ(to->note("calibration"), "measured");
  EXPECT_EQ(to->rejections().list.size(), 1U);
  EXPECT_TRUE(to->check().empty());
  const auto back = make_memory_store(kSpace);
  EXPECT_EQ(copy_gallery(*to, *back).added, 24U);
  const auto again = copy_gallery(*from_, *back);  // compares all
  EXPECT_EQ(again.added, 0U);
  EXPECT_EQ(again.faces, 24U);
  const StoredFace face = back->faces(back->find_person("P4")->id).at(0);
  EXPECT_EQ(face.added_ms, 1'700'000'000'012);
  EXPECT_EQ(face.photo_size, (ImageSize{640, 480}));
  EXPECT_EQ(back->faces(back->find_person("P2")->id).at(2).photo_size, ImageSize{});
  NewFace sized = face_of(faces_[8], 9);
  to->add_faces("P2", std::span(&sized, 1));
  EXPECT_EQ(copy_gallery(*from_, *to).faces, 24U);  // that the copy knows more is no difference
  EXPECT_EQ(back->crop(face.id), crop_);
}

TEST_P(Copy, GoesOnWhereItStoppedAndAddsNothingTwice) {
  const auto to = place_->make(kSpace);
  static_cast<void>(copy_gallery(*from_, *to));
  to->remove_person("P3");
  to->remove_face(to->faces(to->find_person("P5")->id).at(1).id);
  EXPECT_EQ(copy_gallery(*from_, *to).added, 4U);
  EXPECT_EQ(copy_gallery(*from_, *to).added, 0U);
  EXPECT_EQ(to->face_count(), 24);
  expect_error(ErrorCode::kStopped, "", [&] {
    static_cast<void>(copy_gallery(*from_, *to, [](std::size_t, std::size_t) { return false; }));
  });
}

TEST_P(Copy, BringsFacesWithoutANameInTheirGroups) {
  const auto seen_at = [&](std::size_t row, std::int64_t time_ms, int photo, bool crop) {
    NewSeenFace face{.embedding = faces_[row], .box = {1, 2, 81, 82}, .time_ms = time_ms};
    face.quality = {.size_px = static_cast<float>(80 + row), .sharpness = 5, .yaw = 0.25F, .score = 0.5F};
    if (photo > 0) face.photo_hash = hash_of(photo);
    if (crop) face.crop = crop_;
    return from_->seen().add(face, 0.5).group;
  };
  const std::int64_t first = seen_at(24, 100, 50, true);
  seen_at(27, 200, 51, false);
  const std::int64_t ignored = seen_at(21, 300, 0, false);
  from_->seen().set_shelf(ignored, SeenShelf::kIgnored);
  const auto to = place_->make(kSpace);
  EXPECT_EQ(copy_gallery(*from_, *to).seen.added, 3U);
  EXPECT_EQ(copy_gallery(*from_, *to).seen.added, 0U);
  // Somebody of the first group again, and a group that the copy lost.
  EXPECT_EQ(seen_at(25, 400, 0, false), first);
  to->seen().remove_group(to->seen().groups(SeenShelf::kIgnored).at(0).id);
  const CopyReport report = copy_gallery(*from_, *to);
  EXPECT_EQ(report.seen.faces, 4U);
  EXPECT_EQ(report.seen.added, 2U);
  const auto back = make_memory_store(kSpace);
  EXPECT_EQ(copy_gallery(*to, *back).seen.added, 4U);
  const auto groups = from_->seen().groups();
  for (const GalleryStore* copy : std::vector<const GalleryStore*>{to.get(), back.get()}) {
    const auto copied = copy->seen().groups();
    ASSERT_EQ(copied.size(), groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) {
      EXPECT_EQ(copied[i].shelf, groups[i].shelf);
      EXPECT_EQ(copied[i].sightings, groups[i].sightings);
      EXPECT_EQ(copied[i].faces, groups[i].faces);
      EXPECT_EQ(copied[i].first_ms, groups[i].first_ms);
      EXPECT_EQ(copied[i].last_ms, groups[i].last_ms);
    }
    const SeenFace face = copy->seen().faces(copied.at(0).id).at(0);
    EXPECT_EQ(face.photo_hash, hash_of(50));
    EXPECT_EQ(copy->seen().crop(face.id), crop_);
    EXPECT_TRUE(copy->check().empty());
  }
  NewSeenFace again{.embedding = faces_[26], .box = {1, 2, 3, 4}, .time_ms = 500};
  EXPECT_EQ(to->seen().add(again, 0.5).group, to->seen().groups().at(0).id);  // the middle came along
  // The same photo and box, but seen larger.
  const auto other = make_memory_store(kSpace);
  NewSeenFace face{.embedding = faces_[24], .box = {1, 2, 81, 82}, .time_ms = 100};
  face.photo_hash = hash_of(50);
  other->seen().add(face, 0.5);
  expect_error(ErrorCode::kDataInvalid, "of a group without a name 1 faces are not as in",
               [&] { static_cast<void>(copy_gallery(*other, *to)); });
}

TEST_P(Copy, TellsOfFacesThatAreSomebodyElsesAndOfOthersThanTheyWere) {
  const auto to = place_->make(kSpace);
  static_cast<void>(copy_gallery(*from_, *to));
  const std::int64_t moved = to->faces(to->find_person("P1")->id).at(0).id;
  to->move_faces(std::span(&moved, 1), "Eve");
  to->set_note("calibration", "another");
  const CopyReport report = copy_gallery(*from_, *to);
  ASSERT_EQ(report.elsewhere.size(), 1U);
  EXPECT_NE(report.elsewhere[0].find("is enrolled as Eve"), std::string::npos);
  EXPECT_EQ(report.faces, 23U);
  EXPECT_EQ(to->note("calibration"), "another");  // it holds other faces too
  // The same photo and box, but measured otherwise.
  const auto other = make_memory_store(kSpace);
  NewFace face = face_of(faces_[0], 1);
  other->add_faces("P0", std::span(&face, 1));
  expect_error(ErrorCode::kDataInvalid, "of P0 1 faces are not as in",
               [&] { static_cast<void>(copy_gallery(*other, *to)); });
  EmbeddingSpace space = kSpace;
  space.contract_id = "other-model";
  expect_error(ErrorCode::kModelMismatch, "other-model",
               [&] { static_cast<void>(copy_gallery(*make_memory_store(space), *to)); });
}

}  // namespace
}  // namespace likeness
