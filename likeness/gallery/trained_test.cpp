#include "likeness/gallery/trained.h"

#include <gtest/gtest.h>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

constexpr std::size_t kDimension = 128;

/// Ten faces each of A, B and C; the gallery and the classifier know all but the last face of each.
class TrainedGallery : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < faces_.size(); ++i) {
      if (i % 10 != 9) enrol(name_of(i), faces_[i]);
    }
  }

  static std::string name_of(std::size_t face) { return std::string(1, static_cast<char>('A' + face / 10)); }
  void enrol(const std::string& name, std::span<const float> embedding) {
    NewFace face;
    face.embedding = embedding;
    known_.add_faces(name, std::span(&face, 1));
  }
  std::shared_ptr<const GalleryView> gallery() const { return known_.view(); }
  static NamingRule from(double threshold) {
    return {.threshold = threshold, .origin = NamingRule::Origin::kCaller};
  }
  Classifier classifier() const {
    Embeddings known{kDimension, {}};
    std::vector<std::string> names;
    for (std::size_t i = 0; i < faces_.size(); ++i) {
      if (i % 10 == 9) continue;
      known.values.insert(known.values.end(), faces_[i].begin(), faces_[i].end());
      names.push_back(name_of(i));
    }
    return Classifier::train(known, names, {});
  }

  Gallery known_{make_memory_store({"", "test-model", "f32", kDimension})};
  Embeddings faces_ = synthetic_faces(3, 10, kDimension, 11);
};

TEST_F(TrainedGallery, TheSvmSaysWhoAndTheGateWhether) {
  const Classifier people = classifier();
  const auto known = gallery();
  for (const std::size_t asked : {9, 19, 29}) {
    const auto result = identify_trained(*known, people, faces_[asked], from(0.4));
    EXPECT_EQ(result.answer.name, name_of(asked));
    EXPECT_TRUE(result.by_classifier);
    EXPECT_EQ(result.prediction->label, name_of(asked));
    EXPECT_NE(result.answer.runner_up->name, name_of(asked));
  }
  // A stranger: the SVM names somebody as it always does, the gate nobody.
  const Embeddings strangers = synthetic_faces(50, 1, kDimension, 12);
  for (std::size_t i = 0; i < strangers.size(); ++i) {
    const auto result = identify_trained(*known, people, strangers[i], from(0.4));
    EXPECT_FALSE(result.prediction->label.empty());
    EXPECT_FALSE(result.answer.name) << result.answer.nearest->cosine;
    EXPECT_EQ(result.answer.nearest->name, result.prediction->label);  // evidence for the one who was meant
  }
}

TEST_F(TrainedGallery, ANameNeedsEvidenceOfItsOwn) {
  // Photos of A that were enrolled as B by mistake are most alike to a query, the SVM says A.
  known_.remove_person("B");
  const auto& query = faces_[9];
  for (const std::size_t place : {0U, 1U}) {
    std::vector<float> near(query.begin(), query.end());
    near[place] += 0.1F;
    Embeddings mistaken{kDimension, near};
    l2_normalize(mistaken);
    enrol("B", mistaken[0]);
  }
  const auto known = gallery();
  ASSERT_EQ(identify(*known, from(0.4), query).name, "B");
  const auto result = identify_trained(*known, classifier(), query, from(0.4));
  EXPECT_EQ(result.answer.name, "A");
  EXPECT_EQ(result.answer.nearest->name, "A");
  EXPECT_EQ(result.answer.runner_up->name, "B");
  // A threshold between the two: the mistaken faces would pass, A's own do not.
  const double between = (result.answer.nearest->similarity + result.answer.runner_up->similarity) / 2;
  EXPECT_FALSE(identify_trained(*known, classifier(), query, from(between)).answer.name);
}

TEST_F(TrainedGallery, PeopleWhoWereNotTrainedAreTheGallerysAlone) {
  const Embeddings fourth = synthetic_faces(1, 2, kDimension, 13, 0.9);
  enrol("D", fourth[0]);
  const auto result = identify_trained(*gallery(), classifier(), fourth[1], from(0.4));
  EXPECT_EQ(result.answer.name, "D");
  EXPECT_FALSE(result.by_classifier);
  EXPECT_FALSE(result.prediction);
  // And a label that nobody enrolled has is left aside: the gallery forgets A.
  known_.remove_person("A");
  const auto gone = identify_trained(*gallery(), classifier(), faces_[9], from(0.4));
  EXPECT_FALSE(gone.answer.name);
}

TEST_F(TrainedGallery, TheProbabilityIsThatOfThePersonMeant) {
  const Embeddings others = synthetic_faces(400, 1, kDimension, 77);
  std::vector<Stranger> strangers;
  for (std::size_t i = 0; i < others.size(); ++i) strangers.push_back({others[i], std::to_string(i), "", ""});
  known_.set_calibration(calibrate_with(*gallery(), strangers, {.target_fpir = 0.05}).calibration);
  const auto known = gallery();
  const NamingRule rule = calibrated_rule(*known);
  const Classifier people = classifier();
  int named = 0;
  const Embeddings more = synthetic_faces(400, 1, kDimension, 78);
  for (std::size_t i = 0; i < more.size(); ++i) {
    const auto result = identify_trained(*known, people, more[i], rule);
    EXPECT_NEAR(*result.answer.probability,
                known->calibration()->probability(result.answer.nearest->similarity), 1e-12);
    EXPECT_EQ(result.answer.name.has_value(), *result.answer.probability >= 0.5);
    named += result.answer.name ? 1 : 0;
    // Whoever the gate of the gallery alone keeps out stays out.
    EXPECT_TRUE(identify(*known, rule, more[i]).name || !result.answer.name);
  }
  EXPECT_LE(named, 40);  // 5 % asked; 20 expected
}

}  // namespace
}  // namespace likeness
