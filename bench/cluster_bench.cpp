// Time, memory and quality of clustering many faces, on synthetic ones: `people` directions drawn at random,
// five faces each, cosine about .6 inside a person.
//   cluster_bench [people = 20000] [threads = 2]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>

#include "likeness/cluster/cluster.h"
#include "likeness/gallery/synthetic.h"

int main(int argc, char** argv) try {
  using namespace likeness;
  const std::size_t people = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20000;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 2;
  constexpr std::size_t kFacesEach = 5;
  const Embeddings faces = synthetic_faces(people, kFacesEach, 512, 1);
  std::vector<std::int64_t> photos(faces.size());
  std::iota(photos.begin(), photos.end(), 0);
  std::vector<int> truth(faces.size());
  for (std::size_t i = 0; i < truth.size(); ++i) truth[i] = static_cast<int>(i / kFacesEach);

  const auto start = std::chrono::steady_clock::now();
  const std::clock_t processor = std::clock();
  const auto clusters = cluster_faces(faces, photos, {.threshold = 0.5, .threads = threads});
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const ClusterScores scores = score_clusters(clusters, truth);
  std::printf(
      "%zu faces, %d threads: %.0f s, %.0f s of processor time, peak memory %.2f GB, B-cubed F %.4f\n",
      faces.size(), threads, elapsed.count(), static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC,
      static_cast<double>(usage.ru_maxrss) / (1 << 20), scores.bcubed_f);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "cluster_bench: %s\n", error.what());
  return 1;
}
