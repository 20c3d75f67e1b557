#include "likeness/infer/network.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "likeness/core/error.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
const fs::path kModels = LIKENESS_MODELS;

template <typename Action>
std::string message(ErrorCode code, Action action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "expected Error";
  return "";
}

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
            "this CPU cannot compute in bf16: it has neither AVX512-BF16 nor AMX; use --precision f32");
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

TEST(Network, NeedsAThread) { EXPECT_THROW(Network("a.onnx", {.threads = 0}), std::invalid_argument); }

}  // namespace
}  // namespace likeness
