#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "likeness/core/error_testing.h"
#include "likeness/embed/quality.h"
#include "likeness/eval/classification.h"
#include "likeness/eval/detection.h"
#include "likeness/eval/identification.h"
#include "likeness/eval/pairs_file.h"
#include "likeness/eval/projection_trial.h"
#include "likeness/eval/verification.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class PairsFiles : public testing::Test {
 protected:
  ~PairsFiles() override { fs::remove(path_); }
  PairsFile read(const std::string& text) {
    std::ofstream(path_) << text;
    return read_pairs_file(path_);
  }
  std::string problem_of(const std::string& text) {
    return message(ErrorCode::kDataInvalid, [&] { (void)read(text); });
  }
  const fs::path path_ = fs::path(testing::TempDir()) / ("pairs_" + std::to_string(::getpid()) + ".txt");
};

TEST_F(PairsFiles, ViewOneIsOneSet) {
  const PairsFile file = read("1\r\nAl_Bo\t1\t12\r\nAl_Bo\t1\tCy\t3\r\n");
  EXPECT_EQ(file.photos,
            (std::vector<std::string>{"Al_Bo/Al_Bo_0001.jpg", "Al_Bo/Al_Bo_0012.jpg", "Cy/Cy_0003.jpg"}));
  ASSERT_EQ(file.folds.size(), 1U);
  EXPECT_EQ(file.folds[0], (std::vector<PhotoPair>{{0, 1, true}, {0, 2, false}}));
}

TEST_F(PairsFiles, ViewTwoIsManySets) {
  const PairsFile file = read("2 1\na 1 2\na 1 b 1\nc 1 2\nc 1 a 2\n");
  ASSERT_EQ(file.folds.size(), 2U);
  EXPECT_EQ(file.folds[1], (std::vector<PhotoPair>{{3, 4, true}, {3, 1, false}}));
}

TEST_F(PairsFiles, DamageIsNamedByItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "line 0"},
      {"x\n", "line 1: \"x\" is not a number"},
      {"1 2 3\n", "line 1"},
      {"1\na 1\n", "line 2: a pair of one person"},
      {"1\na 1 2\na 1 2\n", "line 3: a pair of two people"},
      {"1\na 1 0\na 1 b 2\n", "line 2: \"0\""},
      {"1\n../a 1 2\na 1 b 2\n", "line 2: \"../a\" is no person"},
      {"1\na 1 2\na 1 b 2\nc 1 2\n", "line 4: comes after"},
      {"1\na 1 2\n", "line 2: a pair of two people"}};
  for (const auto& [text, problem] : cases) {
    EXPECT_NE(problem_of(text).find(problem), std::string::npos) << problem_of(text);
  }
  EXPECT_THROW((void)read_pairs_file("/nonexistent/pairs.txt"), Error);
}

// The tables of LFW as a well-known site of data sets offers them: a head, and no numbers of pairs.
TEST_F(PairsFiles, TablesWithAHeadAreOneSet) {
  const PairsFile match = read("name,imagenum1,imagenum2\r\nAl_Bo,1,12\r\nCy,3,4\r\n");
  EXPECT_EQ(match.folds, (std::vector<std::vector<PhotoPair>>{{{0, 1, true}, {2, 3, true}}}));
  const PairsFile mismatch = read("name,imagenum1,name,imagenum2\nAl_Bo,1,Cy,3\n");
  EXPECT_EQ(mismatch.folds, (std::vector<std::vector<PhotoPair>>{{{0, 1, false}}}));
  // Both kinds, the last column of mated ones empty.
  const PairsFile both = read("name,imagenum1,imagenum2,\nAl_Bo,1,12,\n\"Al_Bo\",1,Cy,3\n");
  EXPECT_EQ(both.folds, (std::vector<std::vector<PhotoPair>>{{{0, 1, true}, {0, 2, false}}}));
  EXPECT_EQ(both.photos[2], "Cy/Cy_0003.jpg");
}

TEST_F(PairsFiles, SeveralFilesAreOneSet) {
  const fs::path other = path_.string() + ".2";
  std::ofstream(other) << "Al_Bo 2 Cy 3\n";
  std::ofstream(path_) << "Al_Bo 1 2\n";
  const fs::path paths[] = {path_, other};
  const PairsFile file = read_pairs_files(paths);
  EXPECT_EQ(file.folds, (std::vector<std::vector<PhotoPair>>{{{0, 1, true}, {1, 2, false}}}));
  EXPECT_EQ(file.photos.size(), 3U);
  std::ofstream(other) << "2 1\na 1 2\na 1 b 1\nc 1 2\nc 1 a 2\n";
  EXPECT_THROW((void)read_pairs_files(paths), Error);
  fs::remove(other);
}

TEST_F(PairsFiles, PathsCommentsBlanksAndAllTextsAreTaken) {
  const PairsFile paths = read("# first, second, same\n\na/x y.png\ta/z.png\t1\n  a/x y.png\tb/q.jpg\t0\n");
  EXPECT_EQ(paths.photos, (std::vector<std::string>{"a/x y.png", "a/z.png", "b/q.jpg"}));
  EXPECT_EQ(paths.folds, (std::vector<std::vector<PhotoPair>>{{{0, 1, true}, {0, 2, false}}}));
  EXPECT_EQ(read("1 a/1.jpg a/2.jpg\n0 a/1.jpg b/1.jpg\n").folds, paths.folds);
  // Blanks in names, between tabs; photos called NAME_1 and NAME_0002.png.
  const PairsFile named = read(
      "\xEF\xBB\xBF"
      "Ann Lee\tAnn Lee_1\tAnn Lee_0002.png\r"
      "Ann Lee\t1\tB\t3\r");
  EXPECT_EQ(named.photos, (std::vector<std::string>{"Ann Lee/Ann Lee_0001.jpg", "Ann Lee/Ann Lee_0002.jpg",
                                                    "B/B_0003.jpg"}));
  EXPECT_EQ(named.folds[0].size(), 2U);
  // UTF-16, little and big, with a mark: "Jos\u00E9 1 2".
  for (const bool big : {false, true}) {
    std::string text = big ? "\xFE\xFF" : "\xFF\xFE";
    for (const int unit : std::vector<int>{'J', 'o', 's', 0xE9, ' ', '1', ' ', '2', '\r', '\n'}) {
      text += big ? std::string{'\0', static_cast<char>(unit)} : std::string{static_cast<char>(unit), '\0'};
    }
    EXPECT_EQ(read(text).photos[1], "Jos\xC3\xA9/Jos\xC3\xA9_0002.jpg");
  }
  EXPECT_NE(problem_of("\xFF\xFE"
                       "abc")
                .find("begins as UTF-16, but is none"),
            std::string::npos);
}

TEST_F(PairsFiles, AWrongLineIsNamedWithWhatWasExpected) {
  EXPECT_NE(problem_of("a 1 2\na 1 b 2 c\n").find("line 2: a pair of photos was expected here: `name n1 n2`"),
            std::string::npos);
  EXPECT_NE(problem_of("a/1.jpg b/1.jpg 2\n").find("line 1: \"2\" is neither 1"), std::string::npos);
  EXPECT_NE(problem_of("a/1.jpg ../b/1.jpg 1\n").find("leads out of"), std::string::npos);
  EXPECT_NE(problem_of("name,imagenum1,imagenum2\n").find("no pairs below its head"), std::string::npos);
  EXPECT_NE(problem_of("# nothing\n").find("holds no pairs"), std::string::npos);
}

TEST_F(PairsFiles, PhotosAreFoundUnderOtherEndingsAndNumbers) {
  const fs::path folder = path_.string() + "_photos";
  for (const char* file : {"Al_Bo/Al_Bo_0001.jpg", "Al_Bo/Al_Bo_2.png", "Cy/Cy_0003.PNG", "Cy/Cy_0003.txt"}) {
    fs::create_directories((folder / file).parent_path());
    std::ofstream(folder / file) << "x";
  }
  PairsFile pairs = read("Al_Bo 1 2\nAl_Bo 1 Cy 3\nCy 3 4\n");
  find_photos(pairs, folder);
  EXPECT_EQ(pairs.photos, (std::vector<std::string>{"Al_Bo/Al_Bo_0001.jpg", "Al_Bo/Al_Bo_2.png",
                                                    "Cy/Cy_0003.PNG", "Cy/Cy_0004.jpg"}));
  EXPECT_TRUE(folders_are_people(pairs));
  EXPECT_FALSE(folders_are_people(read("all/1.jpg all/2.jpg 0\n")));
  fs::remove_all(folder);
}

TEST_F(PairsFiles, NamesAreFoundHoweverTheirLettersAreComposed) {
  const fs::path folder = path_.string() + "_photos";
  const std::string disk = "Jose\u0301/Jose\u0301_0001.jpg";  // as macOS writes it
  fs::create_directories((folder / disk).parent_path());
  std::ofstream(folder / disk) << "x";
  PairsFile pairs = read("Jos\u00e9\t1\t2\nJose\u0301\t1\tCy\t3\n");
  ASSERT_EQ(pairs.photos.size(), 3U);  // the first of his is one photo
  find_photos(pairs, folder);
  EXPECT_EQ(pairs.photos[0], disk);
  fs::remove_all(folder);
  std::ofstream(path_) << "Jose\u0301\nAnn \n";
  EXPECT_EQ(read_people_file(path_), (std::vector<std::string>{"Jos\u00e9", "Ann"}));
}

/// Unit vectors in a plane, at these angles in degrees.
Embeddings at_angles(const std::vector<double>& degrees) {
  Embeddings embeddings{2, {}};
  for (const double angle : degrees) {
    embeddings.values.push_back(static_cast<float>(std::cos(angle * 3.14159265358979 / 180)));
    embeddings.values.push_back(static_cast<float>(std::sin(angle * 3.14159265358979 / 180)));
  }
  return embeddings;
}

TEST(VerifyPairs, ThresholdComesFromTrainingPairsAndFailuresAreErrors) {
  const std::vector<std::string> photos = {"a/1", "a/2", "b/1", "b/2", "c/1"};
  const Embeddings embeddings = at_angles({0, 20, 90, 150, 0});
  const std::vector<char> found = {1, 1, 1, 1, 0};
  // Training: mated at cos 20 = .94, non-mated at cos 70 = .34: any threshold between is best, .64 the
  // middle.
  const PhotoPair training[] = {{0, 1, true}, {1, 2, false}};
  // Tested: a1-a2 right, b1-b2 (cos 60 = .5) below .64 wrong, a1-b1 right, a1-c1 without a face wrong.
  const PhotoPair tested[] = {{0, 1, true}, {2, 3, true}, {0, 2, false}, {0, 4, false}};
  const Verification result = verify_pairs({score_pairs(tested, embeddings, found)},
                                           score_pairs(training, embeddings, found), photos, 1);
  EXPECT_NEAR(result.fold_thresholds[0], (std::cos(M_PI / 9) + std::cos(M_PI * 7 / 18)) / 2, 1e-6);
  EXPECT_EQ(result.accuracy, 0.5);
  EXPECT_NEAR(result.accuracy_of_scored.value(), 2.0 / 3, 1e-12);
  EXPECT_FALSE(result.threshold_from_same_pairs);
  EXPECT_FALSE(result.validation_rate.has_value());  // one non-mated comparison supports no 1e-3
  EXPECT_LE(result.interval->low, 0.5);
  EXPECT_GE(result.interval->high, 0.5);
}

TEST(VerifyPairs, OfManySetsEachIsDecidedByTheOthers) {
  const std::vector<std::string> photos = {"a/1", "a/2", "b/1", "b/2"};
  const Embeddings embeddings = at_angles({0, 20, 90, 150});
  const std::vector<char> found(4, 1);
  // Set one alone would take .64 (as above). Set two: mated cos 60 = .5, non-mated cos 90 = 0, so .25.
  const PhotoPair one[] = {{0, 1, true}, {1, 2, false}};
  const PhotoPair two[] = {{2, 3, true}, {0, 2, false}};
  const Verification result =
      verify_pairs({score_pairs(one, embeddings, found), score_pairs(two, embeddings, found)}, {}, photos, 1);
  EXPECT_NEAR(result.fold_thresholds[0], 0.25, 1e-6);
  EXPECT_EQ(result.fold_accuracies[0], 0.5);  // cos 70 = .34 is above .25
  EXPECT_EQ(result.fold_accuracies[1], 0.5);  // cos 60 = .5 is below .64
  EXPECT_EQ(result.accuracy, 0.5);
  EXPECT_EQ(result.deviation, 0);
}

TEST(VerifyPairs, OneSetAloneIsSaidToBeOptimistic) {
  const std::vector<std::string> photos = {"a/1", "a/2", "b/1"};
  const Embeddings embeddings = at_angles({0, 20, 90});
  const PhotoPair pairs[] = {{0, 1, true}, {1, 2, false}};
  EXPECT_TRUE(
      verify_pairs({score_pairs(pairs, embeddings, {1, 1, 1})}, {}, photos, 1).threshold_from_same_pairs);
}

TEST(CompareAll, PairsEveryFaceWithEveryOther) {
  const std::vector<std::string> photos = {"a/1", "a/2", "b/1", "b/2", "c/1"};
  const Comparisons all = compare_all(at_angles({0, 20, 90, 150, 0}), {1, 1, 1, 1, 0}, photos);
  EXPECT_EQ(all.mated.size(), 2U);
  EXPECT_EQ(all.non_mated.size(), 4U);
  EXPECT_NEAR(all.mated[1], 0.5, 1e-6);
}

TEST(Overlap, IsSharedOverTotalArea) {
  EXPECT_NEAR(overlap({0, 0, 2, 1}, {1, 0, 3, 1}), 1.0 / 3,
              1e-7);  // two 2x1 boxes sharing one of three cells
  EXPECT_EQ(overlap({0, 0, 1, 1}, {1, 0, 2, 1}), 0);
}

TEST(MatchDetections, IsOneToOneBestFirst) {
  const MarkedPhoto marks{"x", {{0, 0, 10, 10}, {20, 0, 30, 10}}, {}};
  // Both fit the first mark, only one may have it; the third is nobody's.
  const Box found[] = {{0, 0, 10, 8}, {0, 0, 10, 10}, {50, 50, 60, 60}};
  const DetectionCount count = match_detections(marks, found);
  EXPECT_EQ(count.matched, 1U);
  EXPECT_EQ(count.recall(), 0.5);
  EXPECT_NEAR(count.precision().value(), 1.0 / 3, 1e-12);
}

TEST(MatchDetections, APointBelongsToTheBoxWhoseCentreIsNearest) {
  const MarkedPhoto marks{"x", {}, {{5, 5}, {12, 5}}};
  const Box found[] = {{0, 0, 14, 10}, {8, 0, 18, 10}};
  EXPECT_EQ(match_detections(marks, found).matched, 2U);
  EXPECT_EQ(match_detections(marks, std::span(found).first(1)).matched, 1U);
}

class Marks : public testing::Test {
 protected:
  ~Marks() override { fs::remove(path_); }
  std::vector<MarkedPhoto> read(const std::string& ending, const std::string& text) {
    path_ = fs::path(testing::TempDir()) / ("marks_" + std::to_string(::getpid()) + ending);
    std::ofstream(path_) << text;
    return read_marks(path_);
  }
  fs::path path_;
};

TEST_F(Marks, ReadsDlibsXml) {
  const auto marks =
      read(".xml",
           "<?xml version='1.0'?><images><image file='a.jpg' width='5'><box top='1' left='2' width='3' "
           "height='4'/><box top='9' left='9' width='9' height='9' ignore='1'/></image>"
           "<image file=\"b.jpg\"></image></images>");
  ASSERT_EQ(marks.size(), 2U);
  ASSERT_EQ(marks[0].boxes.size(), 1U);
  EXPECT_EQ(marks[0].boxes[0], (Box{2, 1, 5, 5}));
  EXPECT_EQ(marks[1].file, "b.jpg");
  for (const char* bad :
       {"", "<box top='1'/>", "<image file='a'><box top='x' left='1' width='1' height='1'/>", "<image "}) {
    EXPECT_THROW((void)read(".xml", bad), Error) << bad;
  }
}

TEST_F(Marks, ReadsCompreFacesNoses) {
  const auto marks = read(".json", R"({"noses":{"source":"words","a.jpg":[[1,2],[3.5,4]],"b.jpg":[]}})");
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks[0].points[1], (Point{3.5F, 4}));
  EXPECT_EQ(marks[1].faces(), 0U);
  for (const char* bad : {"[]", "{}", R"({"noses":{"a":[[1]]}})", R"({"noses":{}})"}) {
    EXPECT_THROW((void)read(".json", bad), Error) << bad;
  }
}

TEST_F(Marks, ReadsAnotherDetectorsBoxesByThePhotosName) {
  path_ = fs::path(testing::TempDir()) / ("boxes_" + std::to_string(::getpid()) + ".json");
  const auto boxes = [&](const std::string& text) {
    std::ofstream(path_) << text;
    return read_boxes(path_);
  };
  const auto found =
      boxes(R"({"photos":[{"file":"in/a.jpg","faces":[{"box":[1,2,3,4.5]}]},{"file":"b.jpg","faces":[]}]})");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found.at("a.jpg"), (std::vector<Box>{{1, 2, 3, 4.5F}}));
  EXPECT_TRUE(found.at("b.jpg").empty());
  for (const char* bad :
       {"", "[]", R"({"photos":[{"file":"a"}]})", R"({"photos":[{"file":"a","faces":[{"box":[1,2,3]}]}]})"}) {
    EXPECT_THROW((void)boxes(bad), Error) << bad;
  }
}

TEST(OpenSet, PerfectFacesAreAllFoundAndStrangersKeptOut) {
  // 60 people of four faces each, every face of a person in one direction: nobody is missed at any rate.
  IdentificationFaces faces;
  faces.embeddings.dimension = 60;
  for (int person = 0; person < 60; ++person) {
    for (int face = 0; face < 4; ++face) {
      for (int j = 0; j < 60; ++j) faces.embeddings.values.push_back(j == person ? 1 : 0);
      faces.people.push_back("p" + std::to_string(person));
    }
  }
  faces.may_enrol.assign(240, 1);
  faces.may_probe.assign(240, 1);
  const OpenSetIdentification result = identify_open_set(faces, {.trials = 3, .fpirs = {0.1, 0.01}});
  EXPECT_EQ(result.rank_one.mean, 1);
  EXPECT_EQ(result.enrolled, 30);
  EXPECT_EQ(result.mated_probes, 90);      // three other faces of 30 people
  EXPECT_EQ(result.stranger_probes, 120);  // four faces of the other 30
  ASSERT_TRUE(result.rates[0].fnir.has_value());
  EXPECT_EQ(result.rates[0].fnir->mean, 0);
  EXPECT_EQ(result.rates[0].detection_and_identification(), 1);
  EXPECT_FALSE(result.rates[1].fnir.has_value());  // .01 needs 1,000 strangers
}

TEST(OpenSet, NeedsTwoPeopleWithTwoFaces) {
  const IdentificationFaces faces{{1, {1, 1, 1}}, {"a", "a", "b"}, {1, 1, 1}, {1, 1, 1}};
  EXPECT_THROW((void)identify_open_set(faces, {}), Error);
}

/// Ten people around directions of their own in 16 dimensions.
void make_people(std::size_t people, std::size_t each, float spread, Embeddings& embeddings,
                 std::vector<std::string>& labels) {
  std::mt19937 random(3);
  embeddings.dimension = 16;
  for (std::size_t p = 0; p < people; ++p) {
    for (std::size_t i = 0; i < each; ++i) {
      labels.push_back(std::string(1, static_cast<char>('a' + p)));
      for (std::size_t j = 0; j < 16; ++j) {
        const float noise = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
        embeddings.values.push_back((j == p ? 1.0F : 0.0F) + spread * noise);
      }
    }
  }
}

TEST(CrossValidation, OfWellSeparatedPeopleIsRightAndSure) {
  Embeddings embeddings;
  std::vector<std::string> labels;
  make_people(4, 10, 0.1F, embeddings, labels);
  const CrossValidation result = cross_validate_classifier(embeddings, labels, {});
  EXPECT_EQ(result.accuracy, 1);
  EXPECT_EQ(result.deviation, 0);
  EXPECT_EQ(result.accuracies.size(), 4U);
  EXPECT_LT(*result.brier, 0.2);
  std::size_t faces = 0;
  for (const ReliabilityBin& bin : result.reliability) faces += bin.faces;
  EXPECT_EQ(faces, 160U);  // 40 faces in each of four repeats
}

TEST(CrossValidation, OfNoiseIsChance) {
  Embeddings embeddings;
  std::vector<std::string> labels;
  make_people(4, 20, 100, embeddings, labels);
  EXPECT_LT(cross_validate_classifier(embeddings, labels, {}).accuracy, 0.5);
}

TEST(LeaveOnePersonOut, NearestCosineTellsStrangersApart) {
  Embeddings embeddings;
  std::vector<std::string> labels;
  make_people(4, 10, 0.1F, embeddings, labels);
  const LeftOut result = leave_one_person_out(embeddings, labels, 0);
  EXPECT_EQ(result.strangers, 40U);
  EXPECT_EQ(result.auc, 1);
  EXPECT_TRUE(result.named.has_value());
  EXPECT_THROW((void)leave_one_person_out({16, {embeddings.values.begin(), embeddings.values.begin() + 320}},
                                          std::span(labels).first(20), 0),
               Error);
}

TEST(Quality, SaysWhichViewsAreAveraged) {
  EXPECT_EQ(views_of({}, Quality::kSinglePass).size(), 1U);
  const std::vector<View> two = views_of({}, Quality::kTwoViews);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_FALSE(two[0].mirrored || two[0].crop.upright);
  EXPECT_TRUE(two[1].mirrored && two[1].crop.upright);
  EXPECT_NEAR(two[1].crop.grow, two[0].crop.grow * 16 / 15, 1e-6);
  const std::vector<View> best = views_of({}, Quality::kBest);
  ASSERT_EQ(best.size(), 4U);
  EXPECT_EQ(best[1].crop.upright, best[0].crop.upright);
  EXPECT_NE(best[2].crop.upright, best[0].crop.upright);
  EXPECT_TRUE(best[1].mirrored && !best[2].mirrored && best[3].mirrored);
  for (const Quality quality : {Quality::kTwoViews, Quality::kBest}) {
    const std::vector<View> aligned = views_of({.profile = CropProfile::kAligned}, quality);
    ASSERT_EQ(aligned.size(), 2U);
    EXPECT_TRUE(aligned[1].mirrored && !aligned[1].crop.upright);
    EXPECT_EQ(quality_from(to_string(quality)), quality);
  }
  EXPECT_FALSE(quality_from("good"));
  EXPECT_EQ(passes_suffix(Quality::kSinglePass), "");
  EXPECT_EQ(passes_suffix(Quality::kTwoViews), "+two");
}

TEST(Quality, AveragesGroupsOfViews) {
  const Chip chip(2, 1, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(mirrored(chip).pixels(), (std::vector<std::uint8_t>{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(mirrored(mirrored(chip)), chip);
  // (1, 0) and (0, 1) average to (.71, .71); (0, 2) and (0, 4) to (0, 1).
  const Embeddings means = average_groups({2, {1, 0, 0, 1, 0, 2, 0, 4}}, 2);
  EXPECT_NEAR(means.values[0], std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(means.values[1], std::sqrt(0.5), 1e-6);
  EXPECT_EQ(means.values[2], 0);
  EXPECT_EQ(means.values[3], 1);
  EXPECT_THROW((void)average_groups({2, {1, 0, 0, 1}}, 3), std::invalid_argument);
}

TEST(CompareAccuracy, CountsPairsThatOnlyOneWayDecides) {
  const std::vector<std::string> photos{"A/1", "A/2", "B/1", "C/1"};
  const auto scored = [](double mated, double other, double third) {
    return std::vector<ScoredPair>{{{0, 1, true}, mated}, {{0, 2, false}, other}, {{1, 3, false}, third}};
  };
  const std::vector<std::vector<ScoredPair>> first{scored(.9, .1, .2)}, second{scored(.9, .6, .2)};
  const PairedDifference by = compare_accuracy(first, {.5}, second, {.5}, photos, 1);
  EXPECT_NEAR(by.difference, 1.0 / 3, 1e-12);
  EXPECT_EQ(by.gained, 1U);
  EXPECT_EQ(by.lost, 0U);
  EXPECT_GE(by.interval->low, 0);
  EXPECT_GT(by.interval->high, by.difference);
  const PairedDifference none = compare_accuracy(second, {.5}, second, {.5}, photos, 1);
  EXPECT_EQ(none.difference, 0);
  EXPECT_EQ(none.interval->high, 0);
  // Each way by its own threshold.
  EXPECT_EQ(compare_accuracy(first, {.5}, second, {.7}, photos, 1).difference, 0);
  EXPECT_THROW((void)compare_accuracy(first, {.5}, {{{{0, 2, false}, .1}}}, {.5}, photos, 1),
               std::invalid_argument);
}

TEST(PeopleFile, ReadsLfwsFormatAndPlainLists) {
  const fs::path file = fs::path(testing::TempDir()) / "people.txt";
  std::ofstream(file) << "2\n1\nAnna_A\t3\n2\nBert_B\t1\n\nCarl\n";
  EXPECT_EQ(read_people_file(file), (std::vector<std::string>{"Anna_A", "Bert_B", "Carl"}));
  std::ofstream(file) << "17\n";
  EXPECT_THROW((void)read_people_file(file), Error);
  EXPECT_THROW((void)read_people_file("/nowhere.txt"), Error);
  fs::remove(file);
}

TEST(PeopleFile, ReadsNamesWithBlanksTablesAndAllTexts) {
  const fs::path file = fs::path(testing::TempDir()) / ("people_" + std::to_string(::getpid()) + ".csv");
  using Names = std::vector<std::string>;
  const auto read = [&file](const std::string& text) {
    std::ofstream(file) << text;
    return read_people_file(file);
  };
  EXPECT_EQ(read("name,images\r\nAnna_A,3\r\nBert B,1\r\n"), (Names{"Anna_A", "Bert B"}));
  EXPECT_EQ(read("\xEF\xBB\xBF# known\nAnn Lee\nBert B 12\n"), (Names{"Ann Lee", "Bert B"}));
  EXPECT_EQ(read("Ann Lee\t3\rCarl"), (Names{"Ann Lee", "Carl"}));
  EXPECT_EQ(read("10\t2\nAnna_A\t3\n"), (Names{"Anna_A"}));
  EXPECT_EQ(read(std::string("A\0n\0\n\0", 6)), (Names{"An"}));
  fs::remove(file);
}

TEST(VerifyPairs, OfOneKindOrOnePersonSayNothingTheyDidNotMeasure) {
  const Embeddings embeddings = at_angles({0, 20, 40});
  const std::vector<char> found(3, 1);
  const PhotoPair mated[] = {{0, 1, true}, {1, 2, true}};
  const std::vector<std::string> one = {"a/1", "a/2", "a/3"};
  const Verification result = verify_pairs({score_pairs(mated, embeddings, found)}, {}, one, 1);
  EXPECT_EQ(result.accuracy, 1);
  EXPECT_FALSE(result.area_under_roc.has_value());
  EXPECT_FALSE(result.equal_error_rate.has_value());
  EXPECT_FALSE(result.validation_rate.has_value());
  EXPECT_FALSE(result.interval.has_value());  // one person is the same in every draw
  EXPECT_FALSE(result.deviation.has_value());
  // A set without a single face: an accuracy without failures cannot be told.
  const PhotoPair both[] = {{0, 1, true}, {0, 2, false}};
  const std::vector<std::string> two = {"a/1", "a/2", "b/1"};
  const Verification failed =
      verify_pairs({score_pairs(both, embeddings, {0, 0, 0})}, score_pairs(both, embeddings, found), two, 1);
  EXPECT_EQ(failed.accuracy, 0);
  EXPECT_FALSE(failed.accuracy_of_scored.has_value());
}

TEST(DetectionCounts, OfNothingAreNoRates) {
  const DetectionCount none;
  EXPECT_FALSE(none.recall().has_value());
  EXPECT_FALSE(none.precision().has_value());
}

TEST(TryProjections, WhitenedNoiseLosesAndBytesHardlyDo) {
  // 40 people in 6 dimensions that matter; 10 more hold nothing but small noise.
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  Embeddings faces{16, {}};
  std::vector<std::string> people;
  for (int person = 0; person < 40; ++person) {
    std::vector<float> centre(6);
    for (float& value : centre) value = normal(random);
    for (int face = 0; face < 4; ++face) {
      for (int j = 0; j < 16; ++j) {
        const float noise = normal(random);
        faces.values.push_back(j < 6 ? centre[static_cast<std::size_t>(j)] + 0.3F * noise : 0.05F * noise);
      }
      people.push_back("person " + std::to_string(person));
    }
  }
  l2_normalize(faces);
  const auto trials = try_projections(faces, people, {.dimension = 16, .folds = 2});
  ASSERT_EQ(trials.size(), 10U);
  EXPECT_EQ(trials[8].name, "without the mean face");
  EXPECT_GT(trials[8].area_under_roc, 0.98);  // these faces have next to none: nothing is lost either
  EXPECT_EQ(trials[2].name, "pca to 16");
  EXPECT_EQ(trials[3].bytes, 16U);
  EXPECT_GT(trials[2].area_under_roc, 0.98);
  EXPECT_NEAR(trials[3].area_under_roc, trials[2].area_under_roc, 0.005);
  EXPECT_LT(trials[4].area_under_roc, trials[2].area_under_roc - 0.01);  // whitened
  EXPECT_TRUE(trials[2].validation_at_2);
  EXPECT_FALSE(trials[2].validation_at_3);  // 2 x 3,040 pairs support no 1e-3
}

}  // namespace
}  // namespace likeness
