// The tutorial's road through the program, on drawn people: detect, extract, embed, train, evaluate, predict,
// run, verify, cluster and the protocols of eval, with exit codes and JSON.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "likeness/core/atomic_file.h"
#include "likeness/image/write_image.h"
#include "tests/run_program.h"
#include "tests/tiny/tiny_world.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class TinyRoad : public testing::Test {
 protected:
  /// The program with the tiny packs.
  static ProgramResult tiny(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--models", tiny::packs(), "--model", tiny::kEmbedder});
    return run_likeness(arguments);
  }
  static json parsed(const ProgramResult& result) {
    EXPECT_EQ(result.code, 0) << result.err;
    return json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }
  /// Six people: four photos each to learn from, two to be tested with.
  std::string six_people() {
    tiny::write_people(folder_ / "photos/train", 0, 6, 4, 1000);
    tiny::write_people(folder_ / "photos/val", 0, 6, 2, 2000);
    return folder_ / "photos";
  }
  /// Writes embeddings of six_people() and trains on them.
  void learn() {
    const std::string photos = six_people();
    const json cut = parsed(tiny({"extract", photos, "-o", folder_ / "faces.npz", "--json"}));
    EXPECT_EQ(cut["train"], 24);
    EXPECT_EQ(cut["val"], 12);
    EXPECT_EQ(cut["without_face"], 0);
    EXPECT_EQ(tiny({"embed", folder_ / "faces.npz", "-o", folder_ / "embeddings.npz"}).code, 0);
    const json trained =
        parsed(run_likeness({"train", folder_ / "embeddings.npz", "-o", folder_ / "people.npz", "--json"}));
    EXPECT_EQ(trained["faces"], 24);
    EXPECT_EQ(trained["people"].size(), 6U);
  }
  tiny::Folder folder_;
};

TEST_F(TinyRoad, AModelWithoutThresholdsSaysHowToMeasureThemAndThenHasThem) {
  fs::copy(tiny::packs(), folder_ / "packs", fs::copy_options::recursive);
  const std::string file = folder_ / "packs/tiny/model.json";
  json pack = json::parse(std::ifstream(file));
  pack["contract"]["thresholds"] = json::array();
  write_file(file, pack.dump());
  tiny::write_people(folder_ / "photos", 0, 17, 3, 1000);
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--models", folder_ / "packs"});
    return run_likeness(arguments);
  };
  const std::vector<std::string> verify{"verify", folder_ / "photos/person_00/0.png",
                                        folder_ / "photos/person_00/1.png", "--model", tiny::kEmbedder};
  const auto refused = run(verify);
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("likeness model measure tiny --images FOLDER --people FILE"), std::string::npos)
      << refused.err;
  write_file(folder_ / "people.txt", [] {
    std::string names;
    for (int person = 0; person < 16; ++person) names += tiny::name_of(person) + "\t3\n";
    return names;
  }());
  const auto measured = run({"model", "measure", "tiny", "--images", folder_ / "photos", "--people",
                             folder_ / "people.txt", "--no-cache", "--threads", "2"});
  ASSERT_EQ(measured.code, 0) << measured.err;
  EXPECT_NE(measured.out.find("tiny: 48 faces of 16 people, 1080 pairs of two people, f32"),
            std::string::npos)
      << measured.out;
  const json thresholds = json::parse(std::ifstream(file))["contract"]["thresholds"];
  ASSERT_EQ(thresholds.size(), 1U) << thresholds;  // so few pairs support .01 alone
  EXPECT_EQ(thresholds[0]["pairs"], 1080);
  EXPECT_NE(thresholds[0]["origin"].get<std::string>().find("48 faces of 16 people of people.txt"),
            std::string::npos);
  EXPECT_EQ(run(verify).code, 0);
  write_file(folder_ / "one.txt", "person_00\n");
  EXPECT_EQ(run({"model", "measure", "tiny", "--images", folder_ / "photos", "--people", folder_ / "one.txt",
                 "--no-cache"})
                .code,
            5);
}

TEST_F(TinyRoad, DetectNamesBoxesAndLandmarks) {
  const std::vector<tiny::DrawnFace> drawn{{2, 70, 70, 60}, {9, 200, 80, 90}};
  write_png(folder_ / "two.png", tiny::draw(drawn, 300, 160, 3).view());
  const auto result = run_likeness(
      {"detect", folder_ / "two.png", "--json", "--models", tiny::packs(), "--draw", folder_ / "drawn.png"});
  const json photo = parsed(result);
  EXPECT_EQ(photo["size"], json({300, 160}));
  ASSERT_EQ(photo["faces"].size(), 2U) << result.out;
  for (const tiny::DrawnFace& face : drawn) {
    const Box box = tiny::box_of(face);
    EXPECT_EQ(std::count_if(photo["faces"].begin(), photo["faces"].end(),
                            [&](const json& found) {
                              const auto b = found["box"].get<std::vector<float>>();
                              return std::abs(b[0] - box.left) < 8 && std::abs(b[3] - box.bottom) < 8 &&
                                     found["landmarks"].size() == 5;
                            }),
              1);
  }
  EXPECT_TRUE(fs::exists(folder_ / "drawn.png"));
}

TEST_F(TinyRoad, LearnsPeopleAndNamesThemInOtherPhotos) {
  learn();
  const json report = parsed(run_likeness(
      {"evaluate", folder_ / "people.npz", folder_ / "embeddings.npz", "--seed", "1", "--json"}));
  EXPECT_EQ(report["train"]["correct"], 24);
  EXPECT_EQ(report["val"]["total"], 12);
  EXPECT_EQ(report["val"]["correct"], 12);

  write_png(folder_ / "together.png",
            tiny::draw(std::vector<tiny::DrawnFace>{{4, 70, 70, 70}, {1, 220, 80, 80}}, 320, 160, 9).view());
  const json photo = parsed(tiny({"predict", folder_ / "people.npz", folder_ / "together.png", "--json"}));
  std::set<std::string> names;
  for (const json& face : photo["faces"]) names.insert(face["name"]);
  EXPECT_EQ(names, (std::set<std::string>{tiny::name_of(1), tiny::name_of(4)}));
}

TEST_F(TinyRoad, OneBrokenPhotoIsNamedAndTheOthersAreStillPredicted) {
  learn();
  write_file(folder_ / "broken.png", "no picture");
  write_png(folder_ / "empty.png", tiny::draw({}, 100, 80, 1).view());
  const auto result = tiny({"predict", folder_ / "people.npz", folder_ / "broken.png",
                            folder_ / "photos/val/person_03/0.png", folder_ / "empty.png", "--json"});
  EXPECT_EQ(result.code, 1);
  ASSERT_EQ(lines(result.err).size(), 1U) << result.err;
  EXPECT_NE(result.err.find("broken.png"), std::string::npos);
  ASSERT_EQ(lines(result.out).size(), 3U) << result.out;  // an object for each photo
  EXPECT_NE(json::parse(lines(result.out)[0])["error"].get<std::string>().find("broken.png"),
            std::string::npos);
  EXPECT_EQ(json::parse(lines(result.out)[1])["faces"][0]["name"], tiny::name_of(3));
  EXPECT_TRUE(json::parse(lines(result.out)[2])["faces"].empty());
}

TEST_F(TinyRoad, AClassifierOfAnotherSpaceIsRefused) {
  learn();
  const auto result = tiny(
      {"predict", folder_ / "people.npz", folder_ / "photos/val/person_03/0.png", "--profile", "tutorial"});
  EXPECT_EQ(result.code, 5) << result.err;
  EXPECT_EQ(lines(result.err).size(), 1U) << result.err;
  EXPECT_TRUE(result.out.empty());
}

TEST_F(TinyRoad, RunDoesItAllAtOnce) {
  const auto result = tiny({"run", six_people(), "--out", folder_ / "out"});
  ASSERT_EQ(result.code, 0) << result.err;
  const json report = json::parse(std::ifstream(folder_ / "out/report.json"));
  EXPECT_EQ(report["val"]["total"], 12);
  EXPECT_EQ(report["val"]["correct"], 12);
  for (const char* file : {"faces.npz", "embeddings.npz", "people.npz", "report.html"})
    EXPECT_TRUE(fs::exists(folder_ / ("out/" + std::string(file)))) << file;
}

TEST_F(TinyRoad, VerifyTellsOnePersonFromTwo) {
  const auto ann = tiny::write_people(folder_ / "a", 3, 4, 2, 10);
  const auto bob = tiny::write_people(folder_ / "b", 7, 8, 1, 20);
  const json same = parsed(tiny({"verify", ann[0], ann[1], "--threshold", "0.4", "--json"}));
  const json different = parsed(tiny({"verify", ann[0], bob[0], "--threshold", "0.4", "--json"}));
  EXPECT_EQ(same["same"], true);
  EXPECT_EQ(different["same"], false);
  EXPECT_LT(same["distance"].get<double>(), different["distance"].get<double>());
}

TEST_F(TinyRoad, ClusterPutsPeopleTogether) {
  tiny::write_people(folder_ / "photos", 0, 5, 4, 300);
  const auto result = tiny(
      {"cluster", folder_ / "photos", "--out", folder_ / "out", "--threshold", "0.75", "--review", "off"});
  ASSERT_EQ(result.code, 0) << result.err;
  const json found = json::parse(std::ifstream(folder_ / "out/clusters.json"));
  ASSERT_EQ(found["faces"].size(), 20U);
  std::map<std::string, std::set<int>> clusters;  // of each person
  std::set<int> all;
  for (const json& face : found["faces"]) {
    const std::string person = fs::path(face["file"].get<std::string>()).parent_path().filename();
    clusters[person].insert(face["cluster"].get<int>());
    all.insert(face["cluster"].get<int>());
  }
  EXPECT_EQ(all, (std::set<int>{0, 1, 2, 3, 4}));
  for (const auto& [person, numbers] : clusters) EXPECT_EQ(numbers.size(), 1U) << person;
  EXPECT_TRUE(fs::exists(folder_ / "out/index.html"));
}

TEST_F(TinyRoad, ProtocolsRunOnAGeneratedFolder) {
  tiny::write_people(folder_ / "photos", 0, 10, 4, 400);
  const std::string photos = folder_ / "photos";
  const auto eval = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "eval");
    arguments.insert(arguments.end(), {"--no-cache", "--json"});
    return parsed(tiny(arguments));
  };
  const json openset = eval({"openset", "--gallery", photos, "--probes", photos, "--trials", "3"});
  EXPECT_GT(openset["rank_1"]["mean"].get<double>(), 0.95) << openset;
  const json cluster = eval({"cluster", photos, "--threshold", "0.75"});
  EXPECT_GT(cluster["bcubed"]["f"].get<double>(), 0.9) << cluster;
  const json thresholds = eval({"thresholds", photos, "--rates", "0.1"});
  ASSERT_EQ(thresholds["thresholds"].size(), 1U) << thresholds;
  EXPECT_LT(thresholds["thresholds"][0]["cosine"].get<double>(), 0.75);
  EXPECT_LT(thresholds["thresholds"][0]["false_non_match_rate"].get<double>(), 0.1);
}

TEST_F(TinyRoad, ModelsAreTestedAndDamageIsFound) {
  EXPECT_EQ(run_likeness({"model", "test", tiny::kEmbedder, "--models", tiny::packs()}).code, 0);
  EXPECT_EQ(run_likeness({"model", "test", "mtcnn", "--models", tiny::packs()}).code, 0);
  fs::copy(tiny::packs() / tiny::kEmbedder, folder_ / "damaged");
  std::fstream network(folder_ / "damaged/tiny.bin", std::ios::in | std::ios::out | std::ios::binary);
  network.seekp(4000);
  network.put('\x7F');
  network.close();
  const auto result = run_likeness({"model", "test", folder_ / "damaged"});
  EXPECT_EQ(result.code, 4);
  EXPECT_NE(result.err.find("tiny.bin"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace likeness
