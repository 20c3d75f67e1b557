#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>

#include "cli/labelled_photos.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/embed/new_pack.h"
#include "train/head_pack.h"
#include "train/journal.h"
#include "train/options.h"

namespace likeness::train {
namespace {

namespace fs = std::filesystem;
using cli::Exit;

struct Args {
  fs::path data;
  fs::path output;
  cli::LabelledPhotosArgs photos;  // its `folder` is filled where the data are one
  TrainOptions training;
  int dimension = 128;
  bool resume = false;
  bool replace = false;
  bool json = false;

  /// Log, curves, report and checkpoint lie beside the pack, which holds nothing but the model.
  [[nodiscard]] fs::path training_folder() const { return output.string() + ".training"; }
  [[nodiscard]] fs::path log() const { return training_folder() / "log.jsonl"; }
};

/// What is learned from: frozen embeddings and the model that made them.
struct Data {
  Embeddings vectors;
  std::vector<std::string> labels;
  ModelPack base;
  Exit exit = Exit::kDone;
};

Data from_embeddings(const Args& args) {
  EmbeddingDataset dataset = read_embeddings(args.data);
  Data data;
  data.base = args.photos.models.embedder();
  const Contract& contract = data.base.contract;
  if (!dataset.provenance.known() && !args.photos.models.model_given) {
    throw Error(ErrorCode::kDataInvalid,
                args.data.string() + " does not say which model made it; name that with --model");
  }
  require_same_space(dataset.provenance, args.data.string(),
                     provenance_of(contract, args.photos.models.precision), "the model " + contract.name);
  data.vectors = std::move(dataset.train.embeddings);
  data.labels = std::move(dataset.train.labels);
  if (data.vectors.dimension != static_cast<std::size_t>(contract.dimension)) {
    throw Error(ErrorCode::kModelMismatch,
                args.data.string() + " holds embeddings of " + std::to_string(data.vectors.dimension) +
                    " values, the model " + contract.name + " gives " + std::to_string(contract.dimension));
  }
  return data;
}

Data from_photos(const Args& args) {
  cli::LabelledPhotosArgs photos = args.photos;
  photos.folder = args.data;
  photos.scan.val_share = 0;  // people are held out, not photos
  cli::LabelledFaces faces = cli::collect_labelled(photos, Stage::kEmbed);
  EmbeddingPart& part = faces.collected.embeddings.train;
  return {std::move(part.embeddings), std::move(part.labels), std::move(faces.pack), faces.exit};
}

Data load(const Args& args) {
  Data data = args.data.extension() == ".npz" ? from_embeddings(args) : from_photos(args);
  l2_normalize(data.vectors);  // files of other programs may hold raw outputs
  return data;
}

/// Says early what would otherwise fail after all the work, or cost somebody a finished training.
void check_output(const Args& args) {
  check_pack_name(args.output.filename().string());
  if (fs::exists(args.output) && !args.replace) {
    throw std::invalid_argument(args.output.string() +
                                " is there already; choose another -o, or --replace it");
  }
  if (fs::exists(args.training.checkpoint) && !args.resume && !args.replace) {
    throw std::invalid_argument(args.training_folder().string() +
                                " holds a training; go on with it by --resume, or begin anew by --replace");
  }
  std::error_code error;
  fs::create_directories(args.training_folder(), error);
  if (error) {
    throw Error(ErrorCode::kOutputUnwritable,
                "cannot write " + args.training_folder().string() + ": " + error.message());
  }
}

std::string text_of(const std::optional<Verification>& v) {
  if (!v) return "nobody held out";
  char text[120];
  std::snprintf(text, sizeof text, "held-out accuracy %.4f, VAL at FAR 0.001 %.4f", v->accuracy, v->val);
  return text;
}

std::string line_of(const EpochReport& e, int epochs) {
  char text[160];
  std::snprintf(text, sizeof text, "epoch %d of %d: loss %.4f, active %.3f, distances %.3f and %.3f, ",
                e.epoch, epochs, e.mean.loss, e.mean.batch.active, e.mean.batch.mean_positive,
                e.mean.batch.mean_negative);
  return text + text_of(e.held_out) + (e.best ? " *" : "");
}

std::optional<Verification> judge(const Projection& head, const Data& data, const std::vector<int>& people,
                                  const std::vector<std::size_t>& rows) {
  if (rows.empty()) return std::nullopt;
  Embeddings chosen{data.vectors.dimension, {}};
  std::vector<int> who;
  for (const std::size_t row : rows) {
    const auto values = data.vectors[row];
    chosen.values.insert(chosen.values.end(), values.begin(), values.end());
    who.push_back(people[row]);
  }
  return verify_people(project(head, chosen), who);
}

struct Outcome {
  TrainResult result;
  Projection head;
  std::optional<Verification> untrained;
  std::size_t held_out = 0;  // people
};

Outcome train(const Args& args, const Data& data) {
  const std::vector<int> people = number_people(data.labels);
  const Split split = hold_out_people(people, args.training.held_out_share, args.training.seed);
  const Projection start = random_projection(centre_of(data.vectors, split.learning),
                                             static_cast<std::size_t>(args.dimension), args.training.seed);
  Outcome outcome;
  outcome.untrained = judge(start, data, people, split.held_out);
  std::set<int> held_out;
  for (const std::size_t row : split.held_out) held_out.insert(people[row]);
  outcome.held_out = held_out.size();

  Learner learner = head_learner(data.vectors, start);
  Trainer trainer(learner, people, args.training);
  std::optional<Journal> journal;
  if (args.resume) {
    journal.emplace(args.log(), std::stoull(trainer.resume()));
  } else {
    journal.emplace(args.log());
  }
  cli::ProgressBar bar("training");
  TrainEvents events;
  events.step = [&](int epoch, int step, int steps, const StepReport& report) {
    journal->add(epoch, step, report);
    const auto done = static_cast<std::size_t>(epoch - 1) * static_cast<std::size_t>(steps) +
                      static_cast<std::size_t>(step);
    bar.show(done, static_cast<std::size_t>(args.training.epochs) * static_cast<std::size_t>(steps));
  };
  events.epoch = [&](const EpochReport& report) {
    journal->add(report);
    bar.say(line_of(report, args.training.epochs));
  };
  events.note = [&] { return std::to_string(journal->bytes()); };
  outcome.result = trainer.train(events);
  outcome.head = projection_of(learner);
  return outcome;
}

Facts facts_of(const Args& args, const Data& data, const Outcome& outcome) {
  const TrainOptions& t = args.training;
  const std::set<std::string> people(data.labels.begin(), data.labels.end());
  char numbers[120];
  std::snprintf(numbers, sizeof numbers, "%g, margin %g, schedule %s", t.rate, static_cast<double>(t.margin),
                std::string(to_string(t.schedule)).c_str());
  return {{"data", cli::counted(data.labels.size(), "photo") + " of " + std::to_string(people.size()) +
                       " people, " + std::to_string(outcome.held_out) + " of them held out"},
          {"base model", data.base.contract.name},
          {"trained", "a projection " + std::to_string(outcome.head.inputs) + "-" +
                          std::to_string(outcome.head.outputs)},
          {"mining", std::string(to_string(t.mining)) + ", batches of " + std::to_string(t.batch.people) +
                         " people times " + std::to_string(t.batch.photos) + " photos and " +
                         std::to_string(t.batch.strangers) + " strangers"},
          {"optimizer", std::string(to_string(t.optimizer)) + ", rate " + numbers},
          {"seed", std::to_string(t.seed)},
          {"epochs",
           std::to_string(outcome.result.epochs) + ", best " + std::to_string(outcome.result.best_epoch)},
          {"untrained", text_of(outcome.untrained)},
          {"trained", text_of(outcome.result.held_out)}};
}

void print(const Args& args, const Outcome& outcome, const Facts& facts, const ModelPack& pack) {
  if (!args.json) {
    for (const auto& [what, value] : facts) std::printf("%-12s %s\n", what.c_str(), value.c_str());
    std::printf("%-12s %s\n%-12s %s\n", "pack", pack.folder.c_str(), "report",
                (args.training_folder() / "report.html").c_str());
    return;
  }
  const auto json_of = [](const std::optional<Verification>& v) {
    return v ? nlohmann::ordered_json{{"accuracy", v->accuracy}, {"val_at_far_1e-3", v->val}}
             : nlohmann::ordered_json(nullptr);
  };
  std::cout << cli::dump_line({{"pack", pack.folder.string()},
                               {"contract", pack.contract.id()},
                               {"dimension", pack.contract.dimension},
                               {"epochs", outcome.result.epochs},
                               {"best_epoch", outcome.result.best_epoch},
                               {"untrained", json_of(outcome.untrained)},
                               {"trained", json_of(outcome.result.held_out)},
                               {"log", args.log().string()}})
            << '\n';
}

Exit run(Args args) {
  // A trailing slash would leave the pack without a name.
  if (!args.output.has_filename()) args.output = args.output.parent_path();
  args.training.threads = args.photos.threads;
  args.training.checkpoint = args.training_folder() / "state";
  check_output(args);
  const Data data = load(args);
  const Outcome outcome = train(args, data);
  const Facts facts = facts_of(args, data, outcome);
  write_training_report(args.training_folder(), read_epochs(args.log()), outcome.result, facts);
  if (outcome.result.stop == Stop::kCollapse) {
    std::cerr << "likeness-train: " << outcome.result.reason << "; no pack was written\n";
    return Exit::kUsage;
  }
  const std::string words = "projection trained by likeness-train on " +
                            cli::counted(data.labels.size(), "photo") + ", seed " +
                            std::to_string(args.training.seed);
  const ModelPack pack = write_head_pack(data.base, outcome.head, words, args.output, args.replace);
  print(args, outcome, facts, pack);
  return data.exit;
}

}  // namespace

void add_fit_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command =
      app.add_subcommand("fit", "Trains a projection on top of a model: minutes on two cores");
  command->footer(
      "Example: likeness embed my_photos -o my.npz && likeness-train fit my.npz -o models/my-head");
  command->add_option("data", args->data, "Embeddings with labels (.npz), or a folder of PERSON/photos")
      ->required();
  command->add_option("-o,--output", args->output, "Folder of the pack to write; its name is the model's")
      ->required();
  command->add_option("--dimension", args->dimension, "Values of the new embedding")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  add_training_options(*command, args->training);
  command
      ->add_option("--seed", args->training.seed,
                   "Chooses the weights at the start, who is held out, and the batches")
      ->capture_default_str();
  command
      ->add_option("--checkpoint-every", args->training.checkpoint_steps,
                   "Keep the state after so many steps too; 0: after each epoch only")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--resume", args->resume, "Go on where an interrupted training of the same -o stopped");
  command->add_flag("--replace", args->replace, "Take the place of a pack or training that is there");
  cli::add_detector_options(*command, args->photos.detector);
  cli::add_model_options(*command, args->photos.models);
  cli::add_threads_option(*command, args->photos.threads);
  cli::add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::train
