// What a gallery in PostgreSQL costs beside one in a file, and beside what the server does with the same rows
// bare, in one run and by turns: enrolling one by one and many, opening, searching, memory, changes.
//   postgres_bench URI FILE [FACES=20000] [space|plane] [CHANGES=10000]
// URI names a gallery that is not there yet (it is left behind), FILE a file that is not there; with 0 FACES
// they are those of an earlier run, and with 0 CHANGES too they are opened only. Faces fill the whole space,
// or 50 dimensions of it as FaceNet's do.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "bare_postgres.h"
#include "bench/synthetic_faces.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/open.h"

namespace likeness {
namespace {

constexpr std::size_t kDimension = 512;
constexpr std::size_t kOneByOne = 500;
constexpr std::size_t kAtOnce = 2000;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Bytes this process has in memory, without what it has given back.
double resident() {
  ::malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  double all = 0;
  double here = 0;
  file >> all >> here;
  return here * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// `count` faces of new people; the same part has the same faces.
Embeddings part(const FaceMaker& set, std::size_t number, std::size_t count) {
  return set.make((count + kFacesEach - 1) / kFacesEach, kFacesEach, static_cast<std::uint32_t>(number + 1));
}

/// Face i of a part, the faces before it being `before`.
Enrolment enrolment(const Embeddings& faces, std::size_t before, std::size_t i) {
  char hash[65];
  // As hashes are: neighbours are far apart.
  std::snprintf(hash, sizeof hash, "%016zx%048zx", (before + i + 1) * 0x9E3779B97F4A7C15, before + i);
  Enrolment one{"person " + std::to_string((before + i) / kFacesEach), {}};
  one.face.photo = "photo.jpg";
  one.face.photo_hash = hash;
  one.face.box = {1, 2, 81, 82};
  one.face.embedding = faces[i];
  return one;
}

struct Sums {
  std::array<double, 2> one_by_one{};  // seconds: file, database
  std::array<double, 2> many{};
  std::array<double, 2> bare{};  // without foreign keys, with
};

double add_many(GalleryStore& store, const Embeddings& faces, std::size_t before) {
  const double start = seconds();
  std::vector<Enrolment> all;
  for (std::size_t i = 0; i < faces.size(); ++i) all.push_back(enrolment(faces, before, i));
  store.add_many(all);
  return seconds() - start;
}

double add_one_by_one(GalleryStore& store, const Embeddings& faces, std::size_t before) {
  const double start = seconds();
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const Enrolment one = enrolment(faces, before, i);
    store.add_faces(one.person, std::span(&one.face, 1));
  }
  return seconds() - start;
}

void enrol(const std::string& uri, const std::string& file, std::size_t count, const FaceMaker& set) {
  const EmbeddingSpace space{
      .contract = "{}", .contract_id = "bench", .precision = "f32", .dimension = kDimension};
  std::array<std::optional<Gallery>, 2> galleries;
  galleries[0].emplace(create_gallery(file, space));
  galleries[1].emplace(create_gallery(uri, space));
  bench::BarePostgres bare(uri);
  Sums sums;
  constexpr std::size_t kPart = 50;  // one by one in turns
  for (std::size_t before = 0; before < kOneByOne; before += kPart) {
    const Embeddings faces = part(set, before, kPart);
    for (std::size_t which = 0; which < 2; ++which)
      sums.one_by_one[which] += add_one_by_one(galleries[which]->store(), faces, before);
  }
  bare.take_new_rows();
  for (std::size_t which = 0; which < 2; ++which) bare.copy_in(which == 1);
  std::size_t before = kOneByOne;
  for (; before < count + kOneByOne; before += kAtOnce) {
    const Embeddings faces = part(set, before, kAtOnce);
    for (std::size_t which = 0; which < 2; ++which)
      sums.many[which] += add_many(galleries[which]->store(), faces, before);
    bare.take_new_rows();
    for (std::size_t which = 0; which < 2; ++which) sums.bare[which] += bare.copy_in(which == 1);
  }
  const auto all = static_cast<double>(before - kOneByOne);
  std::printf("one by one, faces a second: file %.0f, database %.0f\n", kOneByOne / sums.one_by_one[0],
              kOneByOne / sums.one_by_one[1]);
  std::printf(
      "%zu at once, faces a second: file %.0f, database %.0f; bare COPY %.0f, with foreign keys %.0f; the "
      "database of these %.2f, %.2f, and %.1f of one by one\n",
      kAtOnce, all / sums.many[0], all / sums.many[1], all / sums.bare[0], all / sums.bare[1],
      sums.bare[0] / sums.many[1], sums.bare[1] / sums.many[1],
      all / sums.many[1] * sums.one_by_one[1] / kOneByOne);
}

struct Opened {
  Gallery gallery;
  double first_view = 0;  ///< Seconds.
};

/// `index_file`: empty: none is kept.
Opened open_timed(const std::string& uri, IndexKind kind, const std::string& index_file = "") {
  Opened opened{open_gallery(uri, {.read_only = true, .index = kind, .index_file = index_file}), 0};
  const double start = seconds();
  opened.gallery.refresh();
  opened.first_view = seconds() - start;
  return opened;
}

/// First views by turns with what the server needs to send the same bytes.
void view_first(const std::string& uri, const std::string& file) {
  bench::BarePostgres bare(uri, false);
  std::array<std::vector<double>, 3> took;
  std::array<double, 3> processor{};
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t which = 0; which < 3; ++which) {
      const double cpu = processor_seconds();
      took[which].push_back(which == 2 ? bare.copy_out()
                                       : open_timed(which == 0 ? file : uri, IndexKind::kSketch).first_view);
      processor[which] += (processor_seconds() - cpu) / kRounds;
    }
  }
  std::printf(
      "first view, median of 3: file %.2f s, database %.2f s; bare COPY of its bytes %.2f s: %.2f; processor "
      "of this process %.2f s, %.2f s, %.2f s\n",
      median(took[0]), median(took[1]), median(took[2]), median(took[1]) / median(took[2]), processor[0],
      processor[1], processor[2]);
  std::array<std::vector<double>, 2> restart;
  for (int i = 0; i < 4; ++i) {
    for (std::size_t which = 0; which < 2; ++which) {
      const std::string index_file = file + std::to_string(which) + ".index";
      const double seconds = open_timed(which == 0 ? file : uri, IndexKind::kSketch, index_file).first_view;
      if (i > 0) restart[which].push_back(seconds);  // the first one writes it
    }
  }
  std::printf("first view of a restart with the kept index, median of 3: file %.2f s, database %.2f s\n",
              median(restart[0]), median(restart[1]));
}

/// In turns, each as a service does it: with what others have changed, and with names.
void search(const Gallery& in_file, const Gallery& in_database, const Embeddings& queries) {
  constexpr std::size_t kQueries = 400;
  std::array<std::vector<double>, 2> clock;
  std::array<std::vector<double>, 2> processor;
  for (std::size_t q = 0; q < kQueries; ++q) {
    for (std::size_t which = 0; which < 2; ++which) {
      const Gallery& gallery = which == 0 ? in_file : in_database;
      const double start = seconds();
      const double cpu = processor_seconds();
      static_cast<void>(gallery.view_or_last()->search(queries[q * 7 % queries.size()], 1));
      processor[which].push_back(processor_seconds() - cpu);
      clock[which].push_back(seconds() - start);
    }
  }
  std::printf(
      "a search with refresh, median: file %.3f ms, database %.3f ms (%.2f); processor of this process: "
      "%.3f ms, %.3f ms (%.2f)\n",
      1e3 * median(clock[0]), 1e3 * median(clock[1]), median(clock[1]) / median(clock[0]),
      1e3 * median(processor[0]), 1e3 * median(processor[1]), median(processor[1]) / median(processor[0]));
}

/// A replica follows what another connection changes: a face comes, gets another owner, and goes.
void follow(const std::string& uri, const Gallery& replica, std::size_t changes, const Embeddings& faces) {
  Gallery writer = open_gallery(uri, {});
  const std::size_t warm = changes / 10;
  double before = 0;
  double most = 0;
  for (std::size_t i = 0; i < changes + warm; i += 3) {
    if (i >= warm && before == 0) before = resident();
    Enrolment one = enrolment(faces, 1'000'000'000 + i, 0);
    one.face.embedding = faces[i % faces.size()];
    writer.add_faces("somebody " + std::to_string(i), std::span(&one.face, 1));
    replica.refresh();
    writer.rename_person("somebody " + std::to_string(i), "somebody else");
    replica.refresh();
    writer.remove_person("somebody else");
    replica.refresh();
    if (i % 300 == 0) most = std::max(most, resident());
  }
  std::printf(
      "memory after %zu changes that were followed: %.1f MB, at most %.1f MB, after %zu more %.1f MB\n", warm,
      before / 1e6, most / 1e6, changes, resident() / 1e6);
}

void run(const std::string& uri, const std::string& file, std::size_t count, bool plane,
         std::size_t changes) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  FaceSettings settings{.dimension = kDimension};
  if (plane) settings.effective = 50, settings.cosine = 0.45;
  const FaceMaker set(settings);
  if (count > 0) enrol(uri, file, count, set);
  const double without = resident();
  const Opened in_database = open_timed(uri, IndexKind::kSketch);
  const double with = resident();
  const auto view = in_database.gallery.view();
  const auto index = static_cast<double>(view->index_bytes());
  std::printf("a replica of %zu faces: %.1f MB, its index %.1f MB: %.3f\n", view->faces(),
              (with - without) / 1e6, index / 1e6, (with - without) / index);
  const Opened in_file = open_timed(file, IndexKind::kSketch);
  search(in_file.gallery, in_database.gallery, part(set, kOneByOne, kAtOnce));
  if (changes > 0) follow(uri, in_database.gallery, changes, part(set, kOneByOne, kAtOnce));
}

}  // namespace
}  // namespace likeness

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: postgres_bench URI FILE [FACES] [space|plane] [CHANGES]\n");
    return 2;
  }
  try {
    const std::size_t count = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 20000;
    const bool plane = argc > 4 && std::string(argv[4]) == "plane";
    const std::size_t changes = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 10000;
    if (count + changes > 0) likeness::run(argv[1], argv[2], count, plane, changes);
    likeness::view_first(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "postgres_bench: %s\n", error.what());
    return 1;
  }
}
