// What a search costs without HTTP: the library's call for one photo after the other, in this process.
//   serve_call MODELS GALLERY THREADS photo...
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "likeness/gallery/open.h"
#include "likeness/recognize/recognizer.h"

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "serve_call MODELS GALLERY THREADS photo...\n");
    return 2;
  }
  likeness::Setup setup;
  setup.models = {argv[1]};
  setup.threads = std::atoi(argv[3]);
  const likeness::Recognizer recognizer(setup);
  const likeness::Gallery gallery = likeness::open_gallery(argv[2], {.read_only = true});
  const auto view = gallery.view();
  recognizer.load();
  std::vector<double> times;
  std::size_t faces = 0;
  for (int round = 0; round < 2; ++round) {
    times.clear();
    for (int i = 4; i < argc; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      faces += recognizer.search(*view, likeness::photo_of_file(argv[i])).size();
      times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
  }
  std::sort(times.begin(), times.end());
  std::printf("{\"photos\": %zu, \"faces\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f}\n", times.size(),
              faces / 2, 1000 * times[times.size() / 2], 1000 * times[times.size() * 99 / 100]);
  return 0;
}
