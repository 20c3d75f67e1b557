#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error_testing.h"
#include "likeness/embed/check_pack.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/import_pack.h"
#include "likeness/embed/quantize_pack.h"
#include "likeness/infer/limited_child.h"
#include "likeness/model/network_file.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
const fs::path kTestdata = LIKENESS_TESTDATA;  // tools/make_model_fixtures.py wrote it

std::vector<Chip> chips_of(const char* member) {
  const auto pixels = NpzFile(kTestdata / "expected.npz").get<std::uint8_t>(member);
  const auto height = static_cast<int>(pixels.shape.at(1));
  const auto width = static_cast<int>(pixels.shape.at(2));
  const std::size_t size = static_cast<std::size_t>(width) * height * 3;
  std::vector<Chip> chips;
  for (std::size_t i = 0; i < pixels.shape[0]; ++i) {
    chips.emplace_back(
        width, height,
        std::vector<std::uint8_t>(pixels.values.data() + i * size, pixels.values.data() + (i + 1) * size));
  }
  return chips;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size()) << "offsets inside the file must stay";
  const auto place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return place == std::string::npos ? text : text.replace(place, from.size(), to);
}

// Computing a network makes OpenVINO's TBB open a library with RTLD_DEEPBIND, which ends a program under the
// address sanitizer. Reading and checking files, the part that meets strangers, is tested there all the same.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif
constexpr const char* kWhyNotUnderAsan = "OpenVINO cannot compute under the address sanitizer";

class ImportTest : public testing::Test {
 protected:
  void SetUp() override {
    models_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(models_);
    fs::create_directories(models_);
  }
  void TearDown() override { fs::remove_all(models_); }

  static ImportOptions told(const std::string& name) {
    ImportOptions options;
    options.reader = LIKENESS_READER;
    options.name = name;
    options.standardization = Standardization::kFixed;
    options.mean = 127.5F;
    options.scale = 128.0F;
    options.channels = ChannelOrder::kRgb;
    options.profile = CropProfile::kMargin;
    return options;
  }
  /// The pack's raw outputs for a picture of expected.npz are the numbers stored beside it.
  void expect_output(const ModelPack& pack, const char* picture, const char* output) {
    const auto wanted = NpzFile(kTestdata / "expected.npz").get<float>(output);
    const Embeddings raw = Embedder(pack).embed_raw(chips_of(picture));
    ASSERT_EQ(raw.values.size(), wanted.values.size());
    for (std::size_t i = 0; i < raw.values.size(); ++i)
      EXPECT_NEAR(raw.values[i], wanted.values[i], 1e-5) << i;
  }
  /// What refuses a copy of functional.h5 with one text in it changed.
  std::string refusal(const std::string& from, const std::string& to) {
    const fs::path file = models_ / "changed.h5";
    write_file(file, replaced(bytes_of(kTestdata / "functional.h5"), from, to));
    return message(ErrorCode::kModelInvalid, [&] { import_pack(file, models_, told("changed")); });
  }
  std::size_t packs() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(models_), fs::directory_iterator()));
  }
  fs::path models_;
};

TEST_F(ImportTest, ReadsKerasModelsOfEveryLayerClass) {
  if (kAddressSanitizer) GTEST_SKIP() << kWhyNotUnderAsan;
  expect_output(import_pack(kTestdata / "functional.h5", models_, told("functional")), "picture",
                "functional");
  expect_output(import_pack(kTestdata / "variant.h5", models_, told("variant")), "picture", "functional");
  expect_output(import_pack(kTestdata / "sequential.h5", models_, told("sequential")), "picture",
                "sequential");
  EXPECT_EQ(packs(), 3U);  // and nothing temporary
}

TEST_F(ImportTest, FreezesTheTrainingBranchesOfAFrozenGraph) {
  if (kAddressSanitizer) GTEST_SKIP() << kWhyNotUnderAsan;
  ImportOptions options = told("frozen");
  const std::string text =
      message(ErrorCode::kModelInvalid, [&] { import_pack(kTestdata / "frozen.pb", models_, options); });
  EXPECT_NE(text.find("it takes pictures of any size"), std::string::npos) << text;
  options.network.width = options.network.height = 12;
  const ModelPack pack = import_pack(kTestdata / "frozen.pb", models_, options);
  EXPECT_TRUE(pack.contract.unit_length);
  expect_output(pack, "picture", "frozen");
}

TEST_F(ImportTest, ReadsAnotherFamilyWithPlanesAndBgr) {
  if (kAddressSanitizer) GTEST_SKIP() << kWhyNotUnderAsan;
  ImportOptions options = told("aligned");
  options.channels = ChannelOrder::kBgr;
  options.profile = CropProfile::kAligned;
  const ModelPack pack = import_pack(kTestdata / "aligned.onnx", models_, options);
  EXPECT_EQ(pack.contract.crop.width, 112);
  EXPECT_EQ(pack.contract.dimension, 16);
  EXPECT_FALSE(pack.contract.unit_length);
  expect_output(pack, "face", "aligned");
  EXPECT_TRUE(check_pack(pack).passed());

  options.name = "again";  // IR, the fourth format, from the pack just made
  expect_output(import_pack(pack.folder / "network.xml", models_, options), "face", "aligned");
}

// Ranges come from the very chips that are scored: this shows that the network computes the same, not how
// well.
TEST_F(ImportTest, QuantisesAPackWithoutTouchingItsF32Network) {
  if (kAddressSanitizer) GTEST_SKIP() << kWhyNotUnderAsan;
  const ModelPack pack = import_pack(kTestdata / "functional.h5", models_, told("small"));
  const auto chips = chips_of("picture");
  const Embeddings before = Embedder(pack).embed(chips);
  EXPECT_THROW(quantize_pack(pack, {}), std::invalid_argument);
  const ModelPack both = quantize_pack(pack, chips);
  EXPECT_EQ(both.contract.id(), pack.contract.id());
  EXPECT_EQ(Embedder(both).embed(chips).values, before.values);
  const Embeddings after = Embedder(load_pack(both.folder), {.precision = Precision::kInt8}).embed(chips);
  ASSERT_EQ(after.size(), before.size());
  EXPECT_NE(after.values, before.values);
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_GT(dot(after[i], before[i]), 0.99);
}

TEST_F(ImportTest, AsksByNameForWhatIsNotKnown) {
  ImportOptions options;
  options.reader = LIKENESS_READER;
  options.name = "unknown";
  options.channels = ChannelOrder::kRgb;
  try {
    import_pack(kTestdata / "functional.h5", models_, options);
    FAIL() << "expected std::invalid_argument";
  } catch (const std::invalid_argument& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("not said is how it was trained: standardization fixed|per-image|none, mean NUMBER, "
                        "scale NUMBER, "
                        "profile tutorial|margin|aligned"),
              std::string::npos)
        << text;
  }
  EXPECT_EQ(packs(), 0U);
}

TEST_F(ImportTest, DoesNotTouchAPackOfThatNameUnlessTold) {
  if (kAddressSanitizer) GTEST_SKIP() << kWhyNotUnderAsan;
  import_pack(kTestdata / "functional.h5", models_, told("same"));
  EXPECT_THROW(import_pack(kTestdata / "sequential.h5", models_, told("same")), std::invalid_argument);
  EXPECT_EQ(load_pack(models_ / "same").contract.dimension, 6);
  ImportOptions options = told("same");
  options.replace = true;
  import_pack(kTestdata / "sequential.h5", models_, options);
  EXPECT_EQ(load_pack(models_ / "same").contract.dimension, 5);
  EXPECT_EQ(packs(), 1U);
  EXPECT_THROW(import_pack(kTestdata / "sequential.h5", models_, told("../x")), std::invalid_argument);
}

TEST_F(ImportTest, NamesTheLayerThatIsNotUnderstood) {
  EXPECT_NE(refusal("\"class_name\": \"Dropout\"", "\"class_name\": \"Softmax\"")
                .find("changed.h5: the layer dropout is of the class Softmax, which is not understood"),
            std::string::npos);
  EXPECT_NE(refusal("c2NhbGluZw==", "bWFya2V0Zw==").find("the layer scaled is a Lambda other than `scaling`"),
            std::string::npos);
  EXPECT_NE(refusal("{\"scale\": 0.25}", "{\"scala\": 0.25}").find("arguments.scala"), std::string::npos);
  EXPECT_NE(refusal("\"units\": 6", "\"units\": 7")
                .find("the layer embedding has a kernel for 6 outputs instead of 7"),
            std::string::npos);
  EXPECT_NE(refusal("first_norm/beta:0", "first_norm/bexa:0").find("first_norm"), std::string::npos);
  EXPECT_NE(refusal("[[\"wide\", 0, 0, {}], [\"scaled\", 0, 0, {}]]",
                    "[[\"wide\", 0, 0, {}], [\"second\", 0, 0, {}]]")
                .find("the layer sum adds"),
            std::string::npos);
  EXPECT_NE(refusal("[[\"wide\", 0, 0, {}], [\"scaled\", 0, 0, {}]]",
                    "[[\"sum\",  0, 0, {}], [\"scaled\", 0, 0, {}]]")
                .find("the layer sum is in a circle of layers, or reads one"),
            std::string::npos);
}

TEST_F(ImportTest, RefusesAFileThatIsNoNetwork) {
  write_file(models_ / "text.pb", "this is not a graph");
  EXPECT_NE(message(ErrorCode::kModelInvalid, [&] { import_pack(models_ / "text.pb", models_, told("t")); })
                .find("text.pb: it is not a frozen graph"),
            std::string::npos);
  EXPECT_EQ(message(ErrorCode::kModelNotFound, [&] { import_pack("/nowhere/a.h5", models_, told("t")); }),
            "no model file /nowhere/a.h5");
}

// Truncations, flipped bytes and huge sizes. Each variant either still loads or is refused with one line; the
// process stays whole either way, and no child runs out of time. libhdf5 1.10.8 reads past its own heap on
// one of them (H5HG_read), which is what the child is for; what we read ourselves must not crash at all.
TEST_F(ImportTest, SurvivesTwoHundredDamagedFiles) {
  int loaded = 0;
  int refused = 0;
  std::string crashes;
  const auto attempt = [&](const fs::path& file, const std::string& bytes) {
    write_file(file, bytes);
    try {
      rewrite_as_ir_apart(LIKENESS_READER, file, models_ / "net.xml", {{}, 12, 12});
      ++loaded;
    } catch (const Error& e) {
      const std::string text = e.what();
      ++refused;
      EXPECT_EQ(text.find('\n'), std::string::npos) << text;
      EXPECT_NE(text.find(file.filename().string()), std::string::npos) << text;
      EXPECT_EQ(text.find(" took over "), std::string::npos) << text;
      if (file.extension() == ".pb" && text.find("crashed") != std::string::npos) crashes += text + "\n";
    }
  };
  for (const char* name : {"functional.h5", "frozen.pb"}) {
    const std::string whole = bytes_of(kTestdata / name);
    const fs::path file = models_ / name;
    for (std::size_t i = 0; i < 30; ++i) attempt(file, whole.substr(0, whole.size() * i / 30));
    for (std::size_t i = 0; i < 40; ++i) {
      std::string flipped = whole;
      flipped[i * 53 % std::min<std::size_t>(whole.size(), 4096)] ^= static_cast<char>(1U << i % 8);
      attempt(file, flipped);
    }
    for (std::size_t i = 0; i < 30; ++i) {
      std::string huge = whole;
      std::fill_n(huge.begin() + static_cast<long>(i * 97 % (whole.size() - 8)), 7, static_cast<char>(0xFF));
      attempt(file, huge);
    }
  }
  EXPECT_EQ(loaded + refused, 200);
  EXPECT_GT(refused, 100);
  EXPECT_EQ(crashes, "");
}

TEST(Graph, OfAFileThatGoesInACircleIsRefused) {
  // Two nodes: a reads b, b reads a. Field 1 of GraphDef; 1, 2, 3 of NodeDef.
  const std::string a(
      "\x0a\x0b\x0a\x01"
      "a\x12\x03"
      "Add\x1a\x01"
      "b",
      13);
  const std::string b(
      "\x0a\x0b\x0a\x01"
      "b\x12\x03"
      "Add\x1a\x01"
      "a",
      13);
  EXPECT_EQ(message(ErrorCode::kModelInvalid, [&] { (void)prepare_graph_def(a + b, "x.pb"); }),
            "x.pb: its nodes read each other in a circle");
  const std::string lone_switch(
      "\x0a\x0b\x0a\x01"
      "s\x12\x06"
      "Switch",
      13);
  EXPECT_EQ(message(ErrorCode::kModelInvalid, [&] { (void)prepare_graph_def(lone_switch, "x.pb"); }),
            "x.pb: the node s is a Switch without two inputs");
  EXPECT_EQ(message(ErrorCode::kModelInvalid, [&] { (void)prepare_graph_def(a, "x.pb"); }),
            "x.pb: the node a reads b, which is missing");
}

TEST(Graph, KeepsTheOutputsNameWhereAMergeGoes) {
  const auto node = [](const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
                       std::string_view attribute) {
    std::string message;
    const auto append = [](std::string& to, char field, std::string_view bytes) {
      to += static_cast<char>(field << 3 | 2);
      to += static_cast<char>(bytes.size());
      to += bytes;
    };
    append(message, 1, name);
    append(message, 2, op);
    for (const std::string& input : inputs) append(message, 3, input);
    if (!attribute.empty()) append(message, 5, attribute);
    std::string graph;
    append(graph, 1, message);
    return graph;
  };
  const std::string_view kBool(
      "\x0a\x05"
      "dtype\x12\x02\x30\x0a",
      11);
  const std::string graph = node("x", "Placeholder", {}, "") + node("train", "Placeholder", {}, kBool) +
                            node("switch", "Switch", {"x", "train"}, "") +
                            node("no", "Relu", {"switch"}, "") + node("yes", "Neg", {"switch:1"}, "") +
                            node("embeddings", "Merge", {"no", "yes"}, "");
  const std::string frozen = prepare_graph_def(graph, "x.pb");
  EXPECT_NE(frozen.find("embeddings"), std::string::npos);
  EXPECT_EQ(frozen.find("Merge"), std::string::npos);
  EXPECT_EQ(frozen.find("Neg"), std::string::npos);
  EXPECT_EQ(prepare_graph_def(frozen, "frozen.pb"), "");
}

// Of three layers: x and c are added.
TEST(Ir, IsCheckedBeforeOpenVinoReadsIt) {
  const std::string good =
      R"(<net version="11"><layers><layer id="0" name="x" type="Parameter"/>)"
      R"(<layer id="1" name="c" type="Const"><data element_type="f32" shape="2, 3" offset="8" size="24"/></layer>)"
      R"(<layer id="2" name="sum" type="Add"/></layers><edges>)"
      R"(<edge from-layer="0" from-port="0" to-layer="2" to-port="0"/>)"
      R"(<edge from-layer="1" from-port="0" to-layer="2" to-port="1"/></edges></net>)";
  EXPECT_NO_THROW(check_ir(good, 32, "x.xml"));
  const auto refusal = [&](const std::string& from, const std::string& to, std::uint64_t weights = 32) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return message(ErrorCode::kModelInvalid, [&] { check_ir(text, weights, "x.xml"); });
  };
  EXPECT_EQ(refusal("x", "x", 31), "x.xml: the layer c has weights beyond the end of the .bin file");
  EXPECT_EQ(refusal("2, 3", "2, 4"), "x.xml: the layer c has weights of 24 bytes instead of 32");
  EXPECT_EQ(refusal("2, 3", "4294967296, 4294967296"),
            "x.xml: the layer c has weights of an impossible size");
  EXPECT_EQ(refusal("offset=\"8\"", "offset=\"-8\""),
            "x.xml: the layer c does not say where its weights are");
  EXPECT_EQ(refusal("from-layer=\"1\"", "from-layer=\"2\""),
            "x.xml: it has layers that read each other in a circle");
  EXPECT_EQ(refusal("from-layer=\"1\"", "from-layer=\"7\""),
            "x.xml: it has an edge to a layer 7, which is missing");
  EXPECT_EQ(refusal("id=\"1\"", "id=\"0\""), "x.xml: it has two layers with the number 0");
  EXPECT_EQ(refusal("version=\"11\"", "version=\"7\""),
            "x.xml: it is IR of version \"7\"; 10 and 11 are read");
  EXPECT_EQ(refusal("type=\"Add\"/>", "type=\"If\"><then_body/></layer>"),
            "x.xml: the layer sum holds a network of its own, which is not read");
  EXPECT_EQ(refusal("<net", "<!DOCTYPE net [<!ENTITY a 'b'>]><net"),
            "x.xml: it has a document type, which IR has not");
  EXPECT_EQ(refusal("</edges>", ""), "x.xml: it is not XML at line 1: mismatched tag");
}

TEST(LimitedChild, CrashAndEndlessWorkEndAsErrors) {
  const auto run = [](const char* how) {
    run_in_child("x.h5", LIKENESS_CHILD_EXAMPLE, {how}, {.seconds = 2});
  };
  EXPECT_NE(message(ErrorCode::kModelInvalid, [&] { run("crash"); }).find("x.h5"), std::string::npos);
  EXPECT_NE(message(ErrorCode::kModelInvalid, [&] { run("endless"); }).find("took over 2 s"),
            std::string::npos);
  EXPECT_EQ(message(ErrorCode::kModelInvalid, [&] { run("greedy"); }), "x.h5: needs too much memory");
  EXPECT_EQ(message(ErrorCode::kDataInvalid, [&] { run("error"); }), "as it was");
  EXPECT_EQ(message(ErrorCode::kModelInvalid, [&] { run("odd"); }), "a?name?[31m from the file");
  EXPECT_NO_THROW(run("fine"));
  EXPECT_EQ(message(ErrorCode::kUnsupported, [] { run_in_child("x.h5", "/nowhere/reader", {}); }),
            "cannot start /nowhere/reader to read x.h5: No such file or directory");
}

TEST(LimitedChild, WithoutAProgramNothingIsRead) {
  EXPECT_EQ(message(ErrorCode::kUnsupported, [] { rewrite_as_ir_apart({}, "x.h5", "x.xml", {}); }),
            "no program was named that reads x.h5 apart");
}

}  // namespace
}  // namespace likeness
