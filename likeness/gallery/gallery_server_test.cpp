// What galleries at a server do besides what all galleries do.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/no_rights.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/postgres_server_testing.h"
#include "likeness/gallery/seen.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 64};

/// Statements of somebody else, in a session of their own.
class Session {
 public:
  explicit Session(const std::string& uri) : connection_(PQconnectdb(uri.c_str()), PQfinish) {}
  std::string run(const std::string& sql) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection_.get(), sql.c_str()),
                                                                PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) << PQerrorMessage(connection_.get());
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

class AtServer : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = plain_server();
    if (!server_) GTEST_SKIP() << "no server of PostgreSQL";
    static bool made = false;
    if (!std::exchange(made, true)) server_->execute("postgres", "CREATE DATABASE shared");
    static int count = 0;
    name_ = "shared_" + std::to_string(++count);
  }
  [[nodiscard]] std::string uri() const { return uri(server_->uri("shared")); }
  [[nodiscard]] std::string uri(const std::string& database) const { return database + "?gallery=" + name_; }
  [[nodiscard]] std::string schema() const { return "likeness_" + name_; }
  [[nodiscard]] Gallery make() const { return create_gallery(uri(), kSpace); }
  AddedFace add(Gallery& gallery, const std::string& person, std::size_t row, int photo) {
    const NewFace face = face_of(faces_[row], photo);
    return gallery.add_faces(person, std::span(&face, 1)).at(0);
  }
  void try_open(const std::string& where, bool read_only = false) {
    static_cast<void>(open_gallery(where, {.read_only = read_only}));
  }

  PostgresServer* server_ = nullptr;
  std::string name_;
  Embeddings faces_ = synthetic_faces(10, 3, 64, 7);
};

TEST_F(AtServer, ATransactionThatCommitsLateIsNotMissed) {
  Gallery first = make();
  Gallery second = open_gallery(uri());
  Gallery reader = open_gallery(uri(), {.read_only = true});
  add(first, "Ada", 0, 1);
  EXPECT_EQ(reader.view()->version(), 1U);
  // Somebody has begun a change and has drawn the next face's number.
  Session late(uri(server_->uri("shared")).substr(0, server_->uri("shared").size()));
  late.run("BEGIN; SET LOCAL search_path = " + schema() +
           "; UPDATE counter SET value = value + 1 WHERE key = 'commits'; UPDATE counter SET value = value + "
           "1 WHERE "
           "key = 'version'; SELECT nextval('face_id_seq')");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    add(second, "Bob", 3, 2);
    done = true;
  });
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_FALSE(done);  // it waits, so that no later version can be read before this one
  reader.refresh();
  EXPECT_EQ(reader.view()->version(), 1U);
  late.run(
      "INSERT INTO face SELECT currval('face_id_seq'), person_id, photo, sha256('late'), box_left, box_top, "
      "box_right, box_bottom, landmarks, size_px, sharpness, brightness, yaw, score, added_ms FROM face; "
      "INSERT "
      "INTO face_embedding SELECT currval('face_id_seq'), embedding FROM face_embedding; INSERT INTO change "
      "(version, face_id, person_id) SELECT 2, currval('face_id_seq'), person_id FROM person JOIN face ON "
      "person_id = person.id LIMIT 1; COMMIT");
  writer.join();
  reader.refresh();
  EXPECT_EQ(reader.view()->version(), 3U);
  EXPECT_EQ(reader.view()->faces(), 3U);
  const auto changes = reader.store().changes_since(1);
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->faces.size(), 2U);
  EXPECT_LT(changes->faces[0].face, changes->faces[1].face);  // the later version has the higher number
}

TEST_F(AtServer, TwoWritersAndThreeReadersAgree) {
  Gallery gallery = make();
  std::atomic<bool> stop = false;
  std::atomic<int> acknowledged = 0;
  std::vector<std::thread> threads;
  for (int w = 0; w < 2; ++w) {
    threads.emplace_back([&, w] {
      Gallery own = open_gallery(uri());
      for (int i = 0; i < 25; ++i) {
        add(own, "W" + std::to_string(w), static_cast<std::size_t>(i), 1 + w * 100 + i);
        ++acknowledged;
        if (i % 5 == 4)
          own.remove_face(own.store().faces(own.store().find_person("W" + std::to_string(w))->id)[0].id);
      }
    });
  }
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      const Gallery own = open_gallery(uri(), {.read_only = true});
      std::uint64_t last = 0;
      while (!stop) {
        own.refresh();
        const auto view = own.view();
        EXPECT_GE(view->version(), last);
        last = view->version();
        static_cast<void>(view->search(faces_[0], 2));
      }
      own.refresh();
      std::set<std::int64_t> known;
      for (const auto& layer : own.view()->nearest(faces_[0], 1000)) known.insert(layer.face);
      std::set<std::int64_t> truth;
      for (const FaceOwner& owner : own.store().owners()) truth.insert(owner.face);
      EXPECT_EQ(known, truth);  // what was followed is what is there
    });
  }
  for (std::thread& writer : threads) writer.join();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(acknowledged, 50);
  EXPECT_EQ(gallery.store().version(), 60U);
  EXPECT_EQ(gallery.store().face_count(), 40);
  EXPECT_TRUE(gallery.store().check().empty());
}

TEST_F(AtServer, WhoWaitsHearsOfAChangeAndReadsItWithoutANoticeToo) {
  Gallery gallery = make();
  const Gallery waiting = open_gallery(uri(), {.read_only = true});
  EXPECT_FALSE(waiting.store().wait_for_change(0, milliseconds(20)));
  std::vector<double> took;
  for (int i = 0; i < 9; ++i) {
    const auto version = waiting.store().version();
    Clock::time_point changed;
    std::thread writer([&] {
      std::this_thread::sleep_for(milliseconds(20));
      add(gallery, "Ada", static_cast<std::size_t>(i), i + 1);
      changed = Clock::now();
    });
    EXPECT_TRUE(waiting.store().wait_for_change(version, milliseconds(5000)));
    const auto heard = Clock::now();
    writer.join();
    took.push_back(std::chrono::duration<double, std::milli>(heard - changed).count());
  }
  std::ranges::sort(took);
  EXPECT_LT(took[4], 200);
  RecordProperty("median_ms", std::to_string(took[4]));
  // A change without a notice, as where the notice's connection was lost.
  const auto version = waiting.store().version();
  server_->execute("shared", "UPDATE " + schema() + ".counter SET value = value + 1 WHERE key = 'version'");
  const auto start = Clock::now();
  EXPECT_TRUE(waiting.store().wait_for_change(version, milliseconds(5000)));
  EXPECT_LT(Clock::now() - start, milliseconds(3000));  // it looks every second
}

TEST_F(AtServer, ARemovedPersonIsNotNamedAfterTheRemovalAndNamesFollow) {
  Gallery gallery = make();
  const Gallery other = open_gallery(uri(), {.read_only = true});
  add(gallery, "Ada", 0, 1);
  add(gallery, "Bob", 3, 2);
  const auto old = other.view_or_last();
  EXPECT_EQ(old->search(faces_[0], 1).at(0).name, "Ada");
  gallery.rename_person("Ada", "Eva");
  EXPECT_EQ(old->search(faces_[0], 1).at(0).name, "Eva");
  gallery.remove_person("Eva");
  for (const PersonMatch& match : old->search(faces_[0], 2)) EXPECT_EQ(match.name, "Bob");
}

TEST_F(AtServer, SearchingGoesOnWhileTheServerIsAwayAndComesBack) {
  Gallery gallery = make();
  add(gallery, "Ada", 0, 1);
  const auto before = gallery.view_or_last();
  EXPECT_FALSE(before->stale());
  gallery.rename_person("Ada", "Eva");
  EXPECT_EQ(gallery.view_or_last()->search(faces_[0], 1).at(0).name, "Eva");
  server_->stop();
  const auto away = gallery.view_or_last();
  const auto found = away->search(faces_[0], 1);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "Eva");
  EXPECT_EQ(found[0].photo, "");
  EXPECT_TRUE(away->stale());
  EXPECT_EQ(away->version(), 2U);
  expect_error(ErrorCode::kUnavailable, "cannot be reached", [&] { add(gallery, "Bob", 3, 2); });
  expect_error(ErrorCode::kUnavailable, "cannot be reached", [&] { try_open(uri()); });
  server_->run();
  std::this_thread::sleep_for(milliseconds(1100));  // it is asked again a second later
  EXPECT_TRUE(add(gallery, "Bob", 3, 2).is_new);
  const auto back = gallery.view_or_last();
  EXPECT_FALSE(back->stale());
  EXPECT_EQ(back->search(faces_[3], 1).at(0).name, "Bob");
  EXPECT_EQ(back->search(faces_[3], 1).at(0).photo, "photos/2.jpg");
  EXPECT_FALSE(back->stale());
}

TEST_F(AtServer, AnIdleConnectionThatWasLostIsMadeAnew) {
  Gallery gallery = make();
  add(gallery, "Ada", 0, 1);
  server_->execute(
      "shared", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'likeness'");
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(gallery.store().face_count(), 1);
  server_->execute(
      "shared", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'likeness'");
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_TRUE(add(gallery, "Bob", 3, 2).is_new);
  EXPECT_TRUE(gallery.store().check().empty());
}

TEST_F(AtServer, SaysInALineWhatIsWrong) {
  expect_error(ErrorCode::kInputUnreadable, "no such gallery", [&] { try_open(uri()); });
  static_cast<void>(make());
  expect_error(ErrorCode::kOutputUnwritable, "exists already", [&] { static_cast<void>(make()); });
  const auto message = [&](const std::string& where) -> std::string {
    try {
      try_open(where);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << error.what();
      EXPECT_EQ(std::string(error.what()).find_first_of("\n\t"), std::string::npos);
      EXPECT_EQ(std::string(error.what()).find("wrong-one"), std::string::npos);
      return error.what();
    }
    return "nothing";
  };
  EXPECT_NE(
      message(uri(server_->uri("shared", "postgres", "wrong-one"))).find("password authentication failed"),
      std::string::npos);
  EXPECT_NE(message(uri(server_->uri("nowhere"))).find("\"nowhere\" does not exist"), std::string::npos);
  EXPECT_NE(message("postgresql://127.0.0.1:1/x").find("refused"), std::string::npos);
  expect_error(ErrorCode::kDataInvalid, "1 to 40 of a-z",
               [&] { try_open(server_->uri("shared") + "?gallery=A-b"); });
  expect_error(ErrorCode::kDataInvalid, "invalid URI query parameter",
               [&] { try_open(server_->uri("shared") + "?colour=red"); });
  const auto set_format = [&](int format) {
    server_->execute("shared", "UPDATE " + schema() + ".counter SET value = " + std::to_string(format) +
                                   " WHERE key = 'format'");
  };
  set_format(6);
  expect_error(ErrorCode::kDataInvalid, "newer likeness", [&] { try_open(uri()); });
  set_format(3);
  expect_error(ErrorCode::kDataInvalid, "never existed", [&] { try_open(uri()); });
  set_format(5);
  EXPECT_NO_THROW(try_open(uri()));
  server_->execute("shared", "DROP TABLE " + schema() + ".face_embedding");
  expect_error(ErrorCode::kDataInvalid, "damaged", [&] { try_open(uri()); });
}

TEST_F(AtServer, ReadsFormat4AsItIsAndBringsItToTodaysWhenItsRoleOpensItForWriting) {
  Gallery made = make();
  const std::int64_t face = add(made, "Ada", 0, 1).id;
  for (const char* table : {"face", "seen_face"})
    server_->execute("shared", "ALTER TABLE " + schema() + "." + table +
                                   " DROP COLUMN photo_width, DROP COLUMN photo_height");
  server_->execute("shared", "UPDATE " + schema() + ".counter SET value = 4 WHERE key = 'format'");
  {
    const Gallery reading = open_gallery(uri(), {.read_only = true});
    EXPECT_EQ(reading.store().find_face(face)->photo_size, ImageSize{});
    EXPECT_TRUE(reading.store().check().empty());
  }
  server_->execute("shared",
                   "DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN PASSWORD 'for-tests'; GRANT "
                   "USAGE ON SCHEMA " +
                       schema() + " TO writer; GRANT ALL ON ALL TABLES IN SCHEMA " + schema() + " TO writer");
  const std::string as_writer = uri(server_->uri("shared", "writer"));
  expect_error(ErrorCode::kOutputUnwritable, "the role that made the gallery", [&] { try_open(as_writer); });
  Gallery gallery = open_gallery(uri());
  EXPECT_EQ(gallery.store().find_face(face)->photo_size, ImageSize{});
  EXPECT_FALSE(add(gallery, "Ada", 0, 1).is_new);
  EXPECT_EQ(gallery.store().find_face(face)->photo_size, (ImageSize{640, 480}));
  EXPECT_TRUE(gallery.store().seen().add({.embedding = faces_[3], .photo_size = {3, 4}}, 0.5).is_new);
  EXPECT_TRUE(gallery.store().check().empty());
  EXPECT_NO_THROW(try_open(as_writer));
  server_->execute("shared", "DROP OWNED BY writer; DROP ROLE writer");
}

TEST_F(AtServer, ARoleThatMayOnlySearchSearches) {
  Gallery gallery = make();
  add(gallery, "Ada", 0, 1);
  server_->execute("shared", "DROP ROLE IF EXISTS searcher; CREATE ROLE searcher LOGIN PASSWORD 'for-tests'");
  const std::string as_searcher = uri(server_->uri("shared", "searcher"));
  expect_error(ErrorCode::kInputUnreadable, "no rights", [&] { try_open(as_searcher, true); });
  server_->execute("shared", "GRANT USAGE ON SCHEMA " + schema() +
                                 " TO searcher; GRANT SELECT ON ALL TABLES IN SCHEMA " + schema() +
                                 " TO searcher");
  const Gallery search = open_gallery(as_searcher, {.read_only = true});
  EXPECT_EQ(search.view()->search(faces_[0], 1).at(0).name, "Ada");
  expect_error(ErrorCode::kOutputUnwritable, "the role's rights forbid changes",
               [&] { try_open(as_searcher); });
  {
    std::string told;
    Gallery served = open_gallery(
        as_searcher,
        {.may_be_read_only = true, .notice = [&](const Notice& notice) { told += notice.text; }});
    EXPECT_NE(told.find("opened for reading; the role's rights forbid changes"), std::string::npos) << told;
    EXPECT_EQ(served.view()->search(faces_[0], 1).at(0).name, "Ada");
    EXPECT_THROW(add(served, "Bob", 3, 2), NoRights);
    EXPECT_EQ(served.view_or_last()->faces(), 1U);
  }
  server_->execute("shared", "DROP OWNED BY searcher; DROP ROLE searcher");
  Gallery reading = open_gallery(uri(), {.read_only = true});
  expect_error(ErrorCode::kOutputUnwritable, "may not be written", [&] { add(reading, "Bob", 3, 2); });
}

TEST_F(AtServer, WhoWaitsTooLongForAnotherWriterIsTold) {
  static_cast<void>(make());
  Session other(server_->uri("shared"));
  other.run("BEGIN; UPDATE " + schema() + ".counter SET value = value + 1 WHERE key = 'commits'");
  Gallery impatient = open_gallery(uri(), {.lock_timeout_ms = 50});
  expect_error(ErrorCode::kUnavailable, "locked", [&] { add(impatient, "Ada", 0, 1); });
  other.run("ROLLBACK");
  EXPECT_TRUE(add(impatient, "Ada", 0, 1).is_new);
}

TEST_F(AtServer, GalleriesOfOneDatabaseAreApart) {
  Gallery first = make();
  add(first, "Ada", 0, 1);
  name_ += "_b";
  Gallery second = open_or_create_gallery(uri(), kSpace);
  EXPECT_TRUE(second.store().people().empty());
  EXPECT_NE(second.store().identity(), first.store().identity());
  EXPECT_TRUE(add(second, "Ada", 0, 1).is_new);
  EmbeddingSpace other = kSpace;
  other.contract_id = "other-model";
  expect_error(ErrorCode::kModelMismatch, "other-model",
               [&] { static_cast<void>(open_or_create_gallery(uri(), other)); });
}

TEST_F(AtServer, ManyMakeTheSameGalleryAndOneDoes) {
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&] { opened += open_or_create_gallery(uri(), kSpace).store().people().empty() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, 4);
}

TEST_F(AtServer, APurgeLeavesNothingInTheTables) {
  Gallery gallery = make();
  add(gallery, "Ada", 0, 1);
  add(gallery, "Bob", 3, 2);
  gallery.remove_person("Ada");
  gallery.purge();
  EXPECT_EQ(gallery.view()->search(faces_[3], 1).at(0).name, "Bob");
  Session session(server_->uri("shared"));
  // Pages that hold no dead row any more.
  EXPECT_EQ(session.run("SELECT pg_relation_size('" + schema() + ".face_embedding') + pg_relation_size('" +
                        schema() + ".person')"),
            std::to_string(2 * 8192));
  EXPECT_TRUE(gallery.store().check().empty());
}

TEST_F(AtServer, ARemovalFromALargeGalleryKeepsNobodyWaiting) {
  Gallery gallery = open_or_create_gallery(uri(), kSpace, {}, {.lock_timeout_ms = 50});
  for (int i = 0; i < 9; ++i) add(gallery, "P" + std::to_string(i), static_cast<std::size_t>(3 * i), i + 1);
  Session other(server_->uri("shared"));
  other.run("SET search_path = " + schema());
  other.run("INSERT INTO face_crop SELECT id, convert_to(repeat('x', 8000000), 'UTF8') FROM face");
  other.run("BEGIN; SELECT count(*) FROM face");  // somebody reads for long
  Session cleaner(server_->uri("shared"));
  cleaner.run("BEGIN; LOCK TABLE " + schema() +
              ".face_crop IN SHARE UPDATE EXCLUSIVE MODE");  // as VACUUM does
  gallery.remove_person("P1");
  gallery.purge();
  cleaner.run("COMMIT");
  for (const PersonMatch& match : gallery.view()->search(faces_[3], 9)) EXPECT_NE(match.name, "P1");
  expect_error(ErrorCode::kUnavailable, "locked", [&] { gallery.purge({}, true); });
  other.run("COMMIT");
  gallery.purge({}, true);
  EXPECT_TRUE(gallery.store().check().empty());
}

TEST_F(AtServer, AnExtensionThatWasDroppedIsSaid) {
  PostgresServer* server = vector_server();
  if (!server) GTEST_SKIP() << "no server of PostgreSQL with pgvector";
  server->execute("postgres", "CREATE DATABASE dropped");
  const std::string where = server->uri("dropped");
  static_cast<void>(create_gallery(where, kSpace));
  server->execute("dropped", "DROP EXTENSION vector CASCADE");
  expect_error(ErrorCode::kDataInvalid, "was the extension they were kept by dropped",
               [&] { try_open(where); });
}

}  // namespace
}  // namespace likeness
