#include "likeness/gallery/exchange.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "likeness/core/error.h"
#include "likeness/gallery/face_review.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 64};

class Exchange : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("exchange_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::unique_ptr<GalleryStore> make(const std::string& name, const EmbeddingSpace& space = kSpace) const {
    create_sqlite_gallery(folder_ / name, space);
    return open_sqlite_gallery(folder_ / name);
  }
  fs::path folder_;
  Embeddings faces_ = synthetic_faces(2, 2, 64, 7);
};

TEST_F(Exchange, WhatIsExportedComesBack) {
  const auto store = make("a");
  NewFace face;
  face.photo = "ada/1.jpg";
  face.photo_hash = std::string(64, 'a');
  face.photo_size = {640, 480};
  face.box = {1, 2, 3.5F, 4};
  face.landmarks[4] = {5, 6};
  face.quality.yaw = 0.25F;
  face.embedding = faces_[0];
  store->add_faces("Ada", std::span(&face, 1));
  face.photo_hash = std::string(64, 'b');
  face.embedding = faces_[2];
  store->add_faces("Bob", std::span(&face, 1));
  EXPECT_EQ(export_gallery(*store, folder_ / "out.npz"), 2U);

  const auto other = make("b");
  EXPECT_EQ(import_gallery(*other, folder_ / "out.npz").added, 2U);
  EXPECT_EQ(import_gallery(*other, folder_ / "out.npz").known, 2U);
  const auto back = other->faces(other->find_person("Ada")->id).at(0);
  EXPECT_EQ(back.photo, "ada/1.jpg");
  EXPECT_EQ(back.photo_hash, std::string(64, 'a'));
  EXPECT_EQ(back.photo_size, (ImageSize{640, 480}));
  EXPECT_EQ(back.box, face.box);
  EXPECT_EQ(back.landmarks[4], (Point{5, 6}));
  EXPECT_EQ(back.quality.yaw, 0.25F);
  EXPECT_GT(dot(other->embedding(back.id), faces_[0]), 0.9999);
  EXPECT_EQ(space_of_npz(folder_ / "out.npz").contract_id, "test-model");
}

TEST_F(Exchange, TheSameFacesAgainAddNothing) {
  const auto write = [&](const char* name, bool with_photos) {
    std::vector<NpzMember> members{{"arr_0", Array<float>{{4, 64}, faces_.values}},
                                   strings_member("arr_1", {"Ada", "Ada", "Bob", "Bob"}),
                                   text_member("contract", "{\"id\":\"test-model\"}")};
    if (with_photos) {
      std::vector<std::string> hashes;
      std::vector<float> rows;
      for (int i = 0; i < 4; ++i) {
        hashes.emplace_back(64, static_cast<char>('a' + i));
        append_face_row(rows, {1, 2, 3, static_cast<float>(4 + i)}, {}, {});
      }
      members.push_back(strings_member("photo_sha256", hashes));
      members.push_back({"faces", Array<float>{{4, kFaceColumns}, rows}});
    }
    write_npz(folder_ / name, members);
  };
  write("bare.npz", false);
  write("full.npz", true);
  for (const auto& order : {std::pair("bare.npz", "full.npz"), std::pair("full.npz", "bare.npz")}) {
    const auto store = make(order.first + std::string(".gallery"));
    EXPECT_EQ(import_gallery(*store, folder_ / order.first).added, 4U);
    EXPECT_EQ(import_gallery(*store, folder_ / order.first).added, 0U);
    const Imported other = import_gallery(*store, folder_ / order.second);
    EXPECT_EQ(other.added, 0U);
    EXPECT_EQ(other.known, 4U);
    EXPECT_EQ(store->face_count(), 4);
  }
}

TEST_F(Exchange, ANameThatNobodyMayHaveIsToldBeforeAnybodyIsEnrolled) {
  const auto store = make("a");
  for (const char* name : {"unknown ", "zo\ne", " "}) {
    write_npz(
        folder_ / "e.npz",
        {{"arr_0",
          Array<float>{{2, 64}, std::vector<float>(faces_.values.begin(), faces_.values.begin() + 128)}},
         strings_member("arr_1", {"Ada", name}),
         text_member("contract", "{\"id\":\"test-model\"}")});
    EXPECT_THROW(import_gallery(*store, folder_ / "e.npz"), Error) << name;
    EXPECT_EQ(store->face_count(), 0) << name;
  }
}

TEST_F(Exchange, RefusesOtherModelsAndDamage) {
  const auto store = make("a");
  EXPECT_THROW(export_gallery(*store, folder_ / "out.npz"), Error);  // empty
  NewFace face;
  face.embedding = faces_[0];
  store->add_faces("Ada", std::span(&face, 1));
  export_gallery(*store, folder_ / "out.npz");
  EmbeddingSpace other = kSpace;
  other.contract_id = "other-model";
  try {
    import_gallery(*make("b", other), folder_ / "out.npz");
    FAIL() << "the embeddings are of another model";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelMismatch);
  }
  const Array<float> rows{{2, 64}, std::vector<float>(faces_.values.begin(), faces_.values.begin() + 128)};
  write_npz(folder_ / "size.npz",
            {{"arr_0", rows},
             strings_member("arr_1", {"Ada", "Bob"}),
             text_member("contract", "{\"id\":\"test-model\"}"),
             strings_member("photo_sha256", {std::string(64, 'a'), std::string(64, 'b')}),
             {"faces", Array<float>{{2, kFaceColumns}, std::vector<float>(2 * kFaceColumns)}},
             {"photo_size", Array<std::int64_t>{{2, 2}, {640, 480, -1, 480}}}});
  expect_error(ErrorCode::kDataInvalid, "photo_size 1 is no photo's size",
               [&] { import_gallery(*make("sizes"), folder_ / "size.npz"); });
  write_npz(folder_ / "short.npz", {{"arr_0", rows},
                                    strings_member("arr_1", {"Ada"}),
                                    text_member("contract", "{\"id\":\"test-model\"}")});
  try {
    import_gallery(*store, folder_ / "short.npz");
    FAIL() << "one name for two rows";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
    EXPECT_NE(std::string(error.what()).find("arr_1"), std::string::npos) << error.what();
  }
}

Face frontal() {
  Face face;
  face.box = {100, 100, 180, 200};
  face.landmarks = {Point{120, 130}, Point{160, 130}, Point{140, 150}, Point{125, 175}, Point{155, 175}};
  face.score = 0.99F;
  return face;
}

TEST(MeasureQuality, AgreesWithNumbersByHand) {
  // Columns of 0 and 200 in turns: the Laplacian is 2 * (centre - neighbours' mean) = -400 and 400, variance
  // 160000.
  Image stripes(40, 40, 0);
  for (int y = 0; y < 40; ++y) {
    for (int x = 1; x < 40; x += 2) std::fill_n(stripes.row(y) + 3 * x, 3, std::uint8_t{200});
  }
  const auto quality = measure_quality(frontal(), stripes);
  EXPECT_EQ(quality.size_px, 80);
  EXPECT_NEAR(quality.sharpness, 160000, 1);
  EXPECT_NEAR(quality.brightness, 100, 0.1);
  EXPECT_NEAR(quality.yaw, 0, 1e-6);
  EXPECT_EQ(measure_quality(frontal(), Image(40, 40, 77)).sharpness, 0);
  Face turned = frontal();
  turned.landmarks[2].x = 160;  // the nose under the right eye
  EXPECT_NEAR(measure_quality(turned, stripes).yaw, 1, 1e-6);
}

TEST(ReviewFace, RefusesWithTheMeasuredValue) {
  const FaceQuality good{.size_px = 120, .sharpness = 200, .brightness = 120, .yaw = 0.1F, .score = 1};
  EXPECT_TRUE(review_face(good, 1, Review::kStrict).empty());
  FaceQuality small = good;
  small.size_px = 22;
  const auto findings = review_face(small, 1, Review::kStandard);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_TRUE(findings[0].refuse);
  EXPECT_NE(findings[0].what.find("22 pixels"), std::string::npos) << findings[0].what;
  EXPECT_TRUE(review_face(small, 1, Review::kOff).empty());
  const auto crowd = review_face(good, 3, Review::kStandard);
  ASSERT_EQ(crowd.size(), 1U);
  EXPECT_FALSE(crowd[0].refuse);  // told, and the main face kept
  EXPECT_TRUE(review_face(good, 3, Review::kStrict).at(0).refuse);
  FaceQuality dark = good;
  dark.brightness = 10;
  dark.yaw = -1.5F;
  dark.sharpness = 1;
  EXPECT_EQ(review_face(dark, 1, Review::kStandard).size(), 3U);
  EXPECT_EQ(review_from("strict"), Review::kStrict);
  EXPECT_FALSE(review_from("no"));
}

}  // namespace
}  // namespace likeness
