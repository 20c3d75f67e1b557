#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/gallery_options.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/classify/classifier.h"
#include "likeness/core/output.h"
#include "likeness/image/draw.h"
#include "likeness/image/resample.h"
#include "likeness/image/write_image.h"
#include "likeness/recognize/recognizer.h"
#include "likeness/report/html.h"
#include "likeness/version.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Args {
  fs::path people;
  std::vector<fs::path> photos;
  GalleryArgs gallery;  // its path is empty where there is no gate
  ModelOptions models;
  bool json = false;
  fs::path draw;
  fs::path report;
};

/// What is told of one face.
struct Answer {
  std::string name;  // "unknown" where the gallery's gate keeps it out
  std::optional<double> probability;
  std::string nearest;  // the person of the nearest known face
  double cosine = 0;    // of that face
  std::string decided_by;
  std::optional<TrainedIdentification> gated;  // with --gallery
  /// Whether the gallery that should tell is empty.
  [[nodiscard]] bool nowhere() const { return gated && !gated->answer.nearest; }
};

Answer answer_of(const Classifier& people, bool gated, const TrainedIdentification& found) {
  if (gated) {
    const Identification& answer = found.answer;
    return {answer.name.value_or("unknown"),
            answer.probability,
            answer.nearest ? answer.nearest->name : "nobody",
            answer.nearest ? answer.nearest->cosine : -1,
            found.by_classifier ? "svm" : "nearest",
            found};
  }
  const Prediction& p = *found.prediction;
  return {p.label,
          p.probability(),
          people.labels()[p.nearest_person],
          p.nearest_cosine,
          p.by_votes ? "svm" : "nearest",
          std::nullopt};
}

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f%%", share * 100);
  return text;
}

void print_json(const NamingRule& rule, const PhotoFaces& photo, const std::vector<Answer>& answers) {
  Json line = {{"file", photo.id}, {"size", {photo.width, photo.height}}};
  line["faces"] = Json::array();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Answer& answer = answers[i];
    const Face& face = photo.faces[photo.chosen[i]];
    Json one = {{"box", {face.box.left, face.box.top, face.box.right, face.box.bottom}},
                {"score", face.score},
                {"name", answer.name},
                {"probability", answer.probability ? Json(*answer.probability) : Json(nullptr)},
                {"decided_by", answer.decided_by}};
    if (answer.gated) {
      const auto& svm = answer.gated->prediction;
      const auto said = svm ? svm->probability() : std::nullopt;
      one["threshold"] = threshold_json(rule);
      one["nearest"] = match_json(answer.gated->answer.nearest);
      one["runner_up"] = match_json(answer.gated->answer.runner_up);
      if (answer.nowhere()) one["reason"] = "the gallery is empty";
      one["svm"] = svm ? Json{{"name", svm->label}, {"probability", said ? Json(*said) : Json(nullptr)}}
                       : Json(nullptr);
    } else {
      one["nearest"] = answer.nearest;
      one["cosine"] = answer.cosine;
    }
    line["faces"].push_back(one);
  }
  std::cout << dump_line(line) << '\n';
}

void print_text(const PhotoFaces& photo, const std::vector<Answer>& answers) {
  std::cout << photo.id << "  " << counted(answers.size(), "face") << '\n';
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Answer& answer = answers[i];
    const Box& box = photo.faces[photo.chosen[i]].box;
    char where[80];
    std::snprintf(where, sizeof where, "at %.0f, %.0f", box.left, box.top);
    if (answer.nowhere()) {
      std::cout << "  " << answer.name << ": the gallery is empty   " << where << '\n';
      continue;
    }
    char cosine[40];
    std::snprintf(cosine, sizeof cosine, "cosine %.3f to ", answer.cosine);
    std::cout << "  " << answer.name << "   ";
    if (answer.probability) {
      std::cout << percent(*answer.probability) << (answer.gated ? " " + answer.nearest : "") << "   ";
    }
    std::cout << cosine << answer.nearest << "   " << where << '\n';
  }
}

/// The photo with every face's name and deciding cosine on it; takes its pixels.
Image draw_names(PhotoFaces& photo, const std::vector<Answer>& answers) {
  Image picture = std::move(photo.pixels);
  const int thickness = std::max(2, std::min(photo.width, photo.height) / 200);
  const int text = std::max(12, std::min(photo.width, photo.height) / 28);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Box box = clamped(photo.faces[photo.chosen[i]].box, photo.width, photo.height);
    char cosine[16] = "";
    if (!answers[i].nowhere()) std::snprintf(cosine, sizeof cosine, " %.2f", answers[i].cosine);
    draw_box(picture, box, {80, 220, 60}, thickness);
    const float below = box.bottom + static_cast<float>(thickness);
    const bool room = below + static_cast<float>(text) <= static_cast<float>(photo.height);
    draw_text(picture, {box.left, room ? below : box.top + static_cast<float>(thickness)},
              answers[i].name + cosine, {80, 220, 60}, text);
  }
  return picture;
}

/// One photo's part of the report: a smaller copy with the names, and why each was given.
void tell_photo(HtmlReport& html, const PhotoFaces& photo, const std::vector<Answer>& answers,
                const Image& picture) {
  html.section(photo.file.filename().string());
  const double shrink = std::min(1.0, 720.0 / std::max(picture.width(), picture.height()));
  const auto side = [shrink](int pixels) { return std::max(1, static_cast<int>(pixels * shrink)); };
  const Image small = resample(picture.view(), side(picture.width()), side(picture.height()), Filter::kBox);
  html.picture(encode_png(small.view()), "the photo with names", counted(answers.size(), "face"));
  if (answers.empty()) return;
  Table table{.columns = {"name", "probability", "nearest known face", "cosine", "decided by"},
              .rows = {},
              .caption = {}};
  for (const Answer& answer : answers) {
    char cosine[16] = "none";
    if (!answer.nowhere()) std::snprintf(cosine, sizeof cosine, "%.3f", answer.cosine);
    table.rows.push_back({answer.name, answer.probability ? percent(*answer.probability) : "none",
                          answer.nearest, cosine, answer.decided_by == "svm" ? "SVM" : "nearest face"});
  }
  html.table(table);
}

Exit run(const Args& args) {
  std::optional<OutputFolder> draw;
  if (!args.draw.empty()) draw.emplace(args.draw);
  if (!args.report.empty()) require_writable(args.report);
  const Classifier people = Classifier::read(args.people);
  if (!people.space().known() && !args.models.model_given) {
    throw std::invalid_argument(args.people.string() +
                                " does not say which model its embeddings came from; name it with --model");
  }
  const PhotoList list = list_photos(args.photos, args.json);
  std::optional<Gallery> gallery;
  Setup setup = args.models;
  if (!args.gallery.path.empty()) {
    gallery = args.gallery.open(true, setup.threads);
    setup.quality = gallery->store().space().quality;
  }
  const Recognizer recognizer(setup);
  recognizer.require_classifier(people, args.people.string());
  Gate gate;
  if (gallery) {
    require_same_space(gallery->store().space(), gallery->store().name(), recognizer.space(),
                       "the model " + setup.model);
    gate.view = view_of(*gallery);
    gate.rule = naming_rule(*gate.view, recognizer.contract(), setup.precision);
    if (const std::string words = remark(gate.rule); !words.empty())
      std::cerr << "likeness: " << words << '\n';
  }
  if (!people.calibrated() && !args.json) std::cerr << "likeness: " << people.why_nearest() << '\n';
  HtmlReport html("Who is in the photos", counted(list.photos.size(), "photo") + ", " +
                                              std::to_string(people.labels().size()) +
                                              " known people, by likeness " + version());
  ProgressBar bar("predicting");
  InputCount inputs(list, args.json);
  const bool pictures = draw || !args.report.empty();
  recognizer.name(people, gallery ? &gate : nullptr, list.source(),
                  [&](PhotoFaces& photo, std::span<const TrainedIdentification> found) {
                    if (!inputs.count(photo, bar)) return;
                    std::vector<Answer> answers;
                    for (const TrainedIdentification& face : found)
                      answers.push_back(answer_of(people, gallery.has_value(), face));
                    args.json ? print_json(gate.rule, photo, answers) : print_text(photo, answers);
                    if (!pictures) return;
                    const Image picture = draw_names(photo, answers);
                    if (draw)
                      write_png(draw->file_of(photo.file.stem().string(), ".named.png"), picture.view());
                    if (!args.report.empty()) tell_photo(html, photo, answers, picture);
                  },
                  {.keep_pixels = pictures, .progress = bar.callback()});
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
  command->add_option(
      "--gallery", args->gallery.path,
      "Gallery that says whether: the classifier chooses the person, strangers are \"unknown\"");
  command->add_option("--key-file", args->gallery.key_file,
                      "Passphrase of an encrypted gallery; else LIKENESS_GALLERY_KEY");
  command->add_option("--draw", args->draw, "Folder for copies of the photos with the names on them");
  command->add_option("--report", args->report, "Page (.html) with every photo, its names, and why");
  add_detector_options(*command, args->models);
  add_model_options(*command, args->models);
  add_threads_option(*command, args->models.threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
