// What the program says and with which exit code, where no photos of people are needed.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "likeness/core/atomic_file.h"
#include "likeness/image/write_image.h"
#include "likeness/version.h"
#include "tests/run_program.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "likeness_cli" /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// A grey picture, in which there is no face.
  std::string grey(const std::string& name) {
    fs::create_directories(folder_ / fs::path(name).parent_path());
    write_png(at(name), Image(80, 60, 128).view());
    return at(name);
  }
  fs::path folder_;
};

/// The program said one line on stderr, and it holds every part.
void expect_one_line(const ProgramResult& result, int code, const std::vector<std::string>& parts) {
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_EQ(lines(result.err).size(), 1U) << result.err;
  for (const std::string& part : parts) EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

TEST_F(Cli, HelpAndVersionSucceed) {
  EXPECT_EQ(run_likeness({"--help"}).code, 0);
  EXPECT_EQ(run_likeness({"--version"}).out, "likeness " LIKENESS_VERSION "\n");
}

// The dynamic linker says which libraries it opens. That it does is seen by TBB, which every command has.
TEST_F(Cli, WhatOurKernelsComputeNeverOpensOpenVino) {
  const std::string photo = grey("photo.png");
  ::setenv("LD_DEBUG", "files", /*replace=*/1);
  const std::vector<ProgramResult> results{run_likeness({"--version"}), run_likeness({"detect", photo}),
                                           run_likeness({"model", "test"})};
  ::unsetenv("LD_DEBUG");
  for (const ProgramResult& result : results) {
    EXPECT_EQ(result.code, 0);
    EXPECT_NE(result.err.find("libtbb.so"), std::string::npos);
    EXPECT_EQ(result.err.find("libopenvino"), std::string::npos);
    EXPECT_EQ(result.err.find("liblikeness_openvino"), std::string::npos);
  }
}

/// The commands that the help of `arguments` lists.
std::vector<std::string> commands_of(std::vector<std::string> arguments) {
  arguments.emplace_back("--help");
  const std::string help = run_likeness(arguments).out;
  std::vector<std::string> commands;
  bool listed = false;
  for (const std::string& line : lines(help)) {
    if (line == "Subcommands:") {
      listed = true;
    } else if (line.empty()) {
      listed = false;
    } else if (listed && line.size() > 2 && line[2] != ' ') {
      commands.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
  }
  return commands;
}

TEST_F(Cli, EveryCommandsHelpShowsAnExample) {
  const auto commands = commands_of({});
  // Else nothing was looked at; a list of the names would be one more place to forget a command in.
  ASSERT_GE(commands.size(), 14U);
  int parts = 0;
  for (const std::string& command : commands) {
    const auto result = run_likeness({command, "--help"});
    EXPECT_EQ(result.code, 0) << command;
    EXPECT_NE(result.out.find("Example: likeness " + command), std::string::npos) << result.out;
    for (const std::string& part : commands_of({command})) {
      const auto help = run_likeness({command, part, "--help"});
      EXPECT_EQ(help.code, 0) << command << ' ' << part;
      EXPECT_NE(help.out.find("Example: likeness " + command + " " + part), std::string::npos) << help.out;
      ++parts;
    }
  }
  EXPECT_GE(parts, 27);
}

TEST_F(Cli, BenchNeedsAFaceAndSaysWhereItsPhotosCouldBe) {
  expect_one_line(run_likeness({"bench", grey("grey.png"), "--rounds", "1"}), 3, {"no face in any photo"});
  ::setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  const auto result = run_likeness({"bench"});
  ::unsetenv("XDG_CACHE_HOME");
  expect_one_line(result, 3, {at("likeness/samples"), "scripts/setup"});
}

TEST_F(Cli, WrongUsageIsCodeTwo) {
  EXPECT_EQ(run_likeness({}).code, 2);
  EXPECT_EQ(run_likeness({"detect"}).code, 2);
  EXPECT_EQ(run_likeness({"no-such-command"}).code, 2);
  EXPECT_EQ(run_likeness({"detect", "a.jpg", "--min-face", "3"}).code, 2);
  EXPECT_EQ(run_likeness({"embed", "a.npz", "-o", "b.npz", "--precision", "f64"}).code, 2);
}

TEST_F(Cli, APhotoWithoutAFaceIsAnOrdinaryResult) {
  const auto result = run_likeness({"detect", grey("grey.png"), "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "{\"file\":\"" + at("grey.png") + "\",\"size\":[80,60],\"faces\":[]}\n");
}

TEST_F(Cli, OneUnreadablePhotoDoesNotStopTheOthers) {
  write_file(at("broken.jpg"), "this is no photo");
  const auto result = run_likeness({"detect", at("broken.jpg"), grey("grey.png"), at("missing.jpg")});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.out.find("grey.png"), std::string::npos) << result.out;
  ASSERT_EQ(lines(result.err).size(), 2U) << result.err;
  EXPECT_NE(lines(result.err)[0].find("broken.jpg"), std::string::npos);
  EXPECT_NE(lines(result.err)[1].find("missing.jpg"), std::string::npos);
}

TEST_F(Cli, NothingReadableIsCodeThree) {
  EXPECT_EQ(run_likeness({"detect", at("missing.jpg")}).code, 3);
  fs::create_directories(folder_ / "empty");
  expect_one_line(run_likeness({"detect", at("empty")}), 3, {"empty"});
  expect_one_line(run_likeness({"run", at("nowhere"), "--out", at("out")}), 3, {"nowhere"});
}

TEST_F(Cli, MissingModelsHaveTheirOwnCode) {
  expect_one_line(run_likeness({"embed", at("f.npz"), "-o", at("e.npz"), "--model", "no-such-model"}), 3,
                  {"f.npz"});
  expect_one_line(run_likeness({"model", "info", "no-such-model", "--models", at("")}), 4, {"no-such-model"});
}

TEST_F(Cli, AModelIsMeasuredOnPhotos) {
  expect_one_line(run_likeness({"model", "measure", "sface", "--images", at("int8.npz")}), 2,
                  {"int8.npz", "precision"});
}

TEST_F(Cli, OnePersonIsNotEnoughToTellApart) {
  grey("photos/only_one/a.png");
  grey("photos/only_one/b.png");
  expect_one_line(run_likeness({"run", at("photos"), "--out", at("out")}), 3, {"only_one"});
}

TEST_F(Cli, PhotosWithoutAnyFaceAreSaidSo) {
  for (const char* file : {"photos/a/1.png", "photos/a/2.png", "photos/b/1.png", "photos/b/2.png"})
    grey(file);
  const auto result = run_likeness({"extract", at("photos"), "-o", at("f.npz")});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("no face found in any photo"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(at("f.npz")));
}

TEST_F(Cli, DamagedDataIsNamed) {
  write_file(at("e.npz"), "PK but not a zip");
  expect_one_line(run_likeness({"train", at("e.npz"), "-o", at("p.npz")}), 5, {"e.npz"});
  EXPECT_FALSE(fs::exists(at("p.npz")));
}

TEST_F(Cli, AnUnwritableResultLeavesNothingBehind) {
  expect_one_line(run_likeness({"detect", grey("grey.png"), "--draw", at("no/such/folder/x.png")}), 7,
                  {"x.png"});
  EXPECT_FALSE(fs::exists(at("no")));
}

// A limit on the size of files behaves as a full disk does: the write fails half-way.
TEST_F(Cli, AFullDiskLeavesNoHalfWrittenFile) {
  const std::string photo = grey("grey.png");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{64, before.rlim_max};
  // The program inherits the limit; what this test itself writes comes before and after.
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto result = run_likeness({"detect", photo, "--draw", at("drawn.png")});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(result.code, 7);
  EXPECT_FALSE(fs::exists(at("drawn.png")));
  for (const auto& entry : fs::directory_iterator(folder_)) EXPECT_EQ(entry.path().filename(), "grey.png");
}

}  // namespace
}  // namespace likeness
