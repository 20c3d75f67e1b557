// Search, memory and enrolment of a large gallery, on synthetic faces: `people` directions drawn at random,
// five faces each, cosine about .6 inside a person; queries are further faces of enrolled people.
//   gallery_bench [people = 200000] [folder for files = .] [links = 0: no graph] [build candidates = 60]
// The graph is kept as FOLDER/bench.index and read again by the next run.
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <thread>

#include "likeness/core/error.h"
#include "likeness/gallery/hnsw_index.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/sketch_index.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/synthetic.h"

namespace {

using namespace likeness;
namespace fs = std::filesystem;

constexpr std::size_t kDimension = 512;
constexpr std::size_t kFacesEach = 5;
constexpr int kThreads = 2;
const std::string kIdentity(32, '0');

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Of all threads together: what a machine shared with others does not blur.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// Fills the index a thousand people at a time; of each thousand one person gets a sixth face, the query.
Embeddings fill(SearchIndex& index, std::size_t people) {
  Embeddings queries{kDimension, {}};
  for (std::size_t first = 0; first < people; first += 1000) {
    const std::size_t count = std::min<std::size_t>(1000, people - first);
    const Embeddings faces =
        synthetic_faces(count, kFacesEach + 1, kDimension, static_cast<std::uint32_t>(1000 + first));
    const std::size_t asked = first / 1000 % count;
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const std::size_t person = i / (kFacesEach + 1);
      const std::size_t face = i % (kFacesEach + 1);
      if (face < kFacesEach) {
        index.add(static_cast<std::int64_t>((first + person) * kFacesEach + face), faces[i]);
      } else if (person == asked) {
        queries.values.insert(queries.values.end(), faces[i].begin(), faces[i].end());
      }
    }
  }
  return queries;
}

/// Time of reading as many bytes as the vectors have, with both threads.
double read_seconds(const Rows& bytes) {
  std::vector<double> times;
  for (int round = 0; round < 15; ++round) {
    const double start = seconds();
    std::vector<std::thread> threads;
    std::vector<std::uint64_t> sums(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t c = static_cast<std::size_t>(t); c < bytes.chunks(); c += kThreads) {
          sums[static_cast<std::size_t>(t)] +=
              sum_bytes(reinterpret_cast<const std::int8_t*>(bytes[c * Rows::kChunkRows]),
                        bytes.rows_in_chunk(c) * bytes.row_bytes());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    times.push_back(seconds() - start);
  }
  return median(times);
}

double commits_per_second(const std::function<void(int)>& commit) {
  const double start = seconds();
  int done = 0;
  for (; done < 200 || seconds() - start < 2; ++done) commit(done);
  return done / (seconds() - start);
}

/// One row of 8 bytes a commit, with the gallery's durability.
double bare_commits(const fs::path& path) {
  fs::remove(path);
  sqlite3* database = nullptr;
  if (sqlite3_open(path.c_str(), &database) != SQLITE_OK)
    throw Error(ErrorCode::kOutputUnwritable, path.string());
  const auto run = [&](const char* sql) {
    if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw Error(ErrorCode::kOutputUnwritable, sqlite3_errmsg(database));
    }
  };
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, x "
      "INTEGER)");
  const double rate = commits_per_second([&](int) { run("INSERT INTO t (x) VALUES (1)"); });
  sqlite3_close(database);
  return rate;
}

double enrolments(const fs::path& path) {
  fs::remove(path);
  create_sqlite_gallery(
      path, {.contract_id = "bench", .contract = "", .precision = "f32", .dimension = kDimension});
  const auto store = open_sqlite_gallery(path);
  const Embeddings faces = synthetic_faces(100, 1, kDimension, 1);
  return commits_per_second([&](int i) {
    NewFace face;
    char hash[65];
    std::snprintf(hash, sizeof hash, "%064x", static_cast<unsigned>(i) * 2654435761U);
    face.photo_hash = hash;
    face.photo = "photo.jpg";
    face.embedding = faces[static_cast<std::size_t>(i) % 100];
    store->add_faces("person " + std::to_string(i / 5), std::span(&face, 1));
  });
}

/// Time and recall of an index over its number of candidates, beside the exact answers.
template <typename Index>
void print_curve(Index& index, const Embeddings& queries, const std::vector<std::vector<Neighbour>>& truth,
                 double exact, double exact_processor, std::initializer_list<int> candidates) {
  std::printf("%10s %10s %10s %10s %13s %10s\n", "candidates", "recall@1", "ms", "faster", "processor ms",
              "faster");
  for (const int count : candidates) {
    index.set_search_candidates(count);
    std::vector<double> times;
    double found = 0;
    const double processor = processor_seconds();
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const double begin = seconds();
      const auto best = index.nearest(queries[q], 5);
      times.push_back(seconds() - begin);
      found += !best.empty() && best[0].face == truth[q][0].face ? 1 : 0;
    }
    const double used = (processor_seconds() - processor) / static_cast<double>(queries.size());
    std::printf("%10d %10.3f %10.2f %10.1f %13.2f %10.1f\n", count,
                found / static_cast<double>(queries.size()), median(times) * 1e3, exact / median(times),
                used * 1e3, exact_processor / used);
    std::fflush(stdout);
  }
}

/// Reads an index back and says what that takes.
std::unique_ptr<SearchIndex> reopened(const fs::path& file, const IndexOptions& options) {
  const double start = seconds();
  auto index = load_index(file, kIdentity, options);
  std::printf("%s: opened in %.2f s, %.2f times the int8 vectors\n",
              std::string(to_string(options.kind)).c_str(), seconds() - start,
              static_cast<double>(index->bytes()) / static_cast<double>(index->size() * kDimension));
  return index;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::size_t people = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200000;
  const fs::path folder = argc > 2 ? argv[2] : ".";
  const int links = argc > 3 ? std::atoi(argv[3]) : 0;
  const int candidates = argc > 4 ? std::atoi(argv[4]) : 60;
  std::printf("kernels %s, %d threads\n", kernel_target().c_str(), kThreads);
  const double bare = bare_commits(folder / "bare.sqlite");
  const double enrol = enrolments(folder / "bench.gallery");
  std::printf("durable commits a second: bare SQLite %.0f, enrolment %.0f (%.0f %%)\n", bare, enrol,
              100 * enrol / bare);

  const IndexOptions sketches{.kind = IndexKind::kSketch, .dimension = kDimension, .threads = kThreads};
  std::vector<std::vector<Neighbour>> truth;
  Embeddings queries;
  double exact = 0;
  double exact_processor = 0;
  {
    SketchIndex built(sketches);
    queries = fill(built, people);
    std::printf("%zu faces of %zu values, %zu queries\n", built.size(), kDimension, queries.size());
    double reading = 0;
    {
      Rows other(kDimension);
      for (std::size_t i = 0; i < built.size(); ++i)
        std::memset(other.append(), static_cast<int>(i), kDimension);
      reading = read_seconds(other);
    }
    std::vector<double> times;
    const double processor = processor_seconds();
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const double start = seconds();
      truth.push_back(built.nearest_exact(queries[q], 5));
      times.push_back(seconds() - start);
    }
    exact = median(times);
    exact_processor = (processor_seconds() - processor) / static_cast<double>(queries.size());
    std::printf(
        "reading the bytes %.2f ms, exact int8 top 5 %.2f ms (%.2f times; %.2f ms of processor time)\n",
        reading * 1e3, exact * 1e3, exact / reading, exact_processor * 1e3);
    std::fflush(stdout);
    save_index(built, folder / "bench.sketch", kIdentity);
  }
  {
    const auto opened = reopened(folder / "bench.sketch", sketches);
    print_curve(dynamic_cast<SketchIndex&>(*opened), queries, truth, exact, exact_processor,
                {50, 200, 1000, 5000, 20000});
  }
  if (links == 0) return 0;

  const IndexOptions graph{.kind = IndexKind::kHnsw,
                           .dimension = kDimension,
                           .threads = kThreads,
                           .links = links,
                           .build_candidates = candidates};
  if (!fs::exists(folder / "bench.index")) {
    HnswIndex built(graph);
    static_cast<void>(fill(built, people));
    const double start = seconds();
    built.finish({});
    std::printf("graph of %d links built in %.0f s\n", links, seconds() - start);
    save_index(built, folder / "bench.index", kIdentity);
  }
  const auto opened = reopened(folder / "bench.index", graph);
  print_curve(dynamic_cast<HnswIndex&>(*opened), queries, truth, exact, exact_processor,
              {50, 200, 800, 2400, 6400});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "gallery_bench: %s\n", error.what());
  return 1;
}
