#include "likeness/recognize/setup.h"

#include <gtest/gtest.h>

#include "likeness/core/error.h"

// Inside a test, Setup alone is a name of GoogleTest's (it guards against a wrong SetUp).
namespace likeness {
namespace {

TEST(Setup, FindsPacksInItsFoldersAlone) {
  const likeness::Setup setup{.models = {"/nowhere", LIKENESS_MODELS}};
  const ModelPack embedder = setup.embedder();
  EXPECT_EQ(embedder.contract.name, "20180408-102900");
  EXPECT_EQ(setup.detector_for(embedder).kind, PackKind::kDetector);
  try {
    (void)likeness::Setup{}.embedder();  // ./models and $LIKENESS_MODELS are the program's business
    ADD_FAILURE() << "a pack was found without a folder to look in";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelNotFound);
  }
}

TEST(Setup, AnotherProfileIsAnotherSpaceAndTheContractsOwnIsNot) {
  likeness::Setup setup{.models = {LIKENESS_MODELS}};
  const Contract own = setup.embedder().contract;
  setup.profile = own.crop.profile;
  EXPECT_EQ(setup.embedder().contract, own);
  setup.quality = Quality::kTwoViews;
  EXPECT_EQ(setup.space(setup.embedder()).id(), own.id() + "+two");
  EXPECT_EQ(setup.space(setup.embedder()).precision, "f32");
  setup.profile = CropProfile::kTutorial;
  EXPECT_NE(setup.embedder().contract.id(), own.id());
  EXPECT_EQ(setup.embedder().contract.crop, usual_crop(CropProfile::kTutorial, 160, 160));
}

TEST(Setup, AStreamGetsAllThatItSays) {
  const StreamOptions options = likeness::Setup{.precision = Precision::kBf16,
                                                .quality = Quality::kBest,
                                                .detector = {.min_face_px = 33},
                                                .threads = 3,
                                                .cache_folder = "/cache"}
                                    .stream_options();
  EXPECT_EQ(options.precision, Precision::kBf16);
  EXPECT_EQ(options.quality, Quality::kBest);
  EXPECT_EQ(options.detector.min_face_px, 33);
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.cache_folder, "/cache");
}

}  // namespace
}  // namespace likeness
