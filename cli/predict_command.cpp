#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/classify/classifier.h"
#include "likeness/image/draw.h"
#include "likeness/image/read_image.h"
#include "likeness/image/resample.h"
#include "likeness/image/write_image.h"
#include "likeness/recognize/photo_stream.h"
#include "likeness/report/html.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Args {
  fs::path people;
  std::vector<fs::path> photos;
  ModelOptions models;
  DetectorOptions detector;
  int threads = 1;
  bool json = false;
  fs::path draw;
  fs::path report;
};

std::vector<Prediction> predictions_of(const Classifier& people, const PhotoFaces& photo) {
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < photo.chosen.size(); ++i)
    predictions.push_back(people.predict(photo.embeddings[i]));
  return predictions;
}

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f%%", share * 100);
  return text;
}

void print_json(const Classifier& people, const PhotoFaces& photo,
                const std::vector<Prediction>& predictions) {
  Json line = {{"file", photo.file.string()}, {"size", {photo.width, photo.height}}};
  line["faces"] = Json::array();
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const Prediction& p = predictions[i];
    const Face& face = photo.faces[photo.chosen[i]];
    const auto probability = p.probability();
    line["faces"].push_back({{"box", {face.box.left, face.box.top, face.box.right, face.box.bottom}},
                             {"score", face.score},
                             {"name", p.label},
                             {"probability", probability ? Json(*probability) : Json(nullptr)},
                             {"decided_by", p.by_votes ? "svm" : "nearest"},
                             {"nearest", people.labels()[p.nearest_person]},
                             {"cosine", p.nearest_cosine}});
  }
  std::cout << dump_line(line) << '\n';
}

void print_text(const Classifier& people, const PhotoFaces& photo,
                const std::vector<Prediction>& predictions) {
  std::cout << photo.file.string() << "  " << counted(predictions.size(), "face") << '\n';
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const Prediction& p = predictions[i];
    const Box& box = photo.faces[photo.chosen[i]].box;
    char where[80];
    std::snprintf(where, sizeof where, "at %.0f, %.0f", box.left, box.top);
    char line[200];
    std::snprintf(line, sizeof line, "cosine %.3f to %s", p.nearest_cosine,
                  people.labels()[p.nearest_person].c_str());
    std::cout << "  " << p.label << "   ";
    if (const auto probability = p.probability()) std::cout << percent(*probability) << "   ";
    std::cout << line << "   " << where << '\n';
  }
}

/// The photo with every face's name and deciding cosine on it. Read again: the stream keeps no pixels.
Image draw_names(const PhotoFaces& photo, const std::vector<Prediction>& predictions) {
  Image picture = read_image(photo.file);
  const int thickness = std::max(2, std::min(photo.width, photo.height) / 200);
  const int text = std::max(12, std::min(photo.width, photo.height) / 28);
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const Box box = clamped(photo.faces[photo.chosen[i]].box, photo.width, photo.height);
    char cosine[16];
    std::snprintf(cosine, sizeof cosine, " %.2f", predictions[i].nearest_cosine);
    draw_box(picture, box, {80, 220, 60}, thickness);
    const float below = box.bottom + static_cast<float>(thickness);
    const bool room = below + static_cast<float>(text) <= static_cast<float>(photo.height);
    draw_text(picture, {box.left, room ? below : box.top + static_cast<float>(thickness)},
              predictions[i].label + cosine, {80, 220, 60}, text);
  }
  return picture;
}

/// One photo's part of the report: a smaller copy with the names, and why each was given.
void tell_photo(HtmlReport& html, const Classifier& people, const PhotoFaces& photo,
                const std::vector<Prediction>& predictions, const Image& picture) {
  html.section(photo.file.filename().string());
  const double shrink = std::min(1.0, 720.0 / std::max(picture.width(), picture.height()));
  const auto side = [shrink](int pixels) { return std::max(1, static_cast<int>(pixels * shrink)); };
  const Image small = resample(picture.view(), side(picture.width()), side(picture.height()), Filter::kBox);
  html.picture(encode_png(small.view()), "the photo with names", counted(predictions.size(), "face"));
  if (predictions.empty()) return;
  Table table{.columns = {"name", "probability", "nearest known face", "cosine", "decided by"},
              .rows = {},
              .caption = {}};
  for (const Prediction& p : predictions) {
    const auto probability = p.probability();
    char cosine[16];
    std::snprintf(cosine, sizeof cosine, "%.3f", p.nearest_cosine);
    table.rows.push_back({p.label, probability ? percent(*probability) : "none",
                          people.labels()[p.nearest_person], cosine, p.by_votes ? "SVM" : "nearest face"});
  }
  html.table(table);
}

Exit run(const Args& args) {
  const Classifier people = Classifier::read(args.people);
  if (!people.provenance().known() && !args.models.model_given) {
    throw std::invalid_argument(args.people.string() +
                                " does not say which model its embeddings came from; name it with --model");
  }
  const PhotoList list = list_photos(args.photos);
  if (!args.draw.empty()) fs::create_directories(args.draw);
  const ModelPack embedder = args.models.embedder();
  require_same_space(people.provenance(), args.people.string(),
                     provenance_of(embedder.contract, args.models.precision),
                     "the model " + embedder.contract.name);
  StreamOptions options;
  options.detector = args.detector;
  options.precision = args.models.precision;
  options.threads = args.threads;
  PhotoStream stream(args.models.detector(embedder), embedder, options);
  if (!people.calibrated() && !args.json) {
    std::cerr << "likeness: some person has fewer than " << kMinPhotosForProbability
              << " photos, so there are no probabilities: the nearest known face decides\n";
  }
  HtmlReport html("Who is in the photos", counted(list.photos.size(), "photo") + ", " +
                                              std::to_string(people.labels().size()) +
                                              " known people, by likeness " + LIKENESS_VERSION);
  ProgressBar bar("predicting");
  InputCount inputs(list);
  stream.run(
      list.photos,
      [&](PhotoFaces&& photo) {
        if (!inputs.count(photo, bar)) return;
        const std::vector<Prediction> predictions = predictions_of(people, photo);
        args.json ? print_json(people, photo, predictions) : print_text(people, photo, predictions);
        if (args.draw.empty() && args.report.empty()) return;
        const Image picture = draw_names(photo, predictions);
        if (!args.draw.empty())
          write_png(args.draw / (photo.file.stem().string() + ".named.png"), picture.view());
        if (!args.report.empty()) tell_photo(html, people, photo, predictions, picture);
      },
      bar.callback());
  if (!args.report.empty()) html.write(args.report);
  return inputs.exit();
}

}  // namespace

void add_predict_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand("predict", "Who is in the photos");
  command->footer("Example: likeness predict people.npz party.jpg --draw named/");
  command->add_option("people", args->people, "Classifier that `likeness train` wrote")->required();
  command->add_option("photos", args->photos, "Photos, or folders of photos")->required();
  command->add_option("--draw", args->draw, "Folder for copies of the photos with the names on them");
  command->add_option("--report", args->report, "Page (.html) with every photo, its names, and why");
  add_detector_options(*command, args->detector);
  add_model_options(*command, args->models);
  add_threads_option(*command, args->threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
