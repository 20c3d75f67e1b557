// The whole job through the façade, on drawn people: no weights, no photos.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "likeness/core/error.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/open.h"
#include "likeness/recognize/recognizer.h"
#include "tests/tiny/tiny_world.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

Setup tiny_setup(int threads = 2) {
  return {.models = {tiny::packs()}, .model = tiny::kEmbedder, .threads = threads};
}

Photo photo_of(int person, std::uint32_t seed) {
  return photo_of_image(tiny::name_of(person) + "/" + std::to_string(seed), tiny::portrait(person, seed));
}

PhotoSource photos_of(int person, std::uint32_t first, int count) {
  std::vector<Photo> photos;
  for (int i = 0; i < count; ++i) photos.push_back(photo_of(person, first + static_cast<std::uint32_t>(i)));
  return PhotoSource::list(std::move(photos));
}

/// Far enough from drawn strangers, near enough to the same drawn person (tools/make_tiny_packs.py).
constexpr double kThreshold = 0.6;

class RecognizerTest : public testing::Test {
 protected:
  Gallery people(int count) {
    Gallery gallery(make_memory_store(recognizer_.space()));
    for (int person = 0; person < count; ++person) {
      const EnrolSummary sum = recognizer_.enrol(gallery, tiny::name_of(person), photos_of(person, 1, 3),
                                                 {.review = Review::kOff});
      EXPECT_EQ(sum.enrolled, 3U);
    }
    return gallery;
  }
  [[nodiscard]] NamingRule rule(const GalleryView& view) const {
    return naming_rule(view, recognizer_.contract(), Precision::kF32, {.threshold = kThreshold});
  }

  Recognizer recognizer_{tiny_setup()};
  tiny::Folder folder_;
};

TEST_F(RecognizerTest, FindsFacesWithUnitEmbeddingsOfItsSpace) {
  const auto faces = recognizer_.find(photo_of(1, 5));
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_EQ(faces[0].embedding.size(), recognizer_.space().dimension);
  EXPECT_NEAR(dot(faces[0].embedding, faces[0].embedding), 1, 1e-5);
  EXPECT_GT(faces[0].quality.size_px, 30);
  EXPECT_TRUE(recognizer_.find(photo_of_image("nobody", tiny::draw({}, 160, 120, 4))).empty());
}

TEST_F(RecognizerTest, NamesTheEnrolledAndNobodyElse) {
  const Gallery gallery = people(4);
  const auto view = gallery.view();
  for (int person = 0; person < 6; ++person) {
    const auto faces = recognizer_.search(*view, photo_of(person, 20), rule(*view));
    ASSERT_EQ(faces.size(), 1U);
    ASSERT_TRUE(faces[0].nearest && faces[0].runner_up);
    EXPECT_NE(faces[0].nearest->name, faces[0].runner_up->name);
    if (person < 4) {
      EXPECT_EQ(faces[0].name, tiny::name_of(person));
    } else {
      EXPECT_EQ(faces[0].name, std::nullopt) << faces[0].nearest->similarity;
    }
  }
}

TEST_F(RecognizerTest, EnrolsWhatTheReviewAllowsAndSaysWhatBecameOfEachPhoto) {
  Gallery gallery(make_memory_store(recognizer_.space()));
  const auto files = tiny::write_people(folder_.path(), 3, 4, 2, 7);
  const fs::path broken = folder_.path() / "broken.png";
  std::ofstream(broken) << "no picture";
  std::vector<EnrolStatus> seen;
  EnrolOptions options{.review = Review::kOff};
  options.each = [&](const EnrolledPhoto& photo) {
    seen.push_back(photo.status);
    EXPECT_EQ(photo.error.empty(), photo.status != EnrolStatus::kUnreadable) << photo.error;
  };
  const auto sum =
      recognizer_.enrol(gallery, "Cy", PhotoSource::files({files[0], broken, files[1], files[0]}), options);
  EXPECT_EQ(seen, (std::vector<EnrolStatus>{EnrolStatus::kEnrolled, EnrolStatus::kUnreadable,
                                            EnrolStatus::kEnrolled, EnrolStatus::kKnown}));
  EXPECT_EQ(sum.photos, 4U);
  EXPECT_EQ(sum.enrolled, 2U);
  EXPECT_EQ(sum.known, 1U);
  EXPECT_EQ(sum.unreadable, 1U);
  EXPECT_EQ(gallery.store().face_count(), 2);
  // A drawn face of 50 to 80 pixels is too small for a strict review.
  const auto strict = recognizer_.enrol(gallery, "Di", photos_of(4, 1, 2), {.review = Review::kStrict});
  EXPECT_EQ(strict.refused, 2U);
  EXPECT_FALSE(gallery.store().find_person("Di"));
}

TEST_F(RecognizerTest, OpensAGalleryOnlyWhenSomebodyIsEnrolled) {
  int opened = 0;
  std::optional<Gallery> gallery;
  const auto open = [&]() -> Gallery& {
    ++opened;
    gallery.emplace(make_memory_store(recognizer_.space()));
    return *gallery;
  };
  const auto nobody = [](std::size_t) { return std::string("Ann"); };
  recognizer_.enrol(open, PhotoSource::list({photo_of_image("none", tiny::draw({}, 160, 120, 4))}), nobody);
  EXPECT_EQ(opened, 0);
  recognizer_.enrol(open, photos_of(1, 1, 3), nobody, {.review = Review::kOff});
  EXPECT_EQ(opened, 1);
}

TEST_F(RecognizerTest, EnrolsTheAverageOfItsViews) {
  likeness::Setup two = tiny_setup();
  two.quality = Quality::kTwoViews;
  const Recognizer averaging(two);
  Gallery gallery(make_memory_store(averaging.space()));
  averaging.enrol(gallery, "Ann", photos_of(2, 9, 1), {.review = Review::kOff});
  const auto stored = gallery.store().embedding(gallery.store().owners().at(0).face);
  const auto one = recognizer_.find(photo_of(2, 9)).at(0).embedding;
  EXPECT_NEAR(dot(stored, averaging.find(photo_of(2, 9)).at(0).embedding), 1, 1e-5);
  EXPECT_LT(dot(stored, one), 0.9999);
}

TEST_F(RecognizerTest, VerifiesPhotosAndSaysWhereNoFaceIs) {
  const VerifyOptions options{.threshold = kThreshold};
  const auto same = recognizer_.verify(photos_of(1, 1, 2), photos_of(1, 30, 1), options);
  EXPECT_EQ(same.same(), true);
  EXPECT_EQ(same.a.faces, 2U);
  EXPECT_EQ(recognizer_.verify(photos_of(1, 1, 1), photos_of(2, 1, 1), options).same(), false);
  const auto none = recognizer_.verify(photos_of(1, 1, 1), PhotoSource::files({"/no/such.png"}), options);
  EXPECT_EQ(none.same(), std::nullopt);
  EXPECT_EQ(none.b.errors.size(), 1U);
  // Without a threshold of the caller's the model's measured one counts, and is named.
  const VerificationRule rule = recognizer_.verification_rule({.false_match_rate = 0.02});
  EXPECT_EQ(rule.threshold, 0.7725);
  EXPECT_EQ(rule.false_match_rate, 0.01);
  EXPECT_NE(rule.origin.find("79,600 pairs"), std::string::npos) << rule.origin;
}

TEST_F(RecognizerTest, GroupsPeopleAndEnrolsThemOnceUnderFreeNames) {
  const auto source = [] {
    std::vector<Photo> photos;
    for (int person = 0; person < 3; ++person) {
      for (std::uint32_t seed = 1; seed < 5; ++seed) photos.push_back(photo_of(person, seed));
    }
    return PhotoSource::list(std::move(photos));
  };
  GroupOptions options{.cluster = {.threshold = kThreshold}, .review = Review::kOff};
  const Groups groups = recognizer_.group(source(), options);
  EXPECT_EQ(groups.photos, 12U);
  ASSERT_EQ(groups.members().size(), 3U);
  for (const auto& members : groups.members()) {
    EXPECT_EQ(members.size(), 4U);
    std::set<std::string> people;
    for (const std::size_t i : members) people.insert(groups.faces[i].photo.substr(0, 9));
    EXPECT_EQ(people.size(), 1U);
  }
  Gallery gallery(make_memory_store(recognizer_.space()));
  recognizer_.enrol(gallery, "person 0", photos_of(7, 1, 3), {.review = Review::kOff});
  gallery.set_calibration({.threshold = kThreshold, .slope = 10});
  const auto first = recognizer_.enrol(gallery, groups);
  ASSERT_EQ(first.size(), 3U);
  for (const EnrolledGroup& group : first) {
    EXPECT_FALSE(group.known);
    EXPECT_NE(group.person, "person 0");  // which is somebody else's name
    EXPECT_EQ(group.added, 4U);
  }
  // Another run over other photos of the same people: they are who they were.
  std::vector<Photo> more;
  for (std::uint32_t seed = 40; seed < 43; ++seed) more.push_back(photo_of(1, seed));
  const auto second =
      recognizer_.enrol(gallery, recognizer_.group(PhotoSource::list(std::move(more)), options));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_TRUE(second[0].known);
  EXPECT_EQ(gallery.store().people().size(), 4U);
}

TEST_F(RecognizerTest, RefusesAGalleryOfAnotherSpaceByBothNames) {
  EmbeddingSpace other = recognizer_.space();
  other.contract_id = "somebody else's";
  Gallery gallery(make_memory_store(other));
  try {
    recognizer_.enrol(gallery, "Ann", photos_of(1, 1, 1));
    ADD_FAILURE() << "spaces were mixed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelMismatch);
    EXPECT_NE(std::string(error.what()).find("somebody else's"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(recognizer_.space().contract_id), std::string::npos);
  }
}

TEST_F(RecognizerTest, StopsWhereItsCallerSaysSo) {
  Gallery gallery(make_memory_store(recognizer_.space()));
  std::size_t calls = 0;
  EnrolOptions options{.review = Review::kOff};
  options.progress = [&](std::size_t, std::size_t) { return ++calls < 2; };
  try {
    recognizer_.enrol(gallery, "Ann", photos_of(1, 1, 8), options);
    ADD_FAILURE() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStopped);
  }
  EXPECT_EQ(calls, 2U);
}

// Every answer is one that a sequential run could give: the two who stay are always named, the one who comes
// and goes is himself or unknown.
TEST_F(RecognizerTest, FourThreadsSearchWhileAFifthEnrolsAndRemoves) {
  Gallery gallery = people(2);
  const Photo asked[] = {photo_of(0, 20), photo_of(1, 20), photo_of(2, 20)};
  std::atomic<bool> stop = false;
  std::atomic<int> answers = 0;
  std::vector<std::thread> searchers;
  for (int t = 0; t < 4; ++t) {
    searchers.emplace_back([&, t] {
      for (int i = t; !stop || i < t + 6; ++i) {
        const auto view = gallery.view();
        const int person = i % 3;
        const auto faces = recognizer_.search(*view, asked[person], rule(*view));
        ASSERT_EQ(faces.size(), 1U);
        const auto& name = faces[0].name;
        if (person < 2) {
          EXPECT_EQ(name, tiny::name_of(person));
        } else {
          EXPECT_TRUE(!name || *name == tiny::name_of(2)) << *name;
        }
        ++answers;
      }
    });
  }
  for (int round = 0; round < 4; ++round) {
    recognizer_.enrol(gallery, tiny::name_of(2), photos_of(2, 1, 2), {.review = Review::kOff});
    EXPECT_EQ(recognizer_.search(*gallery.view(), asked[2], rule(*gallery.view())).at(0).name,
              tiny::name_of(2));
    EXPECT_TRUE(gallery.remove_person(tiny::name_of(2)));
    EXPECT_EQ(recognizer_.search(*gallery.view(), asked[2], rule(*gallery.view())).at(0).name, std::nullopt);
  }
  stop = true;
  for (std::thread& searcher : searchers) searcher.join();
  EXPECT_GE(answers, 24);
}

}  // namespace
}  // namespace likeness
