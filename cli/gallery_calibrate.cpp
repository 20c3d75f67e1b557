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
#include "likeness/gallery/exchange.h"
#include "likeness/recognize/recognizer.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Faces of strangers with what owns their numbers.
struct Strangers {
  std::vector<std::string> people;
  std::vector<std::string> photos;
  std::vector<std::string> hashes;
  Embeddings embeddings;
  Exit exit = Exit::kDone;
};

Strangers from_npz(const GalleryCommandArgs& args, const GalleryStore& store) {
  require_same_space(store.space(), store.name(), space_of_npz(args.impostors), args.impostors.string());
  Strangers result;
  EmbeddingDataset dataset = read_embeddings(args.impostors);
  for (EmbeddingPart* part : {&dataset.train, &dataset.val}) {
    if (part->labels.empty()) continue;
    l2_normalize(part->embeddings);
    result.embeddings.dimension = part->embeddings.dimension;
    result.embeddings.values.insert(result.embeddings.values.end(), part->embeddings.values.begin(),
                                    part->embeddings.values.end());
    result.people.insert(result.people.end(), part->labels.begin(), part->labels.end());
    part->files.resize(part->labels.size());
    result.photos.insert(result.photos.end(), part->files.begin(), part->files.end());
    part->origins.hashes.resize(part->labels.size());
    result.hashes.insert(result.hashes.end(), part->origins.hashes.begin(), part->origins.hashes.end());
  }
  return result;
}

Strangers from_photos(const GalleryCommandArgs& args, const GalleryStore& store) {
  Setup setup = args.models;
  setup.quality = store.space().quality;
  const Recognizer recognizer(setup);
  require_same_space(store.space(), store.name(), recognizer.space(), "the model " + setup.model);
  PeopleList list = list_people({args.impostors}, true);
  // Photos directly in the folder: everybody is somebody else, called as labels_of() has it.
  const std::vector<std::string> labels = labels_of(list.loose);
  for (std::size_t i = 0; i < labels.size(); ++i) list.photos.push_back({list.loose[i], labels[i]});
  std::vector<fs::path> files;
  for (const LabelledPhoto& photo : list.photos) files.push_back(photo.file);
  ProgressBar bar("strangers");
  InputCount inputs({files, list.failed});
  Strangers result;
  result.embeddings.dimension = store.space().dimension;
  recognizer.stream({.faces = FacesWanted::kMain, .hash = true})
      .run(
          PhotoSource::files(files),
          [&](PhotoFaces&& photo) {
            if (!inputs.count(photo, bar) || photo.chosen.empty()) return;
            result.people.push_back(list.photos[photo.index].label);
            result.photos.push_back(photo.id);
            result.hashes.push_back(photo.sha256);
            const auto row = photo.averaged[0];
            result.embeddings.values.insert(result.embeddings.values.end(), row.begin(), row.end());
          },
          nullptr, bar.callback());
  result.exit = inputs.exit();
  return result;
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

Json calibration_json(const CalibrationReport& report, std::size_t excluded) {
  Json json = Json::parse(to_json(report.calibration));
  if (report.calibration.mate_faces == 0) {
    json["fnir"] = nullptr;
    json["fnir_reason"] = "no enrolled person has two faces";
  }
  json["left_out"] = {
      {"same_name", report.same_name}, {"same_photo", report.same_photo}, {"excluded", excluded}};
  json["look_alikes"] = Json::array();
  for (const LookAlike& one : report.look_alikes) {
    json["look_alikes"].push_back({{"person", one.person},
                                   {"photo", one.photo},
                                   {"enrolled", one.enrolled.name},
                                   {"similarity", one.enrolled.similarity},
                                   {"cosine", one.enrolled.cosine}});
  }
  return json;
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
  if (c.fnir < 0) print("enrolled    not measured: no enrolled person has two faces");
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
  std::error_code ignored;
  if (fs::exists(args.gallery.path, ignored)) require_writable(args.gallery.path);
  std::size_t left_out = 0;
  CalibrationReport report;
  Gallery gallery = args.gallery.open(false, args.models.threads);
  if (args.leave_one_out) {
    report = calibrate_by_leaving_out(*view_of(gallery), args.calibration, bar.callback());
  } else {
    const Strangers faces =
        named_as_npz(args.impostors) ? from_npz(args, gallery.store()) : from_photos(args, gallery.store());
    exit = faces.exit;
    std::vector<Stranger> strangers;
    for (std::size_t i = 0; i < faces.people.size(); ++i) {
      if (excluded.contains(faces.people[i]) || excluded.contains(faces.photos[i])) {
        ++left_out;
      } else {
        strangers.push_back({faces.embeddings[i], faces.people[i], faces.photos[i], faces.hashes[i]});
      }
    }
    report = calibrate_with(*view_of(gallery), strangers, args.calibration, bar.callback());
    report.calibration.impostors = args.impostors.string();
  }
  gallery.set_calibration(report.calibration);
  if (args.json) {
    std::cout << dump_line(calibration_json(report, left_out)) << '\n';
  } else {
    print_calibration(report, left_out);
  }
  return exit;
}

}  // namespace likeness::cli
