// One recogniser and one gallery for many threads: many_threads MODELS GALLERY PHOTO...
// Each photo is searched by a thread of its own, all at the same time.

#include <likeness/likeness.h>

#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  try {
    const likeness::Recognizer recognizer({.models = {argv[1]}, .threads = 2});
    const likeness::Gallery gallery = likeness::open_gallery(argv[2], {.read_only = true});
    const auto view = gallery.view();
    std::vector<std::string> answers(static_cast<std::size_t>(argc - 3));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      threads.emplace_back([&, i] {
        try {
          for (const auto& face : recognizer.search(*view, likeness::photo_of_file(argv[i + 3])))
            answers[i] += ' ' + face.name.value_or("unknown");
        } catch (const likeness::Error& error) {
          answers[i] = std::string(" ") + error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::string& answer : answers) std::printf("-%s\n", answer.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
