// A user's own model through the program itself: import, the whole road, int8, comparison, and models not
// mixed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "likeness/dataset/dataset_file.h"
#include "tests/run_program.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kPhotos = LIKENESS_SHARED "/data/five-celebrity";
const fs::path kReference = LIKENESS_SHARED "/reference";
const fs::path kModels = LIKENESS_MODELS;
const std::string kModel = "20180408-102900";

class ModelRoad : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kPhotos)) GTEST_SKIP() << "the photos of " << kPhotos << " are not here";
    if (!fs::exists(kReference)) GTEST_SKIP() << "no folder " << kReference;
    folder_ = fs::path(testing::TempDir()) / "likeness_model_road" /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "models");
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// Imports a file of facenet_keras.h5's layout and that dimension under `name`.
  void import_keras(const std::string& name, int dimension) {
    const std::string command = "/usr/bin/python3 '" + (kReference / "make_facenet_h5.py").string() + "' '" +
                                (kModels / kModel / "graph_final.pb").string() + "' '" + at(name + ".h5") +
                                "' --dim " + std::to_string(dimension) + " >&2";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    const auto result =
        run_likeness({"model", "import", at(name + ".h5"), "--name", name, "--models", at("models")});
    ASSERT_EQ(result.code, 0) << result.err;
    fs::remove(at(name + ".h5"));
  }
  fs::path folder_;
};

// The bottleneck of the 128-D file is random, so its accuracy proves nothing; the road counts.
TEST_F(ModelRoad, TheTutorialRunsWithAnImportedKerasModel) {
  import_keras("k128", 128);
  const auto result = run_likeness({"run", kPhotos, "--out", at("out"), "--model", "k128", "--profile",
                                    "tutorial", "--models", at("models")});
  ASSERT_EQ(result.code, 0) << result.err;
  const json report = json::parse(std::ifstream(at("out/report.json")));
  EXPECT_EQ(report["train"]["total"], 93);
  EXPECT_EQ(report["val"]["total"], 25);
  for (const char* file : {"faces.npz", "embeddings.npz", "people.npz", "report.html", "example.png"}) {
    EXPECT_TRUE(fs::exists(at(std::string("out/") + file))) << file;
  }
}

TEST_F(ModelRoad, AnImportedModelOfRealWeightsIsAsGoodAsTheFrozenGraph) {
  import_keras("k512", 512);
  const auto run =
      run_likeness({"run", kPhotos, "--out", at("out"), "--model", "k512", "--models", at("models")});
  ASSERT_EQ(run.code, 0) << run.err;
  const json report = json::parse(std::ifstream(at("out/report.json")));
  EXPECT_EQ(report["train"]["correct"], 93);
  EXPECT_EQ(report["val"]["correct"], 25);

  // The same weights by another road: with the same centre no pair of faces is decided otherwise.
  fs::copy(at("models/k512"), at("models/centred"), fs::copy_options::recursive);
  json pack = json::parse(std::ifstream(at("models/centred/model.json")));
  const json frozen = json::parse(std::ifstream(kModels / kModel / "model.json"));
  for (const char* field : {"metric", "centre"}) pack["contract"][field] = frozen["contract"][field];
  std::ofstream(at("models/centred/model.json")) << pack;
  const auto compared = run_likeness(
      {"model", "compare", kModel, "centred", at("out/faces.npz"), "--models", at("models"), "--json"});
  ASSERT_EQ(compared.code, 0) << compared.err;
  const json c = json::parse(compared.out);
  EXPECT_EQ(c["faces"], 118);
  EXPECT_EQ(c["pairs"], 118 * 117 / 2);
  EXPECT_EQ(c["flipped"], 0);
  EXPECT_GT(c["worst_cosine"].get<double>(), 0.999999);
  EXPECT_NEAR(c["a"]["auc"].get<double>(), c["b"]["auc"].get<double>(), 1e-6);

  // All the same they are two models, and never mixed.
  const std::string faces = kPhotos / "5-celebrity-faces-dataset.npz";
  ASSERT_EQ(run_likeness({"embed", faces, "-o", at("other.npz"), "--model", kModel}).code, 0);
  const std::string photo = LIKENESS_SHARED "/data/photos/face_recognition/two_people.jpg";
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"evaluate", at("out/people.npz"), at("other.npz")},
        {"predict", at("out/people.npz"), photo, "--model", kModel, "--models", at("models")},
        {"embed", at("out/faces.npz"), "-o", at("mixed.npz"), "--model", kModel, "--models", at("models")}}) {
    SCOPED_TRACE(arguments.front());
    const auto refused = run_likeness(arguments);
    EXPECT_EQ(refused.code, 5);
    EXPECT_EQ(lines(refused.err).size(), 1U) << refused.err;
    EXPECT_NE(refused.err.find("k512/margin/"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find(kModel + "/margin/"), std::string::npos) << refused.err;
  }
  EXPECT_FALSE(fs::exists(at("mixed.npz")));
}

TEST_F(ModelRoad, ACentreIsTheMeanOfTheFacesGiven) {
  fs::create_directories(at("models"));
  fs::copy(kModels / kModel, at("models/mine"), fs::copy_options::recursive);
  const auto contract = [&](const char* field) {
    return json::parse(std::ifstream(at("models/mine/model.json")))["contract"].value(field, json());
  };
  const json before = contract("centre");
  const std::string faces = kPhotos / "5-celebrity-faces-dataset.npz";
  const std::vector<std::string> mine{"--model", "mine", "--models", at("models")};
  const auto with_mine = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), mine.begin(), mine.end());
    return run_likeness(arguments);
  };
  ASSERT_EQ(with_mine({"embed", faces, "-o", at("e.npz")}).code, 0);
  const auto centred = with_mine({"model", "centre", at("e.npz")});
  ASSERT_EQ(centred.code, 0) << centred.err;
  EXPECT_EQ(contract("metric"), "centred cosine");
  EXPECT_TRUE(contract("thresholds").empty());  // measured with another centre
  const json after = contract("centre");
  EXPECT_NE(after, before);
  // The text begins with the mean of the embeddings' first value, rounded to six digits.
  const EmbeddingDataset embedded = read_embeddings(at("e.npz"));
  double sum = 0;
  for (const EmbeddingPart* part : {&embedded.train, &embedded.val}) {
    for (std::size_t i = 0; i < part->embeddings.size(); ++i) sum += part->embeddings[i][0];
  }
  EXPECT_NEAR(std::stod(after.get<std::string>()), sum / 118, 1e-6);

  // Another way of comparing is another space; another model's faces are refused.
  ASSERT_EQ(with_mine({"embed", faces, "-o", at("again.npz")}).code, 0);
  ASSERT_EQ(run_likeness({"train", at("e.npz"), "-o", at("people.npz")}).code, 0);
  EXPECT_EQ(run_likeness({"evaluate", at("people.npz"), at("again.npz")}).code, 5);
  EXPECT_EQ(with_mine({"model", "centre", at("e.npz"), "--profile", "tutorial"}).code, 2);
  import_keras("k512", 512);
  const auto refused =
      run_likeness({"model", "centre", at("e.npz"), "--model", "k512", "--models", at("models")});
  EXPECT_EQ(refused.code, 5);
  EXPECT_NE(refused.err.find("k512"), std::string::npos) << refused.err;
}

/// Whether OpenVINO's 8-bit products are exact here: the CPU has VNNI, and nothing holds it back.
bool has_exact_bytes() {
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return std::getenv("ONEDNN_MAX_CPU_ISA") == nullptr &&
         (text.find(" avx512_vnni") != std::string::npos || text.find(" avx_vnni") != std::string::npos);
}

/// The variable that makes oneDNN, OpenVINO's kernels, do without what a CPU has beyond `isa`.
class HeldTo {
 public:
  explicit HeldTo(const char* isa) {
    const char* before = std::getenv(kName);
    if (before != nullptr) before_ = before;
    ::setenv(kName, isa, /*replace=*/1);
  }
  HeldTo(const HeldTo&) = delete;
  HeldTo& operator=(const HeldTo&) = delete;
  ~HeldTo() { before_.empty() ? ::unsetenv(kName) : ::setenv(kName, before_.c_str(), 1); }

 private:
  static constexpr const char* kName = "ONEDNN_MAX_CPU_ISA";
  std::string before_;
};

void expect_refused(const ProgramResult& result) {
  EXPECT_EQ(result.code, 2) << result.out;
  EXPECT_NE(
      result.err.find("this CPU does not compute " + kModel + " in int8 as it must: its self-test gives"),
      std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("--precision f32"), std::string::npos) << result.err;
}

// OpenVINO computes packs that our own kernels do not. Where its 8-bit products saturate (no VNNI) the cosine
// of a face to its f32 embedding is .375 at worst, and nothing but the pack's self-test knows.
TEST_F(ModelRoad, OpenvinosInt8IsRefusedWhereTheCpuComputesItWrongly) {
  fs::copy(kModels / kModel, folder_ / "models" / kModel, fs::copy_options::recursive);
  const std::string models = at("models");
  {
    // Without a self-test nothing says that our kernels would be right.
    json pack = json::parse(std::ifstream(folder_ / "models" / kModel / "model.json"));
    pack.erase("self_test");
    std::ofstream(folder_ / "models" / kModel / "model.json") << pack;
  }
  const std::string faces = kPhotos / "5-celebrity-faces-dataset.npz";
  const std::vector<std::string> quantize{"model", "quantize", kModel, faces, "--models", models};
  const std::vector<std::string> embed{"embed",       faces,  "-o",       at("int8.npz"),
                                       "--precision", "int8", "--models", models};
  const json before = json::parse(std::ifstream(folder_ / "models" / kModel / "model.json"));
  for (const char* isa : {"SSE41", "AVX2"}) {
    SCOPED_TRACE(isa);
    const HeldTo held(isa);
    expect_refused(run_likeness(quantize));
    EXPECT_EQ(json::parse(std::ifstream(folder_ / "models" / kModel / "model.json")), before);
  }
  if (!has_exact_bytes()) return;
  ASSERT_EQ(run_likeness(quantize).code, 0);
  // That it is right here is remembered, and does not count there.
  EXPECT_EQ(run_likeness(embed).code, 0);
  {
    const HeldTo held("AVX2");
    fs::remove(at("int8.npz"));
    expect_refused(run_likeness(embed));
    EXPECT_FALSE(fs::exists(at("int8.npz")));
    expect_refused(run_likeness({"model", "test", kModel, "--precision", "int8", "--models", models}));
  }
  EXPECT_EQ(run_likeness(embed).code, 0);
}

TEST_F(ModelRoad, LowerPrecisionsAreMeasuredAndMayBeMixed) {
  fs::copy(kModels / kModel, folder_ / "models" / kModel, fs::copy_options::recursive);
  const std::string models = at("models");
  ASSERT_EQ(run_likeness({"extract", kPhotos, "-o", at("faces.npz"), "--model", kModel}).code, 0);
  const auto quantized = run_likeness({"model", "quantize", kModel, at("faces.npz"), "--models", models});
  ASSERT_EQ(quantized.code, 0) << quantized.err;
  // The pack's thresholds are of the int8 network that it was measured with.
  EXPECT_NE(quantized.out.find("measured before this network was made (5,919,753 pairs"), std::string::npos)
      << quantized.out;
  EXPECT_NE(quantized.out.find("--precision int8"), std::string::npos);
  const bool bf16 = run_likeness({"model", "info", kModel}).out.find("bf16") != std::string::npos;
  for (const auto& [precision, least] : {std::pair("int8", 0.99), std::pair("bf16", 0.999)}) {
    if (precision == std::string("bf16") && !bf16) continue;
    const auto compared = run_likeness({"model", "compare", kModel, kModel + ":" + precision, at("faces.npz"),
                                        "--models", models, "--json"});
    ASSERT_EQ(compared.code, 0) << compared.err;
    const json c = json::parse(compared.out);
    EXPECT_EQ(c["b"]["correct"], 25) << precision;
    EXPECT_GE(c["worst_cosine"].get<double>(), least) << precision;
  }

  ASSERT_EQ(run_likeness({"embed", at("faces.npz"), "-o", at("f32.npz"), "--models", models}).code, 0);
  ASSERT_EQ(run_likeness(
                {"embed", at("faces.npz"), "-o", at("int8.npz"), "--precision", "int8", "--models", models})
                .code,
            0);
  ASSERT_EQ(run_likeness({"train", at("f32.npz"), "-o", at("people.npz")}).code, 0);
  const auto mixed = run_likeness({"evaluate", at("people.npz"), at("int8.npz"), "--json"});
  ASSERT_EQ(mixed.code, 0) << mixed.err;
  EXPECT_EQ(json::parse(mixed.out)["val"]["correct"], 25);

  // A damaged file is refused by name; another f32 network's too.
  const fs::path packed = folder_ / "models" / kModel / "network_int8.packed";
  ASSERT_TRUE(fs::exists(packed));
  {
    std::fstream file(packed, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5'000'000);
    file.put('x');
    file.put('y');
  }
  const auto damaged =
      run_likeness({"embed", at("faces.npz"), "-o", at("no.npz"), "--precision", "int8", "--models", models});
  EXPECT_EQ(damaged.code, 4);
  EXPECT_NE(damaged.err.find("network_int8.packed is damaged"), std::string::npos) << damaged.err;
  EXPECT_FALSE(fs::exists(at("no.npz")));
}

}  // namespace
}  // namespace likeness
