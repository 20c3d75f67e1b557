#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/import_pack.h"
#include "likeness/infer/onnx_fold.h"
#include "likeness/model/model_kind.h"
#include "likeness/model/network_file.h"
#include "likeness/npz/npz.h"

// Models as today's tools leave them: tests/meeting/make_models.py wrote testdata/meeting, and
// tests/meeting/run.sh runs this test on files made anew ($LIKENESS_MEETING). testdata/networks are a few of
// the files of tools/make_network_files.py, which the same script makes all of ($LIKENESS_NETWORKS).

namespace likeness {
namespace {

namespace fs = std::filesystem;

fs::path meeting() {
  const char* said = std::getenv("LIKENESS_MEETING");
  return said != nullptr ? fs::path(said) : fs::path(LIKENESS_TESTDATA) / "meeting";
}

/// Where all files were made anew; else the few that are stored.
const char* all_networks() { return std::getenv("LIKENESS_NETWORKS"); }
fs::path networks() {
  return all_networks() != nullptr ? fs::path(all_networks()) : fs::path(LIKENESS_TESTDATA) / "networks";
}

/// A line of a networks_TOOL.txt.
struct Expected {
  std::string file;
  double tolerance = 0;
  std::string words;  ///< Of the line it is refused with; empty where it is taken.
};

std::vector<Expected> expectations(const fs::path& list) {
  std::vector<Expected> all;
  std::ifstream in(list);
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Expected one;
    std::string tolerance;
    fields >> one.file >> tolerance;
    if (tolerance == "!") {
      std::getline(fields >> std::ws, one.words);
    } else {
      one.tolerance = std::stod(tolerance);
    }
    all.push_back(one);
  }
  return all;
}

/// `bytes` as a disk or a stranger leaves them: flipped, cut, doubled or blanked out somewhere.
std::string damaged(std::string bytes, std::mt19937& random) {
  const auto below = [&](std::size_t bound) { return random() % std::max<std::size_t>(1, bound); };
  const std::size_t at = below(bytes.size()), length = 1 + below(64);
  switch (below(5)) {
    case 0:
      bytes.resize(at);
      break;
    case 1:
      bytes.insert(at, bytes.substr(below(bytes.size()), length));
      break;
    case 2:
      bytes.erase(at, length);
      break;
    case 3:
      bytes.replace(at, std::min(length, bytes.size() - at), std::min(length, bytes.size() - at), '\xFF');
      break;
    default:
      for (std::size_t i = 0; i < 1 + length / 8; ++i)
        bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8));
  }
  return bytes;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool kAddressSanitizer = true;  // under which OpenVINO cannot compute
#else
constexpr bool kAddressSanitizer = false;
#endif

std::vector<Chip> chips_of(const NpzFile& expected) {
  const auto pixels = expected.get<std::uint8_t>("picture");
  const auto height = static_cast<int>(pixels.shape.at(1));
  const auto width = static_cast<int>(pixels.shape.at(2));
  const std::size_t size = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  std::vector<Chip> chips;
  for (std::size_t i = 0; i < pixels.shape[0]; ++i) {
    const auto* first = pixels.values.data() + i * size;
    chips.emplace_back(width, height, std::vector<std::uint8_t>(first, first + size));
  }
  return chips;
}

class Meeting : public testing::Test {
 protected:
  void SetUp() override {
    models_ = fs::path(testing::TempDir()) /
              ("meeting_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(models_);
    fs::create_directories(models_);
  }
  void TearDown() override { fs::remove_all(models_); }

  ModelPack import(const fs::path& file, const std::string& name) const {
    ImportOptions options;
    options.name = name;
    options.reader = LIKENESS_READER;
    options.standardization = Standardization::kFixed;
    options.mean = 127.5F;
    options.scale = 128.0F;
    options.channels = ChannelOrder::kRgb;
    options.profile = CropProfile::kMargin;
    return import_pack(file, models_, options);
  }
  /// The line with which `file` is refused.
  std::string refusal(const fs::path& file, ErrorCode code = ErrorCode::kModelInvalid) const {
    try {
      (void)import(file, "refused");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      const std::string message = error.what();
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      // The unfinished pack is ours, and nobody's business.
      EXPECT_EQ(message.find("network."), std::string::npos) << message;
      EXPECT_FALSE(fs::exists(models_ / "refused"));
      return message;
    }
    ADD_FAILURE() << file << " was imported";
    return "";
  }
  void expect_words(const fs::path& file, const std::string& words) const {
    const std::string message = refusal(file);
    EXPECT_NE(message.find(file.string()), std::string::npos) << message;
    EXPECT_NE(message.find(words), std::string::npos) << message;
  }
  fs::path written(const std::string& name, const std::string& text) const {
    const fs::path file = models_ / name;
    write_file(file, text);
    return file;
  }
  fs::path models_;
};

TEST_F(Meeting, EveryToolsNetworkGivesTheToolsNumbers) {
  if (kAddressSanitizer) GTEST_SKIP() << "OpenVINO cannot compute under the address sanitizer";
  int files = 0;
  for (const std::string tool : {"keras", "tf_keras", "torch", "openvino", "onnxruntime"}) {
    std::ifstream list(meeting() / ("models_" + tool + ".txt"));
    ASSERT_TRUE(list) << tool;
    const NpzFile expected(meeting() / ("expected_" + tool + ".npz"));
    const auto chips = chips_of(expected);
    std::string file;
    for (double tolerance = 0; list >> file >> tolerance; ++files) {
      try {
        const Embeddings raw =
            Embedder(import(meeting() / file, "pack" + std::to_string(files))).embed_raw(chips);
        const auto right = expected.get<float>(file);
        ASSERT_EQ(raw.values.size(), right.values.size()) << file;
        for (std::size_t i = 0; i < raw.values.size(); ++i)
          EXPECT_NEAR(raw.values[i], right.values[i], tolerance) << file << " " << i;
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    }
  }
  EXPECT_EQ(files, 26);
}

TEST_F(Meeting, EveryExportersNetworkIsRightOrRefusedInOneLine) {
  if (kAddressSanitizer) GTEST_SKIP() << "OpenVINO cannot compute under the address sanitizer";
  int files = 0;
  for (const auto& entry : fs::directory_iterator(networks())) {
    if (entry.path().extension() != ".txt") continue;
    const NpzFile expected(fs::path(entry.path()).replace_extension(".npz"));
    const auto chips = chips_of(expected);
    for (const Expected& one : expectations(entry.path())) {
      SCOPED_TRACE(one.file);
      ++files;
      if (!one.words.empty()) {
        expect_words(networks() / one.file, one.words);
        continue;
      }
      try {
        const Embeddings raw =
            Embedder(import(networks() / one.file, "pack" + std::to_string(files))).embed_raw(chips);
        const auto right = expected.get<float>(one.file);
        ASSERT_EQ(raw.values.size(), right.values.size());
        double worst = 0;
        for (std::size_t i = 0; i < raw.values.size(); ++i)
          worst = std::max(worst, std::abs(static_cast<double>(raw.values[i]) - right.values[i]));
        EXPECT_LE(worst, one.tolerance);
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    }
  }
  EXPECT_GE(files, all_networks() != nullptr ? 60 : 12);
}

// Our own readers see all of them; the whole import, which starts a process, every tenth.
TEST_F(Meeting, DamagedNetworksEndInAPackOrOneLine) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(networks())) {
    if (entry.path().extension() == ".onnx") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  ASSERT_FALSE(files.empty());
  std::mt19937 random(16);
  const auto expect_line = [](const std::string& message, const fs::path& file) {
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_NE(message.find(file.string()), std::string::npos) << message;
  };
  for (int i = 0; i < 200; ++i) {
    const std::string bytes = damaged(text_of(files[static_cast<std::size_t>(i) % files.size()]), random);
    const fs::path file = written("damaged" + std::to_string(i) + ".onnx", bytes);
    try {
      check_onnx(bytes, file.string());
      (void)fold_onnx(bytes, file.string());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelInvalid);
      expect_line(error.what(), file);
    }
    if (kAddressSanitizer || (i % 10 != 0 && all_networks() == nullptr)) continue;
    try {
      (void)import(file, "damaged" + std::to_string(i));
    } catch (const Error& error) {
      expect_line(error.what(), file);
    }
  }
}

TEST_F(Meeting, WhatIsNoModelIsCalledWhatItIs) {
  expect_words(meeting() / "torch.pt", "a PyTorch checkpoint");
  expect_words(meeting() / "torch_old.pt", "a PyTorch checkpoint");
  expect_words(meeting() / "torch_jit.bin", "a PyTorch checkpoint");
  expect_words(meeting() / "lite.tflite", "a TensorFlow Lite model");
  expect_words(meeting() / "keras_only.weights.h5", "it holds weights only");
  expect_words(meeting() / "tf_keras_only.weights.h5", "it holds weights only");
  expect_words(
      written("lfs.h5", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 92397640\n"),
      "a Git LFS pointer");
  expect_words(written("page.onnx", "\n<!DOCTYPE html>\n<html><head>"), "a web page");
  expect_words(written("weights.safetensors", std::string("\x40\0\0\0\0\0\0\0{\"a\":{}}", 16)),
               "a safetensors file");
  expect_words(written("packed.h5", "\x1F\x8B\x08"), "a gzip archive");
  expect_words(written("old.caffemodel", "x"), "a Caffe model");
  expect_words(written("other.keras", "PK\3\4 and no more"), "zip archive");
  fs::create_directories(models_ / "saved");
  expect_words(models_ / "saved", "a folder");
  (void)written("saved/saved_model.pb", "x");
  expect_words(models_ / "saved", "a TensorFlow SavedModel folder");
  expect_words(models_ / "saved/saved_model.pb", "a TensorFlow SavedModel folder");
  const fs::path exported = meeting() / "saved_model";  // Keras's own, where the files were made anew
  if (fs::exists(exported)) expect_words(exported, "a TensorFlow SavedModel folder");
  EXPECT_EQ(foreign_model(meeting() / "torch.onnx"), "");
  EXPECT_EQ(foreign_model(meeting() / "keras_every.keras"), "");
}

TEST_F(Meeting, ALandmarkNetworkIsNoEmbedder) {
  if (kAddressSanitizer) GTEST_SKIP() << "OpenVINO cannot read under the address sanitizer's limits";
  expect_words(meeting() / "torch_landmarks.onnx", "5 landmarks");
  EXPECT_EQ(landmark_network(128), "");
  EXPECT_EQ(landmark_network(512), "");
}

TEST_F(Meeting, WeightsBesideAModelAreCheckedAsItIs) {
  const auto bytes = [](const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string model = bytes(meeting() / "torch.onnx"), weights = bytes(meeting() / "torch.onnx.data");
  const fs::path folder = models_ / "outside";
  fs::create_directories(folder);
  const fs::path file = folder / "m.onnx", data = folder / "torch.onnx.data";
  write_file(file, model);
  EXPECT_NE(refusal(file, ErrorCode::kModelNotFound).find("no weights " + data.string()), std::string::npos);
  write_file(data, weights.substr(0, weights.size() - 1));
  EXPECT_NE(refusal(file).find("it ends before the weights"), std::string::npos);
  fs::remove(data);
  write_file(folder / "elsewhere", weights);
  fs::create_symlink(folder / "elsewhere", data);
  EXPECT_NE(refusal(file).find("must be a plain file"), std::string::npos);
  fs::remove(data);

  // The same length, so that offsets inside the file stay.
  std::string other = model;
  for (std::size_t at = other.find("torch.onnx.data"); at != std::string::npos;
       at = other.find("torch.onnx.data"))
    other.replace(at, 15, "../../../secret");
  write_file(file, other);
  EXPECT_NE(refusal(file).find("does not lie beside it (../../../secret)"), std::string::npos);
}

TEST_F(Meeting, OtherWeightsAreAnotherEmbeddingSpace) {
  if (kAddressSanitizer) GTEST_SKIP() << "OpenVINO cannot compute under the address sanitizer";
  const auto copied = [&](const std::string& folder, const std::string& file, const std::string& weights) {
    fs::create_directories(models_ / folder);
    for (const std::string& name : {file, weights}) fs::copy_file(meeting() / name, models_ / folder / name);
    std::fstream data(models_ / folder / weights, std::ios::in | std::ios::out | std::ios::binary);
    data.seekp(64);
    data.write("\0\0", 2);
    data.close();
    return models_ / folder / file;
  };
  for (const auto& [file, weights] : std::map<std::string, std::string>{{"torch.onnx", "torch.onnx.data"},
                                                                        {"openvino.xml", "openvino.bin"}}) {
    const ModelPack one = import(meeting() / file, "same");
    const ModelPack two = import(copied("folder_" + weights, file, weights), "other");
    EXPECT_NE(one.contract.sha256, two.contract.sha256) << file;
    fs::remove_all(models_ / "same");
    fs::remove_all(models_ / "other");
  }
}

TEST_F(Meeting, NoMessageNamesAFileOfOurs) {
  if (kAddressSanitizer) GTEST_SKIP() << "OpenVINO cannot read under the address sanitizer's limits";
  // A graph that our checks pass and OpenVINO does not: an operation nobody has.
  std::ifstream in(meeting() / "torch_script.onnx", std::ios::binary);
  std::string model(std::istreambuf_iterator<char>(in), {});
  const auto at = model.find("PRelu");
  ASSERT_NE(at, std::string::npos);
  model.replace(at, 5, "QRelu");
  const fs::path folder = models_ / "given";
  fs::create_directories(folder);
  write_file(folder / "broken.onnx", model);
  const std::string message = refusal(folder / "broken.onnx");
  EXPECT_TRUE(message.starts_with((folder / "broken.onnx").string())) << message;
  EXPECT_EQ(message.find("network.xml"), std::string::npos) << message;
  EXPECT_EQ(message.find(".frozen.pb"), std::string::npos) << message;
}

}  // namespace
}  // namespace likeness
