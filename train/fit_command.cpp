#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <span>

#include "cli/labelled_photos.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/core/sha256.h"
#include "likeness/embed/new_pack.h"
#include "likeness/model/trainable.h"
#include "train/journal.h"
#include "train/network_learner.h"
#include "train/options.h"
#include "train/trained_pack.h"

namespace likeness::train {
namespace {

namespace fs = std::filesystem;
using cli::Exit;

struct Args {
  fs::path data;
  fs::path output;
  cli::LabelledPhotosArgs photos;  // its `folder` is filled where the data are one
  TrainOptions training;
  Scope scope = Scope::kHead;
  HeadOptions head;
  fs::path weights;  // of a network, where the pack's own file has batch normalisation folded away
  bool no_augment = false;
  bool resume = false;
  bool replace = false;
  bool json = false;

  /// Log, curves, report and checkpoint lie beside the pack, which holds nothing but the model.
  [[nodiscard]] fs::path training_folder() const { return output.string() + ".training"; }
  [[nodiscard]] fs::path log() const { return training_folder() / "log.jsonl"; }
};

/// What is learned from: frozen embeddings for a head, chips for a network; and the model they belong to.
struct Data {
  Embeddings vectors{};
  std::vector<Chip> chips{};
  std::vector<std::string> labels{};
  ModelPack base{};
  Exit exit = Exit::kDone;
};

void require_model(const EmbeddingSpace& space, const Args& args, const ModelPack& base,
                   std::optional<Precision> precision) {
  if (!space.known() && !args.photos.models.model_given) {
    throw Error(ErrorCode::kDataInvalid,
                args.data.string() + " does not say which model it belongs to; name that with --model");
  }
  require_same_space(space, args.data.string(), space_of(base.contract, precision),
                     "the model " + base.contract.name);
}

Data from_embeddings(const Args& args) {
  EmbeddingDataset dataset = read_embeddings(args.data);
  Data data{.base = args.photos.models.embedder()};
  const Contract& contract = data.base.contract;
  require_model(dataset.space, args, data.base, args.photos.models.precision);
  data.vectors = std::move(dataset.train.embeddings);
  data.labels = std::move(dataset.train.labels);
  if (data.vectors.dimension != static_cast<std::size_t>(contract.dimension)) {
    throw Error(ErrorCode::kModelMismatch,
                args.data.string() + " holds embeddings of " + std::to_string(data.vectors.dimension) +
                    " values, the model " + contract.name + " gives " + std::to_string(contract.dimension));
  }
  l2_normalize(data.vectors);  // files of other programs may hold raw outputs
  return data;
}

Data from_chips(const Args& args) {
  FaceDataset dataset = read_faces(args.data);
  Data data{.base = args.photos.models.embedder()};
  require_model(dataset.space, args, data.base, std::nullopt);
  data.chips = std::move(dataset.train.chips);
  data.labels = std::move(dataset.train.labels);
  const CropSpec& crop = data.base.contract.crop;
  for (const Chip& chip : data.chips) {
    if (chip.width() == crop.width && chip.height() == crop.height) continue;
    throw Error(ErrorCode::kModelMismatch, args.data.string() +
                                               " holds chips of another size than the model " +
                                               data.base.contract.name + " takes");
  }
  return data;
}

Data from_photos(const Args& args) {
  cli::LabelledPhotosArgs photos = args.photos;
  photos.folder = args.data;
  photos.scan.val_share = 0;  // people are held out, not photos
  const bool head = args.scope == Scope::kHead;
  cli::LabelledFaces faces = cli::collect_labelled(photos, head ? Stage::kEmbed : Stage::kAlign);
  Data data{.base = std::move(faces.pack), .exit = faces.exit};
  data.vectors = std::move(faces.collected.embeddings.train.embeddings);
  data.chips = std::move(faces.collected.faces.train.chips);
  data.labels = std::move(faces.collected.faces.train.labels);
  return data;
}

Data load(const Args& args) {
  if (args.data.extension() != ".npz") return from_photos(args);
  return args.scope == Scope::kHead ? from_embeddings(args) : from_chips(args);
}

/// The network to go on from. Where the pack's file has lost what training needs the imported file itself
/// must be said.
Graph network_of(const Args& args, const ModelPack& base) {
  if (args.weights.empty()) return read_trainable(base.network(Precision::kF32));
  if (const std::string sha256 = sha256_file(args.weights); sha256 != base.contract.sha256) {
    throw Error(ErrorCode::kModelMismatch, args.weights.string() + " is not the file that the pack " +
                                               base.contract.name + " was imported from: its SHA-256 is " +
                                               sha256 + ", not " + base.contract.sha256);
  }
  return read_trainable(args.weights);
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
  OutputFolder::require_writable(args.training_folder());
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

struct Outcome {
  TrainResult result{};
  std::optional<Verification> untrained{};
  std::size_t held_out = 0;  // people
};

Learner make_learner(const Args& args, Data& data, const Split& split) {
  if (data.base.contract.compact()) {
    throw Error(ErrorCode::kUnsupported,
                "the embeddings of " + data.base.contract.name +
                    " are made smaller already; train on top of the model that they were made of");
  }
  const std::uint64_t seed = args.training.seed;
  if (args.scope == Scope::kHead) {
    const Projection start = random_projection(centre_of(data.vectors, split.learning),
                                               static_cast<std::size_t>(args.head.dimension), seed);
    return head_learner(data.vectors, start, args.head.noise, seed);
  }
  return network_learner(network_of(args, data.base), data.chips, data.base.contract, args.scope,
                         !args.no_augment, seed);
}

Outcome train(const Args& args, Learner& learner, const std::vector<int>& people) {
  Outcome outcome;
  Trainer trainer(learner, people, args.training);
  const std::vector<std::size_t>& judged = trainer.split().held_out;
  std::vector<int> held_out;
  for (const std::size_t row : judged) held_out.push_back(people[row]);
  outcome.held_out = std::set<int>(held_out.begin(), held_out.end()).size();
  if (!judged.empty()) outcome.untrained = verify_people(learner.embed(judged), held_out);

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
  return outcome;
}

Facts facts_of(const Args& args, const Data& data, const Outcome& outcome, const std::string& architecture) {
  const TrainOptions& t = args.training;
  const std::set<std::string> people(data.labels.begin(), data.labels.end());
  char numbers[120];
  std::snprintf(numbers, sizeof numbers, "%g, decay %g, margin %g, schedule %s", t.rate, t.decay,
                static_cast<double>(t.margin), std::string(to_string(t.schedule)).c_str());
  return {{"data", counted(data.labels.size(), "photo") + " of " + std::to_string(people.size()) +
                       " people, " + std::to_string(outcome.held_out) + " of them held out"},
          {"base model", data.base.contract.name},
          {"scope", architecture},
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

/// How many chips the finished network is compared on, libtorch's against OpenVINO's embeddings.
constexpr std::size_t kCompared = 8;
/// The most two of their values may differ by; single floats summed in another order stay far below.
constexpr double kMostDifference = 1e-4;

ModelPack write_pack(const Args& args, const Data& data, Learner& learner, Facts& facts) {
  const std::string words = "trained by likeness-train (" + learner.architecture() + ") on " +
                            counted(data.labels.size(), "photo") + ", seed " +
                            std::to_string(args.training.seed);
  if (args.scope == Scope::kHead) {
    return write_head_pack(data.base, projection_of(learner), words, args.output, args.replace);
  }
  const Graph network = graph_of(learner);
  const ModelPack pack = write_network_pack(data.base, network, words, args.output, args.replace);
  const fs::path weights = args.training_folder() / (pack.contract.name + ".h5");
  write_keras_weights(network, weights);
  facts.emplace_back("for Python", weights.string());
  std::vector<std::size_t> rows(std::min(kCompared, data.chips.size()));
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const double difference = largest_difference(pack, std::span(data.chips).first(rows.size()),
                                               learner.embed(rows), args.photos.models.threads);
  char text[80];
  std::snprintf(text, sizeof text, "%.1e at most from libtorch's values, %zu faces", difference, rows.size());
  facts.emplace_back("OpenVINO", text);
  if (difference > kMostDifference) {
    throw Error(ErrorCode::kModelInvalid,
                pack.folder.string() + " gives other embeddings than were trained: " + text);
  }
  return pack;
}

Exit run(Args args) {
  // A trailing slash would leave the pack without a name.
  if (!args.output.has_filename()) args.output = args.output.parent_path();
  args.training.threads = args.photos.models.threads;
  args.training.checkpoint = args.training_folder() / "state";
  check_output(args);
  Data data = load(args);
  const std::vector<int> people = number_people(data.labels);
  Learner learner =
      make_learner(args, data, hold_out_people(people, args.training.held_out_share, args.training.seed));
  const OutputFolder folder(args.training_folder());
  const Outcome outcome = train(args, learner, people);
  Facts facts = facts_of(args, data, outcome, learner.architecture());
  write_training_report(args.training_folder(), read_epochs(args.log()), outcome.result, facts);
  if (outcome.result.stop == Stop::kCollapse) {
    std::cerr << "likeness-train: " << outcome.result.reason << "; no pack was written\n";
    return Exit::kUsage;
  }
  const ModelPack pack = write_pack(args, data, learner, facts);
  print(args, outcome, facts, pack);
  return data.exit;
}

/// What suits a network is another than what suits a head; options that were said stay.
void adapt_defaults(const CLI::App& command, Args& args) {
  if (args.scope == Scope::kHead) return;
  const auto prefer = [&command](const char* option, auto& value, auto wanted) {
    if (command.count(option) == 0) value = wanted;
  };
  prefer("--rate", args.training.rate, 1e-5);
  prefer("--epochs", args.training.epochs, 5);
  prefer("--people", args.training.batch.people, 6);
  prefer("--strangers", args.training.batch.strangers, 0);
}

}  // namespace

void add_fit_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand(
      "fit", "Trains a projection on top of a model (minutes on two cores), its last block, or all of it");
  command->footer(
      "Example: likeness embed my_photos -o my.npz && likeness-train fit my.npz -o models/my-head");
  command
      ->add_option(
          "data", args->data,
          "Folder of PERSON/photos; or for a head embeddings with labels (.npz), for a network faces "
          "(.npz of likeness extract)")
      ->required();
  command->add_option("-o,--output", args->output, "Folder of the pack to write; its name is the model's")
      ->required();
  command
      ->add_option_function<std::string>(
          "--scope", [args](const std::string& word) { args->scope = *scope_from(word); },
          "head: a projection; last: the network's last block; all: the whole network. For a network rate "
          "1e-5, "
          "5 epochs and batches of 6 people without strangers are the defaults")
      ->check(CLI::IsMember({"head", "last", "all"}))
      ->default_str("head");
  add_head_options(*command, args->head);
  command->add_option(
      "--weights", args->weights,
      "For a network whose pack has batch normalisation folded away: the .h5 or .pb that it was "
      "imported from");
  command->add_flag("--no-augment", args->no_augment,
                    "For a network: do not flip, cut, brighten and compress the faces");
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
  cli::add_detector_options(*command, args->photos.models);
  cli::add_model_options(*command, args->photos.models);
  cli::add_threads_option(*command, args->photos.models.threads);
  cli::add_json_option(*command, args->json);
  command->callback([args, command, &exit] {
    adapt_defaults(*command, *args);
    exit = run(*args);
  });
}

}  // namespace likeness::train
