#include "likeness/gallery/undo.h"

#include <gtest/gtest.h>

#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/store_testing.h"

namespace likeness {
namespace {

class UndoTest : public ::testing::Test {
 protected:
  UndoTest()
      : gallery_(make_memory_store(
            {.contract = "", .contract_id = "test-model", .precision = "f32", .dimension = 4})),
        log_(gallery_) {}

  std::int64_t enrol(const std::string& name) {
    std::vector<float> embedding(4, 0.F);
    embedding[static_cast<std::size_t>(photos_ % 4)] = 1;
    const NewFace face = face_of(embedding, ++photos_);
    return gallery_.add_faces(name, std::span(&face, 1)).at(0).id;
  }
  std::string owner(std::int64_t face) {
    return gallery_.store().find_person(gallery_.store().find_face(face)->person)->name;
  }

  int photos_ = 0;
  Gallery gallery_;
  UndoLog log_;
};

TEST_F(UndoTest, ARenameGoesBackUnlessTheNameIsTaken) {
  const std::int64_t face = enrol("Ann");
  const auto change = log_.rename_person("Ann", " Anna ");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->to, "Anna");
  EXPECT_FALSE(log_.rename_person("Ann", "Bea"));
  EXPECT_EQ(log_.changes().size(), 1U);
  enrol("Ann");
  expect_error(ErrorCode::kDataInvalid,
               "the rename of Ann to Anna cannot be undone: somebody is called Ann by now",
               [&] { (void)log_.undo(change->id); });
  gallery_.remove_person("Ann");
  EXPECT_TRUE(log_.undo(change->id)->undone);
  EXPECT_EQ(owner(face), "Ann");
  expect_error(ErrorCode::kDataInvalid, "it is undone already", [&] { (void)log_.undo(change->id); });
  EXPECT_FALSE(log_.undo(change->id + 1));
}

TEST_F(UndoTest, AMergeGivesBackTheFacesThatAreStillThere) {
  const std::int64_t a = enrol("Ann");
  const std::int64_t b = enrol("Ann");
  const std::int64_t c = enrol("Ben");
  const auto change = log_.merge_people("Ann", "Ben");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->faces, (std::vector{a, b}));
  const std::int64_t later = enrol("Ben");
  gallery_.remove_face(b);
  EXPECT_TRUE(log_.undo(change->id));
  EXPECT_EQ(owner(a), "Ann");
  EXPECT_EQ(owner(c), "Ben");
  EXPECT_EQ(owner(later), "Ben");
  EXPECT_FALSE(log_.merge_people("Nobody", "Ben"));
}

TEST_F(UndoTest, AMoveGoesBackUnlessTheFaceIsGone) {
  const std::int64_t a = enrol("Ann");
  enrol("Ann");
  const auto change = log_.move_face(a, "Ben");
  ASSERT_TRUE(change);
  EXPECT_EQ(owner(a), "Ben");
  EXPECT_TRUE(log_.undo(change->id));
  EXPECT_EQ(owner(a), "Ann");
  const auto again = log_.move_face(a, "Ben");
  gallery_.remove_face(a);
  expect_error(ErrorCode::kDataInvalid, "none of its faces is Ben's any more",
               [&] { (void)log_.undo(again->id); });
  EXPECT_FALSE(log_.move_face(a, "Ben"));
}

TEST_F(UndoTest, WhoIsRemovedIsForgottenHereToo) {
  enrol("Ann");
  enrol("Ben");
  (void)log_.rename_person("Ann", "Anna");
  (void)log_.rename_person("Ben", "Benno");
  EXPECT_TRUE(log_.remove_person("Anna"));
  ASSERT_EQ(log_.changes().size(), 1U);
  EXPECT_EQ(log_.changes()[0].to, "Benno");
  EXPECT_EQ(gallery_.store().private_note("undo")->find("Ann"), std::string::npos);
}

TEST_F(UndoTest, FormerNamesOfWhoIsRemovedAreForgottenToo) {
  enrol("Ann");
  enrol("Ben");
  (void)log_.rename_person("Ann", "Anna");
  (void)log_.rename_person("Anna", "Hannah");
  enrol("Ann");  // somebody else of the first name, who stays
  (void)log_.merge_people("Hannah", "Ben");
  EXPECT_TRUE(log_.remove_person("Ben"));
  EXPECT_EQ(log_.changes().size(), 0U);
  EXPECT_TRUE(gallery_.store().find_person("Ann"));
  EXPECT_EQ(gallery_.store().private_note("undo")->find("Ann"), std::string::npos);
}

TEST_F(UndoTest, TheNewestHundredAreRemembered) {
  enrol("0");
  for (int i = 0; i < 120; ++i) (void)log_.rename_person(std::to_string(i), std::to_string(i + 1));
  const auto changes = log_.changes();
  ASSERT_EQ(changes.size(), 100U);
  EXPECT_EQ(changes.front().to, "120");
  EXPECT_EQ(changes.front().id, 120);
  EXPECT_EQ(changes.back().from, "20");
}

}  // namespace
}  // namespace likeness
