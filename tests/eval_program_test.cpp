// `likeness eval` and `likeness compact` from files to figures, on a few photos that lie beside the checkout.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "likeness/image/read_image.h"
#include "likeness/image/write_image.h"
#include "tests/opened_files.h"
#include "tests/run_program.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kPhotos = LIKENESS_SHARED "/data/photos/face_recognition/knn_examples/train";

class EvalProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kPhotos)) GTEST_SKIP() << "the photos of " << kPhotos << " are not here";
    folder_ = fs::path(testing::TempDir()) / ("likeness_eval_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    put("obama/obama.jpg", "Obama", 1);
    put("obama/obama2.jpg", "Obama", 2);
    put("rose_leslie/img1.jpg", "Rose", 1);
    put("rose_leslie/img2.jpg", "Rose", 2);
    fs::create_directories(folder_ / "lfw/Nobody");
    for (const char* name : {"Nobody_0001.jpg", "Nobody_0002.jpg"})
      write_png(folder_ / "lfw/Nobody" / name, Image(120, 90, 128).view());
    ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);  // the cache of these tests alone
  }
  void TearDown() override {
    ::unsetenv("XDG_CACHE_HOME");
    fs::remove_all(folder_);
  }

  void put(const std::string& photo, const std::string& name, int number) const {
    const fs::path to = folder_ / "lfw" / name / (name + "_000" + std::to_string(number) + ".jpg");
    fs::create_directories(to.parent_path());
    fs::copy_file(kPhotos / photo, to);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return at(name);
  }
  /// View 2's form: ten sets of one mated and one non-mated pair.
  [[nodiscard]] std::string ten_folds(const std::string& ninth_mated = "Obama\t1\t2") const {
    std::string text = "10\t1\n";
    for (int fold = 1; fold <= 10; ++fold) {
      text += (fold == 9 ? ninth_mated : fold % 2 == 0 ? "Obama\t1\t2" : "Rose\t2\t1") + "\n";
      text += "Obama\t" + std::to_string(1 + fold % 2) + "\tRose\t1\n";
    }
    return write("pairs.txt", text);
  }
  [[nodiscard]] ProgramResult lfw(const std::string& pairs, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"eval", "lfw", "--pairs", pairs, "--images", at("lfw"), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_likeness(arguments);
  }

  fs::path folder_;
};

TEST_F(EvalProgram, TakesViewTwosTenFoldsAndRemembersThePhotos) {
  const std::string pairs = ten_folds();
  const ProgramResult first = lfw(pairs, {"--out", at("report")});
  ASSERT_EQ(first.code, 0) << first.err;
  const json figures = json::parse(first.out);
  EXPECT_EQ(figures["accuracy"], 1);
  EXPECT_EQ(figures["std"], 0);
  EXPECT_EQ(figures["auc"], 1);
  EXPECT_EQ(figures["eer"], 0);
  EXPECT_EQ(figures["failures"], 0);
  EXPECT_TRUE(figures["val_at_far_1e-3"].is_null());  // ten pairs support no such rate
  EXPECT_EQ(figures["fold_accuracies"].size(), 10U);
  EXPECT_EQ(figures["photos"], 4);
  EXPECT_EQ(figures["from_cache"], 0);
  for (const char* file : {"report.html", "roc.csv", "det.csv", "scores.csv"})
    EXPECT_TRUE(fs::exists(at(std::string("report/") + file))) << file;
  EXPECT_FALSE(fs::exists(at("report/det.png")));  // perfectly separated scores have no DET

  const ProgramResult second = lfw(pairs);
  ASSERT_EQ(second.code, 0) << second.err;
  const json again = json::parse(second.out);
  EXPECT_EQ(again["from_cache"], 4);
  EXPECT_EQ(again["thresholds"], figures["thresholds"]);
}

TEST_F(EvalProgram, EveryPhotoIsOpenedOnce) {
  const std::string pairs = ten_folds("Nobody\t1\t2");
  const std::map<std::string, int> once{{"Obama_0001.jpg", 1},  {"Obama_0002.jpg", 1},
                                        {"Rose_0001.jpg", 1},   {"Rose_0002.jpg", 1},
                                        {"Nobody_0001.jpg", 1}, {"Nobody_0002.jpg", 1}};
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--no-cache"}, {}, {}}) {
    OpenedFiles opened(folder_ / "lfw");
    const ProgramResult result = lfw(pairs, more);  // without a cache; filling it; from it
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(opened.counts(), once);
  }
}

TEST_F(EvalProgram, PhotosThatAreDrawnOnAreOpenedOnce) {
  fs::create_directory(folder_ / "drawn");
  OpenedFiles opened(folder_ / "lfw/Obama");
  const ProgramResult result = run_likeness({"detect", at("lfw/Obama"), "--draw", at("drawn")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(opened.counts(), (std::map<std::string, int>{{"Obama_0001.jpg", 1}, {"Obama_0002.jpg", 1}}));
  // The boxes are drawn on the photo itself: far from them nothing has changed.
  const Image photo = read_image(folder_ / "lfw/Obama/Obama_0001.jpg");
  const Image drawn = read_image(folder_ / "drawn/Obama_0001.faces.png");
  ASSERT_EQ(drawn.width(), photo.width());
  ASSERT_EQ(drawn.height(), photo.height());
  EXPECT_NE(drawn, photo);
  EXPECT_TRUE(std::equal(photo.view().row(0), photo.view().row(4), drawn.view().row(0)));
}

TEST_F(EvalProgram, EmbeddingsOfOtherDetectorOptionsAreKeptApart) {
  const std::string pairs = ten_folds();
  const auto from_cache = [&](const std::vector<std::string>& more) {
    const ProgramResult result = lfw(pairs, more);
    EXPECT_EQ(result.code, 0) << result.err;
    return json::parse(result.out)["from_cache"].get<int>();
  };
  EXPECT_EQ(from_cache({}), 0);
  EXPECT_EQ(from_cache({"--min-face", "40"}), 0);
  EXPECT_EQ(from_cache({"--min-face", "40"}), 4);
  EXPECT_EQ(from_cache({"--min-face", "20"}), 4);  // the usual one
  // And they are obeyed: nobody's face is that large.
  EXPECT_EQ(lfw(pairs, {"--min-face", "5000"}).code, 3);
}

TEST_F(EvalProgram, APairWithoutAFaceIsAnErrorAndCounted) {
  const ProgramResult result = lfw(ten_folds("Nobody\t1\t2"));
  ASSERT_EQ(result.code, 0) << result.err;
  const json figures = json::parse(result.out);
  EXPECT_DOUBLE_EQ(figures["accuracy"].get<double>(), 0.95);  // one pair of twenty
  EXPECT_EQ(figures["accuracy_without_failures"], 1);
  EXPECT_EQ(figures["failures"], 1);
  ASSERT_EQ(figures["failed_photos"].size(), 2U);
  EXPECT_EQ(figures["failed_photos"][0]["why"], "no face found");
}

TEST_F(EvalProgram, NamesWhatIsWrongWithTheFiles) {
  const auto expect = [](const ProgramResult& result, int code, const std::string& part) {
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    // Where nothing can be evaluated there is one object, as with all commands.
    const json told = json::parse(result.out);
    EXPECT_NE(told["error"].get<std::string>().find(part), std::string::npos) << result.out;
  };
  expect(lfw(at("nowhere.txt")), 3, "nowhere.txt");
  expect(lfw(write("short.txt", "1\t2\nObama\t1\t2\n")), 5, "short.txt, line 2");
  expect(lfw(write("words.txt", "ten\t1\n")), 5, "words.txt, line 1");
  expect(lfw(write("up.txt", "1\n../lfw\t1\t2\nObama\t1\tRose\t1\n")), 5, "up.txt, line 2");
  expect(lfw(write("gone.txt", "1\nGone\t1\t2\nGone\t1\tLost\t1\n")), 3, "none of the 3 photos");
  expect(lfw(write("grey.txt", "1\nNobody\t1\t2\nNobody\t1\tNobody\t2\n")), 3, "no face found");
}

TEST_F(EvalProgram, CompactPacksGoTheWholeRoad) {
  const std::string models = at("packs");
  ProgramResult made =
      run_likeness({"compact", "fit", "--method", "none", "--name", "bytes", "--into", models, "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(json::parse(made.out)["bytes"], 512);
  made = run_likeness({"compact", "fit", "--images", at("lfw"), "--dimension", "3", "--name", "three",
                       "--into", models, "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(json::parse(made.out)["bytes"], 3);

  for (const std::string name : {"bytes", "three"}) {
    EXPECT_EQ(run_likeness({"model", "test", name, "--models", models}).code, 0);
    const ProgramResult result =
        lfw(ten_folds(), {"--models", models, "--model", name, "--baseline", "20180408-102900"});
    ASSERT_EQ(result.code, 0) << result.err;
    const json figures = json::parse(result.out);
    EXPECT_EQ(figures["accuracy"], 1) << name;
    EXPECT_EQ(figures["baseline"]["difference"], 0) << name;
    EXPECT_EQ(figures["from_cache"], 4) << "the network's outputs are kept once for all packs made of them";
  }
  // The name is taken; the space is another than the base's.
  EXPECT_EQ(run_likeness({"compact", "fit", "--method", "none", "--name", "bytes", "--into", models}).code,
            2);
  ASSERT_EQ(run_likeness({"gallery", "add", at("lfw"), "--gallery", at("g.gallery"), "--models", models,
                          "--model", "three"})
                .code,
            0);
  const ProgramResult mixed =
      run_likeness({"gallery", "search", at("lfw/Rose/Rose_0001.jpg"), "--gallery", at("g.gallery")});
  EXPECT_EQ(mixed.code, 5) << mixed.err;
  EXPECT_NE(mixed.err.find("three/"), std::string::npos) << mixed.err;
}

TEST_F(EvalProgram, CompactFitSaysWhatItNeeds) {
  const auto expect = [](const std::vector<std::string>& arguments, int code, const std::string& part) {
    const ProgramResult result = run_likeness(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  const std::string into = at("packs");
  expect({"compact", "fit", "--name", "x", "--into", into}, 2, "--images");
  expect({"compact", "fit", "--method", "none", "--values", "f32", "--name", "x", "--into", into}, 2,
         "as it is");
  expect({"compact", "fit", "--images", at("lfw"), "--name", "x", "--into", into}, 5, "too few to learn 128");
  expect({"compact", "fit", "--images", at("lfw"), "--only", write("who.txt", "Nemo\n"), "--name", "x",
          "--into", into},
         3, "of the people in");
  EXPECT_FALSE(fs::exists(into + "/x"));
}

}  // namespace
}  // namespace likeness
