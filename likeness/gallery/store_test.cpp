#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "likeness/core/error.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/older_formats_testing.h"
#include "likeness/gallery/seen.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 64};

class Store : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(::testing::TempDir()) / ("gallery_" + std::to_string(::getpid()) +
                                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = folder_ / "people.gallery";
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<GalleryStore> make(const CreateOptions& options = {}) {
    create_sqlite_gallery(path_, kSpace, options);
    return open_sqlite_gallery(path_, {.passphrase = options.passphrase});
  }
  AddedFace add(GalleryStore& store, const std::string& name, std::size_t row, int photo) {
    const NewFace face = face_of(faces_[row], photo);
    return store.add_faces(name, std::span(&face, 1)).at(0);
  }
  void try_open() { static_cast<void>(open_sqlite_gallery(path_)); }
  void execute(const std::string& sql) { change_file(path_, sql); }
  std::string file_bytes() const {
    std::string all;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  }

  fs::path folder_;
  fs::path path_;
  Embeddings faces_ = synthetic_faces(10, 3, 64, 7);
};

TEST_F(Store, RefusesAnotherModel) {
  const auto store = make();
  EmbeddingSpace other = kSpace;
  EXPECT_NO_THROW(require_same_space(store->space(), "g", other, "these"));
  other.contract_id = "other-model";
  expect_error(ErrorCode::kModelMismatch, "other-model",
               [&] { require_same_space(store->space(), "g", other, "these"); });
  expect_error(ErrorCode::kModelMismatch, "test-model",
               [&] { require_same_space(store->space(), "g", other, "these"); });
}

TEST_F(Store, EncryptsNamesPathsAndEmbeddings) {
  const auto open_with = [&](std::optional<std::string> key) {
    return open_sqlite_gallery(path_, {.passphrase = std::move(key)});
  };
  {
    const auto store = make({.passphrase = "open sesame"});
    add(*store, "Ada Lovelace", 0, 1);
    store->rename_person("Ada Lovelace", "Ada King");
    EXPECT_FALSE(add(*store, "Bob", 0, 1).is_new);
  }
  const std::string raw = file_bytes();
  EXPECT_EQ(raw.find("Ada"), std::string::npos);
  EXPECT_EQ(raw.find("photos/"), std::string::npos);
  EXPECT_EQ(raw.find(std::string(reinterpret_cast<const char*>(faces_.values.data()), 16)),
            std::string::npos);
  const auto store = open_with("open sesame");
  EXPECT_EQ(store->people().at(0).name, "Ada King");
  EXPECT_EQ(store->faces().at(0).photo, "photos/1.jpg");
  EXPECT_EQ(store->embedding(store->owners()[0].face),
            std::vector<float>(faces_[0].begin(), faces_[0].end()));
  EXPECT_TRUE(store->check().empty());
  expect_error(ErrorCode::kDataInvalid, "wrong passphrase",
               [&] { static_cast<void>(open_with("open sesamf")); });
  expect_error(ErrorCode::kDataInvalid, "encrypted", [&] { static_cast<void>(open_with(std::nullopt)); });
}

TEST_F(Store, SaysWhenAnEncryptedFaceWasExchanged) {
  {
    const auto store = make({.passphrase = "k"});
    add(*store, "Ada", 0, 1);
    add(*store, "Bob", 3, 2);
  }
  execute("UPDATE face SET embedding = (SELECT embedding FROM face WHERE id = 2) WHERE id = 1");
  const auto store = open_sqlite_gallery(path_, {.passphrase = "k"});
  EXPECT_EQ(store->check().size(), 1U);
}

TEST_F(Store, RemovedFacesLeaveNoTrace) {
  {
    const auto store = make();
    add(*store, "Ada", 0, 1);
    add(*store, "Bob", 3, 2);
    store->remove_person("Ada");
  }  // closing writes the log back into the file
  EXPECT_EQ(file_bytes().find(std::string(reinterpret_cast<const char*>(faces_.values.data()), 16)),
            std::string::npos);
}

TEST_F(Store, NamesWhatIsWrongWithAFile) {
  expect_error(ErrorCode::kInputUnreadable, "no such gallery", [&] { try_open(); });
  std::ofstream(path_) << "this is a text file, long enough to be looked at as a database header, and more";
  expect_error(ErrorCode::kDataInvalid, "not a gallery", [&] { try_open(); });
  std::ofstream(path_, std::ios::trunc).close();
  expect_error(ErrorCode::kDataInvalid, "not a gallery", [&] { try_open(); });
  execute("CREATE TABLE t (x)");
  expect_error(ErrorCode::kDataInvalid, "not a gallery", [&] { try_open(); });
  fs::remove(path_);
  create_sqlite_gallery(path_, kSpace);
  expect_error(ErrorCode::kOutputUnwritable, "exists already", [&] { create_sqlite_gallery(path_, kSpace); });
  execute("PRAGMA user_version = 6");
  expect_error(ErrorCode::kDataInvalid, "newer likeness", [&] { try_open(); });
  execute("PRAGMA user_version = 5; DELETE FROM meta WHERE key = 'dimension'");
  expect_error(ErrorCode::kDataInvalid, "dimension", [&] { try_open(); });
  execute("INSERT INTO meta VALUES ('dimension', '99999999999')");
  expect_error(ErrorCode::kDataInvalid, "dimension", [&] { try_open(); });
}

TEST_F(Store, RefusesForeignTriggersAndTables) {
  make();
  execute("CREATE TRIGGER t AFTER INSERT ON face BEGIN DELETE FROM person; END");
  expect_error(ErrorCode::kDataInvalid, "unexpected definition", [&] { try_open(); });
  execute("DROP TRIGGER t; DROP TABLE face");
  expect_error(ErrorCode::kDataInvalid, "damaged", [&] { try_open(); });
}

TEST_F(Store, FindsDamagedRows) {
  {
    const auto store = make();
    for (int i = 0; i < 5; ++i) add(*store, "P" + std::to_string(i), static_cast<std::size_t>(i), i + 1);
  }
  execute(
      "UPDATE face SET embedding = zeroblob(256) WHERE id = 1; UPDATE face SET embedding = zeroblob(10) "
      "WHERE id = 2;"
      "UPDATE face SET landmarks = x'00' WHERE id = 3; UPDATE face SET person_id = 99 WHERE id = 4");
  const auto store = open_sqlite_gallery(path_);
  const auto wrong = store->check();
  EXPECT_EQ(wrong.size(),
            5U);  // two embeddings, landmarks, an owner that does not exist, a person left alone
  expect_error(ErrorCode::kDataInvalid, "face 1", [&] { static_cast<void>(store->embedding(1)); });
  expect_error(ErrorCode::kDataInvalid, "face 2", [&] { static_cast<void>(store->embedding(2)); });
}

TEST_F(Store, SurvivesDamageAnywhereInTheFile) {
  {
    const auto store = make();
    for (int i = 0; i < 20; ++i) add(*store, "P" + std::to_string(i % 7), static_cast<std::size_t>(i), i + 1);
  }
  std::ifstream file(path_, std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(file), {});
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    std::string bad = good;
    if (round % 3 == 0) {
      bad.resize(random() % good.size());
    } else {
      for (int i = 0; i < 40; ++i) bad[random() % bad.size()] = static_cast<char>(random());
    }
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bad;
    try {
      const auto store = open_sqlite_gallery(path_);
      static_cast<void>(store->check());
      static_cast<void>(store->faces());
      store->read_embeddings(0, [](FaceOwner, std::span<const float>) {});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDataInvalid) << error.what();
    }
  }
}

TEST_F(Store, SaysWhenAnotherProcessHoldsTheLock) {
  const auto store = make();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto impatient = open_sqlite_gallery(path_, {.lock_timeout_ms = 20});
  expect_error(ErrorCode::kUnavailable, "locked", [&] { add(*impatient, "Ada", 0, 1); });
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  EXPECT_TRUE(add(*impatient, "Ada", 0, 1).is_new);
  sqlite3_close(other);
}

TEST_F(Store, TwoWritersAtOnceLoseNothing) {
  make();
  const auto write = [&](int writer) {
    const auto store = open_sqlite_gallery(path_, {.lock_timeout_ms = 60000});
    for (int i = 0; i < 40; ++i)
      add(*store, "W" + std::to_string(writer), static_cast<std::size_t>(i % 30), 1 + writer * 100 + i);
  };
  std::thread first(write, 0);
  std::thread second(write, 1);
  first.join();
  second.join();
  const auto store = open_sqlite_gallery(path_);
  EXPECT_EQ(store->find_person("W0")->faces, 40);
  EXPECT_EQ(store->find_person("W1")->faces, 40);
  EXPECT_TRUE(store->check().empty());
}

TEST_F(Store, OpensAReadOnlyFileForReadingOnly) {
  add(*make(), "Ada", 0, 1);
  fs::permissions(path_, fs::perms::owner_read);
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  // The super-user may write anywhere: become somebody else for this test.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::getuid() == 0) {
      if (::chown(folder_.c_str(), 65534, 65534) != 0 || ::chown(path_.c_str(), 65534, 65534) != 0 ||
          ::setuid(65534) != 0) {
        ::_exit(3);
      }
    }
    try {
      if (open_sqlite_gallery(path_, {.read_only = true})->people().size() != 1) ::_exit(4);
      const auto writer = open_sqlite_gallery(path_);
      ::_exit(5);
    } catch (const Error& error) {
      ::_exit(error.code() == ErrorCode::kOutputUnwritable ? 0 : 6);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  fs::permissions(folder_, fs::perms::owner_all);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Store, AFullDiskLosesNothing) {
  {
    const auto store = make();
    for (int i = 0; i < 10; ++i) add(*store, "Ada", static_cast<std::size_t>(i), i + 1);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    // A limit on the size of files stands for a full disk: writes fail with EFBIG instead of ENOSPC.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{120'000, 120'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int acknowledged = 0;
    try {
      const auto store = open_sqlite_gallery(path_);
      for (; acknowledged < 200; ++acknowledged) {
        add(*store, "Bob", static_cast<std::size_t>(acknowledged % 30), 100 + acknowledged);
      }
      ::_exit(255);
    } catch (const Error& error) {
      ::_exit(error.code() == ErrorCode::kOutputUnwritable ? acknowledged : 254);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_LT(WEXITSTATUS(status), 200);
  const auto store = open_sqlite_gallery(path_);
  EXPECT_TRUE(store->check().empty());
  EXPECT_EQ(store->find_person("Ada")->faces, 10);
  const auto bob = store->find_person("Bob");
  EXPECT_EQ(bob ? bob->faces : 0, WEXITSTATUS(status));
}

TEST_F(Store, GoesBackToACopyWhileOthersRead) {
  const auto store = make();
  add(*store, "Ada", 0, 1);
  const std::vector<std::byte> crop(100, std::byte{7});
  NewFace pictured = face_of(faces_[3], 2);
  pictured.crop = crop;
  const std::int64_t bob = store->add_faces("Bob", std::span(&pictured, 1)).at(0).id;
  store->set_note("calibration", "then");
  store->reject(store->find_person("Ada")->id, faces_[9], "", {});
  const auto seen = store->seen().add({.embedding = faces_[12]}, 0.5);
  const fs::path copy = folder_ / "copy.gallery";
  store->backup_to(copy);
  const auto ada = store->find_person("Ada");
  store->remove_person("Ada");
  store->rename_person("Bob", "Robert");
  const std::int64_t eve = add(*store, "Eve", 6, 3).id;
  store->set_note("calibration", "now");
  store->seen().remove_group(seen.group);
  const auto version = store->version();
  const auto notes = store->note_version();

  std::atomic<bool> stop = false;
  const std::set<std::set<std::string>> states = {{"Eve", "Robert"}, {"Ada", "Bob"}, {"Bob"}, {"Robert"}};
  std::thread reader([&] {  // never sees it half-way
    const auto own = open_sqlite_gallery(path_, {.read_only = true});
    while (!stop) {
      std::set<std::string> names;
      for (const Person& person : own->people()) names.insert(person.name);
      EXPECT_TRUE(states.contains(names)) << names.size();
    }
  });
  for (int round = 0; round < 10; ++round) {
    store->restore_from(copy);
    EXPECT_EQ(store->people().size(), 2U);
    store->remove_person("Ada");
    store->rename_person("Bob", "Robert");
    store->restore_from(copy);
  }
  stop = true;
  reader.join();
  EXPECT_TRUE(store->check().empty());
  EXPECT_EQ(store->find_person("Ada")->id, ada->id);
  EXPECT_EQ(store->find_person("Bob")->faces, 1);
  EXPECT_EQ(store->crop(bob), crop);
  EXPECT_FALSE(store->find_person("Eve"));
  EXPECT_EQ(store->note("calibration"), "then");
  EXPECT_EQ(store->rejections().list.size(), 1U);
  EXPECT_EQ(store->seen().groups().size(), 1U);
  // Whoever followed the gallery compares everything, and no number is given twice.
  EXPECT_GT(store->version(), version);
  EXPECT_GT(store->note_version(), notes);
  EXPECT_FALSE(store->changes_since(version));
  EXPECT_GT(add(*store, "Fay", 6, 3).id, eve);
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_EQ(entry.path().string().find("restored"), std::string::npos) << entry.path();
}

TEST_F(Store, GoesBackToACopyOfAnOlderFormatAndLeavesItAsItIs) {
  const auto store = make();
  add(*store, "Ada", 0, 1);
  const fs::path copy = folder_ / "copy.gallery";
  store->backup_to(copy);
  change_file(copy, kToFormat1);
  store->remove_person("Ada");
  store->restore_from(copy);
  EXPECT_EQ(store->find_person("Ada")->faces, 1);
  EXPECT_TRUE(store->check().empty());
  EXPECT_FALSE(open_sqlite_gallery(copy, {.read_only = true})->changes_since(0));
}

TEST_F(Store, GoesBackToNothingButItsOwnCopies) {
  const auto store = make();
  add(*store, "Ada", 0, 1);
  const fs::path copy = folder_ / "copy.gallery";
  store->backup_to(copy);
  // One number, two faces: the copy and the gallery have both given it.
  add(*open_sqlite_gallery(copy), "Eve", 3, 2);
  add(*store, "Fay", 6, 3);
  expect_error(ErrorCode::kDataInvalid, "was changed apart from", [&] { store->restore_from(copy); });
  const fs::path other = folder_ / "other.gallery";
  create_sqlite_gallery(other, store->space());
  expect_error(ErrorCode::kDataInvalid, "a copy of another gallery", [&] { store->restore_from(other); });
  std::ofstream(folder_ / "text.gallery") << "no gallery";
  expect_error(ErrorCode::kDataInvalid, "text.gallery",
               [&] { store->restore_from(folder_ / "text.gallery"); });
  expect_error(ErrorCode::kInputUnreadable, "nowhere", [&] { store->restore_from(folder_ / "nowhere"); });
  expect_error(ErrorCode::kOutputUnwritable, "opened for reading",
               [&] { open_sqlite_gallery(path_, {.read_only = true})->restore_from(copy); });
  EXPECT_EQ(store->people().size(), 2U);
  EXPECT_TRUE(store->check().empty());
}

TEST_F(Store, ACopyIsTheGalleryOfOneMoment) {
  const auto store = make();
  for (int i = 0; i < 10; ++i) add(*store, "P" + std::to_string(i), static_cast<std::size_t>(3 * i), i + 1);
  const fs::path copy = folder_ / "copy.gallery";
  std::atomic<bool> stop = false;
  std::thread writer([&] {  // each call leaves both people, or none
    const auto own = open_sqlite_gallery(path_, {.lock_timeout_ms = 60000});
    for (int i = 20; !stop; ++i) {
      const NewFace two[] = {face_of(faces_[1], 2 * i), face_of(faces_[2], 2 * i + 1)};
      own->add_faces("Both", two);
      own->remove_person("Both");
    }
  });
  for (int round = 0; round < 20; ++round) {
    fs::remove(copy);
    store->backup_to(copy);
    const auto copied = open_sqlite_gallery(copy);
    EXPECT_TRUE(copied->check().empty());
    const auto both = copied->find_person("Both");
    EXPECT_EQ(copied->face_count(), both ? 12 : 10);
    EXPECT_EQ(copied->identity(), store->identity());
  }
  stop = true;
  writer.join();
  // It is one's own: what happens to one does not to the other.
  {
    const auto copied = open_sqlite_gallery(copy);
    copied->remove_person("P0");
  }
  EXPECT_TRUE(store->find_person("P0"));
  expect_error(ErrorCode::kOutputUnwritable, "exists already", [&] { store->backup_to(copy); });
  expect_error(ErrorCode::kOutputUnwritable, "nowhere", [&] { store->backup_to(folder_ / "nowhere/copy"); });
  EXPECT_FALSE(open_sqlite_gallery(copy)->find_person("P0"));
  std::ofstream(folder_ / "new.gallery-wal") << "left by another gallery";
  expect_error(ErrorCode::kOutputUnwritable, "new.gallery-wal",
               [&] { store->backup_to(folder_ / "new.gallery"); });
  open_sqlite_gallery(path_, {.read_only = true})->backup_to(folder_ / "read.gallery");
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_EQ(entry.path().string().find(".new-"), std::string::npos) << entry.path();
}

TEST_F(Store, AViewFollowsAFileOfFormat1) {
  {
    const auto store = make();
    for (int i = 0; i < 4; ++i) add(*store, "P" + std::to_string(i), static_cast<std::size_t>(3 * i), i + 1);
  }
  execute(kToFormat1);
  const Gallery gallery(open_sqlite_gallery(path_, {.read_only = true}));
  EXPECT_EQ(gallery.view()->people(), 4U);
  execute(
      "DELETE FROM face WHERE person_id = 2; DELETE FROM person WHERE id = 2;"
      "UPDATE face SET person_id = 1 WHERE person_id = 3; DELETE FROM person WHERE id = 3");
  gallery.refresh();
  EXPECT_EQ(gallery.view()->people(), 2U);
  EXPECT_EQ(gallery.view()->faces(), 3U);
  EXPECT_EQ(gallery.view()->search(faces_[6], 1).at(0).name, "P0");
}

TEST_F(Store, BringsFormat1ToTodaysWhenItIsOpenedForWriting) {
  add(*make(), "Ada", 0, 1);
  execute(kToFormat1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      const auto store = open_sqlite_gallery(path_, {.lock_timeout_ms = 60000});
      add(*store, "Bob", static_cast<std::size_t>(3 + i), 2 + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto store = open_sqlite_gallery(path_, {.read_only = true});
  EXPECT_EQ(store->version(), 3U);
  EXPECT_EQ(store->changes_since(0)->faces.size(), 3U);
  EXPECT_EQ(store->face_count(), 4);
  EXPECT_TRUE(store->check().empty());
}

TEST_F(Store, KilledWhileItIsBroughtToTodaysFormatLosesNothing) {
  add(*make(), "Ada", 0, 1);
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    execute(kToFormat1);
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        static_cast<void>(open_sqlite_gallery(path_));
        ::_exit(0);
      } catch (const std::exception&) {
        ::_exit(1);
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    const auto store = open_sqlite_gallery(path_);
    EXPECT_EQ(store->version(), 0U);
    EXPECT_EQ(store->find_person("Ada")->faces, 1);
    EXPECT_TRUE(store->check().empty());
  }
}

TEST_F(Store, TheLogOfChangesIsBounded) {
  add(*make(), "Ada", 0, 1);  // version 1
  // 110,000 rows of version 1 more than there are.
  execute(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 110000) "
      "INSERT INTO change (version, face_id, person_id) SELECT 1, 1, 1 FROM n");
  const auto store = open_sqlite_gallery(path_);
  add(*store, "Ada", 1, 2);
  EXPECT_FALSE(store->changes_since(0));  // of version 1 a part is gone
  const auto changes = store->changes_since(1);
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->version, 2U);
  EXPECT_EQ(changes->faces.size(), 1U);
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  sqlite3_stmt* count = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(raw, "SELECT count(*) FROM change", -1, &count, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(count), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int64(count, 0), 100'000);
  sqlite3_finalize(count);
  sqlite3_close(raw);
}

TEST_F(Store, ManyMakeTheSameGalleryAndOneDoes) {
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { made += try_create_sqlite_gallery(path_, kSpace) ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(open_sqlite_gallery(path_)->people().empty());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);  // nothing is left
}

}  // namespace
}  // namespace likeness
