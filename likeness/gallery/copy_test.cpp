#include "likeness/gallery/copy.h"

#include <gtest/gtest.h>

#include "likeness/core/error.h"
#include "likeness/gallery/memory_store.h"
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
