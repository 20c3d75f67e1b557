// What the program makes of folders, outputs and numbers as people have them; no photos of people are needed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "likeness/core/atomic_file.h"
#include "likeness/core/output.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/image/write_image.h"
#include "likeness/npz/npz.h"
#include "tests/run_program.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class Folders : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("likeness_folders_" + std::to_string(::getpid())) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string touch(const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    write_file(at(name), std::string_view("x"));
    return at(name);
  }
  /// A grey picture, in which there is no face.
  [[nodiscard]] std::string grey(const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    write_png(at(name), Image(80, 60, 128).view());
    return at(name);
  }
  /// Embeddings of `people`, `each` of everybody, in 8 directions.
  [[nodiscard]] std::string embeddings(const std::string& name, std::size_t people, std::size_t each) const {
    EmbeddingDataset dataset;
    dataset.train.embeddings.dimension = 8;
    for (std::size_t i = 0; i < people * each; ++i) {
      for (std::size_t j = 0; j < 8; ++j) {
        dataset.train.embeddings.values.push_back(static_cast<float>((i / each * 31 + j * 17) % 23) - 11 +
                                                  0.1F * static_cast<float>((i * 7 + j) % 5));
      }
      dataset.train.labels.push_back("person " + std::to_string(i / each));
    }
    write_embeddings(at(name), dataset);
    return at(name);
  }
  fs::path folder_;
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(Folders, OneBadNameDoesNotCostTheOthers) {
  (void)grey("d/ann/a.png");
  (void)touch("d/@eaDir/a.png");
  (void)touch("d/ann/raw.CR2");
  fs::create_symlink("self.png", folder_ / "d/ann/self.png");
  fs::create_directories(folder_ / "empty");
  const auto result = run_likeness({"detect", at("d"), at("empty"), at(std::string(300, 'x'))});
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_TRUE(says(result.out, "a.png  80 x 60  0 faces")) << result.out;
  EXPECT_TRUE(says(result.err, "@eaDir (another program's); 1 raw photos")) << result.err;
  EXPECT_TRUE(says(result.err, "self.png: Too many levels of symbolic links")) << result.err;
  EXPECT_TRUE(says(result.err, "no photos in " + at("empty"))) << result.err;
  EXPECT_TRUE(says(result.err, "File name too long")) << result.err;
  EXPECT_FALSE(says(result.err, "filesystem error")) << result.err;
  EXPECT_EQ(run_likeness({"detect", at("empty")}).code, 3);
}

TEST_F(Folders, EnrollingTakesThoseWhoHavePhotosAndNamesTheOthers) {
  (void)grey("d/ann/2019/a.png");
  (void)touch("d/bo/notes.txt");
  (void)grey("d/loose.png");
  const auto result = run_likeness({"gallery", "add", at("d"), "--gallery", at("g")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(says(result.err, "no photos in " + at("d/bo"))) << result.err;
  EXPECT_TRUE(says(result.err, "1 photo in no person's folder, the first is " + at("d/loose.png")));
  EXPECT_TRUE(says(result.out, "of 1 person; 0 known already, 0 refused, 1 without a face")) << result.out;
  const auto nobody = run_likeness({"gallery", "add", at("d/ann/2019"), "--gallery", at("g")});
  EXPECT_EQ(nobody.code, 3);
  EXPECT_TRUE(says(nobody.err, "--name")) << nobody.err;
}

TEST_F(Folders, OutputsAreNotReadAsPhotos) {
  (void)grey("d/a.png");
  fs::create_directories(folder_ / "d/named");
  for (int turn = 0; turn < 2; ++turn) {
    const auto result = run_likeness({"detect", at("d"), "--draw", at("d/named")});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(lines(result.out).size(), 1U) << result.out;
  }
  EXPECT_TRUE(fs::exists(folder_ / "d/named/a.faces.png"));
  // Drawn beside the photos: only the drawing is left out.
  for (int turn = 0; turn < 2; ++turn) {
    const auto result = run_likeness({"detect", at("d"), "--draw", at("d")});
    EXPECT_EQ(lines(result.out).size(), 1U) << result.out;
  }
  EXPECT_EQ(run_likeness({"detect", at("d/a.png"), "--draw", at("d/one.png")}).code, 0);
  const auto result = run_likeness({"detect", at("d")});
  EXPECT_EQ(lines(result.out).size(), 1U) << result.out;
  EXPECT_TRUE(says(result.err, "named (results of this program); 2 pictures that are results")) << result.err;
  EXPECT_EQ(run_likeness({"cluster", at("d"), "--out", at("d/groups")}).code, 0);
  EXPECT_TRUE(read_output_mark(folder_ / "d/groups").value().whole);
}

TEST_F(Folders, NoOutputReplacesAnotherOne) {
  const std::vector<std::string> photos = {grey("a/x.png"), grey("b/x.png"), grey("x.png"), at("x.jpg")};
  fs::copy_file(photos[2], photos[3]);
  fs::create_directories(folder_ / "drawn");
  std::vector<std::string> detect = {"detect", "--draw", at("drawn")};
  detect.insert(detect.end(), photos.begin(), photos.end());
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(run_likeness(detect).code, 0);
    std::set<std::string> drawn;
    for (const auto& entry : fs::directory_iterator(folder_ / "drawn"))
      drawn.insert(entry.path().filename().string());
    EXPECT_EQ(drawn, (std::set<std::string>{std::string(kOutputMark), "x.faces.png", "x_2.faces.png",
                                            "x_3.faces.png", "x_4.faces.png"}));
  }
}

TEST_F(Folders, OutputsThatCannotBeWrittenAreToldBeforeTheWork) {
  const std::string photo = touch("photo.jpg");  // no image: who reads it before the check says so
  const std::string npz = touch("data.npz");     // no data set either
  const std::string gone = at("gone/x.npz");
  const std::string below = at("photo.jpg/out");
  const std::vector<std::vector<std::string>> commands = {
      {"run", at(""), "--out", below},
      {"extract", at(""), "-o", gone},
      {"embed", at(""), "-o", gone},
      {"train", npz, "-o", gone},
      {"evaluate", npz, npz, "--faces", npz, "--example", gone},
      {"detect", photo, "--draw", gone},
      {"predict", npz, photo, "--draw", below},
      {"predict", npz, photo, "--report", gone},
      {"cluster", photo, "--out", below},
      {"cluster", photo, "--enrol", "--gallery", gone},
      {"gallery", "add", photo, "--name", "Ann", "--gallery", gone},
      {"gallery", "import", npz, "--gallery", gone},
      {"gallery", "export", "-o", gone, "--gallery", npz},
      {"eval", "lfw", "--pairs", npz, "--images", at(""), "--out", below},
      {"eval", "openset", "--gallery", at(""), "--probes", at(""), "--out", below},
      {"eval", "cluster", at(""), "--out", below},
      {"eval", "classify", npz, "--out", below},
      {"eval", "thresholds", npz, "--out", below},
      {"eval", "gallery", npz, "--out", below},
      {"eval", "leftout", npz, "--impostors", npz, "--out", below}};
  for (const auto& command : commands) {
    const auto result = run_likeness(command);
    std::string words;
    for (const std::string& word : command) words += word + " ";
    EXPECT_EQ(result.code, 7) << words << result.err;
    EXPECT_EQ(lines(result.err).size(), 1U) << words << result.err;
  }
}

TEST_F(Folders, WhatWasNotMeasuredIsNoNumber) {
  // 30 people with one face each: no pair of one person, and too few of two for a rate of .0001.
  const auto result =
      run_likeness({"eval", "thresholds", embeddings("e.npz", 30, 1), "--json", "--rates", "0.1", "0.0001"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  ASSERT_EQ(json["thresholds"].size(), 2U);
  EXPECT_TRUE(json["thresholds"][0]["cosine"].is_number());
  EXPECT_TRUE(json["thresholds"][0]["false_non_match_rate"].is_null());
  EXPECT_EQ(json["thresholds"][0]["reason"], "no pairs of one person");
  EXPECT_TRUE(json["thresholds"][1]["cosine"].is_null());
  EXPECT_EQ(json["thresholds"][1]["reason"], "needs 100000 pairs of two people, there are 435");
  EXPECT_TRUE(says(run_likeness({"eval", "thresholds", at("e.npz"), "--rates", "0.1"}).out, "no pairs"));
  const auto grouped = run_likeness({"eval", "cluster", at("e.npz"), "--json"});
  ASSERT_EQ(grouped.code, 0) << grouped.err;
  const auto pairs = nlohmann::json::parse(grouped.out)["pairs"];
  EXPECT_TRUE(pairs["recall"].is_null());
  EXPECT_TRUE(pairs["f"].is_null());
  EXPECT_TRUE(pairs["reason"].is_string());
}

TEST_F(Folders, ManyPeopleAreTrainedWithoutAnSvmAndThatIsSaid) {
  const std::string data = embeddings("e.npz", 301, 1);
  const auto result = run_likeness({"train", data, "-o", at("p.npz")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(says(result.out, "301 people are too many for an SVM")) << result.out;
  const auto json = nlohmann::json::parse(run_likeness({"train", data, "-o", at("p.npz"), "--json"}).out);
  EXPECT_EQ(json["svm"], false);
  EXPECT_EQ(run_likeness({"evaluate", at("p.npz"), data}).code, 0);
}

TEST_F(Folders, MembersMayBeNamed) {
  const Array<float> rows{{4, 2}, {1, 0, 1, 0.1F, 0, 1, 0.1F, 1}};
  write_npz(at("m.NPZ"), {{"one", rows}, {"two", rows}, strings_member("who", {"a", "a", "b", "b"})});
  const auto unclear = run_likeness({"train", at("m.NPZ"), "-o", at("p.npz")});
  EXPECT_EQ(unclear.code, 5);
  EXPECT_TRUE(says(unclear.err, "it holds one <f4 (4, 2), two <f4 (4, 2), who <U1 (4)")) << unclear.err;
  EXPECT_EQ(run_likeness({"train", at("m.NPZ"), "-o", at("p.npz"), "--members", "two,who"}).code, 0);
  EXPECT_EQ(run_likeness({"evaluate", at("p.npz"), at("m.NPZ"), "--members", "two,who"}).code, 0);
}

}  // namespace
}  // namespace likeness
