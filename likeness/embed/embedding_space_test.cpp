#include "likeness/embed/embedding_space.h"

#include <gtest/gtest.h>

#include "likeness/core/error.h"

namespace likeness {
namespace {

TEST(EmbeddingSpace, IdNamesContractAndViews) {
  for (const char* id : {"facenet/margin/01", "facenet/margin/01+two", "facenet/margin/01+best",
                         "a+two/margin/01", "a/margin/01+three", "a/margin/01+single"}) {
    EmbeddingSpace space;
    space.set_id(id);
    EXPECT_EQ(space.id(), id);
  }
  EmbeddingSpace space;
  space.set_id("a+two/margin/01+best");
  EXPECT_EQ(space.contract_id, "a+two/margin/01");
  EXPECT_EQ(space.quality, Quality::kBest);
  space.set_id("a+two/margin/01");
  EXPECT_EQ(space.contract_id, "a+two/margin/01");
  EXPECT_EQ(space.quality, Quality::kSinglePass);
}

TEST(EmbeddingSpace, SurvivesJson) {
  const EmbeddingSpace space{R"({"name":"made up"})", "made up/margin/01", "f32", 0, Quality::kTwoViews};
  EXPECT_EQ(to_json(space), R"({"name":"made up","id":"made up/margin/01+two","precision":"f32"})");
  EXPECT_EQ(space_from_json(to_json(space), "test"), space);
}

TEST(EmbeddingSpace, JsonOfOthersIsRefusedByName) {
  for (const char* json : {"[]", "{", R"({"id":3})", R"({"id":""})", R"({"id":"+two"})", R"({"name":"x"})"}) {
    try {
      static_cast<void>(space_from_json(json, "e.npz: member contract"));
      FAIL() << json;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
      EXPECT_TRUE(std::string(error.what()).starts_with("e.npz: member contract ")) << error.what();
    }
  }
}

TEST(EmbeddingSpace, OnlyEqualSpacesAreMixed) {
  const EmbeddingSpace one{"", "one/margin/01", "f32", 128};
  const auto problem = [&](const EmbeddingSpace& other) -> std::string {
    try {
      require_same_space(one, "a.gallery", other, "the model x");
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelMismatch);
      return error.what();
    }
  };
  EXPECT_EQ(problem(one), "");
  EXPECT_EQ(problem({}), "");
  EXPECT_EQ(problem({.contract_id = "one/margin/01", .precision = "bf16"}), "");  // dimension not known
  EXPECT_EQ(problem({.contract_id = "one/margin/01", .quality = Quality::kTwoViews}),
            "a.gallery was made by one/margin/01 (128 values) and the model x by one/margin/01+two: their "
            "embeddings cannot be compared");
  EXPECT_EQ(problem({.contract_id = "one/margin/01", .dimension = 64}),
            "a.gallery was made by one/margin/01 (128 values) and the model x by one/margin/01 (64 values): "
            "their embeddings cannot be compared");
}

}  // namespace
}  // namespace likeness
