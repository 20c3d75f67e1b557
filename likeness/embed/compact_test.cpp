#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "likeness/embed/byte_values.h"
#include "likeness/embed/fit_projection.h"
#include "likeness/model/projection.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// People that differ along the first two axes, faces of one person along the third, by far the most.
struct Crowd {
  Embeddings faces{4, {}};
  std::vector<std::string> people;
};

Crowd crowd() {
  Crowd crowd;
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (int person = 0; person < 60; ++person) {
    const float x = normal(random), y = normal(random);
    for (int face = 0; face < 4; ++face) {
      for (const float value : {x, y, 5 * normal(random), 0.3F * normal(random)})
        crowd.faces.values.push_back(value);
      crowd.people.push_back("person " + std::to_string(person));
    }
  }
  return crowd;
}

double weight(const Projection& projection, std::size_t output, std::size_t input) {
  double squares = 0;
  for (std::size_t j = 0; j < projection.inputs; ++j)
    squares += std::pow(projection.weights[output * projection.inputs + j], 2);
  return std::abs(projection.weights[output * projection.inputs + input]) / std::sqrt(squares);
}

TEST(FitProjection, PcaFollowsTheSpreadOfFaces) {
  const Crowd faces = crowd();
  const Projection found =
      fit_projection(faces.faces, faces.people, {.method = ProjectionMethod::kPca, .dimension = 2});
  EXPECT_GT(weight(found, 0, 2), 0.99);  // the third axis, whoever it is
  const Embeddings values = projected(found, faces.faces);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i][0];
  EXPECT_NEAR(sum / static_cast<double>(values.size()), 0, 1e-4);  // the mean face is 0
}

TEST(FitProjection, WhitenedValuesSpreadAlike) {
  const Crowd faces = crowd();
  const Projection found =
      fit_projection(faces.faces, faces.people, {.method = ProjectionMethod::kWhitened, .dimension = 4});
  const Embeddings values = projected(found, faces.faces);
  for (std::size_t j = 0; j < 4; ++j) {
    double squares = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      squares += static_cast<double>(values[i][j]) * values[i][j];
    EXPECT_NEAR(squares / static_cast<double>(values.size()), 1, 1e-3) << j;
  }
}

TEST(FitProjection, DiscriminantsLeaveOutWhatDiffersInsideAPerson) {
  const Crowd faces = crowd();
  const Projection found =
      fit_projection(faces.faces, faces.people,
                     {.method = ProjectionMethod::kDiscriminative, .dimension = 2, .shrinkage = 0.001});
  EXPECT_LT(weight(found, 0, 2), 0.1);
  EXPECT_LT(weight(found, 1, 2), 0.1);
}

TEST(FitProjection, NamesWhatIsMissing) {
  Crowd faces = crowd();
  const auto problem = [&](const ProjectionOptions& options) {
    try {
      (void)fit_projection(faces.faces, faces.people, options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kDataInvalid);
      return std::string(e.what());
    }
    return std::string();
  };
  for (std::size_t i = 0; i < faces.people.size(); ++i) faces.people[i] = std::to_string(i);
  EXPECT_NE(
      problem({.method = ProjectionMethod::kDiscriminative, .dimension = 2}).find("nobody has two faces"),
      std::string::npos);
  EXPECT_EQ(problem({.method = ProjectionMethod::kPca, .dimension = 2}), "");
  faces.faces.values.resize(4 * 4);
  faces.people.resize(4);
  EXPECT_NE(problem({.dimension = 4}).find("4 faces are too few"), std::string::npos);
  EXPECT_THROW((void)fit_projection(faces.faces, faces.people, {.dimension = 5}), std::invalid_argument);
  faces.people.pop_back();
  EXPECT_THROW((void)fit_projection(faces.faces, faces.people, {.dimension = 2}), std::invalid_argument);
}

TEST(ByteValues, RoundingTwiceIsRoundingOnce) {
  Embeddings faces{128, {}};
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 128 * 200; ++i) faces.values.push_back(normal(random));
  l2_normalize(faces);
  round_to_bytes(faces);
  std::vector<std::int8_t> bytes(128);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_NEAR(dot(faces[i], faces[i]), 1, 1e-5);
    const float scale = quantize(faces[i], bytes);
    for (std::size_t j = 0; j < 128; ++j) EXPECT_FLOAT_EQ(scale * static_cast<float>(bytes[j]), faces[i][j]);
    // The scale is 1 / |bytes|: a face is its bytes, and nothing else.
    double squares = 0;
    for (const std::int8_t byte : bytes) squares += byte * byte;
    EXPECT_NEAR(scale * std::sqrt(squares), 1, 1e-5);
  }
}

class ProjectionFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    pack_.folder = folder_;
    pack_.contract.name = "small";
    pack_.contract.dimension = 2;
    write({3, 2, {1, 2, 3, 4, 5, 6}, {7, 8}});
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const Projection& projection) {
    write_projection(folder_ / "projection.npz", projection);
    pack_.contract.projection = ProjectionFile{"projection.npz", sha256_file(folder_ / "projection.npz"), 3};
  }
  std::string refusal() {
    try {
      (void)read_projection(pack_);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kModelInvalid);
      return e.what();
    }
    return "";
  }

  fs::path folder_;
  ModelPack pack_;
};

TEST_F(ProjectionFileTest, ComesBack) {
  const Projection projection = read_projection(pack_);
  EXPECT_EQ(projection, (Projection{3, 2, {1, 2, 3, 4, 5, 6}, {7, 8}}));
  EXPECT_EQ(projected(projection, {3, {1, 1, 1, 0, 0, 1}}).values, (std::vector<float>{13, 23, 10, 14}));
}

TEST_F(ProjectionFileTest, WithoutWeightsItOnlyMoves) {
  pack_.contract.dimension = 3;
  write({3, 3, {}, {1, 2, 3}});
  const Projection projection = read_projection(pack_);
  EXPECT_EQ(projection, (Projection{3, 3, {}, {1, 2, 3}}));
  EXPECT_EQ(projected(projection, {3, {1, 1, 1, 0, 0, 1}}).values, (std::vector<float>{2, 3, 4, 1, 2, 4}));
}

TEST_F(ProjectionFileTest, RefusesWhatDoesNotFit) {
  write({2, 2, {1, 2, 3, 4}, {7, 8}});
  EXPECT_NE(refusal().find("does not make 2 values of 3"), std::string::npos) << refusal();
  write({3, 2, {1, 2, 3, 4, 5, std::nanf("")}, {7, 8}});
  EXPECT_NE(refusal().find("not numbers"), std::string::npos) << refusal();
  write({3, 2, {1, 2, 3, 4, 5, 6}, {7, 8}});
  pack_.contract.projection->sha256[0] ^= 1;
  EXPECT_NE(refusal().find("is not the projection of small"), std::string::npos) << refusal();
  write_file(folder_ / "projection.npz", std::string_view("no zip"));
  pack_.contract.projection->sha256 = sha256_file(folder_ / "projection.npz");
  EXPECT_NE(refusal().find("projection.npz"), std::string::npos) << refusal();
  EXPECT_THROW(write_projection(folder_ / "x.npz", {3, 2, {1}, {1, 2}}), std::invalid_argument);
}

}  // namespace
}  // namespace likeness
