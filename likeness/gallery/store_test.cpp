#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "likeness/core/error.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 64};

std::string hash_of(int number) {
  std::string hash(64, '0');
  for (int i = 0; number > 0; ++i, number /= 10) hash[63 - i] = static_cast<char>('0' + number % 10);
  return hash;
}

NewFace face_of(std::span<const float> embedding, int photo) {
  NewFace face;
  face.photo = "photos/" + std::to_string(photo) + ".jpg";
  face.photo_hash = hash_of(photo);
  face.box = {10, 20, 110, 150.5F};
  face.landmarks[0] = {40, 60};
  face.quality = {.size_px = 100, .sharpness = 250, .brightness = 120, .yaw = 0.1F, .score = 0.99F};
  face.embedding = embedding;
  return face;
}

template <typename Work>
void expect_error(ErrorCode code, const std::string& words, const Work& work) {
  try {
    work();
    ADD_FAILURE() << "expected an Error with: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

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
  /// Changes the file behind the store's back.
  void execute(const std::string& sql) {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << (message ? message : "");
    sqlite3_close(raw);
  }
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

TEST_F(Store, GivesBackWhatWasEnrolled) {
  const auto added = add(*make(), "Ada", 0, 1);
  EXPECT_TRUE(added.is_new);
  const auto store = open_sqlite_gallery(path_, {.read_only = true});
  EXPECT_EQ(store->space().contract_id, "test-model");
  const auto people = store->people();
  ASSERT_EQ(people.size(), 1U);
  EXPECT_EQ(people[0].name, "Ada");
  EXPECT_EQ(people[0].faces, 1);
  const auto faces = store->faces(people[0].id);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_EQ(faces[0].id, added.id);
  EXPECT_EQ(faces[0].photo, "photos/1.jpg");
  EXPECT_EQ(faces[0].photo_hash, hash_of(1));
  EXPECT_EQ(faces[0].box, (Box{10, 20, 110, 150.5F}));
  EXPECT_EQ(faces[0].landmarks[0], (Point{40, 60}));
  EXPECT_EQ(faces[0].quality.sharpness, 250);
  EXPECT_GT(faces[0].added_ms, 1'600'000'000'000);
  EXPECT_EQ(store->embedding(added.id), std::vector<float>(faces_[0].begin(), faces_[0].end()));
  EXPECT_TRUE(store->check().empty());
}

TEST_F(Store, NoticesTheSamePhotoTwice) {
  const auto store = make();
  const auto first = add(*store, "Ada", 0, 1);
  const auto again = add(*store, "Bob", 0, 1);
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.person, "Ada");
  EXPECT_FALSE(store->find_person("Bob"));  // nobody is made for a face that is not added
  NewFace other_box = face_of(faces_[1], 1);
  other_box.box.left = 200;
  const auto neighbour = store->add_faces("Bob", std::span(&other_box, 1)).at(0);
  EXPECT_TRUE(neighbour.is_new);
  EXPECT_TRUE(neighbour.photo_known);
}

TEST_F(Store, RemovesRenamesAndMerges) {
  const auto store = make();
  add(*store, "Ada", 0, 1);
  add(*store, "Ada", 1, 2);
  const auto bob = add(*store, "Bob", 3, 3);
  add(*store, "Eve", 6, 4);
  const auto version = store->version();
  EXPECT_TRUE(store->rename_person("Eve", "Eva"));
  EXPECT_NE(store->version(), version);
  EXPECT_FALSE(store->rename_person("Eve", "Eva"));
  expect_error(ErrorCode::kDataInvalid, "use merge", [&] { store->rename_person("Eva", "Bob"); });
  EXPECT_TRUE(store->merge_people("Bob", "Ada"));
  EXPECT_FALSE(store->merge_people("Bob", "Ada"));
  EXPECT_EQ(store->find_person("Ada")->faces, 3);
  EXPECT_EQ(store->find_face(bob.id)->person, store->find_person("Ada")->id);
  EXPECT_TRUE(store->remove_face(bob.id));
  EXPECT_FALSE(store->remove_face(bob.id));
  EXPECT_EQ(store->owners().size(), 3U);
  EXPECT_TRUE(store->remove_person("Ada"));
  EXPECT_FALSE(store->remove_person("Ada"));
  EXPECT_EQ(store->face_count(), 1);
  EXPECT_TRUE(store->remove_face(store->owners()[0].face));
  EXPECT_TRUE(store->people().empty());  // the last face takes the person along
  EXPECT_TRUE(store->check().empty());
}

TEST_F(Store, NeverUsesAnIdTwice) {
  const auto store = make();
  const auto first = add(*store, "Ada", 0, 1);
  store->remove_person("Ada");
  EXPECT_GT(add(*store, "Ada", 0, 1).id, first.id);
}

TEST_F(Store, ReadsEmbeddingsInOrderAndAfterAnId) {
  const auto store = make({.format = EmbeddingFormat::kInt8});
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 6; ++i)
    ids.push_back(add(*store, i < 3 ? "Ada" : "Bob", static_cast<std::size_t>(i), i + 1).id);
  std::vector<std::int64_t> seen;
  store->read_embeddings(ids[1], [&](FaceOwner owner, std::span<const float> values) {
    EXPECT_GT(dot(values, faces_[seen.size() + 2]), 0.999);
    seen.push_back(owner.face);
  });
  EXPECT_EQ(seen, std::vector(ids.begin() + 2, ids.end()));
}

TEST_F(Store, RefusesBadNamesAndVectors) {
  const auto store = make();
  const NewFace good = face_of(faces_[0], 1);
  EXPECT_THROW(store->add_faces("", std::span(&good, 1)), std::invalid_argument);
  EXPECT_THROW(store->add_faces("unknown", std::span(&good, 1)), std::invalid_argument);
  EXPECT_THROW(store->add_faces("a\nb", std::span(&good, 1)), std::invalid_argument);
  const std::vector<float> longer(64, 1.0F);
  const NewFace not_unit = face_of(longer, 1);
  EXPECT_THROW(store->add_faces("Ada", std::span(&not_unit, 1)), std::invalid_argument);
  const NewFace shorter = face_of(faces_[0].first(63), 1);
  EXPECT_THROW(store->add_faces("Ada", std::span(&shorter, 1)), std::invalid_argument);
}

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
  execute("PRAGMA user_version = 2");
  expect_error(ErrorCode::kDataInvalid, "newer likeness", [&] { try_open(); });
  execute("PRAGMA user_version = 1; DELETE FROM meta WHERE key = 'dimension'");
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

}  // namespace
}  // namespace likeness
