#include <chrono>
#include <cstdio>
#include <future>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/labelled_photos.h"
#include "cli/photos.h"
#include "cli/random_example.h"
#include "likeness/classify/classifier.h"
#include "likeness/core/atomic_file.h"
#include "likeness/core/output.h"
#include "likeness/core/sha256.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/eval/closed_set.h"
#include "likeness/image/write_image.h"
#include "likeness/report/html.h"
#include "likeness/stats/intervals.h"
#include "likeness/version.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct Args {
  LabelledPhotosArgs photos;
  fs::path out = "out";
  bool json = false;
};

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Everything the report tells.
struct Story {
  LabelledFaces faces;
  std::optional<Classifier> people;
  ClosedSetScore train;
  ClosedSetScore val;
  std::optional<RandomExample> example;
  std::uint64_t example_seed = 0;
  double photos_seconds = 0;
  double training_seconds = 0;
  double evaluation_seconds = 0;
  std::vector<std::pair<std::string, std::string>> hashes;  ///< File name, SHA-256.
  // SHA-256 of files that are being written, from what is above: these go first.
  std::future<std::string> embeddings_file;
  std::future<std::string> people_file;
  std::future<std::string> faces_file;

  [[nodiscard]] const ClosedSetScore& shown() const { return val.total() > 0 ? val : train; }
};

std::string percent(double share) { return likeness::percent(share, 1); }

std::string seconds(double value) {
  char text[24];
  std::snprintf(text, sizeof text, "%.2f s", value);
  return text;
}

std::string interval_text(const ClosedSetScore& score) {
  const Interval interval = wilson_interval(score.correct, score.total());
  return "95 % interval " + percent(interval.low) + " to " + percent(interval.high);
}

Json json_of(const ClosedSetScore& score) {
  std::optional<Interval> interval;
  if (score.total() > 0) interval = wilson_interval(score.correct, score.total());
  Json misses = Json::array();
  for (const std::size_t row : score.misses) misses.push_back(row);
  return {{"total", score.total()},
          {"correct", score.correct},
          {"interval", or_null(interval)},
          {"misses", misses}};
}

Json report_json(const Story& story, const Args& args) {
  const Contract& contract = story.faces.pack.contract;
  Json json = {{"train", json_of(story.train)}, {"val", json_of(story.val)}};
  json["people"] = story.val.people;
  json["confusion"] = story.val.confusion;
  if (const auto& example = story.example) {
    json["example"] = {{"row", example->row},
                       {"predicted", example->predicted},
                       {"probability", example->probability ? Json(*example->probability) : Json(nullptr)},
                       {"expected", example->expected},
                       {"seed", story.example_seed}};
  }
  json["without_face"] = story.faces.collected.without_face.size();
  json["unreadable"] = story.faces.collected.unreadable.size();
  const StageSeconds& spent = story.faces.seconds;
  json["seconds"] = {{"photos", story.photos_seconds},
                     {"read", spent.read},
                     {"detect", spent.detect},
                     {"align", spent.align},
                     {"embed", spent.embed},
                     {"train", story.training_seconds},
                     {"evaluate", story.evaluation_seconds}};
  json["threads"] = args.photos.models.threads;
  json["precision"] = to_string(args.photos.models.precision);
  json["model"] = contract.name;
  json["contract"] = contract.id();
  json["version"] = version();
  for (const auto& [file, hash] : story.hashes) json["sha256"][file] = hash;
  return json;
}

std::vector<Card> miss_cards(const FacePart& faces, const ClosedSetScore& score, const char* set) {
  std::vector<Card> cards;
  for (const std::size_t row : score.misses) {
    const Prediction& p = score.predictions[row];
    Card card{.png = encode_png(faces.chips[row].view()),
              .title = "taken for " + p.label,
              .lines = {},
              .bad = true};
    card.lines = {"expected " + faces.labels[row], std::string(set) + ": " + faces.files[row]};
    if (const auto probability = p.probability())
      card.lines.push_back("probability " + percent(*probability));
    cards.push_back(std::move(card));
  }
  return cards;
}

void tell_results(HtmlReport& html, const Story& story) {
  std::vector<Figure> figures;
  const auto figure = [&](const ClosedSetScore& score, const std::string& label) {
    if (score.total() == 0) return;
    figures.push_back({std::to_string(score.correct) + " of " + std::to_string(score.total()), label,
                       interval_text(score)});
  };
  figure(story.val, "test faces named rightly");
  figure(story.train, "training faces named rightly");
  figures.push_back({std::to_string(story.val.people.size()), "people", ""});
  html.figures(figures);

  html.section("Confusion matrix");
  ConfusionMatrix matrix{.labels = story.shown().people, .counts = {}};
  for (const auto& row : story.shown().confusion)
    matrix.counts.insert(matrix.counts.end(), row.begin(), row.end());
  html.confusion(matrix);
}

void tell_faces(HtmlReport& html, const Story& story) {
  const CollectedFaces& collected = story.faces.collected;
  html.section("A random example");
  if (story.example) {
    const FacePart& part = story.val.total() > 0 ? collected.faces.val : collected.faces.train;
    html.cards(std::vector<Card>{{.png = encode_png(part.chips[story.example->row].view()),
                                  .title = story.example->predicted_line(),
                                  .lines = {story.example->expected_line(), part.files[story.example->row]},
                                  .bad = story.example->predicted != story.example->expected}});
  }
  html.section("Every miss");
  std::vector<Card> cards = miss_cards(collected.faces.val, story.val, "test");
  for (Card& card : miss_cards(collected.faces.train, story.train, "training"))
    cards.push_back(std::move(card));
  if (cards.empty()) {
    html.paragraph("None.");
  } else {
    html.cards(cards);
  }
  if (!collected.without_face.empty() || !collected.unreadable.empty()) {
    html.section("Photos left out");
    Table table{.columns = {"photo", "why"}, .rows = {}, .caption = {}};
    for (const auto& file : collected.without_face) table.rows.push_back({file.string(), "no face found"});
    for (const auto& error : collected.unreadable) table.rows.push_back({"", error});
    html.table(table);
  }
}

void tell_origin(HtmlReport& html, const Story& story, const Args& args) {
  const StageSeconds& spent = story.faces.seconds;
  html.section("Time");
  html.table({.columns = {"stage", "time"},
              .rows = {{"photos to embeddings, on the clock", seconds(story.photos_seconds)},
                       {"reading, summed over threads", seconds(spent.read)},
                       {"detection, summed over threads", seconds(spent.detect)},
                       {"cropping, summed over threads", seconds(spent.align)},
                       {"embedding, summed over threads", seconds(spent.embed)},
                       {"training the classifier", seconds(story.training_seconds)},
                       {"evaluation", seconds(story.evaluation_seconds)}},
              .caption = std::to_string(args.photos.models.threads) + " threads"});
  html.section("What made it");
  const Contract& contract = story.faces.pack.contract;
  Table table{.columns = {"what", "which"}, .rows = {}, .caption = {}};
  table.rows = {{"likeness", version()},
                {"model", contract.name + " (" + contract.licence + ")"},
                {"contract", contract.id()},
                {"precision", std::string(to_string(args.photos.models.precision))},
                {"network's SHA-256", contract.sha256}};
  for (const auto& [file, hash] : story.hashes) table.rows.push_back({file + "'s SHA-256", hash});
  html.table(table);
}

/// Writes and hashes a result, in a second thread where there may be one: faces.npz takes as long as training
/// and evaluation, and every file as long as the disk wants. Gives the SHA-256.
template <typename Write>
std::future<std::string> start_writing(const Args& args, const char* name, Write write) {
  const bool beside = args.photos.models.threads > 1;
  auto hash = std::async(beside ? std::launch::async : std::launch::deferred,
                         [file = args.out / name, write = std::move(write)] {
                           write(file);
                           return sha256_file(file);
                         });
  if (!beside) hash.wait();
  return hash;
}

void learn_and_test(const Args& args, Story& story) {
  const auto start = Clock::now();
  story.faces = collect_labelled(args.photos, Stage::kEmbed);
  story.photos_seconds = since(start);
  const EmbeddingDataset& embeddings = story.faces.collected.embeddings;
  const FaceDataset& faces = story.faces.collected.faces;
  story.embeddings_file = start_writing(args, "embeddings.npz",
                                        [&](const fs::path& file) { write_embeddings(file, embeddings); });
  story.faces_file =
      start_writing(args, "faces.npz", [&](const fs::path& file) { write_faces(file, faces); });

  const auto training = Clock::now();
  const Classifier& people = story.people.emplace(
      Classifier::train(embeddings.train.embeddings, embeddings.train.labels, embeddings.space));
  story.training_seconds = since(training);

  const auto evaluation = Clock::now();
  story.train = score_closed_set(people, embeddings.train.embeddings, embeddings.train.labels);
  story.val = score_closed_set(people, embeddings.val.embeddings, embeddings.val.labels);
  story.evaluation_seconds = since(evaluation);
  story.people_file = start_writing(args, "people.npz", [&](const fs::path& file) { people.write(file); });
  if (!people.calibrated()) std::cerr << "likeness: " << people.why_nearest() << '\n';
  const bool tested = story.val.total() > 0;
  story.example_seed = new_seed();
  story.example = pick_example(tested ? story.val : story.train,
                               tested ? embeddings.val.labels : embeddings.train.labels, story.example_seed);
}

Exit run(const Args& args) {
  // Before the work: a result that cannot be written shall be known in the first second.
  OutputFolder out(args.out);
  require_two_people(scan_photo_folder(args.photos.folder, args.photos.scan), args.photos.folder);

  Story story;
  learn_and_test(args, story);
  const FaceDataset& faces = story.faces.collected.faces;
  const FacePart& part = story.val.total() > 0 ? faces.val : faces.train;
  write_png(out.file("example.png"),
            draw_example(part.chips[story.example->row].view(), *story.example).view());

  HtmlReport html("Who is who in " + fs::weakly_canonical(args.photos.folder).filename().string(),
                  counted(faces.train.chips.size(), "face") + " learnt, " +
                      std::to_string(faces.val.chips.size()) + " tested, by likeness " + version());
  tell_results(html, story);
  tell_faces(html, story);
  story.hashes = {{"embeddings.npz", story.embeddings_file.get()},
                  {"people.npz", story.people_file.get()},
                  {"faces.npz", story.faces_file.get()}};
  tell_origin(html, story, args);
  // Both at once: each waits for the disk.
  auto page = std::async(args.photos.models.threads > 1 ? std::launch::async : std::launch::deferred,
                         [&] { html.write(args.out / "report.html"); });
  const Json json = report_json(story, args);
  write_file(args.out / "report.json", json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  page.get();

  if (args.json) {
    std::cout << dump_line(json) << '\n';
    return story.faces.exit;
  }
  for (const auto& [name, score] : {std::pair{"train", &story.train}, std::pair{"val", &story.val}}) {
    if (score->total() == 0) continue;
    std::printf("%-6s %zu of %zu right (%s)\n", name, score->correct, score->total(),
                interval_text(*score).c_str());
  }
  std::printf("a random example: %s; %s\n", story.example->predicted_line().c_str(),
              story.example->expected_line().c_str());
  std::printf(
      "wrote faces.npz, embeddings.npz, people.npz, example.png, report.json and report.html into %s\n",
      args.out.c_str());
  return story.faces.exit;
}

}  // namespace

void add_run_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand(
      "run", "The whole tutorial: labelled photos in, a trained classifier and a report out");
  command->footer("Example: likeness run celebrities/ --out out");
  command->add_option("photos", args->photos.folder, "train/ and val/ with PERSON/photos, or PERSON/photos")
      ->required();
  command->add_option("--out", args->out, "Folder for the results")->capture_default_str();
  add_labelled_photos_options(*command, args->photos);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
