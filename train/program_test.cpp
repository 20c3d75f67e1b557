// likeness-train as a user has it: a real process, its files, its words and exit codes.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "likeness/core/file.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/embed/check_pack.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/new_pack.h"
#include "likeness/image/write_image.h"
#include "likeness/infer/graph.h"
#include "tests/run_program.h"
#include "train/generated.h"
#include "train/random.h"

namespace likeness::train {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kValues = 64;

/// A network of one dense layer over an 8 x 8 picture's mean colour: a base model that needs no download.
ModelPack tiny_pack(const fs::path& place) {
  Random random({1});
  GraphLayer dense{.kind = LayerKind::kDense, .name = "dense", .inputs = {1}};
  dense.kernel = {{3, kValues}, std::vector<float>(3 * kValues)};
  for (float& value : dense.kernel.values) value = static_cast<float>(random.normal());
  const Graph graph{{{.kind = LayerKind::kInput, .name = "input", .shape = {8, 8, 3}},
                     {.kind = LayerKind::kGlobalAverage, .name = "mean", .inputs = {0}},
                     dense},
                    2};
  NewPack pack(place);
  write_network(graph, pack.folder() / "network.xml");
  Contract contract;
  contract.name = place.filename().string();
  contract.source = "made for a test";
  contract.licence = "none";
  contract.network = "network.xml";
  contract.sha256 = std::string(64, '0');
  contract.crop = usual_crop(CropProfile::kMargin, 8, 8);
  contract.dimension = kValues;
  return pack.publish(contract, {"network.xml", "network.bin"}, false);
}

class TrainProgram : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "likeness_train_program" /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    base_ = tiny_pack(folder_ / "models" / "tiny");
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// Labelled embeddings of the tiny model, as `likeness embed` would store them.
  std::string embeddings(const std::string& name, int people, int photos) {
    const GeneratedSet set =
        generate_people({.people = people, .photos = photos, .dimension = kValues, .identity = 6});
    EmbeddingDataset dataset;
    dataset.train.embeddings = set.vectors;
    for (const int person : set.people) dataset.train.labels.push_back("person " + std::to_string(person));
    dataset.val.embeddings.dimension = kValues;
    dataset.space = space_of(base_.contract, Precision::kF32);
    write_embeddings(at(name), dataset);
    return at(name);
  }
  [[nodiscard]] std::vector<std::string> fit(const std::string& data, const std::string& output,
                                             std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{
        "fit", data,       "-o", at(output), "--models", at("models"), "--model", "tiny",      "--dimension",
        "16",  "--people", "12", "--rate",   "0.01",     "--patience", "0",       "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  fs::path folder_;
  ModelPack base_;
};

void expect_refused(const ProgramResult& result, int code, const std::string& words) {
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_NE(result.err.find("likeness-train: "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
}

TEST_F(TrainProgram, HelpShowsAnExampleOfEveryCommand) {
  EXPECT_EQ(run_likeness({"--help"}).code, 0);
  for (const std::string command : {"fit", "study"}) {
    const auto result = run_likeness({command, "--help"});
    EXPECT_EQ(result.code, 0);
    EXPECT_NE(result.out.find("likeness-train " + command), std::string::npos) << result.out;
  }
  EXPECT_EQ(run_likeness({"fit"}).code, 2);
  EXPECT_EQ(run_likeness(fit("x.npz", "m/h", {"--mining", "easy"})).code, 2);
}

TEST_F(TrainProgram, MakesAPackThatEmbedsAsTheHeadDoes) {
  const std::string data = embeddings("people.npz", 40, 5);
  const auto result = run_likeness(fit(data, "models/head", {"--epochs", "3", "--json"}));
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["dimension"], 16);
  EXPECT_GE(json["trained"]["accuracy"], json["untrained"]["accuracy"]);

  const ModelPack pack = load_pack(at("models/head"));
  EXPECT_TRUE(check_pack(pack).passed());
  EXPECT_EQ(pack.contract.name, "head");
  EXPECT_EQ(pack.contract.crop, base_.contract.crop);
  EXPECT_NE(pack.contract.id(), base_.contract.id());
  const std::vector<Chip> chips{self_test_chip(8, 8)};
  const Embeddings embedded = Embedder(pack).embed(chips);
  ASSERT_EQ(embedded.dimension, 16U);
  EXPECT_NEAR(dot(embedded[0], embedded[0]), 1, 1e-5);

  EXPECT_TRUE(fs::exists(at("models/head.training/report.html")));
  std::ifstream log(at("models/head.training/log.jsonl"));
  int epochs = 0;
  for (std::string line; std::getline(log, line);)
    epochs += nlohmann::json::parse(line)["event"] == "epoch" ? 1 : 0;
  EXPECT_EQ(epochs, 3);
  expect_refused(run_likeness(fit(data, "models/head")), 2, "is there already");
  EXPECT_EQ(run_likeness(fit(data, "models/head", {"--epochs", "1", "--replace"})).code, 0);
}

std::string content(const fs::path& file) {
  const auto bytes = read_file_bytes(file, 1 << 26);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The log without the clock's readings, which no two runs share.
std::vector<std::string> story(const fs::path& log) {
  std::vector<std::string> result;
  for (const std::string& line : lines(content(log))) {
    auto json = nlohmann::json::parse(line);
    json.erase("seconds");
    result.push_back(json.dump());
  }
  return result;
}

/// Starts likeness-train and kills it with SIGKILL once its log has `wanted` lines. Whether it was killed.
bool kill_in_the_middle(const std::vector<std::string>& arguments, const fs::path& log, std::size_t wanted) {
  std::vector<char*> argv{const_cast<char*>(LIKENESS_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (fs::exists(log) && lines(content(log)).size() >= wanted) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      break;
    }
    ::usleep(2000);
  }
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST_F(TrainProgram, KilledAndResumedGivesTheSameNumbers) {
  const std::string data = embeddings("people.npz", 60, 5);
  const std::vector<std::string> options{"--epochs", "150", "--checkpoint-every", "2"};
  ASSERT_EQ(run_likeness(fit(data, "whole/head", options)).code, 0);

  const auto interrupted = fit(data, "cut/head", options);
  const fs::path log = at("cut/head.training/log.jsonl");
  ASSERT_TRUE(kill_in_the_middle(interrupted, log, 40)) << "it had ended before";
  EXPECT_FALSE(fs::exists(at("cut/head")));
  expect_refused(run_likeness(interrupted), 2, "--resume");
  auto resumed = interrupted;
  resumed.push_back("--resume");
  ASSERT_TRUE(kill_in_the_middle(resumed, log, 300)) << "it had ended before";
  const auto result = run_likeness(resumed);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(content(at("cut/head/network.bin")), content(at("whole/head/network.bin")));
  EXPECT_EQ(story(log), story(at("whole/head.training/log.jsonl")));

  auto other = resumed;
  std::replace(other.begin(), other.end(), std::string("16"), std::string("8"));
  other.push_back("--replace");
  expect_refused(run_likeness(other), 5,
                 "checkpoint of head 64-16 with noise 0.500000, not of head 64-8 with");
}

TEST_F(TrainProgram, NamesWhatIsMissing) {
  expect_refused(run_likeness(fit(embeddings("one.npz", 1, 5), "h")), 5, "at least two people, found 1");
  expect_refused(run_likeness(fit(embeddings("singles.npz", 4, 1), "h")), 5, "have only one photo");
  expect_refused(run_likeness(fit(at("nothing.npz"), "h")), 3, "nothing.npz");
  expect_refused(run_likeness(fit(at("people.npz"), "a name")), 2, "a name");
  for (const std::string person : {"a", "b"}) {
    fs::create_directories(at("grey/" + person));
    for (const std::string photo : {"1.png", "2.png"}) {
      write_png(at("grey/" + person + "/" + photo), Image(80, 60, 128).view());
    }
  }
  expect_refused(run_likeness(fit(at("grey"), "h")), 3, "no face found in any photo");
  expect_refused(run_likeness(fit(at("grey"), "h", {"--resume"})), 3, "no face");
}

TEST_F(TrainProgram, RefusesEmbeddingsOfAnotherModel) {
  const std::string data = embeddings("people.npz", 10, 3);
  (void)tiny_pack(folder_ / "models" / "other");
  auto arguments = fit(data, "h");
  std::replace(arguments.begin(), arguments.end(), std::string("tiny"), std::string("other"));
  expect_refused(run_likeness(arguments), 5, "other");
}

TEST_F(TrainProgram, AFullDiskCostsNoCheckpointAndLeavesNoPack) {
  const std::string data = embeddings("people.npz", 20, 5);
  const auto arguments = fit(data, "h", {"--epochs", "30"});
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  // Room for some checkpoints (some 20 kB each), then the log is full.
  const rlimit small{40000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto result = run_likeness(arguments);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  expect_refused(result, 7, "cannot write");
  EXPECT_FALSE(fs::exists(at("h")));
  auto resumed = arguments;
  resumed.push_back("--resume");
  const auto rest = run_likeness(resumed);
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_TRUE(check_pack(load_pack(at("h"))).passed());
}

TEST_F(TrainProgram, NamesACollapseAndWritesNoPack) {
  // SGD at a rate that drives every embedding into one (train_test has why).
  const GeneratedSet set = generate_people(
      {.people = 60, .photos = 6, .dimension = kValues, .identity = 4, .nuisance = 4, .offset = 8});
  EmbeddingDataset dataset;
  dataset.train.embeddings = set.vectors;
  for (const int person : set.people) dataset.train.labels.push_back(std::to_string(person));
  dataset.val.embeddings.dimension = kValues;
  dataset.space = space_of(base_.contract, Precision::kF32);
  write_embeddings(at("hard.npz"), dataset);
  const auto result = run_likeness(
      {"fit",         at("hard.npz"), "-o",         at("h"),       "--models", at("models"), "--model",
       "tiny",        "--mining",     "batch-hard", "--margin",    "1",        "--rate",     "0.3",
       "--optimizer", "sgd",          "--schedule", "constant",    "--epochs", "400",        "--patience",
       "0",           "--people",     "12",         "--dimension", "16",       "--threads",  "1"});
  expect_refused(result, 2, "collapse");
  EXPECT_FALSE(fs::exists(at("h")));
  EXPECT_NE(content(at("h.training/report.html")).find("collapse"), std::string::npos);
}

}  // namespace
}  // namespace likeness::train
