// What decoding JPEGs at a fraction of their size would win and cost: processor times, and the faces of every
// photo beside those of the full decode.
//   shrink_on_load [--models MODELS] [--min-face 48 96] [--shrink 1 2 4] [--rounds N] [--list]
//   PHOTO|FOLDER...
// Each pixel of the small decode is repeated to the photo's full size, so that the detector does exactly what
// it does with the full one, but sees less. As a control --shrink 1 decodes in full and changes a quarter of
// all values by 1: what moves there would be moved by any other rounding too. JPEGs must be stored upright.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <random>
#include <vector>

#include "likeness/core/file.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/detect/face_detector.h"
#include "likeness/image/read_image.h"

namespace {

using namespace likeness;
namespace fs = std::filesystem;

struct Args {
  std::vector<fs::path> photos;
  fs::path models = "models";
  std::vector<int> min_faces{48};
  std::vector<int> shrinks{1, 2};
  int rounds = 0;
  bool list = false;
};

struct Photo {
  fs::path file;
  std::vector<std::byte> bytes;
};

/// Faces of one setting beside the full decode's, over all photos.
struct Comparison {
  int faces = 0;
  int lost = 0;
  int won = 0;
  std::vector<double> moved;  ///< The most that a side of each box differs, px.
  double full_ms = 0;         ///< Decoding in full,
  double shrunk_ms = 0;       ///< decoding shrunk,
  double detect_ms = 0;       ///< detecting in full; each the sum over photos of the least of all rounds.
};

double most_moved(const Box& a, const Box& b) {
  return std::max({std::abs(a.left - b.left), std::abs(a.top - b.top), std::abs(a.right - b.right),
                   std::abs(a.bottom - b.bottom)});
}

void tell(const char* what, const Photo& photo, const Face& face) {
  std::printf("  %s %s, %.0f px, score %.3f\n", what, photo.file.c_str(), face.box.width(), face.score);
}

/// Pairs faces whose sides differ by less than a quarter of the face, nearest first.
void compare(const Photo& photo, const std::vector<Face>& full, std::vector<Face> seen, bool list,
             Comparison& result) {
  result.faces += static_cast<int>(full.size());
  for (const Face& face : full) {
    const auto nearest = std::min_element(seen.begin(), seen.end(), [&](const Face& a, const Face& b) {
      return most_moved(face.box, a.box) < most_moved(face.box, b.box);
    });
    if (nearest == seen.end() || most_moved(face.box, nearest->box) > face.box.width() / 4) {
      ++result.lost;
      if (list) tell("lost", photo, face);
      continue;
    }
    result.moved.push_back(most_moved(face.box, nearest->box));
    if (list && result.moved.back() > 2) tell("moved", photo, face);
    seen.erase(nearest);
  }
  result.won += static_cast<int>(seen.size());
  for (const Face& face : seen) {
    if (list) tell("won", photo, face);
  }
}

/// The photo at its full size from a decode that is `shrink` times smaller; what is cut off at the right and
/// at the bottom repeats the last pixels.
Image enlarged(const Image& small, int width, int height, int shrink) {
  Image photo(width, height);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* source = small.view().row(std::min(y / shrink, small.height() - 1));
    std::uint8_t* target = photo.row(y);
    for (int x = 0; x < width; ++x) {
      std::copy_n(source + std::ptrdiff_t{3} * std::min(x / shrink, small.width() - 1), 3, target + 3 * x);
    }
  }
  return photo;
}

Image with_noise(Image photo) {
  std::mt19937 random(7);
  for (int y = 0; y < photo.height(); ++y) {
    std::uint8_t* row = photo.row(y);
    for (int x = 0; x < 3 * photo.width(); ++x) {
      const auto chance = random() % 8;
      if (chance == 0 && row[x] < 255) ++row[x];
      if (chance == 1 && row[x] > 0) --row[x];
    }
  }
  return photo;
}

template <typename Work>
double ms_of(Work work) {
  const std::clock_t start = std::clock();
  work();
  return 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

Comparison run(const Args& args, const std::vector<Photo>& photos, int min_face, int shrink) {
  FaceDetector detector(args.models / "mtcnn", {.min_face_px = min_face});
  Comparison result;
  for (const Photo& photo : photos) {
    const auto decode = [&](int by) {
      return decode_image(photo.bytes, photo.file.string(), {.shrink = by});
    };
    const Image full = decode(1);
    const Image seen =
        shrink == 1 ? with_noise(full) : enlarged(decode(shrink), full.width(), full.height(), shrink);
    compare(photo, detector.detect(full.view()), detector.detect(seen.view()), args.list, result);
    std::vector<double> full_ms, shrunk_ms, detect_ms;
    for (int round = 0; round < args.rounds; ++round) {
      full_ms.push_back(ms_of([&] { (void)decode(1); }));
      shrunk_ms.push_back(ms_of([&] { (void)decode(shrink); }));
      detect_ms.push_back(ms_of([&] { (void)detector.detect(full.view()); }));
    }
    if (args.rounds == 0) continue;
    result.full_ms += *std::min_element(full_ms.begin(), full_ms.end());
    result.shrunk_ms += *std::min_element(shrunk_ms.begin(), shrunk_ms.end());
    result.detect_ms += *std::min_element(detect_ms.begin(), detect_ms.end());
  }
  return result;
}

void print(int min_face, int shrink, const Comparison& c, std::size_t photos, bool timed) {
  const auto far = std::count_if(c.moved.begin(), c.moved.end(), [](double px) { return px > 2; });
  const double most = c.moved.empty() ? 0 : *std::max_element(c.moved.begin(), c.moved.end());
  const std::string name = shrink == 1 ? "1, noise" : std::to_string(shrink);
  std::printf("| %d | %s | %d | %d | %d | %td | %.1f |", min_face, name.c_str(), c.faces, c.lost, c.won, far,
              most);
  const auto count = static_cast<double>(photos);
  if (timed)
    std::printf(" %.0f | %.0f | %.0f |", c.full_ms / count, c.shrunk_ms / count, c.detect_ms / count);
  std::printf("\n");
  std::fflush(stdout);
}

std::vector<Photo> read_jpegs(const std::vector<fs::path>& paths) {
  std::vector<Photo> photos;
  const auto add = [&](const fs::path& file) {
    Photo photo{file, read_file_bytes(file, ReadOptions{}.max_bytes)};
    const auto& bytes = photo.bytes;
    if (bytes.size() > 2 && bytes[0] == std::byte{0xFF} && bytes[1] == std::byte{0xD8})
      photos.push_back(std::move(photo));
  };
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) {
      add(path);
    } else {
      for (const fs::path& file : list_photos(path)) add(file);
    }
  }
  return photos;
}

}  // namespace

int main(int argc, char** argv) {
  Args args;
  CLI::App app("Faces and times of JPEGs shrunk while decoding, beside the full decode");
  app.add_option("photos", args.photos)->required();
  app.add_option("--models", args.models);
  app.add_option("--min-face", args.min_faces);
  app.add_option("--shrink", args.shrinks);
  app.add_option("--rounds", args.rounds);
  app.add_flag("--list", args.list, "Name every face that is not the same");
  CLI11_PARSE(app, argc, argv);
  try {
    const std::vector<Photo> photos = read_jpegs(args.photos);
    std::printf("%zu JPEGs\n\n| min face | shrink | faces | lost | won | moved over 2 px | most, px |",
                photos.size());
    std::printf("%s\n|---|---|---|---|---|---|---|%s\n",
                args.rounds > 0 ? " decoding in full, ms a photo | shrunk, ms | detection, ms |" : "",
                args.rounds > 0 ? "---|---|---|" : "");
    for (const int min_face : args.min_faces) {
      for (const int shrink : args.shrinks)
        print(min_face, shrink, run(args, photos, min_face, shrink), photos.size(), args.rounds > 0);
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
