#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/eval_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/eval/detection.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Args {
  ModelOptions model;
  std::vector<fs::path> marks;
  fs::path images;
  fs::path compare;
  double least_overlap = 0.5;
  bool json = false;
};

Json json_of(const DetectionCount& count) {
  return {{"marked", count.marked},
          {"detected", count.detected},
          {"matched", count.matched},
          {"recall", or_null(count.recall())},
          {"precision", or_null(count.precision())}};
}

void print(const char* name, const DetectionCount& count) {
  std::printf("%-12s recall %s (%zu of %zu)   precision %s (%zu of %zu)\n", name,
              fixed(count.recall(), "not measured: no face is marked").c_str(), count.matched, count.marked,
              fixed(count.precision(), "not measured: no face was found").c_str(), count.matched,
              count.detected);
}

Exit run(const Args& args) {
  std::vector<MarkedPhoto> marks;
  for (const fs::path& path : args.marks) {
    for (MarkedPhoto& photo : read_marks(path)) marks.push_back(std::move(photo));
  }
  const auto other =
      args.compare.empty() ? std::map<std::string, std::vector<Box>>() : read_boxes(args.compare);
  std::vector<fs::path> files;
  for (const MarkedPhoto& photo : marks) files.push_back(args.images / photo.file);
  StreamOptions options = args.model.stream_options();
  options.until = Stage::kDetect;
  PhotoStream stream(args.model.detector_for(args.model.embedder()), {}, options);
  DetectionCount ours, theirs;
  ProgressBar bar("detecting");
  InputCount inputs(marks.size());
  std::vector<FailedInput> unreadable;
  const auto count = [&](PhotoFaces&& photo) {
    if (!inputs.count(photo, bar)) {
      unreadable.push_back({photo.id, photo.error});
      return;
    }
    const MarkedPhoto& marked = marks[photo.index];
    std::vector<Box> boxes;
    for (const Face& face : photo.faces) boxes.push_back(face.box);
    ours += match_detections(marked, boxes, args.least_overlap);
    const auto found = other.find(fs::path(marked.file).filename().string());
    if (found != other.end()) theirs += match_detections(marked, found->second, args.least_overlap);
  };
  stream.run(PhotoSource::files(std::move(files)), count, nullptr, bar.callback());
  const std::size_t failed = inputs.failed();
  if (failed == marks.size())
    throw Error(ErrorCode::kInputUnreadable, "none of the marked photos could be read");
  if (args.json) {
    Json line = {{"photos", marks.size() - failed}, {"likeness", json_of(ours)}};
    if (!other.empty()) line["compared"] = json_of(theirs);
    tell_failed(line, unreadable);
    std::cout << dump_line(line) << '\n';
  } else {
    print("likeness", ours);
    if (!other.empty()) print("compared", theirs);
  }
  return inputs.exit();
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
  part->add_option("--min-face-share", args->model.detector.min_face_share,
                   "Look for no faces below this share of a photo's shorter side")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  add_models_option(*part, args->model);
  add_model_name_option(*part, args->model);
  add_detector_options(*part, args->model);
  add_threads_option(*part, args->model.threads);
  add_json_option(*part, args->json);
  part->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
