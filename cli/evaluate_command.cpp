#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "likeness/classify/classifier.h"
#include "likeness/core/output.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/eval/closed_set.h"
#include "likeness/eval/random_example.h"
#include "likeness/image/write_image.h"
#include "likeness/stats/intervals.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Args {
  fs::path people;
  fs::path embeddings;
  fs::path faces;
  fs::path example = "example.png";
  std::optional<std::uint64_t> seed;
  std::vector<std::string> members;
  bool json = false;
};

void print_part(const char* name, const ClosedSetScore& score) {
  if (score.total() == 0) return;
  const Interval interval = wilson_interval(score.correct, score.total());
  const double share = static_cast<double>(score.correct) / static_cast<double>(score.total());
  std::printf("%-6s %zu of %zu right, %s (95%% interval %s to %s)\n", name, score.correct, score.total(),
              percent(share, 1).c_str(), percent(interval.low, 1).c_str(), percent(interval.high, 1).c_str());
}

void print_misses(const EmbeddingPart& part, const ClosedSetScore& score) {
  for (const std::size_t row : score.misses) {
    std::printf("  missed: row %zu%s%s, %s taken for %s\n", row, part.files.empty() ? "" : ", ",
                part.files.empty() ? "" : part.files[row].c_str(), part.labels[row].c_str(),
                score.predictions[row].label.c_str());
  }
}

void print_confusion(const ClosedSetScore& score) {
  std::size_t width = 0;
  for (const std::string& person : score.people) width = std::max(width, person.size());
  std::printf("\nconfusion of the test faces (rows: expected, columns: predicted, in the same order)\n");
  for (std::size_t row = 0; row < score.people.size(); ++row) {
    std::printf("  %-*s", static_cast<int>(width), score.people[row].c_str());
    for (const std::size_t count : score.confusion[row]) std::printf(" %4zu", count);
    std::printf("\n");
  }
}

Exit run(const Args& args) {
  if (!args.faces.empty()) require_writable(args.example);
  const Classifier people = Classifier::read(args.people);
  const EmbeddingDataset dataset = read_embeddings(args.embeddings, args.members);
  require_same_space(people.space(), args.people.string(), dataset.space, args.embeddings.string());
  const ClosedSetScore train = score_closed_set(people, dataset.train.embeddings, dataset.train.labels);
  const ClosedSetScore val = score_closed_set(people, dataset.val.embeddings, dataset.val.labels);
  // Without test faces the example comes from those that were learnt from.
  const bool tested = val.total() > 0;
  const EmbeddingPart& part = tested ? dataset.val : dataset.train;
  const RandomExample example =
      pick_example(tested ? val : train, part.labels, args.seed.value_or(new_seed()));

  std::string picture;
  if (!args.faces.empty()) {
    const FaceDataset faces = read_faces(args.faces);
    const FacePart& chips = tested ? faces.val : faces.train;
    if (chips.labels != part.labels) {
      throw Error(ErrorCode::kDataInvalid, args.faces.string() + " does not hold the faces of " +
                                               args.embeddings.string() + ": their labels differ");
    }
    write_png(output_picture(args.example), draw_example(chips.chips[example.row].view(), example).view());
    picture = args.example.string();
  }

  if (args.json) {
    Json line = {{"train", {{"total", train.total()}, {"correct", train.correct}}},
                 {"val", {{"total", val.total()}, {"correct", val.correct}}},
                 {"people", val.people},
                 {"confusion", val.confusion},
                 {"example",
                  {{"row", example.row},
                   {"predicted", example.predicted},
                   {"probability", example.probability ? Json(*example.probability) : Json(nullptr)},
                   {"expected", example.expected}}}};
    if (!picture.empty()) line["example"]["picture"] = picture;
    std::cout << dump_line(line) << '\n';
    return Exit::kDone;
  }
  print_part("train", train);
  print_misses(dataset.train, train);
  print_part("val", val);
  print_misses(dataset.val, val);
  print_confusion(tested ? val : train);
  std::printf("\na random example (row %zu)\n  %s\n  %s\n", example.row, example.predicted_line().c_str(),
              example.expected_line().c_str());
  if (!picture.empty()) std::printf("  picture: %s\n", picture.c_str());
  return Exit::kDone;
}

}  // namespace

void add_evaluate_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command =
      app.add_subcommand("evaluate", "Accuracy, confusion, and a random example with its picture");
  command->footer(
      "Example: likeness evaluate people.npz embeddings.npz --faces faces.npz --example example.png");
  command->add_option("people", args->people, "Classifier that `likeness train` wrote")->required();
  command->add_option("embeddings", args->embeddings, "Embeddings with labels (.npz)")->required();
  command->add_option("--faces", args->faces, "Faces of the same rows (.npz), for the example's picture");
  command->add_option("--example", args->example, "The example's picture to write, where --faces is given")
      ->capture_default_str();
  command->add_option("--seed", args->seed, "Repeats an example; without it, another one each time");
  add_members_option(*command, args->members);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
