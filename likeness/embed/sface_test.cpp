// SFace gives what ONNX Runtime makes of its weights. testdata/sface_reference.npz:
// tools/make_sface_reference.py.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "likeness/embed/check_pack.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/import_pack.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const fs::path kPack = fs::path(LIKENESS_MODELS) / "sface";

void expect_reference(const ModelPack& pack) {
  const NpzFile reference(fs::path(__FILE__).parent_path() / "testdata" / "sface_reference.npz");
  const auto pixels = reference.get<std::uint8_t>("chips");
  const auto wanted = reference.get<float>("embeddings");
  ASSERT_EQ(pixels.shape, (std::vector<std::size_t>{4, 112, 112, 3}));
  constexpr std::ptrdiff_t kChip = 112 * 112 * 3;
  std::vector<Chip> chips;
  for (auto at = pixels.values.begin(); at != pixels.values.end(); at += kChip)
    chips.emplace_back(112, 112, std::vector<std::uint8_t>(at, at + kChip));
  const Embeddings given = Embedder(pack).embed(chips);
  ASSERT_EQ(given.values.size(), wanted.values.size());
  for (std::size_t i = 0; i < given.values.size(); ++i)
    ASSERT_NEAR(given.values[i], wanted.values[i], 1e-4) << i;
}

TEST(SFace, GivesWhatOnnxRuntimeMakesOfItsWeights) {
  const ModelPack pack = load_pack(kPack);
  expect_reference(pack);
  EXPECT_TRUE(check_pack(pack).passed());
}

TEST(SFace, IsImportedAsItWasPublished) {
  const fs::path models = fs::path(testing::TempDir()) / "sface_imported";
  fs::remove_all(models);
  ImportOptions options;
  options.reader = LIKENESS_READER;
  options.name = "mine";
  options.standardization = Standardization::kFixed;
  options.mean = 0.0F;
  options.scale = 1.0F;
  options.channels = ChannelOrder::kRgb;
  options.profile = CropProfile::kAligned;
  const ModelPack shipped = load_pack(kPack);
  const ModelPack pack = import_pack(kPack / shipped.contract.network, models, options);
  expect_reference(pack);
  EXPECT_EQ(pack.contract.id().substr(5), shipped.contract.id().substr(6));  // behind the name
  fs::remove_all(models);
}

}  // namespace
}  // namespace likeness
