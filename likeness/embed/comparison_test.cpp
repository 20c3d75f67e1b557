#include "likeness/embed/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>

#include "likeness/core/error.h"

namespace likeness {
namespace {

Contract centred(std::vector<float> centre) {
  Contract contract;
  contract.name = "somebody";
  contract.sha256 = std::string(64, '7');
  contract.network = "net.onnx";
  contract.dimension = static_cast<int>(centre.size());
  contract.centre = std::move(centre);
  return contract;
}

TEST(Comparison, TakesTheCentreFromUnitVectors) {
  // (3, 4) / 5 = (.6, .8); less (.6, 0) it is (0, .8); at unit length (0, 1).
  const Comparison comparison(centred({0.6F, 0}));
  const auto compared = comparison.comparable(Embeddings{2, {3, 4, 0, 0}});
  EXPECT_NEAR(compared[0][0], 0, 1e-6);
  EXPECT_NEAR(compared[0][1], 1, 1e-6);
  EXPECT_EQ(compared[1][0], 0);  // no face stays no face
  EXPECT_EQ(compared[1][1], 0);
}

TEST(Comparison, TellsApartWhatOnlyTheCentreMadeAlike) {
  // Two faces a right angle apart but for what they share: their cosine is .8, and 0 without it.
  const float shared = std::sqrt(0.8F), own = std::sqrt(0.2F);
  const Embeddings faces{3, {shared, own, 0, shared, 0, own}};
  EXPECT_NEAR(dot(faces[0], faces[1]), 0.8, 1e-6);
  const auto compared = Comparison(centred({shared, 0, 0})).comparable(faces);
  EXPECT_NEAR(dot(compared[0], compared[1]), 0, 1e-6);
}

TEST(Comparison, WithoutACentreChangesNothing) {
  EXPECT_TRUE(Comparison(Contract{}).plain());
  const Embeddings faces{2, {3, 4}};
  EXPECT_EQ(Comparison().comparable(faces).values, faces.values);
}

TEST(Comparison, ComesFromTheContractBesideEmbeddings) {
  const Contract contract = centred({0.6F, 0});
  const std::vector<float> face{0.6F, 0.8F};
  EXPECT_EQ(Comparison(to_json(contract), "e.npz").comparable(face), Comparison(contract).comparable(face));
  EXPECT_TRUE(Comparison("", "e.npz").plain());
  EXPECT_TRUE(Comparison(to_json(centred({})), "e.npz").plain());
  std::string newer = to_json(contract);
  newer.replace(newer.find("centred cosine"), 14, "hyperbolic");
  try {
    const Comparison comparison(newer, "e.npz");
    FAIL() << "expected Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
    EXPECT_NE(std::string(error.what()).find("e.npz has a field \"metric\""), std::string::npos)
        << error.what();
  }
}

TEST(Comparison, OfNoFaceThereIsNothingToCompare) {
  EXPECT_EQ(Comparison(centred({0.6F, 0})).comparable(Embeddings{}).size(), 0U);
}

TEST(Comparison, RefusesAnotherDimension) {
  try {
    static_cast<void>(Comparison(centred({0.6F, 0})).comparable(Embeddings{3, {1, 0, 0}}));
    FAIL() << "expected Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
  }
}

TEST(MeanEmbedding, IsTheMean) {
  EXPECT_EQ(mean_embedding(Embeddings{2, {1, 0, 0, 1}}), (std::vector<float>{0.5F, 0.5F}));
  EXPECT_THROW(static_cast<void>(mean_embedding(Embeddings{2, {}})), std::invalid_argument);
}

}  // namespace
}  // namespace likeness
