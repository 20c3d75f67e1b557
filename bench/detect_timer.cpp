// Detects faces on request, for bench/peers: reads one line a photo, "MIN_FACE PATH", and answers with the
// milliseconds of detect() alone, by the clock on the wall and by the process's CPU time, and the number of
// faces.
//   detect_timer MODELS [THREADS]
#include <chrono>
#include <ctime>
#include <exception>
#include <iostream>
#include <map>
#include <string>

#include "likeness/detect/face_detector.h"
#include "likeness/image/read_image.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: detect_timer MODELS [THREADS]\n";
    return 2;
  }
  try {
    const std::filesystem::path pack = std::filesystem::path(argv[1]) / "mtcnn";
    const int threads = argc > 2 ? std::stoi(argv[2]) : 1;
    std::map<int, likeness::FaceDetector> detectors;
    std::map<std::string, likeness::Image> photos;
    int min_face = 0;
    std::string path;
    while (std::cin >> min_face && std::getline(std::cin >> std::ws, path)) {
      if (!photos.contains(path)) photos[path] = likeness::read_image(path);
      const auto [detector, made] = detectors.try_emplace(
          min_face, pack, likeness::DetectorOptions{.min_face_px = min_face, .threads = threads});
      const std::clock_t cpu_start = std::clock();
      const auto start = std::chrono::steady_clock::now();
      const auto faces = detector->second.detect(photos[path].view());
      const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
      const double cpu = 1e3 * static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
      std::cout << time.count() << ' ' << cpu << ' ' << faces.size() << std::endl;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
