#include "likeness/embed/embedder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/embed/check_pack.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
const fs::path kShared = LIKENESS_SHARED;

std::vector<Chip> seeded_chips(std::size_t count) {
  std::vector<Chip> chips;
  unsigned state = 7;
  for (std::size_t n = 0; n < count; ++n) {
    std::vector<std::uint8_t> pixels(160 * 160 * 3);
    for (auto& pixel : pixels) {
      state = state * 1664525U + 1013904223U;
      pixel = static_cast<std::uint8_t>(state >> 24);
    }
    chips.emplace_back(160, 160, std::move(pixels));
  }
  return chips;
}

double largest_difference(const Embeddings& a, const Embeddings& b) {
  EXPECT_EQ(a.values.size(), b.values.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a.values[i]) - b.values[i]));
  }
  return largest;
}

ModelPack facenet() { return load_pack(fs::path(LIKENESS_MODELS) / "20180408-102900"); }

TEST(Embedder, DoesNotDependOnBatchOrThreads) {
  const auto chips = seeded_chips(5);
  const Embeddings one = Embedder(facenet(), {.batch = 1}).embed(chips);
  ASSERT_EQ(one.size(), 5U);
  EXPECT_NEAR(dot(one[0], one[0]), 1, 1e-6);
  EXPECT_LT(largest_difference(one, Embedder(facenet(), {.threads = 2, .batch = 3}).embed(chips)), 1e-6);
  EXPECT_LT(largest_difference(one, Embedder(facenet(), {.batch = 32}).embed(chips)), 1e-6);
}

// Expected: TensorFlow 2.21, fp32, on the same stored crops; this machine's OpenVINO differs by 2e-7 at most.
TEST(Embedder, AgreesWithTensorFlowOnStoredChips) {
  const fs::path chips_file = kShared / "data/five-celebrity/5-celebrity-faces-dataset.npz";
  const fs::path expected_file = kShared / "reference/embeddings_20180408_five_celebrity.npz";
  if (!fs::exists(chips_file)) GTEST_SKIP() << "no folder " << kShared / "data/five-celebrity";
  if (!fs::exists(expected_file)) GTEST_SKIP() << "no folder " << kShared / "reference";
  const NpzFile chips_npz(chips_file);
  const NpzFile expected(expected_file);
  constexpr std::size_t kChip = 160UL * 160 * 3;
  Embedder embedder(facenet(), {.threads = 2});
  for (const auto& [member, name] : {std::pair("arr_0", "train"), std::pair("arr_2", "val")}) {
    const auto pixels = chips_npz.get<std::uint8_t>(member);
    std::vector<Chip> chips;
    for (std::size_t i = 0; i < pixels.shape.at(0); ++i) {
      const auto* first = pixels.values.data() + i * kChip;
      chips.emplace_back(160, 160, std::vector<std::uint8_t>(first, first + kChip));
    }
    const auto wanted = expected.get<float>(name);
    EXPECT_LT(largest_difference(embedder.embed(chips), {512, wanted.values}), 1e-5) << name;
  }
}

// The pictures' numbers by hand: fixed (200 - 127.5) / 128; per image mean 110, standard deviation 90.
TEST(Standardize, FollowsTheContract) {
  Contract contract;
  contract.crop.width = 2;
  contract.crop.height = 1;
  const Chip chip(2, 1, std::vector<std::uint8_t>{200, 20, 200, 20, 200, 20});
  std::vector<float> out(6);
  standardize(chip, contract, /*planes=*/false, out);
  EXPECT_FLOAT_EQ(out[0], 0.56640625F);
  EXPECT_FLOAT_EQ(out[1], -0.83984375F);

  contract.standardization = Standardization::kPerImage;
  standardize(chip, contract, /*planes=*/true, out);
  EXPECT_EQ(out, (std::vector<float>{1, -1, -1, 1, 1, -1}));  // red plane 200 20, green 20 200, blue 200 20
  const Chip flat(2, 1, 50);
  standardize(flat, contract, /*planes=*/false, out);
  EXPECT_EQ(out, std::vector<float>(6, 0.0F));  // no division by a standard deviation of 0

  contract.channels = ChannelOrder::kBgr;
  contract.standardization = Standardization::kFixed;
  contract.mean = 0;
  contract.scale = 1;
  standardize(Chip(2, 1, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6}), contract, /*planes=*/false, out);
  EXPECT_EQ(out, (std::vector<float>{3, 2, 1, 6, 5, 4}));
}

TEST(CheckPack, PassesForTheDeliveredPacksAndFailsByNameForOneChangedByte) {
  EXPECT_TRUE(check_pack(facenet()).passed());
  EXPECT_TRUE(check_pack(load_pack(fs::path(LIKENESS_MODELS) / "mtcnn")).passed());

  const fs::path copy = fs::path(testing::TempDir()) / "pack_with_a_changed_byte";
  fs::remove_all(copy);
  fs::copy(fs::path(LIKENESS_MODELS) / "mtcnn", copy);
  {
    std::fstream file(copy / "onet.onnx", std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(800000);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(800000);
    file.put(byte);
  }
  try {
    (void)check_pack(load_pack(copy));
    FAIL() << "expected Error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelInvalid);
    EXPECT_NE(std::string(e.what()).find("onet.onnx is damaged"), std::string::npos) << e.what();
  }
  fs::remove_all(copy);
}

TEST(Embedder, RefusesADetectorPack) {
  EXPECT_THROW(Embedder(load_pack(fs::path(LIKENESS_MODELS) / "mtcnn")), Error);
}

TEST(Embedder, OfNoChipsIsNothing) { EXPECT_EQ(Embedder(facenet()).embed({}).size(), 0U); }

TEST(Embedder, RefusesAChipOfAnotherSize) {
  Embedder embedder(facenet());
  const std::vector<Chip> chips{Chip(112, 112)};
  EXPECT_THROW((void)embedder.embed(chips), std::invalid_argument);
}

}  // namespace
}  // namespace likeness
