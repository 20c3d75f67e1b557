#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "likeness/core/error.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/person_faces.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract = "", .contract_id = "test-model", .precision = "f32", .dimension = 128};

class GalleryOfTen : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(::testing::TempDir()) / ("ten_" + std::to_string(::getpid()) +
                                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = folder_ / "g.gallery";
    create_sqlite_gallery(path_, kSpace);
    const auto store = open_sqlite_gallery(path_);
    for (std::size_t i = 0; i < 40; ++i) {
      if (i % 4 != 3) enrol(*store, "P" + std::to_string(i / 4), faces_[i]);  // the fourth of each asks
    }
  }
  void TearDown() override { fs::remove_all(folder_); }

  static AddedFace enrol(GalleryStore& store, const std::string& name, std::span<const float> embedding) {
    static int photos = 0;  // each face from one of its own
    NewFace face;
    face.photo_hash = hash_of(++photos);
    face.embedding = embedding;
    return store.add_faces(name, std::span(&face, 1)).at(0);
  }
  Gallery open(const GalleryOptions& options = {}) const { return open_gallery(path_.string(), options); }
  /// Without a calibration `fallback` decides; without that nobody gets a name.
  static Identification ask(const Gallery& gallery, std::span<const float> query,
                            std::optional<double> fallback = {}) {
    const auto view = gallery.view();
    NamingRule rule = calibrated_rule(*view);
    if (!rule.threshold) rule = {.threshold = fallback, .origin = NamingRule::Origin::kCaller};
    return identify(*view, rule, query);
  }
  static std::vector<Stranger> strangers(const Embeddings& faces, std::size_t each) {
    std::vector<Stranger> all;
    for (std::size_t i = 0; i < faces.size(); ++i) {
      all.push_back({faces[i], "S" + std::to_string(i / each), std::to_string(i) + ".jpg", ""});
    }
    return all;
  }

  fs::path folder_;
  fs::path path_;
  Embeddings faces_ = synthetic_faces(10, 4, 128, 31);
};

TEST_F(GalleryOfTen, NamesTheEnrolledAndNobodyElse) {
  Gallery gallery = open();
  const Embeddings others = synthetic_faces(400, 1, 128, 77);
  const auto report = calibrate_with(*gallery.view(), strangers(others, 1), {.target_fpir = 0.01});
  gallery.set_calibration(report.calibration);
  EXPECT_EQ(report.calibration.mate_faces, 30U);
  EXPECT_EQ(report.calibration.gallery_people, 10U);
  EXPECT_EQ(report.look_alikes.size(), 10U);
  EXPECT_GE(report.look_alikes[0].enrolled.similarity, report.look_alikes[9].enrolled.similarity);
  const Gallery again = open();  // the calibration was stored
  for (std::size_t person = 0; person < 10; ++person) {
    const auto answer = ask(again, faces_[4 * person + 3]);
    EXPECT_EQ(answer.name, "P" + std::to_string(person));
    EXPECT_GT(answer.probability.value(), 0.5);
    EXPECT_EQ(answer.nearest->name, *answer.name);
    EXPECT_NE(answer.runner_up->name, *answer.name);
  }
  int named = 0;
  const Embeddings more = synthetic_faces(400, 1, 128, 78);
  for (std::size_t i = 0; i < more.size(); ++i) {
    const auto answer = ask(again, more[i]);
    named += answer.name ? 1 : 0;
    EXPECT_EQ(answer.name.has_value(), answer.probability.value() >= 0.5);
  }
  EXPECT_LE(named, 16);  // 1 % asked; 4 expected
}

TEST_F(GalleryOfTen, CopiesAndMorePeopleDoNotMoveTheProbability) {
  Gallery gallery = open();
  const Embeddings others = synthetic_faces(400, 1, 128, 77);
  gallery.set_calibration(
      calibrate_with(*gallery.view(), strangers(others, 1), {.target_fpir = 0.01}).calibration);
  const double before = ask(gallery, faces_[3]).probability.value();
  for (int copy = 0; copy < 5; ++copy) enrol(gallery.store(), "P0", faces_[0]);
  const Embeddings crowd = synthetic_faces(200, 2, 128, 5);
  for (std::size_t i = 0; i < crowd.size(); ++i)
    enrol(gallery.store(), "C" + std::to_string(i / 2), crowd[i]);
  gallery.refresh();
  EXPECT_EQ(gallery.view()->faces(), 30U + 5 + 400);
  EXPECT_NEAR(ask(gallery, faces_[3]).probability.value(), before, 0.02);
  // Calibrating again on more faces: a clear case stays clear.
  const auto repeated =
      calibrate_with(*gallery.view(), strangers(others, 1), {.target_fpir = 0.01}).calibration;
  EXPECT_EQ(repeated.mate_faces, 30U + 400);  // the copies of one photo count once
}

TEST_F(GalleryOfTen, LeavesOutStrangersWhoAreEnrolled) {
  const Gallery gallery = open();
  const Embeddings others = synthetic_faces(400, 1, 128, 77);
  auto people = strangers(others, 1);
  people.push_back({faces_[0], "p0", "again.jpg", ""});
  const auto report = calibrate_with(*gallery.view(), people, {.target_fpir = 0.01});
  EXPECT_EQ(report.same_name, 1U);
  EXPECT_EQ(report.calibration.impostor_faces, 400U);
  people.back().person = "somebody";  // another name: not left out, but listed first
  EXPECT_EQ(calibrate_with(*gallery.view(), people, {.target_fpir = 0.01}).look_alikes[0].photo, "again.jpg");
}

TEST_F(GalleryOfTen, CalibratesByLeavingPeopleOut) {
  const Gallery gallery = open();
  const auto report = calibrate_by_leaving_out(*gallery.view(), {.target_fpir = 0.1});
  EXPECT_EQ(report.calibration.impostor_faces, 30U);
  EXPECT_EQ(report.calibration.impostor_people, 10U);
  EXPECT_LT(report.calibration.threshold, 0.5);
  EXPECT_THROW(static_cast<void>(calibrate_by_leaving_out(*gallery.view(), {.target_fpir = 0.05})), Error);
}

TEST_F(GalleryOfTen, FollowsChangesByOthers) {
  for (const IndexKind kind : {IndexKind::kExactF32, IndexKind::kExactInt8, IndexKind::kSketch}) {
    const Gallery gallery = open({.index = kind});
    gallery.refresh();
    const auto other = open_sqlite_gallery(path_);
    const std::string name = "New" + std::string(to_string(kind));
    const Embeddings one = synthetic_faces(1, 1, 128, 900 + static_cast<std::uint32_t>(kind));
    enrol(*other, name, one[0]);
    EXPECT_NE(gallery.view()->nearest(one[0], 1).at(0).name, name);
    gallery.refresh();
    EXPECT_EQ(gallery.view()->nearest(one[0], 1).at(0).name, name);
    other->merge_people(name, "P1");
    EXPECT_EQ(gallery.view()->nearest(one[0], 1).at(0).name, "P1");  // who owns a face is asked at the store
    other->remove_face(gallery.view()->nearest(one[0], 1).at(0).face);
    gallery.refresh();
    EXPECT_LT(gallery.view()->nearest(one[0], 1).at(0).cosine, 0.9);
  }
}

TEST_F(GalleryOfTen, BuildsADamagedIndexAnew) {
  static_cast<void>(open({.index = IndexKind::kExactInt8}).view());
  ASSERT_TRUE(fs::exists(index_path(path_)));
  std::ofstream(index_path(path_), std::ios::trunc) << "LKNSIDX1 rubbish";
  std::vector<Notice::Code> notices;
  const Gallery gallery = open(
      {.index = IndexKind::kExactInt8, .notice = [&](const Notice& one) { notices.push_back(one.code); }});
  EXPECT_EQ(gallery.view()->faces(), 30U);
  EXPECT_EQ(notices, std::vector{Notice::Code::kIndexNotReadable});
  EXPECT_GT(fs::file_size(index_path(path_)), 1000U);
}

TEST_F(GalleryOfTen, WritesNoIndexBesideAnEncryptedGallery) {
  const fs::path secret = folder_ / "secret.gallery";
  create_sqlite_gallery(secret, kSpace, {.passphrase = "k"});
  auto store = open_sqlite_gallery(secret, {.passphrase = "k"});
  enrol(*store, "Ada", faces_[0]);
  const Gallery gallery(std::move(store), {.index = IndexKind::kExactInt8, .index_file = index_path(secret)});
  EXPECT_EQ(gallery.view()->faces(), 1U);
  EXPECT_FALSE(fs::exists(index_path(secret)));
}

TEST_F(GalleryOfTen, AnEmptyGalleryKnowsNobody) {
  const fs::path empty = folder_ / "empty.gallery";
  create_sqlite_gallery(empty, kSpace);
  const Gallery gallery = open_gallery(empty.string());
  const auto answer = ask(gallery, faces_[0], 0.5);
  EXPECT_FALSE(answer.name);
  EXPECT_FALSE(answer.nearest);
}

TEST_F(GalleryOfTen, ComparesAsItsContractSays) {
  // Everybody shares half of the embedding: cosines of strangers are .5, without the shared part 0.
  const Embeddings own = synthetic_faces(2, 2, 64, 5);
  Embeddings faces{128, std::vector<float>(4 * 128)};
  for (std::size_t i = 0; i < 4; ++i) {
    faces.values[i * 128] = std::sqrt(0.5F);
    for (std::size_t j = 0; j < 64; ++j) faces.values[i * 128 + 64 + j] = std::sqrt(0.5F) * own[i][j];
  }
  const fs::path path = folder_ / "centred.gallery";
  create_sqlite_gallery(path, space_of(centred_contract(128, std::sqrt(0.5F)), Precision::kF32));
  const auto store = open_sqlite_gallery(path);
  enrol(*store, "A", faces[0]);
  enrol(*store, "B", faces[2]);
  const Gallery gallery = open_gallery(path.string());
  const auto answer = ask(gallery, faces[1]);
  EXPECT_EQ(answer.nearest->name, "A");
  EXPECT_NEAR(answer.nearest->cosine, dot(own[0], own[1]), 1e-4);
  EXPECT_NEAR(answer.runner_up->cosine, dot(own[2], own[1]), 1e-4);
}

TEST_F(GalleryOfTen, FindsTheNearestOfMoreFacesThanMakeTheMiddle) {
  const Embeddings many = synthetic_faces(1, 2 * PersonFaces::kMost, 128, 31);
  {
    const auto store = open_sqlite_gallery(path_);
    for (std::size_t i = 0; i < many.size(); ++i) enrol(*store, "Many", many[i]);
  }
  const Gallery gallery = open();
  const std::size_t last = many.size() - 1;
  const auto answer = ask(gallery, many[last], 0.3);
  EXPECT_EQ(answer.nearest->name, "Many");
  EXPECT_NEAR(answer.nearest->cosine, 1, 1e-5);
  EXPECT_LT(answer.nearest->similarity, 0.95);  // the middle is another direction
  const auto person = gallery.store().find_person("Many");
  const auto alone = gallery.view()->match_person(many[last], person->id);
  EXPECT_EQ(alone->face, answer.nearest->face);
  EXPECT_EQ(alone->similarity, answer.nearest->similarity);
}

TEST_F(GalleryOfTen, WithoutCalibrationTheFallbackDecides) {
  const Gallery gallery = open();
  const auto answer = ask(gallery, faces_[3], 0.3);
  EXPECT_EQ(answer.name, "P0");
  EXPECT_FALSE(answer.probability);
  EXPECT_FALSE(ask(gallery, faces_[3], 0.99).name);
}

}  // namespace
}  // namespace likeness
