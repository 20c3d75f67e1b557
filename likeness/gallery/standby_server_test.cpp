// A gallery that is read from a hot standby, and what becomes of it when the primary is away.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/postgres_server_testing.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kDimension = 64;
const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = kDimension};

/// A server and its standby, for each kind of server.
class Standby : public ::testing::TestWithParam<const char*> {
 protected:
  static void TearDownTestSuite() { standbys_.clear(); }
  void SetUp() override {
    primary_ = GetParam() == std::string("pgvector") ? vector_server() : plain_server();
    if (!primary_) GTEST_SKIP() << "no such server of PostgreSQL";
    auto& standby = standbys_[primary_];
    if (!standby) standby = PostgresServer::standby_of(*primary_);
    standby_ = standby.get();
    static int count = 0;
    name_ = "copied_" + std::to_string(++count);
  }
  void TearDown() override {
    if (!primary_) return;
    primary_->execute("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    primary_->execute("postgres", "SELECT pg_reload_conf()");
  }

  [[nodiscard]] std::string uri(const std::string& database) const {
    return database + (database.find('?') == std::string::npos ? '?' : '&') + "gallery=" + name_;
  }
  [[nodiscard]] std::string at_primary() const { return uri(primary_->uri("postgres")); }
  [[nodiscard]] std::string at_standby() const { return uri(standby_->uri("postgres")); }
  template <typename Condition>
  static void wait_until(const Condition& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(10));
    ASSERT_TRUE(condition());
  }
  /// A gallery at the primary with Ada in it, which has arrived at the standby.
  [[nodiscard]] Gallery make() {
    Gallery gallery = create_gallery(at_primary(), kSpace);
    add(gallery, "Ada", 0);
    wait_until([&] { return gallery_exists(at_standby()); });
    EXPECT_EQ(named(*open(at_standby()).view_with(1, seconds(10)), 0), "Ada");
    return gallery;
  }
  /// As a service opens it.
  [[nodiscard]] static Gallery open(const std::string& where) {
    return open_gallery(where, {.may_be_read_only = true});
  }
  AddedFace add(Gallery& gallery, const std::string& person, std::size_t row) const {
    const NewFace face = face_of(faces_[row], static_cast<int>(row) + 1);
    return gallery.add_faces(person, std::span(&face, 1)).at(0);
  }
  [[nodiscard]] std::string named(const GalleryView& view, std::size_t row) const {
    const auto found = view.search(faces_[row], 1);
    return found.empty() || found[0].similarity < 0.9 ? "" : found[0].name;
  }
  void pause(bool paused) const {
    standby_->execute("postgres", std::string("SELECT pg_wal_replay_") + (paused ? "pause()" : "resume()"));
  }
  /// From now on nothing that is changed at the primary arrives.
  void cut_off() const {
    standby_->execute("postgres", "ALTER SYSTEM SET primary_conninfo = ''");
    standby_->execute("postgres", "SELECT pg_reload_conf()");
    wait_until(
        [&] { return primary_->execute("postgres", "SELECT count(*) FROM pg_stat_replication") == "0"; });
  }

  PostgresServer* primary_ = nullptr;
  PostgresServer* standby_ = nullptr;
  static inline std::map<PostgresServer*, std::unique_ptr<PostgresServer>> standbys_;  // by their primaries
  std::string name_;
  Embeddings faces_ = synthetic_faces(6, 1, kDimension, 11);
};

TEST_P(Standby, IsSearchedAndFollowedAndNotChanged) {
  Gallery writer = make();
  std::string told;
  Gallery reader = open_gallery(
      at_standby(), {.may_be_read_only = true, .notice = [&](const Notice& notice) { told += notice.text; }});
  EXPECT_NE(told.find("opened for reading; the server is a standby"), std::string::npos) << told;
  EXPECT_EQ(named(*reader.view_or_last(), 0), "Ada");
  EXPECT_TRUE(reader.store().may_lag());
  EXPECT_FALSE(writer.store().may_lag());

  std::thread enrolling([&] {
    std::this_thread::sleep_for(milliseconds(20));
    add(writer, "Bob", 1);
  });
  EXPECT_TRUE(reader.store().wait_for_change(1, seconds(10)));  // nothing is announced there
  enrolling.join();
  EXPECT_EQ(named(*reader.view_or_last(), 1), "Bob");

  const char* words = "the server is a standby, which is read only: changes go to the primary";
  expect_error(ErrorCode::kUnavailable, words, [&] { add(reader, "Eve", 2); });
  expect_error(ErrorCode::kUnavailable, words, [&] { reader.remove_person("Ada"); });
  expect_error(ErrorCode::kUnavailable, words, [&] { static_cast<void>(open_gallery(at_standby())); });
  const std::string none = standby_->uri("postgres") + "?gallery=none";
  expect_error(ErrorCode::kUnavailable, words, [&] { static_cast<void>(create_gallery(none, kSpace)); });
  EXPECT_EQ(named(*reader.view_or_last(), 0), "Ada");
  EXPECT_FALSE(reader.view_or_last()->stale());
}

TEST_P(Standby, BehindItAnswersWithItsVersionUnlessAnotherIsAskedFor) {
  Gallery writer = make();
  const Gallery reader = open(at_standby());
  pause(true);
  writer.remove_person("Ada");
  const auto behind = reader.view_or_last();
  EXPECT_EQ(named(*behind, 0), "Ada");
  EXPECT_EQ(behind->version(), 1U);
  EXPECT_FALSE(behind->stale());
  expect_error(ErrorCode::kUnavailable, "on this standby, which has not got it yet",
               [&] { static_cast<void>(reader.view_with(2, milliseconds(30))); });
  pause(false);
  EXPECT_EQ(named(*reader.view_with(2, seconds(10)), 0), "");
  EXPECT_EQ(named(*behind, 0), "");
}

TEST_P(Standby, AChangeThatWaitsForTheStandbyIsThereWhenItReturns) {
  static_cast<void>(make());
  primary_->execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
  primary_->execute("postgres", "SELECT pg_reload_conf()");
  wait_until(
      [&] { return primary_->execute("postgres", "SELECT sync_state FROM pg_stat_replication") == "sync"; });
  Gallery writer =
      open_gallery(uri(primary_->uri("postgres") + "?options=-csynchronous_commit%3Dremote_apply"));
  const Gallery reader = open(at_standby());
  const auto view = reader.view_or_last();
  EXPECT_EQ(named(*view, 0), "Ada");
  pause(true);
  std::atomic<bool> returned = false;
  std::thread removing([&] {
    writer.remove_person("Ada");
    returned = true;
  });
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_FALSE(returned);
  pause(false);
  removing.join();
  EXPECT_EQ(named(*view, 0), "");
}

TEST_P(Standby, AChangeGoesToThePrimaryWhereTheAddressLeadsToIt) {
  static_cast<void>(make());
  const std::string both = uri(standby_->uri_with(*primary_, "postgres"));
  {  // for changes alone
    Gallery writer = open_gallery(both);
    EXPECT_FALSE(writer.store().may_lag());
  }
  Gallery gallery = open(both + "&target_session_attrs=prefer-standby");
  EXPECT_EQ(named(*gallery.view(), 0), "Ada");
  EXPECT_TRUE(gallery.store().may_lag());
  pause(true);
  EXPECT_TRUE(add(gallery, "Bob", 1).is_new);
  EXPECT_EQ(named(*gallery.view(), 1), "Bob");  // what one has written one reads
  EXPECT_FALSE(gallery.store().may_lag());
  pause(false);
  Gallery keeping = open(both + "&target_session_attrs=standby");
  expect_error(ErrorCode::kUnavailable, "changes go to the primary", [&] { add(keeping, "Eve", 2); });
  EXPECT_EQ(named(*keeping.view_with(2, seconds(10)), 1), "Bob");
}

/// The last change is lost with the primary, and the promoted standby gives its version and its face's id to
/// another one.
TEST_P(Standby, APromotedOneGoesOnAndWhatWasLostWithThePrimaryIsNotNamed) {
  static_cast<void>(make());
  const std::string both = uri(primary_->uri_with(*standby_, "postgres"));
  Gallery first = open(both);
  const Gallery second = open(both);
  EXPECT_EQ(named(*first.view_or_last(), 0), "Ada");
  cut_off();
  const std::int64_t lost = add(first, "Bob", 1).id;
  EXPECT_EQ(named(*second.view_or_last(), 1), "Bob");
  primary_->stop();
  EXPECT_EQ(named(*first.view_or_last(), 0), "Ada");
  EXPECT_EQ(named(*first.view_or_last(), 1), "");
  EXPECT_EQ(first.view_or_last()->version(), 1U);
  EXPECT_FALSE(first.view_or_last()->stale());
  expect_error(ErrorCode::kUnavailable, "changes go to the primary", [&] { add(first, "Eve", 2); });
  EXPECT_EQ(standby_->execute("postgres", "SELECT pg_promote()"), "t");
  standby_->execute(
      "postgres", "SELECT setval('likeness_" + name_ + ".face_id_seq', " + std::to_string(lost) + ", false)");
  EXPECT_EQ(add(first, "Eve", 2).id, lost);
  EXPECT_EQ(first.view()->version(), 2U);
  EXPECT_EQ(named(*first.view(), 2), "Eve");
  EXPECT_EQ(second.view_or_last()->version(), 2U);
  EXPECT_EQ(named(*second.view_or_last(), 2), "Eve");
  EXPECT_EQ(named(*second.view_or_last(), 1), "");
  EXPECT_TRUE(second.store().wait_for_change(1, seconds(10)));
  primary_->run();
  standbys_.erase(primary_);  // it is none any more
}

INSTANTIATE_TEST_SUITE_P(Servers, Standby, ::testing::Values("plain", "pgvector"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace likeness
