// What a gallery in PostgreSQL costs beside one in a file, in one run: enrolling one by one and many,
// opening, searching.
//   postgres_bench URI FILE [FACES=20000]
// URI names a gallery that is not there yet (it is left behind), FILE a file that is not there.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Enrolment enrolment(const Embeddings& faces, std::size_t i) {
  char hash[65];
  std::snprintf(hash, sizeof hash, "%064zx", i);
  Enrolment one{"person " + std::to_string(i / 5), {}};
  one.face.photo = "photo.jpg";
  one.face.photo_hash = hash;
  one.face.box = {1, 2, 81, 82};
  one.face.embedding = faces[i];
  return one;
}

/// Faces of `faces` from `first` on. @returns faces a second.
double add_one_by_one(GalleryStore& store, const Embeddings& faces, std::size_t first, std::size_t count) {
  const double start = seconds();
  for (std::size_t i = first; i < first + count; ++i) {
    const Enrolment one = enrolment(faces, i);
    store.add_faces(one.person, std::span(&one.face, 1));
  }
  return static_cast<double>(count) / (seconds() - start);
}

double add_many(GalleryStore& store, const Embeddings& faces, std::size_t first, std::size_t count) {
  constexpr std::size_t kAtOnce = 2000;
  const double start = seconds();
  for (std::size_t begin = first; begin < first + count; begin += kAtOnce) {
    std::vector<Enrolment> part;
    for (std::size_t i = begin; i < std::min(begin + kAtOnce, first + count); ++i)
      part.push_back(enrolment(faces, i));
    store.add_many(part);
  }
  return static_cast<double>(count) / (seconds() - start);
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

int run(const std::string& uri, const std::string& file, std::size_t count) {
  constexpr std::size_t kDimension = 512;
  constexpr std::size_t kOneByOne = 500;
  const Embeddings faces = synthetic_faces((count + kOneByOne) / 5 + 1, 5, kDimension, 1);
  const EmbeddingSpace space{
      .contract = "{}", .contract_id = "bench", .precision = "f32", .dimension = kDimension};
  for (const std::string& where : {file, uri}) {
    Gallery gallery = create_gallery(where, space);
    const double single = add_one_by_one(gallery.store(), faces, 0, kOneByOne);
    const double many = add_many(gallery.store(), faces, kOneByOne, count);
    std::printf("%s: one by one %.0f faces a second, many at once %.0f\n",
                where == file ? "file" : "database", single, many);
  }
  Opened in_file = open_timed(file, IndexKind::kSketch);
  Opened in_database = open_timed(uri, IndexKind::kSketch);
  std::printf("first view of %zu faces: file %.2f s, database %.2f s\n", in_file.gallery.view()->faces(),
              in_file.first_view, in_database.first_view);
  std::vector<double> restart[2];
  for (int i = 0; i < 4; ++i) {
    for (int which = 0; which < 2; ++which) {
      const std::string index_file = file + std::to_string(which) + ".index";
      const double took = open_timed(which == 0 ? file : uri, IndexKind::kSketch, index_file).first_view;
      if (i > 0) restart[which].push_back(took);  // the first one writes it
    }
  }
  std::printf("first view of a restart with the kept index, median of 3: file %.2f s, database %.2f s\n",
              median(restart[0]), median(restart[1]));
  // In turns, each as a service does it: with what others have changed, and with names.
  std::vector<double> clock[2];
  double processor[2] = {0, 0};
  constexpr std::size_t kQueries = 400;
  for (std::size_t q = 0; q < kQueries; ++q) {
    for (int which = 0; which < 2; ++which) {
      const Gallery& gallery = which == 0 ? in_file.gallery : in_database.gallery;
      const double start = seconds();
      const double cpu = processor_seconds();
      static_cast<void>(gallery.view_or_last()->search(faces[q * 7 % faces.size()], 1));
      processor[which] += processor_seconds() - cpu;
      clock[which].push_back(seconds() - start);
    }
  }
  std::printf(
      "a search with refresh, median: file %.3f ms, database %.3f ms (%.2f); processor of this process: "
      "%.3f ms, %.3f ms (%.2f)\n",
      1e3 * median(clock[0]), 1e3 * median(clock[1]), median(clock[1]) / median(clock[0]),
      1e3 * processor[0] / kQueries, 1e3 * processor[1] / kQueries, processor[1] / processor[0]);
  return 0;
}

}  // namespace
}  // namespace likeness

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: postgres_bench URI FILE [FACES]\n");
    return 2;
  }
  try {
    return likeness::run(argv[1], argv[2], argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 20000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "postgres_bench: %s\n", error.what());
    return 1;
  }
}
