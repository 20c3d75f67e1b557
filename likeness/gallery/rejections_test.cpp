// "Not this person" that sticks.
#include "likeness/gallery/rejections.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/tested_gallery.h"

namespace likeness {
namespace {

const EmbeddingSpace kSpace{.contract = "", .contract_id = "test-model", .precision = "f32", .dimension = 64};
const NamingRule kRule{.threshold = 0.5, .origin = NamingRule::Origin::kCaller};

/// In the plane of the first two axes, at so many degrees: cosines are those of differences.
std::vector<float> at(double degrees) {
  std::vector<float> values(64);
  values[0] = static_cast<float>(std::cos(degrees * M_PI / 180));
  values[1] = static_cast<float>(std::sin(degrees * M_PI / 180));
  return values;
}

class Rejected : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    place_ = tested_gallery(GetParam());
    if (!place_) GTEST_SKIP() << "no server for " << GetParam();
    gallery_.emplace(place_->make(kSpace));
    ada_ = enrol("Ada", 0, 1);
    bob_ = enrol("Bob", 50, 2);
  }
  std::int64_t enrol(const std::string& name, double degrees, int photo) {
    const std::vector<float> embedding = at(degrees);
    const NewFace face = face_of(embedding, photo);
    gallery_->add_faces(name, std::span(&face, 1));
    return gallery_->store().find_person(name)->id;
  }
  bool reject(std::int64_t person, double degrees, int photo) {
    return gallery_->reject(person, at(degrees), hash_of(photo), {1, 2, 3, 4});
  }
  [[nodiscard]] std::string name_of(double degrees) const {
    return identify(*gallery_->view(), kRule, at(degrees)).name.value_or("nobody");
  }
  [[nodiscard]] std::size_t count() const { return gallery_->store().rejections().list.size(); }

  std::unique_ptr<TestedGallery> place_;
  std::optional<Gallery> gallery_;
  std::int64_t ada_ = 0;
  std::int64_t bob_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Stores, Rejected, ::testing::ValuesIn(tested_kinds()),
                         [](const auto& kind) { return kind.param; });

TEST_P(Rejected, AFaceGetsNoSuchNameAgainAndThePersonsOtherFacesKeepIt) {
  EXPECT_EQ(name_of(20), "Ada");
  const auto before = gallery_->view();
  EXPECT_TRUE(reject(ada_, 20, 7));
  EXPECT_EQ(name_of(20), "Bob");  // 30 degrees from him: similarity .87
  EXPECT_EQ(name_of(15), "Bob");  // nearer to the rejected face, 5 degrees, than to Ada's, 15
  EXPECT_EQ(name_of(11), "Bob");  // 9 degrees and 11
  EXPECT_EQ(name_of(9), "Ada");
  EXPECT_EQ(name_of(-20), "Ada");
  EXPECT_EQ(identify(*before, kRule, at(20)).name, "Ada");  // a view stays as it was
  // The next one gets the name only where his own similarity says so.
  NamingRule strict = kRule;
  strict.threshold = 0.9;
  const Identification unknown = identify(*gallery_->view(), strict, at(20));
  EXPECT_FALSE(unknown.name);
  EXPECT_EQ(unknown.nearest->name, "Bob");
  EXPECT_FALSE(unknown.runner_up);
  // Nobody is left.
  EXPECT_TRUE(reject(bob_, 20, 7));
  EXPECT_EQ(name_of(20), "nobody");
  EXPECT_FALSE(identify(*gallery_->view(), kRule, at(20)).nearest);
}

TEST_P(Rejected, AreToldOnceAndTakenBack) {
  EXPECT_FALSE(reject(99, 20, 7));
  EXPECT_THROW(gallery_->reject(ada_, std::vector<float>(64, 1), "", {}), std::invalid_argument);
  const auto notes = gallery_->store().note_version();
  const auto version = gallery_->store().version();
  EXPECT_TRUE(reject(ada_, 20, 7));
  EXPECT_TRUE(reject(ada_, 20, 7));
  EXPECT_TRUE(reject(bob_, 20, 7));
  EXPECT_EQ(gallery_->store().note_version(), notes + 2);
  EXPECT_EQ(gallery_->store().version(), version);
  const Rejections all = gallery_->store().rejections();
  ASSERT_EQ(all.list.size(), 2U);
  EXPECT_EQ(all.list[0].person, ada_);
  EXPECT_EQ(all.list[0].photo_hash, hash_of(7));
  EXPECT_EQ(all.list[0].box, (Box{1, 2, 3, 4}));
  EXPECT_GT(all.list[0].time_ms, 1'600'000'000'000);
  EXPECT_EQ(std::vector<float>(all.embeddings[1].begin(), all.embeddings[1].end()), at(20));
  ASSERT_EQ(gallery_->store().rejections(bob_).list.size(), 1U);
  EXPECT_EQ(gallery_->store().rejections(bob_).list[0].id, all.list[1].id);
  EXPECT_TRUE(gallery_->remove_rejection(all.list[0].id));
  EXPECT_FALSE(gallery_->remove_rejection(all.list[0].id));
  EXPECT_EQ(name_of(20), "Ada");
  EXPECT_TRUE(gallery_->store().check().empty());
}

TEST_P(Rejected, EnrollingTheFaceTakesItBack) {
  EXPECT_TRUE(reject(ada_, 20, 7));
  EXPECT_TRUE(reject(ada_, 40, 8));
  enrol("Ada", 30, 6);  // another face
  EXPECT_EQ(count(), 2U);
  enrol("Ada", 20, 7);
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(name_of(20), "Ada");
  enrol("Bob", 40, 8);
  EXPECT_EQ(count(), 1U);  // that is what was said
  const auto faces = gallery_->store().faces(bob_);
  const std::int64_t moved[] = {faces.back().id};
  EXPECT_EQ(gallery_->move_faces(moved, "Ada").size(), 1U);
  EXPECT_EQ(count(), 0U);
}

TEST_P(Rejected, GoWithThePersonAndFollowAMerge) {
  EXPECT_TRUE(reject(ada_, 20, 7));
  EXPECT_TRUE(reject(ada_, 50, 2));  // Bob's own face
  EXPECT_TRUE(gallery_->merge_people("Ada", "Bob"));
  ASSERT_EQ(count(), 1U);  // the face that is Bob's is his
  EXPECT_EQ(gallery_->store().rejections().list[0].person, bob_);
  EXPECT_EQ(name_of(20), "nobody");
  EXPECT_EQ(name_of(50), "Bob");
  EXPECT_TRUE(gallery_->remove_person("Bob"));
  EXPECT_EQ(count(), 0U);
}

TEST_P(Rejected, AreSeenByOthersAndAfterOpeningAgain) {
  auto opened = place_->open(true);
  if (!opened) GTEST_SKIP() << "nobody else can have it";
  Gallery other(std::move(opened));
  EXPECT_EQ(identify(*other.view(), kRule, at(20)).name, "Ada");
  EXPECT_TRUE(reject(ada_, 20, 7));
  other.refresh();
  EXPECT_EQ(identify(*other.view(), kRule, at(20)).name, "Bob");
}

}  // namespace
}  // namespace likeness
