#include "likeness/embed/embedder.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/embed/check_pack.h"
#include "likeness/embed/own_network.h"
#include "likeness/infer/network.h"
#include "likeness/model/self_test.h"
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

// Instructions that multiply and add in one step round differently.
TEST(Embedder, DoesNotDependOnTheInstructionSet) {
  const auto chips = seeded_chips(2);
  Embedder embedder(facenet());
  const Embeddings expected = embedder.embed(chips);
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    if (target == HWY_SCALAR) continue;  // EMU128 is built in its place.
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    EXPECT_LT(largest_difference(embedder.embed(chips), expected), 2e-6);
    hwy::SetSupportedTargetsForTest(0);
  }
}

// The network's file as OpenVINO computes it.
TEST(Embedder, OutputsEqualOpenVinos) {
  const ModelPack pack = facenet();
  const auto chips = seeded_chips(3);
  std::vector<float> input(3 * 160 * 160 * 3);
  for (std::size_t i = 0; i < 3; ++i) {
    constexpr std::size_t kFloats = 160UL * 160 * 3;
    standardize(chips[i], pack.contract, /*planes=*/false, std::span(input).subspan(i * kFloats, kFloats));
  }
  Network network(pack.network(Precision::kF32));
  const Tensor expected = network.run({{3, 160, 160, 3}, input}).front();
  EXPECT_LT(largest_difference(Embedder(pack).embed_raw(chips), {512, expected.values}), 2e-6);
}

struct StoredChips {
  std::string name;
  std::vector<Chip> chips;
};

/// The reference's 93 training and 25 validation faces; none where the folder is absent.
std::vector<StoredChips> stored_chips() {
  const fs::path file = kShared / "data/five-celebrity/5-celebrity-faces-dataset.npz";
  if (!fs::exists(file)) return {};
  const NpzFile npz(file);
  constexpr std::size_t kChip = 160UL * 160 * 3;
  std::vector<StoredChips> parts;
  for (const auto& [member, name] : {std::pair("arr_0", "train"), std::pair("arr_2", "val")}) {
    const auto pixels = npz.get<std::uint8_t>(member);
    parts.push_back({name, {}});
    for (std::size_t i = 0; i < pixels.shape.at(0); ++i) {
      const auto* first = pixels.values.data() + i * kChip;
      parts.back().chips.emplace_back(160, 160, std::vector<std::uint8_t>(first, first + kChip));
    }
  }
  return parts;
}

// Expected: TensorFlow 2.21, fp32, on the same stored crops; this machine differs by 4.2e-7 at most.
TEST(Embedder, AgreesWithTensorFlowOnStoredChips) {
  const fs::path expected_file = kShared / "reference/embeddings_20180408_five_celebrity.npz";
  const auto parts = stored_chips();
  if (parts.empty()) GTEST_SKIP() << "no folder " << kShared / "data/five-celebrity";
  if (!fs::exists(expected_file)) GTEST_SKIP() << "no folder " << kShared / "reference";
  const NpzFile expected(expected_file);
  Embedder embedder(facenet(), {.threads = 2});
  for (const auto& [name, chips] : parts) {
    const auto wanted = expected.get<float>(name);
    EXPECT_LT(largest_difference(embedder.embed(chips), {512, wanted.values}), 2e-6) << name;
  }
}

// Worst of the 118 faces: .99987 with our kernels, .99982 through OpenVINO.
TEST(Embedder, InBf16EveryFaceStaysNearF32) {
  const auto parts = stored_chips();
  if (parts.empty()) GTEST_SKIP() << "no folder " << kShared / "data/five-celebrity";
  if (!missing_for(Precision::kBf16).empty()) GTEST_SKIP() << missing_for(Precision::kBf16);
  Embedder f32(facenet(), {.threads = 2});
  Embedder bf16(facenet(), {.precision = Precision::kBf16, .threads = 2});
  double worst = 1;
  for (const auto& [name, chips] : parts) {
    const Embeddings a = f32.embed(chips);
    const Embeddings b = bf16.embed(chips);
    for (std::size_t i = 0; i < a.size(); ++i) worst = std::min(worst, dot(a[i], b[i]));
  }
  EXPECT_GT(worst, 0.9998);
}

/// A copy of the pack whose network is the delivered file itself.
fs::path copied_pack(const std::string& name) {
  const fs::path copy = fs::path(testing::TempDir()) / name;
  fs::remove_all(copy);
  fs::create_directories(copy);
  for (const auto& entry : fs::directory_iterator(facenet().folder)) {
    if (entry.path().extension() == ".pb") {
      fs::create_symlink(fs::canonical(entry.path()), copy / entry.path().filename());
    } else {
      fs::copy_file(entry.path(), copy / entry.path().filename());
    }
  }
  return copy;
}

TEST(OwnNetwork, IsTakenOnlyForAPackWhoseSelfTestItGives) {
  if (!GraphEngine::pays_off(Precision::kF32)) GTEST_SKIP() << "OpenVINO computes it on this CPU";
  EXPECT_TRUE(own_network(facenet(), Precision::kF32, {}));
  const fs::path copy = copied_pack("pack_with_another_self_test");
  ModelPack pack = load_pack(copy);
  EXPECT_TRUE(own_network(pack, Precision::kF32, {}));
  SelfTest test = read_self_test(pack);
  std::swap(test.embedding[0], test.embedding[1]);
  write_self_test(copy / pack.self_test, test);
  EXPECT_FALSE(own_network(pack, Precision::kF32, {}));
  EXPECT_FALSE(own_int8_network(pack, std::vector<float>(160 * 160 * 3), 1));
  EXPECT_THROW((void)own_network(pack, Precision::kInt8, {}), Error);  // there is no such network
  fs::remove(copy / pack.self_test);
  EXPECT_FALSE(own_network(pack, Precision::kF32, {}));
  // OpenVINO computes it all the same.
  EXPECT_LT(
      largest_difference(Embedder(pack).embed(seeded_chips(1)), Embedder(facenet()).embed(seeded_chips(1))),
      2e-6);
  fs::remove_all(copy);
}

TEST(OwnNetwork, ComesOutOfTheCacheAsItWas) {
  if (!GraphEngine::pays_off(Precision::kF32)) GTEST_SKIP() << "OpenVINO computes it on this CPU";
  const fs::path cache = fs::path(testing::TempDir()) / "own_network_cache";
  fs::remove_all(cache);
  const auto chips = seeded_chips(2);
  const Embeddings first = Embedder(facenet(), {.cache_folder = cache}).embed(chips);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(cache)) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1U);
  const auto written = fs::last_write_time(files[0]);
  EXPECT_EQ(Embedder(facenet(), {.cache_folder = cache}).embed(chips).values, first.values);
  EXPECT_EQ(fs::last_write_time(files[0]), written);
  {
    std::fstream file(files[0], std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(50'000'000);
    file.put('x');
    file.put('y');
  }
  EXPECT_EQ(Embedder(facenet(), {.cache_folder = cache}).embed(chips).values, first.values);
  EXPECT_GT(fs::last_write_time(files[0]), written);  // made again
  fs::remove_all(cache);
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
