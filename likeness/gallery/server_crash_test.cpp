// Processes and servers that are killed, or run out of space, while they work on a gallery in a database.
#include <sys/mount.h>

#include <atomic>
#include <set>

#include "likeness/gallery/crash_testing.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/postgres_server_testing.h"
#include "likeness/gallery/postgres_store.h"

namespace likeness {
namespace {

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 128};

class Killed : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = plain_server();
    if (!server_) GTEST_SKIP() << "no server of PostgreSQL";
    static int count = 0;
    uri_ = server_->uri("postgres") + "?gallery=killed_" + std::to_string(++count);
    ASSERT_TRUE(try_create_postgres_gallery(uri_, kSpace, {}));
  }
  [[nodiscard]] OpenStore open() const {
    return [uri = uri_] { return open_postgres_gallery(uri, {}); };
  }

  const int rounds_ = std::getenv("LIKENESS_LONG") ? 20 : 2;
  PostgresServer* server_ = nullptr;
  std::string uri_;
};

TEST_F(Killed, AClientLosesNoAcknowledgedFace) { kill_workers(open(), rounds_); }

/// Every face that a view finds.
std::set<std::int64_t> faces_in(const GalleryView& view) {
  std::set<std::int64_t> faces;
  for (const Match& match : view.nearest(synthetic_faces(1, 1, 128, 1)[0], 100'000)) faces.insert(match.face);
  return faces;
}

/// Two processes write, three views follow, and the server is killed with all its sessions.
TEST_F(Killed, AServerLosesNoAcknowledgedFaceAndViewsAgreeAfterwards) {
  std::vector<Gallery> readers;
  for (int i = 0; i < 3; ++i) {
    readers.push_back(open_gallery(uri_, {.read_only = true}));
    readers.back().refresh();
  }
  std::map<int, Told> told;
  std::mt19937 random(2025);
  for (int round = 0; round < rounds_; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::vector<std::unique_ptr<Worker>> workers;
    for (int i = 0; i < 2; ++i) {
      workers.push_back(std::make_unique<Worker>(
          open(), Job{static_cast<std::uint32_t>(2 * round + i), 1'000'000 * (2 * round + i), 100 * i}));
    }
    std::atomic<bool> stop = false;
    std::vector<std::thread> following;
    for (const Gallery& reader : readers) {
      following.emplace_back([&] {
        const Embeddings query = synthetic_faces(1, 1, 128, 2);
        while (!stop) static_cast<void>(reader.view_or_last()->search(query[0], 1));
      });
    }
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(workers[i]->learn(told[i], 2 + static_cast<int>(random() % 20))) << "the worker ended";
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 10'000));
    server_->stop(SIGKILL);
    for (int i = 0; i < 2; ++i) {
      workers[i]->learn_rest(told[i]);
      EXPECT_EQ(workers[i]->end(0), Worker::kUnavailable);
    }
    server_->run();
    stop = true;
    for (std::thread& thread : following) thread.join();

    const auto store = open()();
    const auto wrong = store->check();
    ASSERT_TRUE(wrong.empty()) << wrong.front();
    std::map<int, Content> found;
    for (const auto& [photo, person] : content_of(*store)) found[person / 100][photo] = person;
    for (int i = 0; i < 2; ++i) ASSERT_NO_FATAL_FAILURE(expect_kept(told[i], found[i]));
    std::set<std::int64_t> truth;
    for (const FaceOwner& owner : store->owners()) truth.insert(owner.face);
    for (const Gallery& reader : readers) {
      const auto view = reader.view_with(store->version(), std::chrono::seconds(10));
      EXPECT_EQ(faces_in(*view), truth);
      // A lost connection is made anew once a second.
      for (int i = 0; i < 200 && reader.view_or_last()->stale(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      EXPECT_FALSE(reader.view_or_last()->stale());
    }
  }
}

/// A small disk, in memory; unmounted by the destructor.
class SmallDisk {
 public:
  explicit SmallDisk(const std::filesystem::path& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    there_ = ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=12m") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (there_) ::umount2(folder_.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove(folder_, ignored);
  }
  [[nodiscard]] bool there() const { return there_; }
  void grow() { ASSERT_EQ(::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0); }

 private:
  std::filesystem::path folder_;
  bool there_ = false;
};

TEST_F(Killed, AServerWithAFullDiskLosesNothingAndGoesOn) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("full_" + std::to_string(::getpid()));
  SmallDisk disk(folder);
  if (!disk.there()) GTEST_SKIP() << "no small disk can be mounted here";
  server_->give(folder);
  server_->execute("postgres", "CREATE TABLESPACE small LOCATION '" + folder.string() + "'");
  server_->execute("postgres", "CREATE DATABASE full_disk");
  const std::string uri = server_->uri("full_disk") + "?options=-c%20default_tablespace%3Dsmall";
  Gallery gallery = create_gallery(uri, kSpace);
  const Embeddings faces = synthetic_faces(600, 5, 128, 3);
  std::size_t kept = 0;
  const auto add = [&] {
    std::vector<Enrolment> part;
    for (std::size_t i = kept; i < kept + 500; ++i)
      part.push_back(
          {"P" + std::to_string(i / 5), face_of(faces[i % faces.size()], static_cast<int>(i) + 1)});
    gallery.store().add_many(part);
    kept += part.size();
  };
  expect_error(ErrorCode::kOutputUnwritable, "out of space", [&] {
    while (kept < 100'000) add();
  });
  EXPECT_GT(kept, 500U);
  EXPECT_EQ(gallery.store().face_count(), static_cast<std::int64_t>(kept));
  EXPECT_EQ(gallery.view()->faces(), kept);
  disk.grow();
  add();
  EXPECT_EQ(gallery.store().face_count(), static_cast<std::int64_t>(kept));
  EXPECT_TRUE(gallery.store().check().empty());
  server_->execute("postgres", "DROP DATABASE full_disk WITH (FORCE)");
  server_->execute("postgres", "DROP TABLESPACE small");
}

}  // namespace
}  // namespace likeness
