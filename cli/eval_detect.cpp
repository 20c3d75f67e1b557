#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/eval_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/file.h"
#include "likeness/detect/face_detector.h"
#include "likeness/eval/detection.h"
#include "likeness/image/read_image.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Args {
  ModelOptions model;
  std::vector<fs::path> marks;
  fs::path images;
  fs::path compare;
  DetectorOptions detector;
  double least_overlap = 0.5;
  double min_face_share = 0;
  bool json = false;
};

/// Another detector's boxes: {"photos": [{"file": "folder/photo.jpg", "faces": [{"box": [x1, y1, x2,
/// y2]}]}]}.
std::map<std::string, std::vector<Box>> read_other(const fs::path& path) {
  const auto bytes = read_file_bytes(path, 64U << 20);
  const auto json = Json::parse(reinterpret_cast<const char*>(bytes.data()),
                                reinterpret_cast<const char*>(bytes.data()) + bytes.size(), nullptr, false);
  std::map<std::string, std::vector<Box>> boxes;
  try {
    for (const Json& photo : json.at("photos")) {
      auto& own = boxes[fs::path(photo.at("file").get<std::string>()).filename().string()];
      for (const Json& face : photo.at("faces")) {
        const auto box = face.at("box").get<std::vector<float>>();
        own.push_back({box.at(0), box.at(1), box.at(2), box.at(3)});
      }
    }
  } catch (const std::exception&) {
    throw Error(ErrorCode::kDataInvalid, path.string() + " does not hold photos with faces and boxes");
  }
  return boxes;
}

Json json_of(const DetectionCount& count) {
  return {{"marked", count.marked},
          {"detected", count.detected},
          {"matched", count.matched},
          {"recall", count.recall()},
          {"precision", count.precision()}};
}

void print(const char* name, const DetectionCount& count) {
  std::printf("%-12s recall %.4f (%zu of %zu)   precision %.4f (%zu of %zu)\n", name, count.recall(),
              count.matched, count.marked, count.precision(), count.matched, count.detected);
}

Exit run(const Args& args) {
  std::vector<MarkedPhoto> marks;
  for (const fs::path& path : args.marks) {
    for (MarkedPhoto& photo : read_marks(path)) marks.push_back(std::move(photo));
  }
  const auto other =
      args.compare.empty() ? std::map<std::string, std::vector<Box>>() : read_other(args.compare);
  const fs::path folder = find_pack("mtcnn", pack_search_path(args.model.models)).folder;
  DetectionCount ours, theirs;
  std::size_t failed = 0;
  ProgressBar bar("detecting");
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const MarkedPhoto& photo = marks[i];
    try {
      const Image image = read_image(args.images / photo.file);
      DetectorOptions options = args.detector;
      const double share = args.min_face_share * std::min(image.width(), image.height());
      options.min_face_px = std::max(options.min_face_px, static_cast<int>(share));
      std::vector<Box> boxes;
      for (const Face& face : FaceDetector(folder, options).detect(image.view())) boxes.push_back(face.box);
      ours += match_detections(photo, boxes, args.least_overlap);
      const auto found = other.find(fs::path(photo.file).filename().string());
      if (found != other.end()) theirs += match_detections(photo, found->second, args.least_overlap);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kImageUnreadable) throw;
      bar.say(std::string("likeness: ") + error.what());
      ++failed;
    }
    bar.show(i + 1, marks.size());
  }
  if (failed == marks.size())
    throw Error(ErrorCode::kInputUnreadable, "none of the marked photos could be read");
  if (args.json) {
    Json line = {{"photos", marks.size() - failed}, {"likeness", json_of(ours)}};
    if (!other.empty()) line["compared"] = json_of(theirs);
    std::cout << dump_line(line) << '\n';
  } else {
    print("likeness", ours);
    if (!other.empty()) print("compared", theirs);
  }
  return failed > 0 ? Exit::kSomeInputsFailed : Exit::kDone;
}

}  // namespace

void add_eval_detect(CLI::App& command, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* part = command.add_subcommand("detect", "Recall and precision against marked faces");
  part->footer("Example: likeness eval detect --marks dlib/training.xml dlib/testing.xml --images dlib");
  part->add_option("--marks", args->marks, "Marked faces: dlib's XML (boxes) or CompreFace's JSON (noses)")
      ->required();
  part->add_option("--images", args->images, "Folder that the marks' file names start from")->required();
  part->add_option("--compare", args->compare, "JSON with another detector's boxes of the same photos");
  part->add_option("--overlap", args->least_overlap, "Intersection over union that counts as found")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  part->add_option("--min-face-share", args->min_face_share,
                   "Look for no faces below this share of a photo's shorter side")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  add_models_option(*part, args->model);
  add_detector_options(*part, args->detector);
  add_threads_option(*part, args->detector.threads);
  add_json_option(*part, args->json);
  part->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
