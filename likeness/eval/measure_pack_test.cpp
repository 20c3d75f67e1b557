#include "likeness/eval/measure_pack.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDimension = 64;

/// A pack with a model.json that can be read, and a network that nobody runs.
class MeasurePack : public testing::Test {
 protected:
  MeasurePack() {
    fs::create_directories(folder_);
    write_file(folder_ / "network.onnx", "x");
    ModelPack pack{.folder = folder_};
    pack.contract.name = "mine";
    pack.contract.network = "network.onnx";
    pack.contract.dimension = static_cast<int>(kDimension);
    pack.files = {{"network.onnx", 1, std::string(64, '0')}};
    write_file(folder_ / "model.json", to_json(pack));
  }
  ~MeasurePack() override { fs::remove_all(folder_); }
  [[nodiscard]] ModelPack pack() const { return load_pack(folder_); }

  /// 120 people with three faces, 100 with one. `common`: how much of every face is the same.
  [[nodiscard]] People people(float common = 0) const {
    People all;
    all.source = "photos";
    all.contract = to_json(pack().contract);
    all.embeddings = synthetic_faces(120, 3, kDimension, 1);
    const Embeddings singles = synthetic_faces(100, 1, kDimension, 2);
    all.embeddings.values.insert(all.embeddings.values.end(), singles.values.begin(), singles.values.end());
    for (std::size_t i = 0; i < 460; ++i) {
      const auto row = std::span(all.embeddings.values).subspan(i * kDimension, kDimension);
      // Of another length for each face, as brightness and pose have it in real embeddings.
      row[0] += common * (1 + 0.5F * static_cast<float>(i % 5));
      all.people.push_back(i < 360 ? "P" + std::to_string(i / 3) : "S" + std::to_string(i));
    }
    l2_normalize(all.embeddings);
    return all;
  }
  const fs::path folder_ = fs::path(testing::TempDir()) / ("measure_" + std::to_string(::getpid()));
};

TEST_F(MeasurePack, WritesThresholdsThatRefuseAsManyAsTheySay) {
  const People faces = people();
  const MeasuredPack measured = measure_pack(pack(), faces, {.origin = "these"});
  const Contract contract = pack().contract;
  EXPECT_EQ(contract, measured.pack.contract);
  EXPECT_EQ(measured.faces, 460U);
  EXPECT_EQ(measured.people, 220U);
  const Comparisons pairs = compare_all_pairs(faces);
  ASSERT_EQ(contract.thresholds.size(), 3U);  // 105,210 pairs support 1e-4 and hardly less
  for (const KnownThreshold& one : contract.thresholds) {
    EXPECT_LE(*false_match_rate(pairs.non_mated, one.cosine), one.false_match_rate);
    EXPECT_GE(*false_match_rate(pairs.non_mated, one.cosine - 1e-3), 0.5 * one.false_match_rate);
    EXPECT_EQ(one.precision, "f32");
    EXPECT_EQ(one.origin, "these");
    EXPECT_EQ(one.pairs, measured.pairs);
  }
  EXPECT_EQ(measured.unsupported.size(), 2U);
  ASSERT_TRUE(contract.naming_slope);
  EXPECT_GT(*contract.naming_slope, 5);
  EXPECT_TRUE(contract.centre.empty());
}

TEST_F(MeasurePack, APrecisionsThresholdsLeaveTheOthersAsTheyWere) {
  (void)measure_pack(pack(), people(), {});
  const Contract f32 = pack().contract;
  People again = people();
  (void)measure_pack(pack(), again, {.precision = Precision::kInt8});
  const Contract both = pack().contract;
  ASSERT_EQ(both.thresholds.size(), 2 * f32.thresholds.size());
  EXPECT_EQ(both.thresholds[0], f32.thresholds[0]);
  EXPECT_EQ(both.thresholds.back().precision, "int8");
  EXPECT_EQ(both.naming_slope, f32.naming_slope);
  (void)measure_pack(pack(), again, {.precision = Precision::kInt8});
  EXPECT_EQ(pack().contract, both);
  EXPECT_EQ(both.id(), f32.id());  // no stored face loses its space
}

TEST_F(MeasurePack, OnePictureUnderManyNamesLeavesAPackThatCanBeRead) {
  People faces = people();
  const std::vector<float> one(faces.embeddings[0].begin(), faces.embeddings[0].end());
  for (int i = 0; i < 30; ++i) {  // 435 pairs of 119,000: more than .1 % and fewer than 1 %
    faces.embeddings.values.insert(faces.embeddings.values.end(), one.begin(), one.end());
    faces.people.push_back("Copy" + std::to_string(i));
  }
  const MeasuredPack measured = measure_pack(pack(), faces, {});
  const Contract contract = pack().contract;
  ASSERT_EQ(contract.thresholds.size(), 1U);
  EXPECT_EQ(contract.thresholds[0].false_match_rate, 0.01);
  EXPECT_LE(contract.thresholds[0].cosine, 1);
  EXPECT_EQ(measured.unsupported.size(), 5U);  // .1 % and less, and the least that so many pairs support
  // Nobody can be told from anybody.
  const std::string before = to_json(pack());
  for (std::size_t i = 0; i < faces.size(); ++i)
    std::ranges::copy(one, faces.embeddings.values.begin() + static_cast<std::ptrdiff_t>(i * kDimension));
  EXPECT_THROW((void)measure_pack(pack(), faces, {}), Error);
  EXPECT_EQ(to_json(pack()), before);
}

TEST_F(MeasurePack, TakesTheMeanFaceAwayWhereThatHelpsPeopleItIsNotOf) {
  const MeasuredPack measured = measure_pack(pack(), people(0.6F), {});
  ASSERT_TRUE(measured.plain_val && measured.centred_val);
  EXPECT_GT(*measured.centred_val, *measured.plain_val);
  EXPECT_EQ(pack().contract.centre.size(), kDimension);
  EXPECT_FALSE(pack().contract.thresholds.empty());
}

TEST_F(MeasurePack, LeavesAPackThatHasThresholdsItsWayOfComparing) {
  const People shifted = people(0.6F);
  (void)measure_pack(pack(), shifted, {.centre = false});
  EXPECT_TRUE(pack().contract.centre.empty());
  const MeasuredPack again = measure_pack(pack(), shifted, {});
  EXPECT_FALSE(again.plain_val);
  EXPECT_TRUE(pack().contract.centre.empty());
}

TEST_F(MeasurePack, ChangesNothingWhereTheFacesWillNotDo) {
  const std::string before = to_json(pack());
  People few = people();
  keep_wanted(few, std::nullopt, 1);
  few.people.resize(20);
  few.embeddings.values.resize(20 * kDimension);
  EXPECT_THROW((void)measure_pack(pack(), few, {}), Error);
  People other = people();
  Contract contract = pack().contract;
  contract.crop.width = 96;
  other.contract = to_json(contract);
  try {
    (void)measure_pack(pack(), other, {});
    ADD_FAILURE() << "another model's faces were measured";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelMismatch);
  }
  EXPECT_EQ(to_json(pack()), before);
}

}  // namespace
}  // namespace likeness
