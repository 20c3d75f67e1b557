// A gallery whose faces several processes hold: answers are those of one that holds all, and what another
// process says is not believed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/shard_messages.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::size_t kDimension = 128;
const EmbeddingSpace kSpace{
    .contract = "", .contract_id = "test-model", .precision = "f32", .dimension = kDimension};

std::string name_of(std::size_t person) { return "P" + std::to_string(person); }

/// A gallery's file that some galleries share, each of a part of the faces, and one of none that asks them.
class Split {
 public:
  Split(const std::string& path, std::uint32_t parts, IndexKind kind) {
    for (std::uint32_t part = 0; part < parts; ++part) {
      shards_.push_back(std::make_unique<Gallery>(
          open_gallery(path, {.index = kind, .shard = {.number = part, .of = parts}})));
    }
    front_ = std::make_unique<Gallery>(open_gallery(
        path,
        {.shards = [this](const std::string& request, std::size_t most) { return ask(request, most); }}));
  }
  [[nodiscard]] Gallery& front() { return *front_; }
  [[nodiscard]] const Gallery& shard(std::size_t i) const { return *shards_[i]; }

  std::size_t away = std::numeric_limits<std::size_t>::max();  ///< This shard does not answer.
  mutable std::size_t most_bytes = 0;                          ///< Of one answer.
  std::function<void(std::string&)> spoil = {};                ///< What it makes of the last one's answer.

 private:
  [[nodiscard]] std::vector<std::string> ask(const std::string& request, std::size_t most) const {
    std::vector<std::string> answers;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (i == away) throw Error(ErrorCode::kUnavailable, "shard " + std::to_string(i) + " is away");
      answers.push_back(shards_[i]->answer_as_shard(request, milliseconds(0)));
      EXPECT_LE(answers.back().size(), most);
      most_bytes = std::max(most_bytes, answers.back().size());
    }
    if (spoil) spoil(answers.back());
    return answers;
  }
  std::vector<std::unique_ptr<Gallery>> shards_;
  std::unique_ptr<Gallery> front_;
};

class Shards : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("shards_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path() const { return (folder_ / "g.gallery").string(); }
  /// 30 people with four faces each, and one with 100: more than make a person's middle.
  Gallery make(IndexKind kind) {
    Gallery gallery = create_gallery(path(), kSpace, {}, {.index = kind, .index_file = fs::path()});
    std::vector<Enrolment> all;
    for (std::size_t i = 0; i < 120; ++i) all.push_back({name_of(i / 4), face_of(faces_[i], int(i))});
    for (std::size_t i = 0; i < 100; ++i)
      all.push_back({"Crowd", face_of(crowd_[i], 1000 + static_cast<int>(i))});
    gallery.add_many(all);
    return gallery;
  }

  fs::path folder_;
  Embeddings faces_ = synthetic_faces(60, 4, kDimension, 31);
  Embeddings crowd_ = synthetic_faces(1, 101, kDimension, 77, 0.5);
};

void expect_same(const std::optional<PersonMatch>& one, const std::optional<PersonMatch>& other) {
  ASSERT_EQ(one.has_value(), other.has_value());
  if (!one) return;
  EXPECT_EQ(
      std::tie(one->face, one->person, one->name, one->photo, one->cosine, one->similarity),
      std::tie(other->face, other->person, other->name, other->photo, other->cosine, other->similarity));
}

/// To the bit: people, faces, names, evidence, thresholds.
void expect_same_answers(const GalleryView& one, const GalleryView& other, const Embeddings& queries) {
  EXPECT_EQ(one.version(), other.version());
  EXPECT_EQ(one.faces(), other.faces());
  EXPECT_EQ(one.people(), other.people());
  for (const std::size_t count : {1U, 3U, 40U}) {
    const auto mine = one.search(queries, count);
    const auto theirs = other.search(queries, count);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      ASSERT_EQ(mine[q].size(), theirs[q].size());
      for (std::size_t i = 0; i < mine[q].size(); ++i) expect_same(mine[q][i], theirs[q][i]);
    }
  }
  const auto mine = one.nearest(queries, 130);
  const auto theirs = other.nearest(queries, 130);
  for (std::size_t q = 0; q < queries.size(); ++q) {
    ASSERT_EQ(mine[q].size(), theirs[q].size());
    for (std::size_t i = 0; i < mine[q].size(); ++i) {
      EXPECT_EQ(mine[q][i].face, theirs[q][i].face);
      EXPECT_EQ(mine[q][i].cosine, theirs[q][i].cosine);
      EXPECT_EQ(mine[q][i].name, theirs[q][i].name);
    }
  }
  const Contract contract{.thresholds = {{.cosine = 0.5, .false_match_rate = 0.001},
                                         {.cosine = 0.6, .false_match_rate = 0.0001}}};
  const NamingRule my_rule = naming_rule(one, contract, Precision::kF32);
  const NamingRule their_rule = naming_rule(other, contract, Precision::kF32);
  ASSERT_TRUE(my_rule.threshold);
  EXPECT_EQ(my_rule.threshold, their_rule.threshold);
  EXPECT_EQ(my_rule.strangers_named, their_rule.strangers_named);
  const auto named = identify(one, my_rule, queries);
  const auto named_there = identify(other, their_rule, queries);
  for (std::size_t q = 0; q < queries.size(); ++q) {
    EXPECT_EQ(named[q].name, named_there[q].name);
    EXPECT_EQ(named[q].probability, named_there[q].probability);
    expect_same(named[q].nearest, named_there[q].nearest);
    expect_same(named[q].runner_up, named_there[q].runner_up);
    const std::int64_t person = named[q].nearest ? named[q].nearest->person : 1;
    expect_same(one.match_person(queries[q], person), other.match_person(queries[q], person));
    const auto others = one.search(queries[q], 1, person);
    const auto others_there = other.search(queries[q], 1, person);
    ASSERT_EQ(others.size(), others_there.size());
    if (!others.empty()) expect_same(others[0], others_there[0]);
  }
}

class ShardsOfKind : public Shards, public ::testing::WithParamInterface<IndexKind> {};

INSTANTIATE_TEST_SUITE_P(Kinds, ShardsOfKind,
                         ::testing::Values(IndexKind::kExactF32, IndexKind::kExactInt8, IndexKind::kSketch),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST_P(ShardsOfKind, AnswerTogetherAsOneThatHoldsAll) {
  Gallery gallery = make(GetParam());
  Embeddings queries{kDimension, {}};
  const auto ask_too = [&](std::span<const float> face) {
    queries.values.insert(queries.values.end(), face.begin(), face.end());
  };
  for (std::size_t i = 0; i < faces_.size(); i += 47) ask_too(faces_[i]);
  ask_too(crowd_[3]);
  ask_too(crowd_[100]);
  std::vector<std::unique_ptr<Split>> splits;
  for (const std::uint32_t parts : {1U, 3U, 4U})
    splits.push_back(std::make_unique<Split>(path(), parts, GetParam()));
  const auto compare = [&](const char* what) {
    SCOPED_TRACE(what);
    for (const auto& split : splits) {
      split->front().refresh();
      expect_same_answers(*gallery.view(), *split->front().view(), queries);
    }
  };
  compare("as made");
  const auto face = [&](std::size_t person) {
    return gallery.store().faces(gallery.store().find_person(name_of(person))->id).at(0).id;
  };
  const NewFace more[] = {face_of(faces_[120], 500), face_of(faces_[121], 501)};
  gallery.add_faces(name_of(30), more);
  // Two equal faces of two people: the older one comes first.
  const NewFace double_face = face_of(faces_[23], 502);
  gallery.add_faces("Double", std::span(&double_face, 1));
  compare("after enrolling");
  gallery.remove_person(name_of(6));
  gallery.remove_face(face(11));
  gallery.remove_face(gallery.store().faces(gallery.store().find_person("Crowd")->id).at(1).id);
  compare("after removing");
  const std::int64_t moved[] = {face(17), face(1)};
  gallery.move_faces(moved, name_of(2));
  gallery.move_faces(std::span(moved, 1), "Somebody");
  gallery.merge_people(name_of(3), name_of(4));
  gallery.rename_person(name_of(5), "Renamed");
  compare("after moving");
  gallery.reject(gallery.store().find_person("Double")->id, faces_[23], hash_of(900), {1, 2, 30, 40});
  gallery.set_calibration({.threshold = 0.3, .slope = 9});
  compare("after rejecting");
}

TEST_F(Shards, LookByTheirSketchesAtTheCandidatesOfOneThatHoldsAll) {
  constexpr std::size_t kFew = 64;  // 128 bits; 1,000 candidates of 3,000 faces
  EmbeddingSpace space = kSpace;
  space.dimension = kFew;
  const Embeddings faces = synthetic_faces(650, 5, kFew, 5, 0.4);
  Gallery all = create_gallery(path(), space, {}, {.index = IndexKind::kSketch, .index_file = fs::path()});
  std::vector<Enrolment> enrolled;
  for (std::size_t i = 0; i < 3000; ++i)
    enrolled.push_back({name_of(i / 5), face_of(faces[i], static_cast<int>(i))});
  all.add_many(enrolled);
  const Gallery exact = open_gallery(path(), {.index = IndexKind::kExactInt8, .index_file = fs::path()});
  const auto view = all.view();
  std::size_t missed = 0;  // by sketches: else this would prove nothing
  std::vector<std::unique_ptr<Split>> splits;
  for (const std::uint32_t parts : {1U, 3U, 4U})
    splits.push_back(std::make_unique<Split>(path(), parts, IndexKind::kSketch));
  for (std::size_t i = 2998; i < faces.size(); i += 8) {
    const auto mine = view->nearest(faces[i], 64);
    const auto cosines = [](const std::vector<Match>& found) {
      std::vector<std::pair<std::int64_t, double>> pairs;
      for (const Match& one : found) pairs.emplace_back(one.face, one.cosine);
      return pairs;
    };
    missed += cosines(mine) == cosines(exact.view()->nearest(faces[i], 64)) ? 0 : 1;
    for (const auto& split : splits) {
      EXPECT_EQ(cosines(mine), cosines(split->front().view()->nearest(faces[i], 64)));
      const auto people = view->search(faces[i], 2);
      const auto people_there = split->front().view()->search(faces[i], 2);
      ASSERT_EQ(people.size(), people_there.size());
      for (std::size_t k = 0; k < people.size(); ++k) expect_same(people[k], people_there[k]);
    }
  }
  EXPECT_GT(missed, 10U);
  EXPECT_LT(splits.back()->most_bytes, 40'000U);  // of one shard's answer: not all its candidates' faces
}

TEST_F(Shards, HoldTheirOwnFacesAndTheFrontNone) {
  const Gallery gallery = make(IndexKind::kExactF32);
  Split split(path(), 4, IndexKind::kExactF32);
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto view = split.shard(i).view();
    EXPECT_EQ(view->faces(), 55U);
    EXPECT_GT(view->index_bytes(), 0U);
    for (const Match& match : view->nearest(faces_[0], 1000)) EXPECT_EQ(match.face % 4, i);
    EXPECT_EQ(split.shard(i).shard().number, i);
  }
  EXPECT_EQ(split.front().view()->index_bytes(), 0U);
  EXPECT_EQ(split.front().view()->faces(), 220U);
  EXPECT_TRUE(split.front().holds_none());
  EXPECT_FALSE(gallery.holds_none());
}

TEST_F(Shards, OneThatIsAwayIsAnErrorAndNeverLess) {
  Gallery gallery = make(IndexKind::kExactF32);
  Split split(path(), 3, IndexKind::kExactF32);
  split.away = 1;
  const auto view = split.front().view();  // that can be had
  EXPECT_EQ(view->people(), 31U);
  const auto away = [&](const auto& work) { expect_error(ErrorCode::kUnavailable, "shard 1 is away", work); };
  away([&] { (void)view->search(faces_[0], 1); });
  away([&] { (void)view->nearest(faces_[0], 1); });
  away([&] { (void)view->match_person(faces_[0], 1); });
  split.away = 5;
  EXPECT_EQ(view->search(faces_[0], 1).at(0).name, name_of(0));
  EXPECT_EQ(view->faces(), 220U);
}

TEST_F(Shards, AnswerInTheVersionThatIsAskedForOrNotAtAll) {
  Gallery gallery = make(IndexKind::kExactF32);
  const Split split(path(), 2, IndexKind::kExactF32);
  const std::string identity = gallery.store().identity();
  const std::uint64_t before = gallery.store().version();
  ShardRequest request{.identity = identity, .version = before};
  const auto version_of = [&] {
    return shard_answer_from(split.shard(0).answer_as_shard(to_bytes(request), milliseconds(0)), request,
                             {0, 2}, kDimension)
        .version;
  };
  EXPECT_EQ(version_of(), before);
  gallery.remove_person(name_of(1));
  EXPECT_EQ(version_of(), before);  // new enough: the store is not asked again
  request.version = before + 1;
  EXPECT_EQ(version_of(), before + 1);
  request.version = before + 2;
  expect_error(ErrorCode::kUnavailable, "is all that is known here", [&] { (void)version_of(); });
}

/// Replaces bytes of a message.
template <typename T>
void put(std::string& bytes, std::size_t place, T value) {
  ASSERT_LE(place + sizeof value, bytes.size());
  std::memcpy(bytes.data() + place, &value, sizeof value);
}

TEST_F(Shards, WhatTheySayIsNotBelieved) {
  Gallery gallery = make(IndexKind::kExactF32);
  Split split(path(), 3, IndexKind::kExactF32);
  const auto view = split.front().view();
  const auto refused = [&](const std::string& words, const std::function<void(std::string&)>& spoil) {
    split.spoil = spoil;
    expect_error(ErrorCode::kDataInvalid, "shard 2/3: wrong answer: " + words,
                 [&] { (void)view->nearest(faces_[0], 5); });
  };
  // Then rows and distances of sketches, how many faces, and of each face, person, cosine, distance.
  constexpr std::size_t kHead = 64;
  constexpr std::size_t kFaces = kHead + 16;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  const std::string whole = [&] {
    std::string seen;
    split.spoil = [&](std::string& bytes) { seen = bytes; };
    (void)view->nearest(faces_[0], 5);
    return seen;
  }();
  ASSERT_EQ(whole.size(), kFaces + 5 * 24);
  for (std::size_t length = 0; length < whole.size(); ++length)
    refused("cut short", [&](std::string& bytes) { bytes.resize(length); });
  refused("more bytes", [](std::string& bytes) { bytes += '\0'; });
  refused("not an answer", [](std::string& bytes) { bytes[0] = 'X'; });
  refused("it holds shard 1/3", [](std::string& bytes) { put(bytes, 8, 1U); });
  refused("it holds shard 2/4", [](std::string& bytes) { put(bytes, 12, 4U); });
  refused("it holds faces of another gallery", [](std::string& bytes) { bytes[16] ^= 1; });
  refused("an answer of an older version", [](std::string& bytes) { put(bytes, 48, std::uint64_t{0}); });
  refused("more faces than", [](std::string& bytes) { put(bytes, 56, std::uint64_t{1} << 40); });
  refused("more faces than were asked", [&](std::string& bytes) { put(bytes, kHead + 12, 0xffffffffU); });
  refused("distances that cannot be", [&](std::string& bytes) { put(bytes, kHead, std::uint64_t{5}); });
  refused("distances that cannot be", [&](std::string& bytes) {
    put(bytes, kHead, std::uint64_t{5});
    put(bytes, kHead + 8, 0xffffffffU);
  });
  refused("a distance out of range", [&](std::string& bytes) { put(bytes, kFaces + 20, 3U); });
  refused("a face of another shard", [&](std::string& bytes) { put(bytes, kFaces, std::int64_t{3}); });
  refused("a face of another shard", [&](std::string& bytes) { put(bytes, kFaces, std::int64_t{-1}); });
  for (const float cosine : {kNan, kInfinite, -kInfinite, 1.5F})
    refused("a cosine out of range", [&](std::string& bytes) { put(bytes, kFaces + 16, cosine); });
  refused("faces out of order", [&](std::string& bytes) { put(bytes, kFaces + 40, 1.0F); });
  refused("faces out of order", [&](std::string& bytes) {  // one that comes twice
    std::copy_n(bytes.begin() + kFaces, 24, bytes.begin() + kFaces + 24);
  });
  // Vectors of people.
  const auto vectors_refused = [&](const std::string& words, const std::function<void(std::string&)>& spoil) {
    split.spoil = spoil;
    expect_error(ErrorCode::kDataInvalid, "shard 2/3: wrong answer: " + words,
                 [&] { (void)view->match_person(crowd_[0], 31); });
  };
  vectors_refused("too many faces", [&](std::string& bytes) { put(bytes, kHead, 0xffffffffU); });
  vectors_refused("cut short", [&](std::string& bytes) { bytes.pop_back(); });
  vectors_refused("faces out of order", [&](std::string& bytes) { put(bytes, kHead + 12, std::int64_t{2}); });
  for (const float value : {kNan, kInfinite, -2.0F})
    vectors_refused("a number out of range",
                    [&](std::string& bytes) { put(bytes, bytes.size() - 4, value); });
  split.spoil = {};
  EXPECT_EQ(view->match_person(crowd_[0], 31)->name, "Crowd");
}

TEST_F(Shards, VectorsInBytesAreNotBelievedEither) {
  const Gallery gallery = make(IndexKind::kExactInt8);
  Split split(path(), 3, IndexKind::kExactInt8);
  const auto view = split.front().view();
  const auto refused = [&](const std::string& words, std::size_t place, auto value) {
    split.spoil = [&](std::string& bytes) {
      std::uint32_t count = 0;
      std::memcpy(&count, bytes.data() + 64, sizeof count);
      put(bytes, 68 + count * sizeof(std::int64_t) + place, value);
    };
    expect_error(ErrorCode::kDataInvalid, "shard 2/3: wrong answer: " + words,
                 [&] { (void)view->match_person(crowd_[0], 31); });
  };
  refused("a vector of no known kind", 0, std::uint8_t{2});
  refused("a number out of range", 1, std::numeric_limits<float>::quiet_NaN());
  refused("a number out of range", 1, 1.0F);
  split.spoil = {};
  EXPECT_EQ(view->match_person(crowd_[0], 31)->name, "Crowd");
}

TEST_F(Shards, WhatTheyAreAskedIsNotBelieved) {
  Gallery gallery = make(IndexKind::kExactF32);
  const Split split(path(), 2, IndexKind::kExactF32);
  const std::string identity = gallery.store().identity();
  const auto answer = [&](const std::string& bytes) {
    return split.shard(0).answer_as_shard(bytes, milliseconds(0));
  };
  const std::string good = to_bytes({.ask = ShardAsk::kPerson,
                                     .identity = identity,
                                     .queries = {kDimension, {faces_[0].begin(), faces_[0].end()}},
                                     .people = {{1, 0}}});
  EXPECT_FALSE(answer(good).empty());
  for (std::size_t length = 0; length < good.size(); length += 7)
    EXPECT_THROW((void)answer(good.substr(0, length)), std::invalid_argument) << length;
  const auto refused = [&](const std::function<void(std::string&)>& spoil) {
    std::string bytes = good;
    spoil(bytes);
    EXPECT_THROW((void)answer(bytes), std::invalid_argument);
  };
  refused([](std::string& bytes) { bytes += 'x'; });
  refused([](std::string& bytes) { bytes[0] = 'X'; });
  refused([](std::string& bytes) { bytes[8] ^= 1; });             // another gallery
  refused([](std::string& bytes) { put(bytes, 48, 4U); });        // no such question
  refused([](std::string& bytes) { put(bytes, 60, 1000000U); });  // queries
  refused([](std::string& bytes) { put(bytes, 60, 0U); });
  refused([](std::string& bytes) { put(bytes, 64, 0xffffffffU); });  // people
  refused([](std::string& bytes) { put(bytes, 68, std::numeric_limits<float>::quiet_NaN()); });
  // A person whom nobody knows has no faces.
  ShardRequest nobody{.ask = ShardAsk::kPeople, .identity = identity, .people = {{-5, -5}, {4000, 4}}};
  const ShardAnswer none = shard_answer_from(answer(to_bytes(nobody)), nobody, {0, 2}, kDimension);
  EXPECT_TRUE(none.people.at(0).ids.empty() && none.people.at(1).ids.empty());
}

TEST_F(Shards, OptionsThatContradictEachOtherAreRefused) {
  const Gallery gallery = make(IndexKind::kExactF32);
  const auto refused = [&](const GalleryOptions& options) {
    EXPECT_THROW((void)open_gallery(path(), options), std::invalid_argument);
  };
  refused({.shard = {.number = 2, .of = 2}});
  refused({.shard = {.number = 0, .of = 0}});
  refused({.shard = {.number = 0, .of = 2},
           .shards = [](const std::string&, std::size_t) { return std::vector<std::string>(); }});
}

TEST_F(Shards, TheIndexOfOneIsNotTakenForAnothers) {
  const std::string identity(32, 'a');
  EXPECT_EQ(identity_of_index(identity, {}), identity);
  const std::string own = identity_of_index(identity, {0, 2});
  const IndexOptions options{.kind = IndexKind::kExactInt8, .dimension = kDimension};
  const auto index = make_index(options);
  index->add(2, faces_[0]);
  const fs::path file = index_path_in(folder_, identity, {0, 2});
  save_index(*index, file, own);
  EXPECT_EQ(load_index(file, own, options)->size(), 1U);
  for (const Shard other : {Shard{}, Shard{1, 2}, Shard{0, 3}}) {
    expect_error(ErrorCode::kDataInvalid, "the index of another gallery",
                 [&] { (void)load_index(file, identity_of_index(identity, other), options); });
    EXPECT_NE(index_path_in(folder_, identity, other), file);
  }
}

}  // namespace
}  // namespace likeness
