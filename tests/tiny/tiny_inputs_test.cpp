// What comes in by standard input, and what --json says of every input, on drawn people.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
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

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> with_models(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--models", tiny::packs(), "--model", tiny::kEmbedder});
  return arguments;
}

std::vector<json> objects(const ProgramResult& result) {
  std::vector<json> all;
  for (const std::string& line : lines(result.out)) {
    all.push_back(json::parse(line, nullptr, /*allow_exceptions=*/false));
    EXPECT_TRUE(all.back().is_object()) << line;
  }
  return all;
}

class TinyInputs : public testing::Test {
 protected:
  void SetUp() override {
    tiny::write_people(folder_ / "d", 0, 3, 3, 100);
    fs::create_directories(folder_ / "odd");
    write_png(grey_, Image(80, 60, 128).view());
    write_file(broken_, std::string_view("this is no photo"));
  }
  /// A gallery of the three people, and their embeddings in e.npz.
  void enrol() {
    ASSERT_EQ(
        run_likeness(with_models({"embed", folder_ / "d", "-o", folder_ / "e.npz", "--val-share", "0"})).code,
        0);
    ASSERT_EQ(run_likeness({"gallery", "import", folder_ / "e.npz", "--gallery", folder_ / "g"}).code, 0);
  }
  tiny::Folder folder_;
  const std::string face_ = folder_ / "d/person_00/0.png";
  const std::string grey_ = folder_ / "odd/grey.png";
  const std::string broken_ = folder_ / "odd/broken.jpg";
};

TEST_F(TinyInputs, APhotoMayComeByStandardInput) {
  enrol();
  const std::string photo = bytes_of(face_);
  const auto detect = [&](const std::string& file) {
    return std::vector<std::string>{"detect", file, "--json", "--models", tiny::packs()};
  };
  const auto by_pipe = run_likeness_on(photo, detect("-"));
  EXPECT_EQ(by_pipe.code, 0) << by_pipe.err;
  json expected = json::parse(run_likeness(detect(face_)).out);
  expected["file"] = "-";
  EXPECT_EQ(json::parse(by_pipe.out), expected);
  // Twice, and beside files.
  const auto verified =
      run_likeness_on(photo, with_models({"verify", "-", "-", "--threshold", "0.4", "--json"}));
  EXPECT_NEAR(json::parse(verified.out)["similarity"], 1, 1e-4) << verified.err;
  const auto found = objects(run_likeness_on(
      photo, with_models({"gallery", "search", grey_, "-", "--gallery", folder_ / "g", "--json"})));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1]["file"], "-");
  EXPECT_EQ(found[1]["nearest"]["name"], "person_00");
  const auto enrolled = run_likeness_on(photo, with_models({"gallery", "add", "-", "--name", "Ann",
                                                            "--gallery", folder_ / "h", "--review", "off"}));
  EXPECT_EQ(enrolled.code, 0) << enrolled.err;
  const auto embedded = run_likeness_on(photo, with_models({"embed", "-", "-o", folder_ / "one.npz"}));
  EXPECT_EQ(embedded.code, 0) << embedded.err;
}

TEST_F(TinyInputs, WhatIsNoPhotoInStandardInputIsOneLine) {
  for (const std::string& input : {std::string(), std::string("this is no photo")}) {
    const auto result = run_likeness_on(input, {"detect", "-", "--json", "--models", tiny::packs()});
    EXPECT_EQ(result.code, 3);
    EXPECT_EQ(lines(result.err).size(), 1U) << result.err;
    ASSERT_EQ(objects(result).size(), 1U);
    EXPECT_EQ(objects(result)[0]["file"], "-");
    EXPECT_TRUE(objects(result)[0].contains("error"));
  }
}

TEST_F(TinyInputs, AnNpzAndAListMayComeByStandardInput) {
  enrol();
  const std::string npz = bytes_of(folder_ / "e.npz");
  EXPECT_EQ(objects(run_likeness_on(npz, {"gallery", "import", "-", "--gallery", folder_ / "g", "--json"})),
            std::vector<json>{json::parse(R"({"added": 0, "known": 9})")});
  EXPECT_EQ(run_likeness_on(npz, {"train", "-", "-o", folder_ / "p.npz"}).code, 0);
  EXPECT_EQ(run_likeness_on(npz, {"evaluate", folder_ / "p.npz", "-", "--json"}).code, 0);
  const auto clusters = run_likeness_on(npz, {"eval", "cluster", "-", "--json"});
  EXPECT_EQ(clusters.code, 0) << clusters.err;
  ASSERT_EQ(run_likeness(with_models({"extract", folder_ / "d", "-o", folder_ / "faces.npz"})).code, 0);
  EXPECT_EQ(
      run_likeness_on(bytes_of(folder_ / "faces.npz"), with_models({"embed", "-", "-o", folder_ / "f.npz"}))
          .code,
      0);
  // Everybody left out: no stranger is left.
  const auto calibrated = run_likeness_on("person_00\nperson_01\nperson_02\n",
                                          {"gallery", "calibrate", "--gallery", folder_ / "g", "--impostors",
                                           folder_ / "e.npz", "--exclude", "-", "--json"});
  EXPECT_EQ(calibrated.code, 5) << calibrated.err;
  EXPECT_TRUE(objects(calibrated).at(0).contains("error"));
  const auto damaged = run_likeness_on("PK\3\4 and no more", {"train", "-", "-o", folder_ / "p.npz"});
  EXPECT_EQ(damaged.code, 5);
  EXPECT_EQ(lines(damaged.err).size(), 1U) << damaged.err;
}

TEST_F(TinyInputs, JsonHasAnObjectForEveryInput) {
  enrol();
  fs::create_directories(folder_ / "empty");
  const std::string missing = folder_ / "missing.jpg";
  const std::string empty = folder_ / "empty";
  ASSERT_EQ(run_likeness({"train", folder_ / "e.npz", "-o", folder_ / "p.npz"}).code, 0);
  const std::vector<std::vector<std::string>> commands = {
      {"detect"},
      {"embed", "-o", folder_ / "f.npz", "--model", tiny::kEmbedder},
      {"cluster", "--review", "off", "--min-faces", "1", "--model", tiny::kEmbedder},
      {"gallery", "search", "--gallery", folder_ / "g", "--model", tiny::kEmbedder},
      {"gallery", "add", "--name", "Ann", "--review", "off", "--gallery", folder_ / "h", "--model",
       tiny::kEmbedder},
      {"predict", folder_ / "p.npz", "--model", tiny::kEmbedder}};
  for (std::vector<std::string> command : commands) {
    const std::string name = command[0] + (command[0] == "gallery" ? " " + command[1] : "");
    command.insert(command.end(), {"--models", tiny::packs(), "--json"});
    auto places = command.begin() + (command[0] == "gallery" || command[0] == "predict" ? 2 : 1);
    command.insert(places, {face_, grey_, broken_, missing, empty});
    const auto result = run_likeness(command);
    EXPECT_EQ(result.code, 1) << name << result.err;
    std::set<std::string> files;
    std::set<std::string> failed;
    for (const json& one : objects(result)) {
      if (!one.contains("file")) continue;
      files.insert(one["file"]);
      if (one.contains("error")) failed.insert(one["file"]);
    }
    if (name == "embed") files.insert(face_);  // counted in the last object
    EXPECT_EQ(files, (std::set<std::string>{face_, grey_, broken_, missing, empty})) << name;
    EXPECT_EQ(failed, (std::set<std::string>{broken_, missing, empty})) << name;
  }
}

TEST_F(TinyInputs, JsonOfFoldersOfPeopleHasAnObjectForEveryOddPhoto) {
  fs::copy_file(grey_, folder_ / "d/person_00/grey.png");
  fs::copy_file(broken_, folder_ / "d/person_01/broken.jpg");
  for (const char* command : {"extract", "embed"}) {
    const auto result = run_likeness(
        with_models({command, folder_ / "d", "-o", folder_ / "f.npz", "--val-share", "0", "--json"}));
    EXPECT_EQ(result.code, 1) << result.err;
    const auto told = objects(result);
    ASSERT_EQ(told.size(), 3U) << result.out;
    std::set<std::string> files;
    for (const json& one : told) files.insert(one.value("file", ""));
    EXPECT_EQ(files, (std::set<std::string>{folder_ / "d/person_00/grey.png",
                                            folder_ / "d/person_01/broken.jpg", ""}));
    EXPECT_EQ(told.back()["train"], 9);
  }
}

TEST_F(TinyInputs, JsonOfStrangersHasAnObjectForEveryOddPhoto) {
  enrol();
  tiny::write_people(folder_ / "strangers", 3, 9, 3, 200);
  fs::copy_file(grey_, folder_ / "strangers/person_03/grey.png");
  fs::copy_file(broken_, folder_ / "strangers/person_04/broken.jpg");
  const auto result =
      run_likeness(with_models({"gallery", "calibrate", "--gallery", folder_ / "g", "--impostors",
                                folder_ / "strangers", "--target-fpir", "0.2", "--json"}));
  EXPECT_EQ(result.code, 1) << result.err;
  const auto told = objects(result);
  ASSERT_EQ(told.size(), 3U) << result.out;
  EXPECT_EQ(told[0], (json{{"file", folder_ / "strangers/person_03/grey.png"}, {"faces", 0}}));
  EXPECT_EQ(told[1]["file"], folder_ / "strangers/person_04/broken.jpg");
  EXPECT_TRUE(told[1].contains("error"));
  EXPECT_EQ(told[2]["impostor_faces"], 18);
}

TEST_F(TinyInputs, AReportOfManyTellsWhatCouldNotBeRead) {
  const std::string broken = folder_ / "d/person_01/broken.jpg";
  const auto cluster =
      with_models({"eval", "cluster", folder_ / "d", "--threshold", "0.5", "--no-cache", "--json"});
  const auto whole = run_likeness(cluster);
  EXPECT_EQ(whole.code, 0) << whole.err;
  ASSERT_EQ(objects(whole).size(), 1U);
  EXPECT_FALSE(objects(whole)[0].contains("failed"));
  fs::copy_file(grey_, folder_ / "d/person_00/grey.png");  // no face: a failure, but read
  fs::copy_file(broken_, broken);
  const auto result = run_likeness(cluster);
  EXPECT_EQ(result.code, 1) << result.err;
  ASSERT_EQ(objects(result).size(), 1U) << result.out;
  const json report = objects(result)[0];
  ASSERT_EQ(report["failed"].size(), 1U) << result.out;
  EXPECT_EQ(report["failed"][0]["file"], broken);
  EXPECT_NE(report["failed"][0]["error"].get<std::string>().find("broken.jpg"), std::string::npos);
  EXPECT_EQ(report["failures"].size(), 2U);
}

TEST_F(TinyInputs, NoEmptyFolderIsLeftWhereThereIsNoModel) {
  ASSERT_EQ(run_likeness(with_models({"embed", folder_ / "d", "-o", folder_ / "e.npz"})).code, 0);
  ASSERT_EQ(run_likeness({"train", folder_ / "e.npz", "-o", folder_ / "p.npz"}).code, 0);
  const std::vector<std::vector<std::string>> commands = {{"run", folder_ / "d", "--out"},
                                                          {"cluster", folder_ / "d", "--out"},
                                                          {"eval", "cluster", folder_ / "d", "--out"},
                                                          {"predict", folder_ / "p.npz", face_, "--draw"}};
  for (std::vector<std::string> command : commands) {
    for (const char* out : {"out", "deeper/out"}) {
      auto arguments = command;
      arguments.insert(arguments.end(), {folder_ / out, "--models", tiny::packs(), "--model", "nobody"});
      const auto result = run_likeness(arguments);
      EXPECT_EQ(result.code, 4) << command[0] << result.err;
      EXPECT_FALSE(fs::exists(folder_ / "out")) << command[0];
      EXPECT_FALSE(fs::exists(folder_ / "deeper")) << command[0];
    }
  }
}

TEST_F(TinyInputs, JsonTellsWhatStoppedACommand) {
  const std::vector<std::vector<std::string>> commands = {
      {"verify", face_, broken_, "--models", tiny::packs(), "--model", tiny::kEmbedder, "--threshold", "0.4"},
      {"verify", face_, folder_ / "none.jpg", "--models", tiny::packs(), "--model", tiny::kEmbedder,
       "--threshold", "0.4"},
      {"evaluate", folder_ / "none.npz", folder_ / "none.npz"},
      {"train", broken_, "-o", folder_ / "p.npz"},
      {"gallery", "import", broken_, "--gallery", folder_ / "g"},
      {"gallery", "list", "--gallery", folder_ / "none"},
      {"gallery", "add", folder_ / "odd", "--gallery", folder_ / "g", "--models", tiny::packs(), "--model",
       tiny::kEmbedder},
      {"eval", "cluster", folder_ / "none"},
      {"eval", "classify", broken_},
      {"extract", folder_ / "none", "-o", folder_ / "f.npz", "--models", tiny::packs(), "--model",
       tiny::kEmbedder}};
  for (std::vector<std::string> command : commands) {
    command.emplace_back("--json");
    const auto result = run_likeness(command);
    EXPECT_NE(result.code, 0) << command[0];
    const auto told = objects(result);
    ASSERT_EQ(told.size(), 1U) << command[0] << ' ' << command[1] << result.out << result.err;
    EXPECT_TRUE(told[0].contains("error") && told[0]["error"].is_string()) << result.out;
  }
}

TEST_F(TinyInputs, AnEmptyGalleryKnowsNobodyAndSaysSo) {
  enrol();
  for (const char* person : {"person_00", "person_01", "person_02"})
    EXPECT_EQ(run_likeness({"gallery", "remove", person, "--gallery", folder_ / "g"}).code, 0);
  const std::vector<std::string> search =
      with_models({"gallery", "search", face_, "--gallery", folder_ / "g"});
  const auto words = run_likeness(search);
  EXPECT_NE(words.out.find("unknown"), std::string::npos) << words.out;
  EXPECT_NE(words.out.find("the gallery is empty"), std::string::npos) << words.out;
  EXPECT_EQ(words.out.find("-1.000"), std::string::npos) << words.out;
  auto as_json = search;
  as_json.emplace_back("--json");
  const json found = json::parse(run_likeness(as_json).out);
  EXPECT_EQ(found["name"], "unknown");
  EXPECT_TRUE(found["nearest"].is_null());
  EXPECT_EQ(found["reason"], "the gallery is empty");
  ASSERT_EQ(run_likeness({"train", folder_ / "e.npz", "-o", folder_ / "p.npz"}).code, 0);
  const auto gated =
      run_likeness(with_models({"predict", folder_ / "p.npz", face_, "--gallery", folder_ / "g"}));
  EXPECT_NE(gated.out.find("unknown"), std::string::npos) << gated.out << gated.err;
  EXPECT_NE(gated.out.find("the gallery is empty"), std::string::npos) << gated.out;
  EXPECT_EQ(gated.out.find("-1.000"), std::string::npos) << gated.out;
}

}  // namespace
}  // namespace likeness
