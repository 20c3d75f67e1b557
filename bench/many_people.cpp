// What a classifier of many people costs and how well it does: the SVM, whatever the number of people, beside
// the nearest face. Synthetic faces of 512 values, cosine about .6 inside a person; one more face of each
// person is asked about.
//   many_people [people = 300] [faces each = 5] [svm | nearest = svm]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>

#include "likeness/classify/classifier.h"
#include "likeness/gallery/synthetic.h"

int main(int argc, char** argv) try {
  using namespace likeness;
  using Clock = std::chrono::steady_clock;
  const std::size_t people = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300;
  const std::size_t each = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 5;
  const bool svm = argc <= 3 || std::string(argv[3]) == "svm";
  const Embeddings all = synthetic_faces(people, each + 1, 512, 1, 0.6);
  Embeddings learnt{all.dimension, {}};
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % (each + 1) == each) continue;
    learnt.values.insert(learnt.values.end(), all[i].begin(), all[i].end());
    labels.push_back("person " + std::to_string(i / (each + 1)));
  }
  const auto since = [](Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
  };
  auto start = Clock::now();
  const Classifier made = Classifier::train(
      learnt, labels, {}, {.most_people_for_svm = svm ? std::numeric_limits<std::size_t>::max() : 0});
  const double training = since(start);
  start = Clock::now();
  const auto file =
      std::filesystem::temp_directory_path() / ("many_people_" + std::to_string(people) + ".npz");
  made.write(file);
  const double writing = since(start);
  const auto bytes = std::filesystem::file_size(file);
  std::filesystem::remove(file);

  const std::size_t asked = std::min<std::size_t>(people, 50);
  std::size_t right = 0;
  double probability = 0;
  start = Clock::now();
  for (std::size_t person = 0; person < asked; ++person) {
    const Prediction prediction = made.predict(all[person * (each + 1) + each]);
    right += prediction.label == "person " + std::to_string(person) ? 1 : 0;
    probability += prediction.probability().value_or(0);
  }
  const double answering = since(start) / static_cast<double>(asked);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "%zu people x %zu, %s: training %.2f s, writing %.2f s, %.1f MB, a face %.1f ms, %zu of %zu right, "
      "mean probability %.3f, peak memory %.2f GB\n",
      people, each, svm ? "SVM" : "nearest face", training, writing, static_cast<double>(bytes) / 1e6,
      answering * 1e3, right, asked, probability / static_cast<double>(asked),
      static_cast<double>(usage.ru_maxrss) / (1 << 20));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "many_people: %s\n", error.what());
  return 1;
}
