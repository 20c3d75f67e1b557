#include "likeness/gallery/engines.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "likeness/embed/comparison.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class EngineExport : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::path(::testing::TempDir()) / ("engines_" + std::to_string(::getpid()));
  }
  void TearDown() override { fs::remove(path_); }
  void add(const std::string& person, std::size_t row, const std::string& photo) {
    NewFace face = face_of(faces_[row], static_cast<int>(row) + 1);
    face.photo = photo;
    store_->add_faces(person, std::span(&face, 1));
  }
  [[nodiscard]] std::string text() const {
    std::stringstream all;
    all << std::ifstream(path_).rdbuf();
    return all.str();
  }
  Embeddings faces_ = synthetic_faces(1200, 1, 16, 7);
  std::unique_ptr<GalleryStore> store_ =
      make_memory_store({.contract = "{}", .contract_id = "test'model", .precision = "f32", .dimension = 16});
  fs::path path_;
};

TEST_F(EngineExport, MilvusGetsRowsWithEqualFloats) {
  for (std::size_t i = 0; i < 1200; ++i) add("P" + std::to_string(i / 2), i, "\"a\\\n\xff.jpg");
  EXPECT_EQ(export_for_milvus(*store_, path_), 1200U);
  const auto json = nlohmann::json::parse(text());
  ASSERT_EQ(json.size(), 1U);
  ASSERT_EQ(json.at("rows").size(), 1200U);
  for (const std::size_t i : {0U, 999U, 1000U, 1199U}) {
    const auto& row = json["rows"][i];
    EXPECT_EQ(row.size(), 5U);
    const auto face = store_->find_face(row.at("id"));
    ASSERT_TRUE(face);
    EXPECT_EQ(row.at("person_id"), face->person);
    EXPECT_EQ(row.at("person"), "P" + std::to_string(i / 2));
    EXPECT_EQ(row.at("photo"), "\"a\\\n\xEF\xBF\xBD.jpg");
    EXPECT_EQ(row.at("embedding").get<std::vector<float>>(), store_->embedding(face->id));
  }
}

TEST_F(EngineExport, TheMeanFaceIsTakenAway) {
  const Contract contract = centred_contract(16, 0.5F);
  store_ = make_memory_store(space_of(contract, Precision::kF32));
  add("Ada", 0, "1.jpg");
  export_for_milvus(*store_, path_);
  const auto row = nlohmann::json::parse(text())["rows"][0]["embedding"].get<std::vector<float>>();
  EXPECT_EQ(row, Comparison(contract).comparable(faces_[0]));
  EXPECT_LT(dot(row, faces_[0]), 0.99);
}

TEST_F(EngineExport, PsqlGetsTextWithoutStrayTabs) {
  add("A\\b", 0, "x\ty\n.jpg");
  EXPECT_EQ(export_for_pgvector(*store_, path_), 1U);
  const std::string sql = text();
  EXPECT_NE(sql.find("\tx\\ty\\n.jpg\t["), std::string::npos) << sql;
  EXPECT_NE(sql.find("\tA\\\\b\n\\.\n"), std::string::npos) << sql;
  EXPECT_NE(sql.find("Embeddings of test''model"), std::string::npos);
  EXPECT_NE(sql.find("embedding halfvec(16) NOT NULL"), std::string::npos);
}

TEST_F(EngineExport, AnEmptyGalleryIsNoFile) {
  expect_error(ErrorCode::kDataInvalid, "empty", [&] { export_for_pgvector(*store_, path_); });
  expect_error(ErrorCode::kDataInvalid, "empty", [&] { export_for_milvus(*store_, path_); });
  EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace likeness
