// Works on request, for bench/peers: reads one line a request and answers with the milliseconds of the work
// alone, by the clock on the wall and by the process's CPU time, and with what came out. One thread.
//   peer_timer MODELS [PRECISION]
//     detect MIN_FACE PHOTO    the number of faces
//     embed COUNT CHIP         the last of COUNT equal embeddings of a picture that is cut already
#include <chrono>
#include <ctime>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "likeness/detect/face_detector.h"
#include "likeness/embed/embedder.h"
#include "likeness/image/read_image.h"

namespace {

using namespace likeness;

/// Runs `work` and prints its two times.
template <typename Work>
void print_times(Work work) {
  const std::clock_t cpu_start = std::clock();
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  std::cout << time.count() << ' ' << 1e3 * static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
}

class Answers {
 public:
  Answers(std::filesystem::path models, Precision precision)
      : models_(std::move(models)), precision_(precision) {}

  void detect(int min_face, const std::string& path) {
    const auto [detector, made] =
        detectors_.try_emplace(min_face, models_ / "mtcnn", DetectorOptions{.min_face_px = min_face});
    const Image& photo = read(path);
    std::vector<Face> faces;
    print_times([&] { faces = detector->second.detect(photo.view()); });
    std::cout << ' ' << faces.size() << std::endl;
  }

  void embed(int count, const std::string& path) {
    if (!embedder_)
      embedder_.emplace(load_pack(models_ / "20180408-102900"), EmbedderOptions{.precision = precision_});
    const std::vector<Chip> chips(static_cast<std::size_t>(count), read(path));
    Embeddings embeddings;
    print_times([&] { embeddings = embedder_->embed(chips); });
    for (const float value : embeddings[embeddings.size() - 1]) std::cout << ' ' << value;
    std::cout << std::endl;
  }

 private:
  const Image& read(const std::string& path) {
    if (!photos_.contains(path)) photos_[path] = read_image(path);
    return photos_[path];
  }

  std::filesystem::path models_;
  Precision precision_;
  std::map<int, FaceDetector> detectors_;
  std::optional<Embedder> embedder_;
  std::map<std::string, Image> photos_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto precision = likeness::precision_from(argc > 2 ? argv[2] : "f32");
  if (argc < 2 || !precision) {
    std::cerr << "usage: peer_timer MODELS [f32|bf16|int8]\n";
    return 2;
  }
  try {
    Answers answers(argv[1], *precision);
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string work, path;
      int number = 0;
      words >> work >> number;
      std::getline(words >> std::ws, path);
      if (work == "detect") {
        answers.detect(number, path);
      } else if (work == "embed" && number > 0) {
        answers.embed(number, path);
      } else {
        std::cerr << "peer_timer: what is \"" << line << "\"?\n";
        return 2;
      }
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
