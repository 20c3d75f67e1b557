#include "likeness/eval/tutorial.h"

#include <chrono>
#include <cstdio>
#include <future>
#include <nlohmann/json.hpp>

#include "likeness/core/atomic_file.h"
#include "likeness/core/sha256.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/image/write_image.h"
#include "likeness/report/html.h"
#include "likeness/report/numbers.h"
#include "likeness/stats/intervals.h"
#include "likeness/version.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string seconds(double value) {
  char text[24];
  std::snprintf(text, sizeof text, "%.2f s", value);
  return text;
}

std::string interval_text(const ClosedSetScore& score) {
  const Interval interval = wilson_interval(score.correct, score.total());
  return "95 % interval " + percent(interval.low, 1) + " to " + percent(interval.high, 1);
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
      card.lines.push_back("probability " + percent(*probability, 1));
    cards.push_back(std::move(card));
  }
  return cards;
}

void tell_results(HtmlReport& html, const Tutorial& tutorial) {
  std::vector<Figure> figures;
  const auto figure = [&](const ClosedSetScore& score, const std::string& label) {
    if (score.total() == 0) return;
    figures.push_back({std::to_string(score.correct) + " of " + std::to_string(score.total()), label,
                       interval_text(score)});
  };
  figure(tutorial.val, "test faces named rightly");
  figure(tutorial.train, "training faces named rightly");
  figures.push_back({std::to_string(tutorial.val.people.size()), "people", ""});
  html.figures(figures);

  html.section("Confusion matrix");
  ConfusionMatrix matrix{.labels = tutorial.shown().people, .counts = {}};
  for (const auto& row : tutorial.shown().confusion)
    matrix.counts.insert(matrix.counts.end(), row.begin(), row.end());
  html.confusion(matrix);
}

void tell_faces(HtmlReport& html, const Tutorial& tutorial) {
  const CollectedFaces& collected = tutorial.faces.collected;
  html.section("A random example");
  const RandomExample& example = tutorial.example;
  const FacePart& part = tutorial.tested();
  html.cards(std::vector<Card>{{.png = encode_png(part.chips[example.row].view()),
                                .title = example.predicted_line(),
                                .lines = {example.expected_line(), part.files[example.row]},
                                .bad = example.predicted != example.expected}});
  html.section("Every miss");
  std::vector<Card> cards = miss_cards(collected.faces.val, tutorial.val, "test");
  for (Card& card : miss_cards(collected.faces.train, tutorial.train, "training"))
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

void tell_origin(HtmlReport& html, const Tutorial& tutorial) {
  const StageSeconds& spent = tutorial.faces.spent;
  html.section("Time");
  html.table({.columns = {"stage", "time"},
              .rows = {{"photos to embeddings, on the clock", seconds(tutorial.faces.seconds)},
                       {"reading, summed over threads", seconds(spent.read)},
                       {"detection, summed over threads", seconds(spent.detect)},
                       {"cropping, summed over threads", seconds(spent.align)},
                       {"embedding, summed over threads", seconds(spent.embed)},
                       {"training the classifier", seconds(tutorial.training_seconds)},
                       {"evaluation", seconds(tutorial.evaluation_seconds)}},
              .caption = std::to_string(tutorial.threads) + " threads"});
  html.section("What made it");
  const Contract& contract = tutorial.faces.contract;
  Table table{.columns = {"what", "which"}, .rows = {}, .caption = {}};
  table.rows = {{"likeness", version()},
                {"model", contract.name + " (" + contract.licence + ")"},
                {"contract", contract.id()},
                {"precision", std::string(to_string(tutorial.precision))},
                {"network's SHA-256", contract.sha256}};
  for (const auto& [file, hash] : tutorial.hashes) table.rows.push_back({file + "'s SHA-256", hash});
  html.table(table);
}

/// Writes and hashes results, in a second thread where there may be one: faces.npz takes as long as training
/// and evaluation, and every file as long as the disk wants.
class Writing {
 public:
  Writing(const fs::path& folder, bool beside)
      : folder_(folder), policy_(beside ? std::launch::async : std::launch::deferred) {}

  template <typename Write>
  void start(const std::string& name, Write write) {
    auto hash = std::async(policy_, [file = folder_ / name, write = std::move(write)] {
      write(file);
      return sha256_file(file);
    });
    if (policy_ == std::launch::deferred) hash.wait();
    hashes_.emplace_back(name, std::move(hash));
  }
  /// The SHA-256 of a file that start() had.
  std::pair<std::string, std::string> hash(const std::string& name) {
    for (auto& [own, hash] : hashes_) {
      if (own == name) return {own, hash.get()};
    }
    return {};
  }

 private:
  fs::path folder_;
  std::launch policy_;
  std::vector<std::pair<std::string, std::future<std::string>>> hashes_;
};

void learn_and_test(Tutorial& tutorial, Writing& writing) {
  const EmbeddingDataset& embeddings = tutorial.faces.collected.embeddings;
  const FaceDataset& faces = tutorial.faces.collected.faces;
  writing.start("embeddings.npz", [&](const fs::path& file) { write_embeddings(file, embeddings); });
  writing.start("faces.npz", [&](const fs::path& file) { write_faces(file, faces); });

  const auto training = Clock::now();
  const Classifier& people = tutorial.people.emplace(
      Classifier::train(embeddings.train.embeddings, embeddings.train.labels, embeddings.space));
  tutorial.training_seconds = since(training);

  const auto evaluation = Clock::now();
  tutorial.train = score_closed_set(people, embeddings.train.embeddings, embeddings.train.labels);
  tutorial.val = score_closed_set(people, embeddings.val.embeddings, embeddings.val.labels);
  tutorial.evaluation_seconds = since(evaluation);
  writing.start("people.npz", [&](const fs::path& file) { people.write(file); });
  tutorial.example_seed = new_seed();
  tutorial.example = pick_example(tutorial.shown(), tutorial.tested().labels, tutorial.example_seed);
}

}  // namespace

Json json_of(const Tutorial& tutorial) {
  const Contract& contract = tutorial.faces.contract;
  Json json = {{"train", json_of(tutorial.train)}, {"val", json_of(tutorial.val)}};
  json["people"] = tutorial.val.people;
  json["confusion"] = tutorial.val.confusion;
  json["example"] = {{"row", tutorial.example.row},
                     {"predicted", tutorial.example.predicted},
                     {"probability", or_null(tutorial.example.probability)},
                     {"expected", tutorial.example.expected},
                     {"seed", tutorial.example_seed}};
  json["without_face"] = tutorial.faces.collected.without_face.size();
  json["unreadable"] = tutorial.faces.collected.unreadable.size();
  const StageSeconds& spent = tutorial.faces.spent;
  json["seconds"] = {{"photos", tutorial.faces.seconds},
                     {"read", spent.read},
                     {"detect", spent.detect},
                     {"align", spent.align},
                     {"embed", spent.embed},
                     {"train", tutorial.training_seconds},
                     {"evaluate", tutorial.evaluation_seconds}};
  json["threads"] = tutorial.threads;
  json["precision"] = to_string(tutorial.precision);
  json["model"] = contract.name;
  json["contract"] = contract.id();
  json["version"] = version();
  for (const auto& [file, hash] : tutorial.hashes) json["sha256"][file] = hash;
  return json;
}

std::vector<std::string> text_of(const Tutorial& tutorial) {
  std::vector<std::string> lines;
  for (const auto& [name, score] :
       {std::pair{"train ", &tutorial.train}, std::pair{"val   ", &tutorial.val}}) {
    if (score->total() == 0) continue;
    lines.push_back(std::string(name) + " " + std::to_string(score->correct) + " of " +
                    std::to_string(score->total()) + " right (" + interval_text(*score) + ")");
  }
  lines.push_back("a random example: " + tutorial.example.predicted_line() + "; " +
                  tutorial.example.expected_line());
  return lines;
}

Tutorial run_tutorial(TutorialFaces faces, const Setup& setup, const fs::path& photos, OutputFolder& out) {
  const bool beside = setup.threads > 1;
  Tutorial tutorial{.faces = std::move(faces), .precision = setup.precision, .threads = setup.threads};
  Writing writing(out.path(), beside);
  learn_and_test(tutorial, writing);
  write_png(out.file("example.png"),
            draw_example(tutorial.tested().chips[tutorial.example.row].view(), tutorial.example).view());

  const FaceDataset& chips = tutorial.faces.collected.faces;
  HtmlReport html("Who is who in " + fs::weakly_canonical(photos).filename().string(),
                  counted(chips.train.chips.size(), "face") + " learnt, " +
                      std::to_string(chips.val.chips.size()) + " tested, by likeness " + version());
  tell_results(html, tutorial);
  tell_faces(html, tutorial);
  for (const char* name : {"embeddings.npz", "people.npz", "faces.npz"})
    tutorial.hashes.push_back(writing.hash(name));
  tell_origin(html, tutorial);
  // Both at once: each waits for the disk.
  auto page = std::async(beside ? std::launch::async : std::launch::deferred,
                         [&] { html.write(out.path() / "report.html"); });
  write_file(out.path() / "report.json",
             json_of(tutorial).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  page.get();
  return tutorial;
}

}  // namespace likeness
