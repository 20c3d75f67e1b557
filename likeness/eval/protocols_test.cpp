// Protocols as reports: what people read, what programs read, and the faces that go in.
#include "likeness/eval/protocols.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "likeness/core/error.h"
#include "likeness/eval/verification_protocol.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// `each` drawn faces of P0, P1, ...
People drawn(std::size_t people, std::size_t each, std::uint32_t seed) {
  People all;
  all.embeddings = synthetic_faces(people, each, 64, seed);
  all.space = "drawn";
  for (std::size_t i = 0; i < people * each; ++i) all.people.push_back("P" + std::to_string(i / each));
  return all;
}

TEST(Report, TwoColumnsSpeakForThemselvesAndMoreHaveHeadings) {
  EvalReport report{
      .title = "t", .words = "of nothing", .table = {{"figure", "value"}, {{"a", "1"}, {"bcd", "2"}}, ""}};
  EXPECT_EQ(text_of(report), (std::vector<std::string>{"of nothing", "", "a    1", "bcd  2"}));
  report.table = {{"rule", "x", "y"}, {{"one", "", "3"}}, ""};
  report.remarks = {"a remark"};
  EXPECT_EQ(text_of(report),
            (std::vector<std::string>{"of nothing", "", "rule  x  y", "one      3", "", "a remark"}));
}

TEST(Report, ThePageHoldsWordsTableAndCurves) {
  const fs::path folder = fs::path(testing::TempDir()) / ("report_" + std::to_string(::getpid()));
  write_report(folder, {.title = "A title",
                        .words = "of nothing",
                        .table = {{"figure", "value"}, {{"a", "1.5"}}, ""},
                        .plots = {{"curve", {.title = "Curve", .curves = {{"c", {{0, 0}, {1, 1}}}}}}}});
  std::ifstream in(folder / "report.html");
  const std::string page(std::istreambuf_iterator<char>(in), {});
  for (const char* part : {"A title", "of nothing", "1.5"}) EXPECT_NE(page.find(part), std::string::npos);
  EXPECT_TRUE(fs::exists(folder / "curve.csv"));
  fs::remove_all(folder);
}

TEST(PeopleOfProtocols, AreChosenByListByNumberAndByName) {
  People people = drawn(3, 2, 1);
  people.people[5] = "alone";
  const auto last = people.embeddings[3];
  const std::vector<float> kept(last.begin(), last.end());
  keep_wanted(people, std::nullopt, 2);
  EXPECT_EQ(people.people, (std::vector<std::string>{"P0", "P0", "P1", "P1"}));
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), people.embeddings[3].begin()));
  EXPECT_EQ(people.space, "drawn");

  const fs::path list = fs::path(testing::TempDir()) / ("people_" + std::to_string(::getpid()) + ".txt");
  std::ofstream(list) << "P1\t2\n";
  keep_wanted(people, list, 1);
  fs::remove(list);
  EXPECT_EQ(people.people, (std::vector<std::string>{"P1", "P1"}));
  EXPECT_EQ(people.embeddings.size(), 2U);
  EXPECT_THROW(keep_wanted(people, std::nullopt, 3), Error);

  leave_aside(people, std::vector<std::string>{"P1"});
  EXPECT_EQ(people.size(), 0U);
  EXPECT_EQ(people.embeddings.dimension, 64U);
}

TEST(PeopleOfProtocols, AreReadFromTrainAndValTogether) {
  const fs::path file = fs::path(testing::TempDir()) / ("people_" + std::to_string(::getpid()) + ".npz");
  EmbeddingDataset dataset;
  dataset.train = {{2, {3, 4, 0, 2}}, {"a", "b"}, {}};
  dataset.val = {{2, {5, 0}}, {"a"}, {}};
  write_embeddings(file, dataset);
  const People people = read_people(file);
  fs::remove(file);
  EXPECT_EQ(people.people, (std::vector<std::string>{"a", "b", "a"}));
  EXPECT_EQ(people.embeddings.values, (std::vector<float>{0.6F, 0.8F, 0, 1, 1, 0}));
  EXPECT_EQ(people.space, "unknown model");
  EXPECT_EQ(people.source, file.string());
  EXPECT_TRUE(people.unreadable.empty());
}

TEST(OpenSetReport, ProbesOfTheirOwnAreAskedAndFailuresOfBothTold) {
  People gallery = drawn(20, 3, 1);
  gallery.failed = {"a.jpg: no face found"};
  People probes = drawn(20, 2, 1);
  probes.failed = {"b.jpg: torn"};
  const IdentificationOptions options{.trials = 2, .fpirs = {0.1, 1e-6}, .seed = 4};
  const EvalReport same = open_set_report(gallery, std::nullopt, options, Precision::kF32);
  EXPECT_EQ(same.json["enrolled"], 10);
  EXPECT_EQ(same.json["mated_probes"], 20);
  EXPECT_EQ(same.remarks, (std::vector<std::string>{"failures to acquire: 1", "  a.jpg: no face found"}));
  EXPECT_TRUE(same.words.starts_with("2 trials (seed 4): 10 people enrolled with one face, 20 probes"));
  const EvalReport two = open_set_report(gallery, probes, options, Precision::kF32);
  EXPECT_EQ(two.json["mated_probes"], 20);  // of the probes alone
  EXPECT_EQ(two.json["stranger_probes"], 20);
  EXPECT_EQ(two.json["failures"].size(), 2U);
  // A rate that forty strangers cannot support has no number, and says why in both forms.
  EXPECT_TRUE(two.json["rates"][1]["fnir"].is_null());
  EXPECT_EQ(two.json["rates"][1]["reason"], two.table.rows[2][1]);
  ASSERT_EQ(two.plots.size(), 1U);
  EXPECT_EQ(two.plots[0].first, "fnir_fpir");
}

TEST(ClusteringReport, JudgesOurWayBesideDbscansBest) {
  People people = drawn(10, 4, 2);
  const EvalReport report = clustering_report(people, 0.4, Precision::kF32, 1);
  EXPECT_EQ(report.json["faces"], 40);
  EXPECT_EQ(report.json["people"], 10);
  EXPECT_EQ(report.json["way"], "Chinese whispers, cosine 0.40");
  EXPECT_EQ(report.table.columns[1], report.json["way"]);
  EXPECT_EQ(report.table.columns[2], report.json["dbscan"]["way"]);
  EXPECT_GT(report.json["bcubed"]["f"].get<double>(), 0.9);
  EXPECT_GT(report.json["dbscan"]["bcubed"]["f"].get<double>(), 0.9);
}

TEST(ClassificationReport, TakesBothPartsAndPlotsWhereThereAreProbabilities) {
  const People people = drawn(4, 12, 3);
  EmbeddingDataset dataset;
  for (std::size_t i = 0; i < people.size(); ++i) {
    EmbeddingPart& part = i % 3 == 0 ? dataset.val : dataset.train;
    const auto row = people.embeddings[i];
    part.embeddings.dimension = row.size();
    part.embeddings.values.insert(part.embeddings.values.end(), row.begin(), row.end());
    part.labels.push_back(people.people[i]);
  }
  const EvalReport report = classification_report(dataset, {.folds = 3, .repeats = 1});
  EXPECT_EQ(report.json["faces"], 48);
  EXPECT_EQ(report.json["accuracy"], 1);
  EXPECT_TRUE(report.json["std"].is_null());  // of one repeat
  EXPECT_EQ(report.json["left_out"]["strangers"], 48);
  EXPECT_EQ(report.plots.size(), report.json["brier"].is_null() ? 0U : 1U);
}

TEST(LeftOutReport, RefusesFacesOfTwoSpaces) {
  People people = drawn(4, 5, 1);
  People strangers = drawn(100, 1, 2);
  people.source = "mine";
  strangers.source = "theirs";
  const GalleryTrialOptions options{.target_fpir = 0.1, .folds = 2};
  const EvalReport report = left_out_report(people, strangers, options);
  EXPECT_EQ(report.json["strangers"], 20);
  EXPECT_EQ(report.table.rows.size(), report.json["rules"].size());
  strangers.space = "other";
  try {
    (void)left_out_report(people, strangers, options);
    FAIL() << "two spaces";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelMismatch);
    EXPECT_STREQ(error.what(), "mine is of drawn, theirs of other");
  }
}

TEST(ThresholdsReport, ThePrintedCosineDecidesAsTheExactOne) {
  const EvalReport report =
      thresholds_report(drawn(10, 2, 5), std::vector<double>{0.1, 1e-5}, Precision::kF32);
  EXPECT_EQ(report.json["mated"], 10);
  EXPECT_EQ(report.json["non_mated"], 180);
  const auto& rates = report.json["thresholds"];
  EXPECT_GE(std::stod(report.table.rows[0][1]), rates[0]["cosine"].get<double>());
  EXPECT_TRUE(rates[1]["cosine"].is_null());
  EXPECT_TRUE(rates[1]["reason"].get<std::string>().ends_with("pairs of two people, there are 180"));
}

TEST(VerificationText, SaysWhatWasNotMeasured) {
  VerificationStory story;
  story.protocol = "two pairs";
  story.photos = {"a/1", "a/2", "b/1"};
  story.folds = {{{{0, 1, true}, 0.9}, {{0, 2, false}, std::nullopt}}};
  story.result = verify_pairs(story.folds, {}, story.photos, 0);
  story.failed = {{"b/1", "no face found"}};
  story.failed_pairs = 1;
  story.facts = {{"passes", "single"}};
  const auto lines = text_of(story);
  EXPECT_EQ(lines[0], "two pairs");
  for (const char* line :
       {"  without failures   1.0000", "AUC                  no pairs of two people",
        "VAL at FAR 0.001     no pairs of two people (the protocol's pairs)",
        "failures to acquire  1 photos, 1 pairs", "  b/1: no face found", "passes               single",
        "photos               3, 0 of them from the cache"}) {
    EXPECT_NE(std::find(lines.begin(), lines.end(), line), lines.end()) << line;
  }
  const auto json = json_of(story);
  EXPECT_TRUE(json["auc"].is_null());
  EXPECT_EQ(json["reason"], "no pairs of two people");
  EXPECT_EQ(json["failures"], 1);
  EXPECT_FALSE(json.contains("baseline"));
}

}  // namespace
}  // namespace likeness
