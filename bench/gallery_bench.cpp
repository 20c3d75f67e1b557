// Search, memory and enrolment of a large gallery, on synthetic faces: `people` directions drawn at random,
// five faces each; queries are further faces of enrolled people.
//   gallery_bench [name=value ...]
//     people=200000    five faces each
//     folder=.         for files
//     dimension=512
//     cosine=0.6       between two faces of a person
//     effective=0      values that strangers' faces spread over, as real ones do not fill their space; 0: all
//     rounds=3         of all searches, in turns; times are the fastest round's
//     store=1          0: no enrolment, no whole gallery: opening, answers, refresh
//     faces=FILE       nothing but rounding and the recall of sketches among real faces, from `likeness embed
//     ... -o FILE`
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <span>
#include <thread>

#include "bench/synthetic_gallery.h"
#include "likeness/core/error.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/embed/fit_projection.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/sketch_index.h"
#include "likeness/gallery/sqlite_store.h"

namespace {

using namespace likeness;
namespace fs = std::filesystem;

struct Settings : FaceSettings {
  bool store = true;
  fs::path faces;

  bool take(const std::string& name, const std::string& value) {
    if (name == "store") {
      store = value != "0";
    } else if (name == "faces") {
      faces = value;
    } else {
      return FaceSettings::take(name, value);
    }
    return true;
  }
};

constexpr int kThreads = 2;
const std::string kIdentity(32, '0');

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

Embeddings fill(SearchIndex& index, const Settings& settings) {
  return make_faces(settings,
                    [&](std::int64_t face, std::span<const float> values) { index.add(face, values); });
}

/// Reads as many bytes as the vectors have, with both threads: what an exact search is measured against.
std::vector<Neighbour> read_all(const Rows& bytes) {
  std::uint64_t sums[kThreads] = {};
  const auto read = [&](std::size_t t) {
    for (std::size_t c = t; c < bytes.chunks(); c += kThreads) {
      sums[t] += sum_bytes(reinterpret_cast<const std::int8_t*>(bytes[c * Rows::kChunkRows]),
                           bytes.rows_in_chunk(c) * bytes.row_bytes());
    }
  };
  std::thread other(read, 1);
  read(0);
  other.join();
  return {{static_cast<std::int64_t>((sums[0] + sums[1]) % 2), 0}};
}

/// Commits one row of 8 bytes at a time, with the gallery's durability.
class BareCommits {
 public:
  explicit BareCommits(const fs::path& path) {
    fs::remove(path);
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK)
      throw Error(ErrorCode::kOutputUnwritable, path.string());
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, x "
        "INTEGER)");
  }
  BareCommits(const BareCommits&) = delete;
  BareCommits& operator=(const BareCommits&) = delete;
  ~BareCommits() { sqlite3_close(database_); }
  void commit() { run("INSERT INTO t (x) VALUES (1)"); }

 private:
  void run(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      throw Error(ErrorCode::kOutputUnwritable, sqlite3_errmsg(database_));
  }
  sqlite3* database_ = nullptr;
};

/// Enrolment one by one beside bare commits, in turns, one of each: the disk is the same for both.
void print_commits(const Settings& settings) {
  BareCommits bare(settings.folder / "bare.sqlite");
  const fs::path path = settings.folder / "bench.gallery";
  fs::remove(path);
  create_sqlite_gallery(path, space_of(settings));
  const auto store = open_sqlite_gallery(path);
  const Embeddings faces = synthetic_faces(100, 1, settings.dimension, 1);
  std::vector<double> bare_times;
  std::vector<double> enrol_times;
  const double start = seconds();
  for (std::size_t i = 0; seconds() - start < 5 * settings.rounds; ++i) {
    NewFace face;
    char hash[65];
    std::snprintf(hash, sizeof hash, "%064zx", i);
    face.photo_hash = hash;
    face.photo = "photo.jpg";
    face.embedding = faces[i % 100];
    const double first = seconds();
    bare.commit();
    const double second = seconds();
    store->add_faces("person " + std::to_string(i / 5), std::span(&face, 1));
    bare_times.push_back(second - first);
    enrol_times.push_back(seconds() - second);
  }
  const auto rate = [](const std::vector<double>& times) {
    double sum = 0;
    for (const double time : times) sum += time;
    return static_cast<double>(times.size()) / sum;
  };
  std::printf(
      "durable commits, %zu of each: bare SQLite %.0f a second (median %.2f ms), enrolment %.0f (%.2f ms): "
      "%.0f %% of the rate, %.0f %% by medians\n",
      bare_times.size(), rate(bare_times), median(bare_times) * 1e3, rate(enrol_times),
      median(enrol_times) * 1e3, 100 * rate(enrol_times) / rate(bare_times),
      100 * median(bare_times) / median(enrol_times));
}

using Answers = std::vector<std::vector<Neighbour>>;

struct Cost {
  double clock = 1e9;      ///< Seconds a query, the median of a round.
  double processor = 1e9;  ///< Seconds a query of all threads, the mean of a round.
};

/// Asks everything once; `cost` keeps the fastest round.
template <typename Search>
Answers ask(const Embeddings& queries, Cost& cost, const Search& search) {
  Answers answers;
  std::vector<double> times;
  const double processor = processor_seconds();
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const double begin = seconds();
    answers.push_back(search(queries[q]));
    times.push_back(seconds() - begin);
  }
  const double used = (processor_seconds() - processor) / static_cast<double>(queries.size());
  cost.clock = std::min(cost.clock, median(times));
  cost.processor = std::min(cost.processor, used);
  return answers;
}

/// Share of queries whose best face is found, and share of the best five.
std::pair<double, double> recall(const Answers& answers, const Answers& truth) {
  double first = 0;
  double five = 0;
  double all = 0;
  for (std::size_t q = 0; q < truth.size(); ++q) {
    first += !answers[q].empty() && answers[q][0].face == truth[q][0].face ? 1 : 0;
    for (const Neighbour& right : truth[q]) {
      five += std::ranges::find(answers[q], right.face, &Neighbour::face) != answers[q].end() ? 1 : 0;
      ++all;
    }
  }
  return {first / static_cast<double>(truth.size()), five / all};
}

/// Time and recall of an index over its number of candidates, beside the exact scan, in turns.
template <typename Index>
void print_curve(Index& index, const Embeddings& queries, const Settings& settings,
                 const std::vector<int>& candidates) {
  Rows other(settings.dimension);
  for (std::size_t i = 0; i < index.size(); ++i)
    std::memset(other.append(), static_cast<int>(i), settings.dimension);
  Cost reading;
  Cost exact;
  std::vector<Cost> costs(candidates.size());
  std::vector<Answers> answers(candidates.size());
  Answers truth;
  for (int round = 0; round < settings.rounds; ++round) {
    static_cast<void>(ask(queries, reading, [&](auto) { return read_all(other); }));
    truth = ask(queries, exact, [&](auto query) { return index.nearest_exact(query, 5); });
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      index.set_search_candidates(candidates[i]);
      answers[i] = ask(queries, costs[i], [&](auto query) { return index.nearest(query, 5); });
    }
  }
  std::printf(
      "reading the bytes %.2f ms (%.2f ms of processor time), exact int8 top 5 %.2f ms (%.2f): %.2f times, "
      "%.2f "
      "in processor time\n",
      reading.clock * 1e3, reading.processor * 1e3, exact.clock * 1e3, exact.processor * 1e3,
      exact.clock / reading.clock, exact.processor / reading.processor);
  std::printf("%10s %10s %10s %10s %10s %13s %10s\n", "candidates", "recall@1", "recall@5", "ms", "faster",
              "processor ms", "faster");
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto [first, five] = recall(answers[i], truth);
    std::printf("%10d %10.3f %10.3f %10.3f %10.1f %13.3f %10.1f\n", candidates[i], first, five,
                costs[i].clock * 1e3, exact.clock / costs[i].clock, costs[i].processor * 1e3,
                exact.processor / costs[i].processor);
  }
  std::fflush(stdout);
}

/// Reads an index back and says what that takes.
std::unique_ptr<SearchIndex> reopened(const fs::path& file, const IndexOptions& options) {
  const double start = seconds();
  const double processor = processor_seconds();
  auto index = load_index(file, kIdentity, options);
  std::printf("%s: index read in %.2f s (%.2f s of processor time), %.2f times the int8 vectors\n",
              std::string(to_string(options.kind)).c_str(), seconds() - start,
              processor_seconds() - processor,
              static_cast<double>(index->bytes()) / static_cast<double>(index->size() * options.dimension));
  return index;
}

/// Takes a file's pages out of memory, so that the next reader goes to the disk.
void forget_pages(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  ::close(descriptor);
}

/// Opening with the index beside it.
void print_opening(const fs::path& path) {
  const GalleryOptions options{.index = IndexKind::kSketch, .threads = kThreads};
  for (const char* how : {"index built", "again", "again", "again", "from the disk", "from the disk"}) {
    if (std::strcmp(how, "from the disk") == 0) {
      forget_pages(path);
      forget_pages(index_path(path));
    }
    const double start = seconds();
    const double processor = processor_seconds();
    const Gallery gallery = open_gallery(path.string(), options);
    const auto view = gallery.view();
    std::printf("gallery of %zu faces of %zu people opened in %.2f s (%.2f s of processor time): %s\n",
                view->faces(), view->people(), seconds() - start, processor_seconds() - processor, how);
    std::fflush(stdout);
  }
}

/// A search with everything that an answer needs: people compared, names and photos read.
void print_answers(const fs::path& path, const Embeddings& queries, const Settings& settings) {
  const Gallery gallery = open_gallery(path.string(), {.index = IndexKind::kSketch, .threads = kThreads});
  const auto view = gallery.view();
  const auto right = [&](std::size_t query, const std::vector<PersonMatch>& people) {
    // One query in a thousand people, or more where they are fewer (make_faces()).
    const std::size_t each = std::max<std::size_t>(1, 200'000 / settings.people);
    const std::size_t person = query / each * 1000 + query % each;
    return !people.empty() && people[0].name == "person " + std::to_string(person + 1);
  };
  Cost one;
  double together = 1e9;
  std::size_t found = 0;
  for (int round = 0; round < settings.rounds; ++round) {
    found = 0;
    std::size_t query = 0;
    static_cast<void>(ask(queries, one, [&](auto face) {
      found += right(query++, view->search(face, 2)) ? 1 : 0;
      return std::vector<Neighbour>();
    }));
    const double processor = processor_seconds();
    static_cast<void>(view->search(queries, 2));
    together = std::min(together, (processor_seconds() - processor) / static_cast<double>(queries.size()));
  }
  std::printf(
      "an answer (people compared, names and photos read) %.2f ms (%.2f ms of processor time), of all "
      "queries in "
      "one call %.2f; %zu of %zu right\n",
      one.clock * 1e3, one.processor * 1e3, together * 1e3, found, queries.size());
}

/// One face is enrolled by another connection, and the view follows.
void print_refresh(const fs::path& path, const Settings& settings) {
  const Gallery gallery = open_gallery(path.string(), {.index = IndexKind::kSketch, .threads = kThreads});
  static_cast<void>(gallery.view());
  Gallery other = open_gallery(path.string());
  const Embeddings faces = synthetic_faces(40, 1, settings.dimension, 4711);
  std::vector<double> clock;
  std::vector<double> processor;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    NewFace face;
    face.embedding = faces[i];
    other.add_faces("new " + std::to_string(i), std::span(&face, 1));
    const double start = seconds();
    const double used = processor_seconds();
    gallery.refresh();
    processor.push_back(processor_seconds() - used);
    clock.push_back(seconds() - start);
    if (gallery.view()->search(faces[i], 1).at(0).name != "new " + std::to_string(i))
      throw std::runtime_error("a face that was enrolled is not found");
  }
  std::printf(
      "refresh after one face of another connection: %.2f ms (%.2f ms of processor time), the slowest of %zu "
      "%.2f ms of processor time\n",
      median(clock) * 1e3, median(processor) * 1e3, processor.size(),
      *std::ranges::max_element(processor) * 1e3);
}

/// People compared by vectors of int8, as int8 and sketch indexes keep them, beside those compared by floats:
/// every other face of everybody who has two is enrolled, the rest ask.
void print_rounding(const char* what, const Embeddings& faces, const std::vector<std::string>& people) {
  Gallery exact(make_memory_store({"", "bench", "f32", faces.dimension}), {.index = IndexKind::kExactF32});
  Gallery rounded(make_memory_store({"", "bench", "f32", faces.dimension}), {.index = IndexKind::kExactInt8});
  std::map<std::string, std::size_t> seen;
  Embeddings queries{faces.dimension, {}};
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (seen[people[i]]++ % 2 == 1) {
      queries.values.insert(queries.values.end(), faces[i].begin(), faces[i].end());
      continue;
    }
    NewFace face;
    face.embedding = faces[i];
    for (Gallery* gallery : {&exact, &rounded}) gallery->add_faces(people[i], std::span(&face, 1));
  }
  const auto a = exact.view()->search(queries, 1);
  const auto b = rounded.view()->search(queries, 1);
  double sum = 0;
  double most = 0;
  std::size_t others = 0;
  for (std::size_t q = 0; q < a.size(); ++q) {
    others += a[q][0].person == b[q][0].person ? 0 : 1;
    const double moved = std::abs(a[q][0].similarity - b[q][0].similarity);
    sum += moved;
    most = std::max(most, moved);
  }
  std::printf(
      "%s: similarities by int8 instead of floats differ by %.5f in the mean, %.5f at most; another person "
      "first in "
      "%zu of %zu searches\n",
      what, sum / static_cast<double>(a.size()), most, others, a.size());
}

/// Each face asks for its nearest other one among all: how often sketches find it by a share of all faces.
void print_recall_by_share(const char* what, const Embeddings& faces) {
  SketchIndex index({.kind = IndexKind::kSketch, .dimension = faces.dimension, .threads = kThreads});
  for (std::size_t i = 0; i < faces.size(); ++i) index.add(static_cast<std::int64_t>(i), faces[i]);
  std::vector<Neighbour> nearest;
  const auto other_than = [](std::size_t face, const std::vector<Neighbour>& found) {
    return static_cast<std::size_t>(found.at(0).face) == face ? found.at(1) : found.at(0);
  };
  for (std::size_t i = 0; i < faces.size(); ++i)
    nearest.push_back(other_than(i, index.nearest_exact(faces[i], 2)));
  for (const double share : {.002, .003, .005, .01, .0117, .02, .05, .1}) {
    index.set_search_candidates(static_cast<int>(share * static_cast<double>(faces.size())));
    std::size_t all = 0;
    std::size_t near = 0;
    std::size_t near_found = 0;
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const bool found = other_than(i, index.nearest(faces[i], 2)).face == nearest[i].face;
      all += found ? 1 : 0;
      if (nearest[i].cosine <= .55F) continue;
      ++near;
      near_found += found ? 1 : 0;
    }
    std::printf("%s, %.2f %% of %zu faces as candidates: recall@1 %.4f; where it is above .55 (%zu): %.4f\n",
                what, share * 100, faces.size(), static_cast<double>(all) / static_cast<double>(faces.size()),
                near, static_cast<double>(near_found) / static_cast<double>(near));
  }
}

void print_real_faces(const fs::path& file) {
  EmbeddingDataset dataset = read_embeddings(file);
  Embeddings faces = std::move(dataset.train.embeddings);
  std::vector<std::string> people = std::move(dataset.train.labels);
  faces.values.insert(faces.values.end(), dataset.val.embeddings.values.begin(),
                      dataset.val.embeddings.values.end());
  people.insert(people.end(), dataset.val.labels.begin(), dataset.val.labels.end());
  l2_normalize(faces);
  print_rounding("as they are", faces, people);
  print_recall_by_share("as they are", faces);
  for (const auto method : {ProjectionMethod::kPca, ProjectionMethod::kDiscriminative}) {
    const ProjectionOptions options{.method = method, .dimension = 128};
    Embeddings fewer = projected(fit_projection(faces, people, options), faces);
    l2_normalize(fewer);
    print_recall_by_share(("128 values, " + std::string(to_string(method))).c_str(), fewer);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const Settings settings = settings_from<Settings>(std::span(argv + 1, static_cast<std::size_t>(argc - 1)));
  std::printf("kernels %s, %d threads\n", kernel_target().c_str(), kThreads);
  if (!settings.faces.empty()) {
    print_real_faces(settings.faces);
    return 0;
  }
  {
    const Embeddings faces = FaceMaker(settings).make(2000, 4, 1);
    std::vector<std::string> people;
    for (std::size_t i = 0; i < faces.size(); ++i) people.push_back("person " + std::to_string(i / 4));
    print_rounding("drawn faces", faces, people);
  }
  if (settings.store) {
    print_commits(settings);
    const fs::path path = settings.folder / "large.gallery";
    const Embeddings queries = make_gallery(path, settings);
    print_opening(path);
    print_answers(path, queries, settings);
    print_refresh(path, settings);
  }

  const IndexOptions sketches{
      .kind = IndexKind::kSketch, .dimension = settings.dimension, .threads = kThreads};
  const fs::path sketch_file = settings.folder / "bench.sketch";
  Embeddings queries;
  {
    SketchIndex built(sketches);
    queries = fill(built, settings);
    std::printf("%zu faces of %zu values (effective %zu), cosine %.2f, %zu queries; default %d candidates\n",
                built.size(), settings.dimension, settings.effective, settings.cosine, queries.size(),
                sketch_candidates(built.size(), settings.dimension));
    save_index(built, sketch_file, kIdentity);
  }
  {
    const auto opened = reopened(sketch_file, sketches);
    std::set<int> candidates{50, 200, 1000, 5000, 20000};
    candidates.insert(sketch_candidates(opened->size(), settings.dimension));
    print_curve(dynamic_cast<SketchIndex&>(*opened), queries, settings,
                {candidates.begin(), candidates.end()});
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "gallery_bench: %s\n", error.what());
  return 1;
}
