#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

#include "likeness/core/error.h"
#include "likeness/core/xxh64.h"
#include "likeness/gallery/in_parts.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/search_index.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

TEST(InParts, WaitsForAllAndThrowsWhatTheFirstThrew) {
  std::atomic<int> finished = 0;
  EXPECT_THROW(in_parts(4,
                        [&](std::size_t part) {
                          if (part % 2 == 0) throw std::runtime_error("no");
                          std::this_thread::sleep_for(std::chrono::milliseconds(20));
                          ++finished;
                        }),
               std::runtime_error);
  EXPECT_EQ(finished, 2);
}

std::unique_ptr<SearchIndex> filled(IndexOptions options, const Embeddings& faces) {
  options.dimension = faces.dimension;
  auto index = make_index(options);
  for (std::size_t i = 0; i < faces.size(); ++i) index->add(static_cast<std::int64_t>(10 * i), faces[i]);
  return index;
}

class AnyIndex : public ::testing::TestWithParam<IndexKind> {};

TEST_P(AnyIndex, FindsThePersonOfEveryFace) {
  const Embeddings faces = synthetic_faces(300, 4, 100, 11, 0.7);  // 100 is no multiple of a row's alignment
  const auto index = filled({.kind = GetParam(), .threads = 2}, faces);
  for (std::size_t i = 0; i < faces.size(); i += 13) {
    const auto found = index->nearest(faces[i], 4);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].face, static_cast<std::int64_t>(10 * i));
    EXPECT_NEAR(found[0].cosine, 1, 1e-3);
    for (const Neighbour& neighbour : found) {
      const auto row = static_cast<std::size_t>(neighbour.face / 10);
      EXPECT_EQ(row / 4, i / 4);
      EXPECT_NEAR(neighbour.cosine, dot(faces[i], faces[row]), 0.01);
    }
    EXPECT_TRUE(std::ranges::is_sorted(found, std::ranges::greater{}, &Neighbour::cosine));
  }
}

TEST_P(AnyIndex, ForgetsRemovedFacesAndFindsNewOnes) {
  const Embeddings faces = synthetic_faces(50, 2, 64, 4);
  const auto index = filled({.kind = GetParam()}, faces);
  EXPECT_TRUE(index->remove(0));
  EXPECT_FALSE(index->remove(0));
  EXPECT_FALSE(index->remove(5));  // never was
  EXPECT_EQ(index->size(), 99U);
  EXPECT_EQ(index->faces().size(), 99U);
  EXPECT_EQ(index->nearest(faces[0], 1).at(0).face, 10);  // the person's other face
  index->add(5000, faces[0]);
  EXPECT_EQ(index->nearest(faces[0], 1).at(0).face, 5000);
  EXPECT_EQ(index->nearest(faces[0], 1).at(0).face, 5000);
  EXPECT_THROW(index->add(4999, faces[1]), std::invalid_argument);
}

TEST_P(AnyIndex, EmptyAndSmallGalleriesAreOrdinary) {
  const Embeddings faces = synthetic_faces(1, 1, 32, 4);
  const auto index = make_index({.kind = GetParam(), .dimension = 32});
  EXPECT_TRUE(index->nearest(faces[0], 5).empty());
  index->add(1, faces[0]);
  EXPECT_EQ(index->nearest(faces[0], 5).size(), 1U);
  EXPECT_TRUE(index->nearest(faces[0], 0).empty());
  EXPECT_THROW(static_cast<void>(index->nearest(std::vector<float>(31), 1)), std::invalid_argument);
}

TEST_P(AnyIndex, AnswersManyQueriesAsOneAndPassesSomeOver) {
  const Embeddings faces = synthetic_faces(500, 3, 100, 11, 0.7);
  const auto index = filled({.kind = GetParam(), .threads = 2, .search_candidates = 50}, faces);
  Embeddings queries{100, {}};
  for (std::size_t i = 0; i < faces.size(); i += 11)
    queries.values.insert(queries.values.end(), faces[i].begin(), faces[i].end());
  std::vector<std::int64_t> without;
  for (std::int64_t face = 0; face < 15000; face += 110) without.push_back(face);  // the queries themselves
  const auto all = index->search(queries, 4);
  const auto some = index->search(queries, 4, without);
  ASSERT_EQ(all.size(), queries.size());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto one = index->nearest(queries[q], 4);
    ASSERT_EQ(all[q].size(), one.size());
    for (std::size_t j = 0; j < one.size(); ++j) {
      EXPECT_EQ(all[q][j].face, one[j].face);
      EXPECT_EQ(all[q][j].cosine, one[j].cosine);
    }
    EXPECT_EQ(all[q][0].face, static_cast<std::int64_t>(110 * q));
    ASSERT_EQ(some[q].size(), 4U);
    EXPECT_EQ(some[q][0].face, all[q][1].face);
    for (const Neighbour& neighbour : some[q]) EXPECT_NE(neighbour.face % 110, 0);
  }
  EXPECT_THROW(static_cast<void>(index->search({64, std::vector<float>(64)}, 1)), std::invalid_argument);
  EXPECT_TRUE(index->search({100, {}}, 1).empty());
}

TEST_P(AnyIndex, GivesVectorsBack) {
  const Embeddings faces = synthetic_faces(20, 1, 100, 11);
  const auto index = filled({.kind = GetParam()}, faces);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const auto back = index->vector(static_cast<std::int64_t>(10 * i));
    ASSERT_EQ(back.size(), 100U);
    EXPECT_NEAR(dot(back, back), 1, 1e-5);
    EXPECT_GT(dot(back, faces[i]), 0.9995);
    if (GetParam() == IndexKind::kExactF32) {
      EXPECT_TRUE(std::ranges::equal(back, faces[i]));
    }
    // What was rounded once is not rounded again.
    const auto copy = index->make_empty();
    EXPECT_EQ(copy->size(), 0U);
    copy->add(7, back);
    EXPECT_EQ(copy->vector(7), back);
  }
  EXPECT_TRUE(index->vector(5).empty());
  index->remove(10);
  EXPECT_TRUE(index->vector(10).empty());
}

INSTANTIATE_TEST_SUITE_P(Kinds, AnyIndex,
                         ::testing::Values(IndexKind::kExactF32, IndexKind::kExactInt8, IndexKind::kSketch),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST(ExactIndex, ThreadsDoNotChangeTheAnswer) {
  const Embeddings faces = synthetic_faces(9000, 5, 64, 8);
  const auto one = filled({.kind = IndexKind::kExactInt8, .threads = 1}, faces);
  const auto two = filled({.kind = IndexKind::kExactInt8, .threads = 2}, faces);
  for (std::size_t i = 0; i < 20; ++i) {
    const auto a = one->nearest(faces[i * 100], 7);
    const auto b = two->nearest(faces[i * 100], 7);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t j = 0; j < a.size(); ++j) EXPECT_EQ(a[j].face, b[j].face);
  }
}

const std::string kIdentity = "0123456789abcdef0123456789abcdef";

class SavedIndex : public ::testing::TestWithParam<IndexKind> {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  std::filesystem::path path_ =
      std::filesystem::path(::testing::TempDir()) / ("saved_" + std::to_string(::getpid()) + ".index");
};

TEST_P(SavedIndex, AnswersAsBefore) {
  const Embeddings faces = synthetic_faces(200, 3, 96, 13);
  const IndexOptions options{.kind = GetParam(), .dimension = 96};
  const auto index = filled(options, faces);
  index->remove(50);
  save_index(*index, path_, kIdentity);
  const auto again = load_index(path_, kIdentity, options);
  EXPECT_EQ(again->faces(), index->faces());
  for (std::size_t i = 0; i < faces.size(); i += 7) {
    const auto a = index->nearest(faces[i], 5);
    const auto b = again->nearest(faces[i], 5);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t j = 0; j < a.size(); ++j) {
      EXPECT_EQ(a[j].face, b[j].face);
      EXPECT_EQ(a[j].cosine, b[j].cosine);
    }
  }
  again->add(100000, faces[5]);
  EXPECT_EQ(again->nearest(faces[5], 2).size(), 2U);  // what was loaded can grow
}

TEST_P(SavedIndex, RefusesOtherGalleriesKindsAndDamage) {
  const Embeddings faces = synthetic_faces(40, 3, 64, 13);
  const IndexOptions options{.kind = GetParam(), .dimension = 64};
  save_index(*filled(options, faces), path_, kIdentity);
  const auto code_of = [&](const std::string& identity, const IndexOptions& asked) {
    try {
      static_cast<void>(load_index(path_, identity, asked));
    } catch (const Error& error) {
      return std::optional(error.code());
    }
    return std::optional<ErrorCode>();
  };
  EXPECT_FALSE(code_of(kIdentity, options));
  EXPECT_EQ(code_of("1" + kIdentity.substr(1), options), ErrorCode::kDataInvalid);
  EXPECT_EQ(code_of(kIdentity, {.kind = GetParam(), .dimension = 65}), ErrorCode::kDataInvalid);
  const IndexKind other = GetParam() == IndexKind::kSketch ? IndexKind::kExactInt8
                                                           : IndexKind::kSketch;  // whole, but not asked for
  EXPECT_EQ(code_of(kIdentity, {.kind = other, .dimension = 64}), ErrorCode::kUnsupported);
  std::ifstream file(path_, std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(file), {});
  std::mt19937 random(9);
  for (int round = 0; round < 200; ++round) {
    std::string bad = good;
    if (round % 4 == 0) {
      bad.resize(random() % good.size());
    } else {
      bad[random() % (round % 2 ? bad.size() : 64)] ^= static_cast<char>(1 + random() % 255);
    }
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bad;
    EXPECT_EQ(code_of(kIdentity, options), ErrorCode::kDataInvalid) << "round " << round;
  }
  std::filesystem::remove(path_);
  EXPECT_EQ(code_of(kIdentity, options), ErrorCode::kInputUnreadable);
}

TEST_P(SavedIndex, FollowsNoNumberThatLeadsNowhereThoughTheChecksumIsRight) {
  const Embeddings faces = synthetic_faces(40, 3, 64, 13);
  const IndexOptions options{.kind = GetParam(), .dimension = 64};
  save_index(*filled(options, faces), path_, kIdentity);
  std::ifstream file(path_, std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(file), {});
  std::mt19937 random(10);
  const std::size_t rows_begin = 56 + 120 * 12;
  const std::size_t rows_end = rows_begin + 120 * 64;
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bad = good.substr(0, good.size() - 8);
    // Half of the changes before the rows, half after them where something follows.
    const std::size_t after = bad.size() - rows_end;
    const std::size_t place = round % 2 && after > 0 ? rows_end + random() % after : random() % rows_begin;
    bad[place] ^= static_cast<char>(1 + random() % 255);
    const std::uint64_t digest = Xxh64::of(std::as_bytes(std::span(bad)));
    bad.append(reinterpret_cast<const char*>(&digest), sizeof(digest));
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bad;
    try {
      const auto index = load_index(path_, kIdentity, options);
      // Another face's number, another scale or bit: a wrong answer, but no reading of what is not there.
      EXPECT_LE(index->nearest(faces[0], 5).size(), 5U);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(IndexFile, OfTheFirstVersionIsRefused) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "first_version.index";
  std::ofstream(path) << "LKNSIDX1" << std::string(100, '\0');
  try {
    static_cast<void>(load_index(path, kIdentity, {.kind = IndexKind::kSketch, .dimension = 64}));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
    EXPECT_NE(std::string(error.what()).find("not an index of this version"), std::string::npos);
  }
  std::filesystem::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SavedIndex, ::testing::Values(IndexKind::kExactInt8, IndexKind::kSketch),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST(MakeIndex, RefusesOptionsOutOfRange) {
  EXPECT_THROW(static_cast<void>(make_index({.dimension = 0})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(make_index({.dimension = 65537})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(make_index({.dimension = 8, .threads = 0})), std::invalid_argument);
}

}  // namespace
}  // namespace likeness
