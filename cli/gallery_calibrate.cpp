#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/core/person_name.h"
#include "likeness/core/text_file.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/recognize/strangers.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

/// Of a folder; photos that are unreadable or show no face are named, and the former show in `exit`.
StrangerFaces from_photos(const GalleryCommandArgs& args, const GalleryStore& store, Exit& exit) {
  Setup setup = models_for(store.space(), args.models);
  setup.quality = store.space().quality;
  const Recognizer recognizer(setup);
  require_same_space(store.space(), store.name(), recognizer.space(), "the model " + setup.model);
  PeopleList list = list_people({args.impostors}, true, args.json);
  // Photos directly in the folder: everybody is somebody else, called as labels_of() has it.
  const std::vector<std::string> labels = labels_of(list.loose);
  for (std::size_t i = 0; i < labels.size(); ++i) list.photos.push_back({list.loose[i], labels[i]});
  ProgressBar bar("strangers");
  InputCount inputs(list.photos.size(), list.failed, args.json);
  StrangerFaces faces = embed_strangers(
      list.photos, recognizer,
      [&](const PhotoFaces& photo) {
        if (inputs.count(photo, bar) && args.json && photo.chosen.empty()) print_json_no_face(photo.id);
      },
      bar.callback());
  exit = inputs.exit();
  return faces;
}

std::set<std::string> excluded_by(const std::optional<fs::path>& file) {
  std::set<std::string> lines;
  if (!file) return lines;
  for (TextLine& line : read_text_lines(*file)) {
    lines.insert(tidy_name(line.text));
    lines.insert(std::move(line.text));
  }
  return lines;
}

void print_calibration(const CalibrationReport& report, std::size_t excluded) {
  const Calibration& c = report.calibration;
  const auto print = [](const char* format, auto... values) {
    char text[300];
    std::snprintf(text, sizeof text, format, values...);
    std::cout << text << '\n';
  };
  print("threshold   similarity %s   (95%%: %.4f to %.4f)", rounded_up(c.threshold).c_str(),
        c.threshold_interval.low, c.threshold_interval.high);
  print("strangers   %.2f%% of %zu faces of %zu people get a name; of as many others %.2f%% to %.2f%%",
        c.fpir * 100, c.impostor_faces, c.impostor_people, c.fpir_interval.low * 100,
        c.fpir_interval.high * 100);
  if (c.fnir < 0) print("%s", "enrolled    not measured: no enrolled person has two faces");
  if (c.fnir >= 0) print("enrolled    %.2f%% of %zu faces would stay unknown", c.fnir * 100, c.mate_faces);
  print("odds        the threshold is the best one where %.1f%% of the faces are strangers'",
        c.stranger_share * 100);
  if (!c.slope_fitted) {
    print(
        "            fewer than %zu enrolled faces have another of their person: the probability's slope is "
        "the "
        "model's usual one",
        kMinMates);
  }
  print("left out    %zu of enrolled people's names, %zu enrolled photos, %zu by --exclude", report.same_name,
        report.same_photo, excluded);
  std::cout << "nearest strangers  (the same person? then --exclude them)\n";
  for (const LookAlike& one : report.look_alikes) {
    print("  %.3f  %s", one.enrolled.similarity, (one.photo + "  to  " + one.enrolled.name).c_str());
  }
}

}  // namespace

Exit gallery_calibrate(const GalleryCommandArgs& args) {
  if (args.impostors.empty() != args.leave_one_out) {
    throw std::invalid_argument("say whom the gallery does not know: --impostors DIR, or --leave-one-out");
  }
  const auto excluded = excluded_by(args.exclude);
  ProgressBar bar("comparing");
  Exit exit = Exit::kDone;
  if (args.gallery.exists()) args.gallery.require_writable();
  std::size_t left_out = 0;
  CalibrationReport report;
  Gallery gallery = args.gallery.open(false, args.models.threads);
  if (args.leave_one_out) {
    report = calibrate_by_leaving_out(*view_of(gallery), args.calibration, bar.callback());
  } else {
    const StrangerFaces faces = named_as_npz(args.impostors) ? read_strangers(args.impostors, gallery.store())
                                                             : from_photos(args, gallery.store(), exit);
    const std::vector<Stranger> strangers = faces.without(excluded);
    left_out = faces.people.size() - strangers.size();
    report = calibrate_with(*view_of(gallery), strangers, args.calibration, bar.callback());
    report.calibration.impostors = args.impostors.string();
  }
  gallery.set_calibration(report.calibration);
  if (args.json) {
    std::cout << dump_line(json_of(report, left_out)) << '\n';
  } else {
    print_calibration(report, left_out);
  }
  return exit;
}

}  // namespace likeness::cli
