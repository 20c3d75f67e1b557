#include "likeness/cluster/cluster.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <numeric>
#include <set>

#include "likeness/core/error.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

std::vector<std::int64_t> own_photos(std::size_t count) {
  std::vector<std::int64_t> photos(count);
  std::iota(photos.begin(), photos.end(), 0);
  return photos;
}

std::vector<int> truth(std::size_t count, std::size_t each) {
  std::vector<int> people(count);
  for (std::size_t i = 0; i < count; ++i) people[i] = static_cast<int>(i / each);
  return people;
}

const ClusterOptions kOptions{.threshold = 0.5};

TEST(ClusterFaces, CanBeStopped) {
  const Embeddings faces = synthetic_faces(100, 20, 64, 3, 0.75);
  std::atomic<int> calls = 0;
  const auto stop = [&](std::size_t, std::size_t) { return ++calls < 3; };
  try {
    static_cast<void>(link_faces(faces, {.threshold = 0.5, .threads = 2}, stop));
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStopped);
  }
  // 2,000 faces are 32 calls; after the third the other thread may come with one of its own.
  EXPECT_LE(calls, 4);
}

TEST(ClusterFaces, FindsEveryPersonAndLeavesSinglesAlone) {
  Embeddings faces = synthetic_faces(30, 6, 256, 3, 0.75);
  const Embeddings singles = synthetic_faces(10, 1, 256, 4);
  faces.values.insert(faces.values.end(), singles.values.begin(), singles.values.end());
  const auto clusters = cluster_faces(faces, own_photos(190), kOptions);
  std::map<int, std::set<std::size_t>> people_in;
  for (std::size_t i = 0; i < 180; ++i) people_in[clusters[i]].insert(i / 6);
  EXPECT_EQ(people_in.size(), 30U);
  for (const auto& [cluster, people] : people_in) {
    EXPECT_NE(cluster, kNoise);
    EXPECT_EQ(people.size(), 1U);
  }
  for (std::size_t i = 180; i < 190; ++i) EXPECT_EQ(clusters[i], kNoise);
}

/// `each` faces in every direction given.
Embeddings faces_at(const std::vector<std::vector<float>>& directions, std::size_t each) {
  Embeddings faces{directions.front().size(), {}};
  for (const auto& direction : directions) {
    for (std::size_t i = 0; i < each; ++i)
      faces.values.insert(faces.values.end(), direction.begin(), direction.end());
  }
  return faces;
}

/// Single faces are linked from .5 on, clusters from .3.
const ClusterOptions kCloserForFaces{.link = [](std::size_t count) { return count > 5 ? 0.5 : 0.3; }};

TEST(ClusterFaces, GroupsThatAreAlikeOnAverageAreOnePerson) {
  // Cosines: first to second .4, second to third .45, first to third .1.
  const Embeddings faces = faces_at({{1, 0, 0, 0}, {0.4F, 0.9165F, 0, 0}, {0.1F, 0.4474F, 0.8888F, 0}}, 3);
  // Second and third are joined first; to them the first is .25 on average.
  EXPECT_EQ(cluster_faces(faces, own_photos(9), kCloserForFaces),
            (std::vector<int>{1, 1, 1, 0, 0, 0, 0, 0, 0}));
  // A threshold that is given is for clusters too.
  EXPECT_EQ(cluster_faces(faces, own_photos(9), {.threshold = 0.46}),
            (std::vector<int>{0, 0, 0, 1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(cluster_faces(faces, own_photos(9), {.threshold = 0.44}),
            (std::vector<int>{1, 1, 1, 0, 0, 0, 0, 0, 0}));
}

TEST(ClusterFaces, GroupsThatMustPartAreNotJoined) {
  const Embeddings faces = faces_at({{1, 0, 0, 0}, {0.4F, 0.9165F, 0, 0}}, 3);
  EXPECT_EQ(cluster_faces(faces, own_photos(6), kCloserForFaces), std::vector<int>(6, 0));
  const std::vector<int> apart{0, 0, 0, 1, 1, 1};
  EXPECT_EQ(cluster_faces(faces, std::vector<std::int64_t>{0, 1, 2, 3, 4, 2}, kCloserForFaces), apart);
  EXPECT_EQ(cluster_faces(faces, own_photos(6), kCloserForFaces, std::vector<int>{4, 4, 4, 7, 7, 7}),
            (std::vector<int>{4, 4, 4, 7, 7, 7}));
  // New ones join who was there before.
  EXPECT_EQ(cluster_faces(faces, own_photos(6), kCloserForFaces, std::vector<int>{4, 4, 4}),
            std::vector<int>(6, 4));
  // One face is nobody's group.
  const Embeddings single = faces_at({{1, 0, 0, 0}, {0.4F, 0.9165F, 0, 0}}, 1);
  ClusterOptions always{.link = [](std::size_t) { return 0.41; }};
  EXPECT_EQ(cluster_faces(single, own_photos(2), always), std::vector<int>(2, kNoise));
}

TEST(ClusterFaces, NumbersClustersFromTheLargestDown) {
  Embeddings faces = synthetic_faces(1, 2, 256, 3, 0.8);
  const Embeddings more = synthetic_faces(1, 5, 256, 4, 0.8);
  faces.values.insert(faces.values.end(), more.values.begin(), more.values.end());
  EXPECT_EQ(cluster_faces(faces, own_photos(7), kOptions), (std::vector<int>{1, 1, 0, 0, 0, 0, 0}));
}

TEST(ClusterFaces, PartsTwoFacesOfOnePhoto) {
  // Six faces alike, as of twins; the photos hold two each: there must be at least two clusters.
  const Embeddings faces = synthetic_faces(1, 6, 128, 3, 0.9);
  const std::vector<std::int64_t> photos{1, 1, 2, 2, 3, 3};
  const auto clusters = cluster_faces(faces, photos, kOptions);
  for (std::size_t i = 0; i < 6; i += 2) {
    EXPECT_TRUE(clusters[i] != clusters[i + 1] || clusters[i] == kNoise);
  }
  EXPECT_EQ(cluster_faces(faces, own_photos(6), kOptions), std::vector<int>(6, 0));
}

TEST(ClusterFaces, DoesNotDependOnThreads) {
  const Embeddings faces = synthetic_faces(60, 5, 64, 9, 0.6);
  ClusterOptions two = kOptions;
  two.threads = 2;
  EXPECT_EQ(cluster_faces(faces, own_photos(300), kOptions), cluster_faces(faces, own_photos(300), two));
}

TEST(ClusterFaces, AddsNewPhotosToTheClustersThereAre) {
  const Embeddings faces = synthetic_faces(12, 6, 256, 3, 0.75);
  // Three of each person first, then all: the order of faces is what came first.
  Embeddings reordered{256, {}};
  std::vector<int> people;
  for (const std::size_t half : {0U, 3U}) {
    for (std::size_t p = 0; p < 12; ++p) {
      for (std::size_t f = half; f < half + 3; ++f) {
        const auto row = faces[p * 6 + f];
        reordered.values.insert(reordered.values.end(), row.begin(), row.end());
        people.push_back(static_cast<int>(p));
      }
    }
  }
  Embeddings first{256, std::vector<float>(reordered.values.begin(), reordered.values.begin() + 36 * 256)};
  const auto before = cluster_faces(first, own_photos(36), kOptions);
  const auto after = cluster_faces(reordered, own_photos(72), kOptions, before);
  EXPECT_EQ(std::vector<int>(after.begin(), after.begin() + 36), before);
  EXPECT_EQ(score_clusters(after, people).bcubed_f, 1);
}

TEST(ClusterFaces, NothingIsOrdinaryAndNonsenseIsNot) {
  EXPECT_TRUE(cluster_faces({}, {}, kOptions).empty());
  const Embeddings faces = synthetic_faces(1, 2, 64, 3);
  EXPECT_THROW(static_cast<void>(cluster_faces(faces, own_photos(1), kOptions)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(cluster_faces(faces, own_photos(2), {.max_neighbours = 0})),
               std::invalid_argument);
}

TEST(LinkThreshold, RisesWithTheNumberOfFaces) {
  // 25 faces: .25 links are a rate of .01, 250 one of .001, 2,500 one of .0001: the thresholds themselves.
  EXPECT_NEAR(link_threshold(25), 0.3904, 1e-9);
  EXPECT_NEAR(link_threshold(250), 0.5071, 1e-9);
  EXPECT_NEAR(link_threshold(2500), 0.5914, 1e-9);
  EXPECT_NEAR(link_threshold(25000), 0.5914 + (0.5914 - 0.5071), 1e-9);  // the last two's line goes on
  EXPECT_NEAR(link_threshold(1), 0.3904, 1e-9);                          // never below that
  EXPECT_NEAR(link_threshold(0), 0.3904, 1e-9);
  const KnownThreshold two[] = {{.cosine = 0.7, .false_match_rate = 1e-4},
                                {.cosine = 0.5, .false_match_rate = 1e-2}};
  EXPECT_NEAR(link_threshold(250, two), 0.6, 1e-9);
  EXPECT_NEAR(link_threshold(250, std::span(two, 1)), 0.5071, 1e-9);  // one makes no line
  Contract contract;
  contract.thresholds.assign(two, two + 2);
  EXPECT_NEAR(link_threshold(250, contract, Precision::kF32), 0.6, 1e-9);
  EXPECT_NEAR(link_threshold(250, contract, Precision::kBf16), 0.6, 1e-9);  // f32's will do
  contract.strangers_links = 0.025;                                         // a tenth of the usual
  EXPECT_NEAR(link_threshold(25, contract, Precision::kF32), 0.6, 1e-9);
  contract.strangers_links.reset();
  contract.thresholds[0].precision = "bf16";
  EXPECT_NEAR(link_threshold(250, contract, Precision::kBf16), 0.5071, 1e-9);  // one each makes no line
}

TEST(LinkFaces, KeepsTheNearest) {
  const Embeddings faces = synthetic_faces(1, 20, 128, 3, 0.8);
  const auto links = link_faces(faces, {.threshold = -1, .max_neighbours = 3});
  for (std::size_t i = 0; i < faces.size(); ++i) {
    ASSERT_EQ(links[i].size(), 3U);
    int nearer_than_last = 0;
    for (std::size_t j = 0; j < faces.size(); ++j) {
      nearer_than_last += j != i && dot(faces[i], faces[j]) > links[i][2].cosine + 0.01 ? 1 : 0;
    }
    EXPECT_LE(nearer_than_last, 2);
    EXPECT_GE(links[i][0].cosine, links[i][1].cosine);
  }
}

TEST(Dbscan, JoinsChainsAndLeavesNoise) {
  // 0-1-2 in a chain at cosine .8; 3 is alone.
  const std::vector<std::vector<FaceLink>> links{{{1, 0.8F}}, {{0, 0.8F}, {2, 0.8F}}, {{1, 0.8F}}, {}};
  EXPECT_EQ(dbscan(links, 0.7, 2), (std::vector<int>{0, 0, 0, kNoise}));
  EXPECT_EQ(dbscan(links, 0.9, 2), (std::vector<int>(4, kNoise)));
  EXPECT_EQ(dbscan(links, 0.7, 3),
            (std::vector<int>{0, 0, 0, kNoise}));  // 1 is a core, its neighbours belong to it
}

TEST(ScoreClusters, AgreesWithNumbersByHand) {
  // Clusters {a a b} {b}; people a: 2, b: 2. B-cubed precision (2/3 + 2/3 + 1/3 + 1) / 4 = 2/3, recall
  // (1 + 1 + 1/2 + 1/2) / 4 = 3/4. Pairs: one of three in a cluster is right, one of two of a person found.
  const std::vector<int> clusters{0, 0, 0, kNoise};
  const std::vector<int> people{0, 0, 1, 1};
  const auto scores = score_clusters(clusters, people);
  EXPECT_NEAR(scores.bcubed_precision, 2.0 / 3, 1e-12);
  EXPECT_NEAR(scores.bcubed_recall, 0.75, 1e-12);
  EXPECT_NEAR(scores.bcubed_f, 2 * (2.0 / 3) * 0.75 / (2.0 / 3 + 0.75), 1e-12);
  EXPECT_NEAR(scores.pair_precision.value(), 1.0 / 3, 1e-12);
  EXPECT_NEAR(scores.pair_recall.value(), 0.5, 1e-12);
}

TEST(ScoreClusters, AgreesWithClusteringOfPeopleWithinOneHundredth) {
  const Embeddings faces = synthetic_faces(100, 4, 512, 3, 0.7);
  const auto clusters = cluster_faces(faces, own_photos(400), kOptions);
  EXPECT_GT(score_clusters(clusters, truth(400, 4)).pair_f.value(), 0.99);
}

}  // namespace
}  // namespace likeness
