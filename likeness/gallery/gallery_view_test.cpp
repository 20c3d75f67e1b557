// Views, how they follow the store, what an answer costs, and how galleries are named and faces get names.
#include "likeness/gallery/gallery_view.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <random>
#include <thread>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/older_formats_testing.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDimension = 128;
const EmbeddingSpace kSpace{
    .contract = "", .contract_id = "test-model", .precision = "f32", .dimension = kDimension};

std::string name_of(std::size_t person) { return "P" + std::to_string(person); }

void enrol(Gallery& gallery, const std::string& name, std::span<const float> embedding) {
  NewFace face;
  face.embedding = embedding;
  gallery.add_faces(name, std::span(&face, 1));
}

/// Everything that an answer holds, to be compared to the bit.
using Told = std::vector<std::tuple<std::int64_t, std::int64_t, std::string, double, double>>;
Told told(const std::vector<std::vector<PersonMatch>>& answers) {
  Told told;
  for (const auto& people : answers) {
    for (const PersonMatch& one : people)
      told.emplace_back(one.face, one.person, one.name, one.cosine, one.similarity);
  }
  return told;
}

class ViewOfKind : public ::testing::TestWithParam<IndexKind> {};

INSTANTIATE_TEST_SUITE_P(Kinds, ViewOfKind,
                         ::testing::Values(IndexKind::kExactF32, IndexKind::kExactInt8, IndexKind::kSketch),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST_P(ViewOfKind, WhatFollowedChangesAnswersAsWhatReadEverything) {
  const Embeddings faces = synthetic_faces(60, 20, kDimension, 3);
  Embeddings queries{kDimension, {}};
  for (std::size_t i = 0; i < faces.size(); i += 37)
    queries.values.insert(queries.values.end(), faces[i].begin(), faces[i].end());
  Gallery gallery(make_memory_store(kSpace), {.index = GetParam()});
  std::mt19937 random(17);
  const auto person = [&] { return random() % 60; };
  for (int step = 0; step < 700; ++step) {
    const auto dice = random() % 22;
    if (dice < 14) {
      const std::size_t row = random() % faces.size();
      enrol(gallery, name_of(row / 20), faces[row]);
    } else if (dice < 16) {
      const auto owners = gallery.store().owners();
      if (!owners.empty()) gallery.remove_face(owners[random() % owners.size()].face);
    } else if (dice < 17) {
      gallery.remove_person(name_of(person()));
    } else if (dice < 19) {
      gallery.merge_people(name_of(person()), name_of(person()));
    } else if (dice < 20) {
      if (!gallery.store().find_person("Eve")) gallery.rename_person(name_of(person()), "Eve");
    } else if (const auto owners = gallery.store().owners(); owners.size() > 1) {
      const std::int64_t some[] = {owners[random() % owners.size()].face,
                                   owners[random() % owners.size()].face};
      gallery.move_faces(some, name_of(person()));
    }
    const auto view = gallery.view();
    ASSERT_EQ(view->version(), gallery.store().version());
    ASSERT_EQ(view->faces(), gallery.store().owners().size());
    ASSERT_EQ(view->people(), gallery.store().people().size());
    if (step % 50 != 49) continue;
    // As somebody has it who reads everything now; people are called by their numbers there.
    Gallery fresh(make_memory_store(kSpace), {.index = GetParam()});
    std::vector<std::int64_t> ids;
    gallery.store().read_embeddings(0, [&](FaceOwner owner, std::span<const float> values) {
      ids.push_back(owner.face);
      enrol(fresh, std::to_string(owner.person), values);
    });
    const auto mine = view->search(queries, 3);
    const auto theirs = fresh.view()->search(queries, 3);
    ASSERT_EQ(mine.size(), theirs.size());
    for (std::size_t q = 0; q < mine.size(); ++q) {
      ASSERT_EQ(mine[q].size(), theirs[q].size());
      for (std::size_t i = 0; i < mine[q].size(); ++i) {
        // Faces have other numbers there, in the same order.
        EXPECT_EQ(mine[q][i].face, ids[static_cast<std::size_t>(theirs[q][i].face - 1)]);
        EXPECT_EQ(std::to_string(mine[q][i].person), theirs[q][i].name);
        EXPECT_EQ(mine[q][i].cosine, theirs[q][i].cosine);
        EXPECT_EQ(mine[q][i].similarity, theirs[q][i].similarity);
      }
    }
  }
}

TEST(GalleryView, StaysAsItWas) {
  const Embeddings faces = synthetic_faces(2, 2, kDimension, 3);
  Gallery gallery(make_memory_store(kSpace));
  enrol(gallery, "A", faces[0]);
  const auto before = gallery.view();
  enrol(gallery, "B", faces[2]);
  const auto after = gallery.view();  // what was changed through the gallery is in it
  EXPECT_EQ(before->faces(), 1U);
  EXPECT_EQ(before->search(faces[3], 1).at(0).name, "A");
  EXPECT_EQ(after->search(faces[3], 1).at(0).name, "B");
  EXPECT_EQ(gallery.view(), after);  // the same one while nothing changes
}

TEST(GalleryView, AnswersManyQueriesAsOne) {
  const Embeddings faces = synthetic_faces(40, 3, kDimension, 5);
  Gallery gallery(make_memory_store(kSpace));
  for (std::size_t i = 0; i < faces.size(); ++i) enrol(gallery, name_of(i / 3), faces[i]);
  const auto view = gallery.view();
  const auto together = view->search(faces, 2);
  const auto nearest = view->nearest(faces, 3);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(told({together[i]}), told({view->search(faces[i], 2)}));
    ASSERT_EQ(nearest[i].size(), 3U);
    EXPECT_EQ(nearest[i][0].name, name_of(i / 3));
    EXPECT_EQ(nearest[i][2].face, view->nearest(faces[i], 3)[2].face);
  }
  EXPECT_EQ(view->search(faces[0], 1, view->search(faces[0], 1).at(0).person).at(0).name,
            together[0][1].name);  // without the first comes the second
}

TEST(GalleryView, ACalibrationIsSeenWithoutReadingAFace) {
  const Embeddings faces = synthetic_faces(2, 1, kDimension, 3);
  Gallery gallery(make_memory_store(kSpace));
  enrol(gallery, "A", faces[0]);
  const auto before = gallery.view();
  gallery.set_calibration({.threshold = 0.25, .slope = 3});
  const auto after = gallery.view();
  EXPECT_FALSE(before->calibration());
  ASSERT_TRUE(after->calibration());
  EXPECT_EQ(after->calibration()->threshold, 0.25);
  EXPECT_EQ(after->version(), before->version());
  EXPECT_EQ(after->parts().layers, before->parts().layers);  // shared
}

class GalleryFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(::testing::TempDir()) / ("file_" + std::to_string(::getpid()) +
                                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path() const { return (folder_ / "g.gallery").string(); }
  void execute(const std::string& sql) const { change_file(path(), sql); }

  fs::path folder_;
  Embeddings faces_ = synthetic_faces(10, 3, kDimension, 31);
};

TEST_F(GalleryFile, AFailedRefreshLeavesTheOldViewAndIsTriedAgain) {
  Gallery gallery = create_gallery(path(), kSpace);
  enrol(gallery, "A", faces_[0]);
  const auto before = gallery.view();
  Gallery other = open_gallery(path());
  enrol(other, "B", faces_[3]);
  execute(
      "CREATE TABLE aside AS SELECT id, embedding FROM face; UPDATE face SET embedding = x'00' WHERE id = 2");
  expect_error(ErrorCode::kDataInvalid, "face 2", [&] { gallery.refresh(); });
  EXPECT_EQ(gallery.view(), before);
  expect_error(ErrorCode::kDataInvalid, "face 2", [&] { gallery.refresh(); });  // not forgotten
  execute(
      "UPDATE face SET embedding = (SELECT embedding FROM aside WHERE aside.id = face.id); DROP TABLE aside");
  gallery.refresh();
  EXPECT_EQ(gallery.view()->search(faces_[4], 1).at(0).name, "B");
  EXPECT_EQ(before->faces(), 1U);
}

TEST_F(GalleryFile, AStoppedRefreshLeavesTheOldView) {
  Gallery gallery = create_gallery(path(), kSpace);
  enrol(gallery, "A", faces_[0]);
  const auto before = gallery.view();
  Gallery other = open_gallery(path());
  enrol(other, "B", faces_[3]);
  expect_error(ErrorCode::kStopped, "stopped", [&] { gallery.refresh([](auto, auto) { return false; }); });
  EXPECT_EQ(gallery.view(), before);
  gallery.refresh([](auto, auto) { return true; });
  EXPECT_EQ(gallery.view()->faces(), 2U);
}

std::atomic<int> statements = 0;

int count_statement(unsigned, void*, void*, void*) {
  ++statements;
  return 0;
}

int count_statements_of(sqlite3* database, char**, const struct sqlite3_api_routines*) {
  return sqlite3_trace_v2(database, SQLITE_TRACE_STMT, count_statement, nullptr);
}

TEST_F(GalleryFile, AnAnswerAsksOneStatement) {
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(count_statements_of));
  Gallery gallery = create_gallery(path(), kSpace);
  sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(count_statements_of));
  for (std::size_t i = 0; i < faces_.size(); ++i) enrol(gallery, name_of(i / 3), faces_[i]);
  const auto view = gallery.view();
  const auto asked_by = [&](const auto& work) {
    const int before = statements;
    work();
    return statements - before;
  };
  EXPECT_GT(statements, 30);  // enrolment is counted: so would be everything
  EXPECT_EQ(asked_by([&] { EXPECT_EQ(view->search(faces_[1], 2).size(), 2U); }), 1);
  EXPECT_EQ(asked_by([&] { EXPECT_EQ(view->search(faces_, 2).size(), 30U); }), 1);  // of thirty queries
  EXPECT_EQ(asked_by([&] { EXPECT_EQ(view->nearest(faces_, 3).size(), 30U); }), 1);
  EXPECT_EQ(asked_by([&] { EXPECT_TRUE(view->match_person(faces_[1], 1)); }), 1);
  // Also after a calibration and with others writing.
  gallery.set_calibration({.threshold = 0.25, .slope = 3});
  Gallery other = open_gallery(path());
  enrol(other, "B", faces_[3]);
  EXPECT_EQ(asked_by([&] { EXPECT_EQ(view->search(faces_[1], 2).size(), 2U); }), 1);
}

TEST_F(GalleryFile, RemovedPeopleGiveTheirPlacesToTheNext) {
  Gallery gallery = create_gallery(path(), kSpace);
  for (std::size_t i = 0; i < faces_.size(); ++i) enrol(gallery, name_of(i / 3), faces_[i]);
  const auto view = gallery.view();
  const auto before = view->search(faces_[0], 4);
  open_gallery(path()).remove_person(before[1].name);
  const auto after = view->search(faces_[0], 3);
  ASSERT_EQ(after.size(), 3U);
  EXPECT_EQ(after[0].name, before[0].name);
  EXPECT_EQ(after[1].name, before[2].name);
  EXPECT_EQ(after[2].name, before[3].name);
  // Among many queries, too, where others have asked about some who come later.
  const auto together = view->search(faces_, 1);
  for (std::size_t i = 0; i < faces_.size(); ++i)
    EXPECT_EQ(told({together[i]}), told({view->search(faces_[i], 1)})) << i;
}

/// An index of another library, as it were.
class CountingIndex final : public SearchIndex {
 public:
  explicit CountingIndex(int& searches) : searches_(searches) {}
  void add(std::int64_t face, std::span<const float> embedding) override { own_->add(face, embedding); }
  bool remove(std::int64_t face) override { return own_->remove(face); }
  std::vector<std::vector<Neighbour>> search(const Embeddings& queries, std::size_t count,
                                             std::span<const std::int64_t> without) const override {
    ++searches_;
    return own_->search(queries, count, without);
  }
  std::vector<float> vector(std::int64_t face) const override { return own_->vector(face); }
  std::size_t size() const override { return own_->size(); }
  std::vector<std::int64_t> faces() const override { return own_->faces(); }
  std::size_t bytes() const override { return own_->bytes(); }
  std::unique_ptr<SearchIndex> make_empty() const override {
    return std::make_unique<CountingIndex>(searches_);
  }

 private:
  std::unique_ptr<SearchIndex> own_ = make_index({.dimension = kDimension});
  int& searches_;
};

TEST_F(GalleryFile, SearchesInAnIndexThatIsHandedIn) {
  int searches = 0;
  auto index = std::make_unique<CountingIndex>(searches);
  auto store = make_memory_store(kSpace);
  for (std::size_t i = 0; i < 6; ++i) {
    NewFace face;
    face.embedding = faces_[i];
    const auto added = store->add_faces(name_of(i / 3), std::span(&face, 1));
    if (i < 4) index->add(added[0].id, faces_[i]);  // it knows some already
  }
  Gallery gallery(std::move(store), {.index_file = folder_ / "never.index"}, std::move(index));
  EXPECT_EQ(gallery.view()->search(faces_[5], 1).at(0).name, "P1");
  EXPECT_GT(searches, 0);
  enrol(gallery, "P9", faces_[9]);
  EXPECT_EQ(gallery.view()->search(faces_[9], 1).at(0).name, "P9");
  EXPECT_EQ(gallery.view()->people(), 3U);
  EXPECT_FALSE(fs::exists(folder_ / "never.index"));
}

TEST_F(GalleryFile, AnIndexFileThatIsBehindIsFollowed) {
  const Embeddings faces = synthetic_faces(10, 41, kDimension, 31);
  const auto add = [&](Gallery& gallery, std::size_t first, std::size_t end) {
    for (std::size_t person = 0; person < 10; ++person) {
      std::vector<NewFace> some(end - first);
      for (std::size_t i = first; i < end; ++i) some[i - first].embedding = faces[41 * person + i];
      gallery.add_faces(name_of(person), some);
    }
  };
  const auto kept = index_path(path());
  {
    Gallery gallery = create_gallery(path(), kSpace, {}, {.index = IndexKind::kExactInt8});
    add(gallery, 0, 40);
    static_cast<void>(gallery.view());
  }
  ASSERT_TRUE(fs::exists(kept));
  const auto time = fs::last_write_time(kept);
  {
    Gallery other = open_gallery(path());
    add(other, 40, 41);
    other.remove_face(3);
    other.remove_person("P4");
  }
  const Gallery again = open_gallery(path(), {.read_only = true, .index = IndexKind::kExactInt8});
  EXPECT_EQ(again.view()->faces(), 409U - 41);
  EXPECT_EQ(again.view()->people(), 9U);
  EXPECT_EQ(fs::last_write_time(kept), time);  // a few faces are no reason to write it anew
  const Gallery without =
      open_gallery(path(), {.read_only = true, .index = IndexKind::kExactInt8, .index_file = fs::path()});
  EXPECT_EQ(told(again.view()->search(faces, 2)), told(without.view()->search(faces, 2)));
}

TEST_F(GalleryFile, AnIndexOfAnotherKindIsNoTrouble) {
  Gallery gallery = create_gallery(path(), kSpace, {}, {.index = IndexKind::kExactInt8});
  enrol(gallery, "A", faces_[0]);
  static_cast<void>(gallery.view());
  std::vector<std::string> notices;
  const Gallery other = open_gallery(path(), {.index = IndexKind::kSketch, .notice = [&](const Notice& one) {
                                                notices.push_back(one.text);
                                              }});
  EXPECT_EQ(other.view()->faces(), 1U);
  EXPECT_EQ(notices, std::vector<std::string>());
}

TEST_F(GalleryFile, SaysWhenTheIndexCannotBeKept) {
  std::vector<Notice::Code> codes;
  Gallery gallery = create_gallery(path(), kSpace, {},
                                   {.index = IndexKind::kExactInt8,
                                    .index_file = folder_ / "no" / "such" / "folder.index",
                                    .notice = [&](const Notice& notice) { codes.push_back(notice.code); }});
  enrol(gallery, "A", faces_[0]);
  EXPECT_EQ(gallery.view()->faces(), 1U);
  EXPECT_EQ(codes, std::vector{Notice::Code::kIndexNotSaved});
}

TEST_F(GalleryFile, IsOpenedByPathAndUri) {
  {
    Gallery gallery = create_gallery(path(), kSpace);
    enrol(gallery, "A", faces_[0]);
  }
  EXPECT_EQ(open_gallery("file:" + path()).store().face_count(), 1);
  EXPECT_EQ(open_gallery("file://" + path()).store().face_count(), 1);
  EXPECT_EQ(open_gallery("file://localhost" + path()).store().face_count(), 1);
  fs::copy_file(path(), folder_ / "a b.gallery");
  EXPECT_EQ(open_gallery("file:" + (folder_ / "a%20b.gallery").string()).store().face_count(), 1);
  expect_error(ErrorCode::kDataInvalid, "another host", [] { (void)open_gallery("file://host/g"); });
  expect_error(ErrorCode::kDataInvalid, "escape", [] { (void)open_gallery("file:/a%2"); });
  expect_error(ErrorCode::kDataInvalid, "no path", [] { (void)open_gallery("file:"); });
  expect_error(ErrorCode::kInputUnreadable, "no such gallery",
               [] { (void)open_gallery("file:/no/such/file"); });
  try {
    (void)open_gallery("mysql://ann:secret@host/people");
    ADD_FAILURE() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("mysql://"), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
  }
}

TEST_F(GalleryFile, ManyOpenOrCreateTheSameOne) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Gallery gallery = open_or_create_gallery(path(), kSpace, {}, {.lock_timeout_ms = 60000});
      enrol(gallery, name_of(i), faces_[3 * i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(open_gallery(path()).store().people().size(), 4U);
  EmbeddingSpace other = kSpace;
  other.contract_id = "another";
  expect_error(ErrorCode::kModelMismatch, "another", [&] { (void)open_or_create_gallery(path(), other); });
  expect_error(ErrorCode::kOutputUnwritable, "exists already", [&] { (void)create_gallery(path(), kSpace); });
}

TEST(NamingRule, KnowsHowManyPeopleAStrangerMayBeTakenFor) {
  Gallery gallery(make_memory_store(kSpace));
  Contract contract;
  contract.thresholds = {{0.3, 0.01, "f32", "a"}, {0.5, 0.001, "f32", "b"}, {0.6, 0.0001, "f32", "c"}};
  const auto rule = [&](std::size_t people) {
    return naming_rule(*gallery.view(), contract, Precision::kF32, {.people = people});
  };
  EXPECT_NEAR(*rule(1).threshold, 0.3, 1e-12);
  EXPECT_NEAR(*rule(10).threshold, 0.5, 1e-12);
  // Half a decade between two measured rates is half their way: .01 / 31.6 = 10^-3.5.
  EXPECT_NEAR(*rule(32).threshold, 0.5 + 0.1 * std::log10(3.2), 1e-9);
  EXPECT_NEAR(*rule(100).threshold, 0.6, 1e-12);
  EXPECT_NEAR(*rule(100).strangers_named, 0.01, 1e-12);
  // Beyond what was measured the strictest counts, and what it lets through is said.
  EXPECT_EQ(*rule(3000).threshold, 0.6);
  EXPECT_NEAR(*rule(3000).strangers_named, 0.3, 1e-12);
  EXPECT_EQ(*rule(1'000'000).strangers_named, 1);
  EXPECT_EQ(rule(3000).measured->origin, "c");
}

TEST(NamingRule, SaysWhereItsThresholdComesFrom) {
  const Embeddings faces = synthetic_faces(2, 2, kDimension, 3, 0.8);
  Gallery gallery(make_memory_store(kSpace));
  enrol(gallery, "A", faces[0]);
  Contract contract;
  using Origin = NamingRule::Origin;
  const auto none = naming_rule(*gallery.view(), contract, Precision::kF32);
  EXPECT_EQ(none.origin, Origin::kNone);
  EXPECT_FALSE(none.threshold);
  EXPECT_EQ(none.people, 1U);
  const auto nobody = identify(*gallery.view(), none, faces[1]);
  EXPECT_FALSE(nobody.name);
  EXPECT_EQ(nobody.nearest->name, "A");  // the evidence is told all the same

  contract.thresholds = {{0.3, 0.01, "f32", "ten"}, {0.5, 0.001, "f32", "pairs"}, {0.1, 0.001, "int8", "x"}};
  // Ten people: one in a hundred strangers is one match in a thousand comparisons.
  const auto model = naming_rule(*gallery.view(), contract, Precision::kF32, {.people = 10});
  EXPECT_EQ(model.origin, Origin::kModel);
  EXPECT_NEAR(*model.threshold, 0.5, 1e-12);
  EXPECT_NEAR(*model.strangers_named, 0.01, 1e-12);
  EXPECT_EQ(model.measured->origin, "pairs");
  EXPECT_EQ(identify(*gallery.view(), model, faces[1]).name, "A");
  EXPECT_FALSE(identify(*gallery.view(), model, faces[1]).probability);
  EXPECT_FALSE(identify(*gallery.view(), model, faces[2]).name);
  EXPECT_EQ(naming_rule(*gallery.view(), contract, Precision::kF32, {.strangers_named = 0.02}).threshold,
            0.3);
  EXPECT_EQ(naming_rule(*gallery.view(), contract, Precision::kBf16).origin, Origin::kNone);

  gallery.set_calibration({.threshold = 0.6, .slope = 10});
  const auto calibrated = naming_rule(*gallery.view(), contract, Precision::kF32, {.people = 7});
  EXPECT_EQ(calibrated.origin, Origin::kCalibration);
  EXPECT_EQ(calibrated.threshold, 0.6);
  EXPECT_EQ(calibrated.people, 7U);
  const auto answer = identify(*gallery.view(), calibrated, faces[1]);
  EXPECT_EQ(answer.name.has_value(), *answer.probability >= 0.5);

  const auto caller = naming_rule(*gallery.view(), contract, Precision::kF32, {.threshold = -1});
  EXPECT_EQ(caller.origin, Origin::kCaller);
  EXPECT_EQ(identify(*gallery.view(), caller, faces[2]).name, "A");
  EXPECT_FALSE(caller.name({}).nearest);  // an empty gallery
}

}  // namespace
}  // namespace likeness
