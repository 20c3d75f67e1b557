#include "likeness/infer/network.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "likeness/core/error_testing.h"
#include "likeness/core/file.h"
#include "likeness/infer/products.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
const fs::path kModels = LIKENESS_MODELS;

TEST(Network, NamesTheFileThatIsMissing) {
  EXPECT_EQ(message(ErrorCode::kModelNotFound, [] { Network network("/nowhere/a.onnx"); }),
            "no network file /nowhere/a.onnx");
}

TEST(Network, NamesTheFileThatIsNoNetwork) {
  const fs::path path = fs::path(testing::TempDir()) / "garbage.onnx";
  std::ofstream(path) << "this is not a network";
  const std::string text = message(ErrorCode::kModelInvalid, [&] { Network network(path); });
  EXPECT_NE(text.find("garbage.onnx"), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  fs::remove(path);
}

TEST(Network, FreesTheBatchOfAFrozenGraph) {
  Network network(kModels / "20180408-102900" / "graph_final.pb");
  ASSERT_EQ(network.inputs().size(), 1U);
  EXPECT_EQ(network.inputs()[0].shape, (std::vector<std::int64_t>{-1, 160, 160, 3}));
  EXPECT_EQ(network.outputs()[0].shape, (std::vector<std::int64_t>{-1, 512}));
  const Tensor faces{{2, 160, 160, 3}, std::vector<float>(2UL * 160 * 160 * 3, 0.5F)};
  EXPECT_EQ(network.run(faces.view()).at(0).shape, (std::vector<std::size_t>{2, 512}));
  const Tensor wrong{{1, 112, 112, 3}, std::vector<float>(112UL * 112 * 3)};
  EXPECT_THROW((void)network.run(wrong.view()), std::invalid_argument);
}

TEST(Network, GivesWeightsByName) {
  Network network(kModels / "mtcnn" / "pnet.onnx");
  EXPECT_EQ(network.constant("conv2d/kernel:0").shape, (std::vector<std::size_t>{10, 3, 3, 3}));
  EXPECT_NE(message(ErrorCode::kModelInvalid, [&] { (void)network.constant("conv9"); }).find("conv9"),
            std::string::npos);
}

TEST(Network, SaysWhatThisCpuLacks) {
  const std::vector<std::string> old_cpu{"FP32", "INT8", "BIN"};
  EXPECT_EQ(missing_for(Precision::kBf16, old_cpu),
            "this CPU cannot compute in bf16: it has neither AVX512-BF16 nor AMX");
  EXPECT_EQ(missing_for(Precision::kInt8, old_cpu), "");
  EXPECT_EQ(missing_for(Precision::kF32, old_cpu), "");
  EXPECT_EQ(missing_for(Precision::kBf16, std::vector<std::string>{"FP32", "BF16"}), "");
  EXPECT_EQ(missing_for(Precision::kF32), "");
  // On this machine: refused with that reason, or computed.
  const fs::path file = kModels / "20180408-102900" / "graph_final.pb";
  if (missing_for(Precision::kBf16).empty()) {
    EXPECT_NO_THROW(Network(file, {.precision = Precision::kBf16}));
  } else {
    EXPECT_EQ(
        message(ErrorCode::kUnsupported, [&] { Network network(file, {.precision = Precision::kBf16}); }),
        missing_for(Precision::kBf16));
  }
}

/// A small frozen graph, and what a network of it gives for a picture.
class NetworkCache : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("network_cache_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "a");
    fs::create_directories(folder_ / "b");
    // Two models whose files are equal but for their place.
    fs::copy_file(kModels / "mtcnn" / "onet.onnx", folder_ / "a" / "net.onnx");
    fs::copy_file(kModels / "mtcnn" / "onet.onnx", folder_ / "b" / "net.onnx");
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::vector<float> output(const char* model, Precision precision = Precision::kF32, int threads = 1) {
    Network network(folder_ / model / "net.onnx",
                    {.precision = precision, .threads = threads, .cache_folder = folder_ / "cache"});
    std::vector<std::size_t> shape;
    for (const auto side : network.inputs().at(0).shape) {
      shape.push_back(side < 0 ? 2 : static_cast<std::size_t>(side));
    }
    std::size_t count = 1;
    for (const auto side : shape) count *= side;
    std::vector<float> picture(count);
    for (std::size_t i = 0; i < count; ++i) picture[i] = static_cast<float>(i % 97) / 97.0F;
    const Tensor input{shape, picture};
    EXPECT_FALSE(network.constant_names().empty());
    return network.run(input.view()).at(0).values;
  }
  [[nodiscard]] std::vector<fs::path> kept() const {
    std::vector<fs::path> files;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_ / "cache", none)) files.push_back(entry.path());
    return files;
  }
  fs::path folder_;
};

TEST_F(NetworkCache, GivesTheSameNumbersAndIsNeverShared) {
  const auto first = output("a");
  ASSERT_EQ(kept().size(), 1U);
  const auto written = fs::last_write_time(kept().at(0));
  EXPECT_EQ(output("a"), first);
  EXPECT_EQ(output("a", Precision::kF32, 2), first);
  EXPECT_EQ(fs::last_write_time(kept().at(0)), written);  // it was used, not made again
  EXPECT_EQ(output("b"), first);
  EXPECT_EQ(kept().size(), 2U);
  if (!missing_for(Precision::kBf16).empty()) return;
  EXPECT_NE(output("a", Precision::kBf16), first);
  EXPECT_EQ(kept().size(), 3U);
}

TEST_F(NetworkCache, IsMadeAgainWhereDamagedOrOfAnotherFile) {
  const auto first = output("a");
  const fs::path file = kept().at(0);
  const auto content = [&] { return read_file_bytes(file, 1 << 30, ErrorCode::kDataInvalid); };
  // Two compilations of one network need not be equal byte by byte: names inside are numbered.
  const auto expect_made_again = [&](const auto& before) {
    const auto after = content();
    EXPECT_NE(after, before);
    EXPECT_EQ(output("a"), first);
    EXPECT_EQ(content(), after) << "what was made again is not taken";
  };
  const auto size = fs::file_size(file);
  for (const std::uintmax_t place : {std::uintmax_t{3}, std::uintmax_t{40}, size / 2, size - 3}) {
    SCOPED_TRACE(place);
    {
      std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
      damaged.seekp(static_cast<std::streamoff>(place));
      damaged.put('\x55');
      damaged.put('\xAA');
    }
    const auto damage = content();
    EXPECT_EQ(output("a"), first);
    expect_made_again(damage);
  }
  fs::resize_file(file, 10);
  const auto damage = content();
  EXPECT_EQ(output("a"), first);
  expect_made_again(damage);

  // The network's file was replaced by another one.
  const auto before = content();
  fs::copy_file(kModels / "mtcnn" / "rnet.onnx", folder_ / "a" / "net.onnx",
                fs::copy_options::overwrite_existing);
  EXPECT_NE(output("a"), first);
  EXPECT_NE(content(), before);
}

TEST_F(NetworkCache, ThatCannotBeWrittenIsNoError) {
  std::ofstream(folder_ / "cache") << "a file where a folder should be";
  const auto first = output("a");
  EXPECT_EQ(output("a"), first);
}

TEST(Products, OfFaceNetAreThosePublished) {
  EXPECT_NEAR(products_a_row(kModels / "20180408-102900" / "graph_final.pb"), 1.417e9, 1e6);
}

TEST(Products, AreRefusedWhereTheSizeOfThePictureIsFree) {
  const std::string text =
      message(ErrorCode::kModelInvalid, [] { (void)products_a_row(kModels / "mtcnn" / "pnet.onnx"); });
  EXPECT_NE(text.find("pnet.onnx"), std::string::npos) << text;
}

TEST(Network, NeedsAThread) { EXPECT_THROW(Network("a.onnx", {.threads = 0}), std::invalid_argument); }

}  // namespace
}  // namespace likeness
