// The index that a process keeps of a gallery in a database.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/layer.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/postgres_server_testing.h"
#include "likeness/gallery/seen.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDimension = 64;
constexpr std::size_t kPeople = 100;
const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = kDimension};

class KeptIndex : public ::testing::TestWithParam<IndexKind> {
 protected:
  void SetUp() override {
    server_ = plain_server();
    if (!server_) GTEST_SKIP() << "no server of PostgreSQL";
    static int count = 0;
    const std::string number = std::to_string(++count);
    name_ = "indexed_" + number;
    folder_ = fs::path(::testing::TempDir()) / ("kept_" + std::to_string(::getpid()) + "_" + number);
    writer_ = std::make_unique<Gallery>(create_gallery(uri(), kSpace));
    std::vector<Enrolment> all;
    for (std::size_t i = 0; i < faces_.size(); ++i)
      all.push_back({"P" + std::to_string(i), face_of(faces_[i], static_cast<int>(i) + 1)});
    writer_->store().add_many(all);
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string uri() const { return server_->uri("postgres") + "?gallery=" + name_; }
  [[nodiscard]] Gallery open(const std::string& passphrase = "") const {
    GalleryOptions options{.read_only = true, .index = GetParam(), .index_folder = folder_};
    if (!passphrase.empty()) options.passphrase = passphrase;
    options.notice = [](const Notice& notice) { ADD_FAILURE() << notice.text; };
    return open_gallery(uri(), options);
  }
  [[nodiscard]] fs::path file() const { return index_path_in(folder_, writer_->store().identity()); }
  [[nodiscard]] std::set<std::int64_t> kept() const {
    IndexOptions options{.kind = GetParam(), .dimension = kDimension};
    const auto faces = load_index(file(), writer_->store().identity(), options)->faces();
    return {faces.begin(), faces.end()};
  }
  [[nodiscard]] std::set<std::int64_t> truth() const {
    std::set<std::int64_t> faces;
    for (const FaceOwner& owner : writer_->store().owners()) faces.insert(owner.face);
    return faces;
  }
  static std::string nearest(const Gallery& gallery, std::span<const float> query) {
    return gallery.view()->search(query, 1).at(0).name;
  }
  void overwrite(std::int64_t face, std::int64_t other) const {
    server_->execute("postgres", "SET search_path = likeness_" + name_ +
                                     "; UPDATE face_embedding SET embedding = "
                                     "(SELECT embedding FROM face_embedding WHERE face_id = " +
                                     std::to_string(other) + ") WHERE face_id = " + std::to_string(face));
  }

  PostgresServer* server_ = nullptr;
  std::string name_;
  fs::path folder_;
  Embeddings faces_ = synthetic_faces(kPeople, 1, kDimension, 7);
  std::unique_ptr<Gallery> writer_;
};

TEST_P(KeptIndex, ARestartReadsOnlyWhatIsNew) {
  EXPECT_EQ(nearest(open(), faces_[3]), "P3");
  EXPECT_EQ(kept(), truth());
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
  // Whoever reads the first face's embedding again finds another one there.
  overwrite(1, 50);
  const NewFace face = face_of(faces_[0], 1000);
  writer_->add_faces("New", std::span(&face, 1));
  const Gallery restarted = open();
  EXPECT_EQ(nearest(restarted, faces_[0]), "P0");
  EXPECT_EQ(restarted.view()->faces(), kPeople + 1);
  EXPECT_EQ(restarted.view()->version(), writer_->store().version());
  fs::remove(file());
  EXPECT_EQ(nearest(open(), faces_[0]), "New");
}

TEST_P(KeptIndex, EachShardKeepsItsOwnFaces) {
  const std::string identity = writer_->store().identity();
  std::vector<std::string> notices;
  const auto open_shard = [&](Shard shard) {
    return open_gallery(uri(), {.read_only = true,
                                .index = GetParam(),
                                .index_folder = folder_,
                                .notice = [&](const Notice& notice) { notices.push_back(notice.text); },
                                .shard = shard});
  };
  std::set<std::int64_t> all;
  for (const Shard shard : {Shard{0, 3}, Shard{1, 3}, Shard{2, 3}}) {
    open_shard(shard).refresh();
    const auto own = load_index(index_path_in(folder_, identity, shard), identity_of_index(identity, shard),
                                {.kind = GetParam(), .dimension = kDimension})
                         ->faces();
    EXPECT_TRUE(std::ranges::all_of(own, [&](std::int64_t face) { return shard.holds(face); }));
    all.insert(own.begin(), own.end());
  }
  EXPECT_EQ(all, truth());
  EXPECT_FALSE(fs::exists(file()));
  // One under another's name is seen to be that, and made anew.
  fs::copy_file(index_path_in(folder_, identity, {0, 3}), index_path_in(folder_, identity, {1, 3}),
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(nearest(open_shard({0, 3}), faces_[2]), "P2");
  EXPECT_EQ(notices, std::vector<std::string>());
  const Gallery restarted = open_shard({1, 3});
  EXPECT_EQ(nearest(restarted, faces_[0]), "P0");
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].find("the index of another gallery"), std::string::npos) << notices[0];
  writer_->remove_person("P0");
  restarted.refresh();
  EXPECT_FALSE(fs::exists(index_path_in(folder_, identity, {1, 3})));
  EXPECT_TRUE(fs::exists(index_path_in(folder_, identity, {2, 3})));
  EXPECT_EQ(restarted.view()->faces(), 33U);
}

TEST_P(KeptIndex, WhoIsRemovedElsewhereIsInNoFile) {
  const Gallery follower = open();
  follower.refresh();
  const auto whole = fs::file_size(file());
  follower.keep_index();  // nothing to do
  EXPECT_EQ(kept().size(), kPeople);
  writer_->remove_person("P7");
  writer_->remove_person("P98");
  follower.refresh();
  EXPECT_FALSE(fs::exists(file()));
  follower.keep_index();
  EXPECT_EQ(kept(), truth());
  EXPECT_LE(fs::file_size(file()), whole - 2 * (8 + 4 + kDimension));
  // Nothing else has moved: what is found by the file is what is found without it.
  overwrite(1, 50);
  for (const std::size_t row :
       {std::size_t{0}, std::size_t{6}, std::size_t{8}, std::size_t{97}, std::size_t{99}})
    EXPECT_EQ(nearest(open(), faces_[row]), "P" + std::to_string(row));
  // Nobody was there to see it.
  writer_->remove_person("P8");
  EXPECT_TRUE(kept().contains(9));
  const Gallery late = open();
  late.refresh();
  EXPECT_EQ(kept(), truth());
  // The index itself was not built anew for that.
  EXPECT_EQ(late.view()->parts().layers.at(0)->removed().size(), 1U);
  for (const Person& person : writer_->store().people()) writer_->remove_person(person.name);
  open().refresh();
  EXPECT_FALSE(fs::exists(file()));
}

TEST_P(KeptIndex, APurgeLeavesTheFileAloneWhereNoFaceIsGone) {
  const auto open_for_writing = [&] {
    return open_gallery(uri(), {.index = GetParam(), .index_folder = folder_});
  };
  Gallery gallery = open_for_writing();
  gallery.refresh();
  const auto written = fs::last_write_time(file());
  const auto seen = gallery.store().seen().add({.embedding = faces_[3]}, 0.5);
  ASSERT_TRUE(gallery.store().seen().remove_group(seen.group));
  gallery.purge();
  ASSERT_TRUE(fs::exists(file()));
  EXPECT_EQ(fs::last_write_time(file()), written);
  EXPECT_TRUE(gallery.remove_person("P7"));
  gallery.purge();
  EXPECT_FALSE(fs::exists(file()));
  gallery.keep_index();
  EXPECT_EQ(kept(), truth());
  // Without a view the file is what it begins with.
  Gallery other = open_for_writing();
  EXPECT_TRUE(other.remove_person("P8"));
  other.purge();
  EXPECT_EQ(kept(), truth());
}

TEST_P(KeptIndex, ADatabaseThatWasSetBackIsReadAnew) {
  open().refresh();
  overwrite(100, 50);  // the youngest face's number was given again
  EXPECT_NE(nearest(open(), faces_[99]), "P99");
}

TEST_P(KeptIndex, NoneIsKeptOfAnEncryptedGallery) {
  name_ += "_sealed";
  Gallery made =
      create_gallery(uri(), kSpace, {.passphrase = "secret"}, {.index = GetParam(), .index_folder = folder_});
  const NewFace face = face_of(faces_[0], 1);
  made.add_faces("Ada", std::span(&face, 1));
  EXPECT_EQ(nearest(open("secret"), faces_[0]), "Ada");
  EXPECT_FALSE(fs::exists(folder_));
}

INSTANTIATE_TEST_SUITE_P(Kinds, KeptIndex, ::testing::Values(IndexKind::kExactInt8, IndexKind::kSketch),
                         [](const auto& kind) {
                           return kind.param == IndexKind::kSketch ? "Sketch" : "Int8";
                         });

TEST(IndexPath, ANameFromAServerLeadsNowhereElse) {
  EXPECT_EQ(index_path_in("/c", "../../../../../../opt/elsewhere/xx"), "");
  EXPECT_EQ(index_path_in("/c", "../../../../../../opt/elsewhere"), "");
  EXPECT_EQ(index_path_in("", std::string(32, 'a')), "");
  EXPECT_EQ(index_path_in("/c", std::string(32, 'a')), "/c/" + std::string(32, 'a') + ".index");
}

}  // namespace
}  // namespace likeness
