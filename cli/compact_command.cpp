#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/embed/byte_values.h"
#include "likeness/embed/compact_pack.h"
#include "likeness/embed/fit_projection.h"
#include "likeness/eval/pairs_file.h"
#include "likeness/eval/people.h"
#include "likeness/eval/photo_embeddings.h"
#include "likeness/eval/projection_trial.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args {
  fs::path images;
  fs::path people;
  ModelOptions model;
  ProjectionOptions projection;
  std::string method = std::string(to_string(ProjectionOptions{}.method));
  std::string values = "int8";
  std::string name;
  fs::path into = "models";
  bool replace = false;
  std::uint64_t seed = 0;
  int folds = 5;
  bool no_cache = false;
  bool json = false;
};

/// Main faces of PERSON/photo, of the people in the list where one is given.
People faces_to_learn(const Args& args) {
  std::set<std::string> wanted;
  if (!args.people.empty()) {
    const auto names = read_people_file(args.people);
    wanted.insert(names.begin(), names.end());
  }
  PeopleList list = list_people({args.images});
  if (!wanted.empty())
    std::erase_if(list.photos, [&](const LabelledPhoto& photo) { return !wanted.contains(photo.label); });
  if (list.photos.empty()) {
    throw Error(ErrorCode::kInputUnreadable,
                "no photos in " + args.images.string() +
                    (wanted.empty() ? "" : " of the people in " + args.people.string()));
  }
  ProgressBar bar("embedding");
  return embed_people(list.photos, args.images, args.model,
                      args.no_cache ? fs::path() : embedding_cache_folder(), bar.callback());
}

std::string words_of(const Args& args, const People& learnt) {
  const std::size_t people = std::set(learnt.people.begin(), learnt.people.end()).size();
  return args.method + " projection to " + std::to_string(args.projection.dimension) + " values learnt on " +
         std::to_string(learnt.people.size()) + " faces of " + std::to_string(people) + " people";
}

Exit fit(const Args& args) {
  const ModelPack base = args.model.embedder();
  CompactOptions options{
      .name = args.name, .values = value_format_from(args.values).value(), .replace = args.replace};
  if (args.method != "none") {
    ProjectionOptions projection = args.projection;
    projection.method = projection_method_from(args.method).value();
    const People learnt = faces_to_learn(args);
    options.projection = fit_projection(learnt.embeddings, learnt.people, projection);
    options.how = words_of(args, learnt);
  } else if (options.values == ValueFormat::kF32) {
    throw std::invalid_argument("--method none --values f32 is the model as it is; leave one of them out");
  }
  const ModelPack pack = compact_pack(base, args.into, options);
  const Contract& contract = pack.contract;
  const int bytes = contract.dimension * (contract.values == ValueFormat::kInt8 ? 1 : 4);
  if (args.json) {
    std::cout << dump_line({{"pack", pack.folder.string()},
                            {"id", contract.id()},
                            {"dimension", contract.dimension},
                            {"values", to_string(contract.values)},
                            {"bytes", bytes},
                            {"how", options.how}})
              << '\n';
  } else {
    std::printf("%s: %d bytes a face -> %s\n", contract.name.c_str(), bytes, pack.folder.c_str());
  }
  return Exit::kDone;
}

/// Every method, with and without rounding, on people that it was not fitted on.
Exit compare(const Args& args) {
  const People learnt = faces_to_learn(args);
  const auto trials = try_projections(learnt.embeddings, learnt.people,
                                      {.dimension = args.projection.dimension,
                                       .shrinkage = args.projection.shrinkage,
                                       .folds = args.folds,
                                       .seed = args.seed});
  if (!args.json) {
    std::printf("%zu faces; every fifth of the people judged by what the others taught (%d folds)\n\n",
                learnt.people.size(), args.folds);
    std::printf("%-34s %6s %22s %8s %8s\n", "embedding", "bytes", "VAL at FAR .01, .001", "AUC", "EER");
  }
  for (const ProjectionTrial& trial : trials) {
    const auto text = [](const std::optional<double>& rate) {
      char number[16] = "-";
      if (rate) std::snprintf(number, sizeof number, "%.4f", *rate);
      return std::string(number);
    };
    if (args.json) {
      std::cout << dump_line({{"embedding", trial.name},
                              {"bytes", trial.bytes},
                              {"val_at_far_1e-2", or_null(trial.validation_at_2)},
                              {"val_at_far_1e-3", or_null(trial.validation_at_3)},
                              {"auc", trial.area_under_roc},
                              {"eer", trial.equal_error_rate}})
                << '\n';
    } else {
      std::printf("%-34s %6zu %22s %8.5f %8.4f\n", trial.name.c_str(), trial.bytes,
                  (text(trial.validation_at_2) + "  " + text(trial.validation_at_3)).c_str(),
                  trial.area_under_roc, trial.equal_error_rate);
    }
  }
  return Exit::kDone;
}

void add_people_options(CLI::App& command, Args& args) {
  command.add_option("--images", args.images, "Folder of PERSON/photos to learn from");
  command.add_option(
      "--only", args.people,
      "Only these of them: one name a line, or LFW's peopleDevTrain.txt. Nobody here should be tested "
      "with later");
  command.add_option("--dimension", args.projection.dimension, "Values of the smaller embedding")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  command
      .add_option("--shrinkage", args.projection.shrinkage,
                  "discriminative: how round the scatter inside people is taken")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_flag("--no-cache", args.no_cache, "Neither use nor keep embeddings in the user's cache folder");
  add_model_options(command, args.model);
  add_threads_option(command, args.model.threads);
  add_json_option(command, args.json);
}

}  // namespace

void add_compact_command(CLI::App& app, Exit& exit) {
  CLI::App* command =
      app.add_subcommand("compact", "Smaller embeddings: a face in 128 bytes, as a model pack");
  command->require_subcommand(1);

  auto args = std::make_shared<Args>();
  CLI::App* part = command->add_subcommand(
      "fit",
      "Learn a projection from people's photos and make a pack of it\n"
      "Example: likeness compact fit --images lfw --only peopleDevTrain.txt --name facenet-128\n"
      "         likeness compact fit --method none --name facenet-512-bytes");
  part->add_option("--name", args->name, "Of the new pack")->required();
  part->add_option("--into", args->into, "Folder of packs to put it into")->capture_default_str();
  part->add_flag("--replace", args->replace, "Take the place of a pack of that name");
  part->add_option("--method", args->method, "pca, whitened, discriminative; none: all values stay")
      ->capture_default_str()
      ->check(CLI::IsMember({"pca", "whitened", "discriminative", "none"}));
  part->add_option("--values", args->values, "int8: one signed byte a value; f32")
      ->capture_default_str()
      ->check(CLI::IsMember({"int8", "f32"}));
  add_people_options(*part, *args);
  part->callback([args, &exit] {
    if (args->method != "none" && args->images.empty()) throw CLI::RequiredError("--images");
    exit = fit(*args);
  });

  auto trial = std::make_shared<Args>();
  part =
      command->add_subcommand("compare",
                              "Every way to a smaller embedding, each judged on people it was not fitted on\n"
                              "Example: likeness compact compare --images lfw --only peopleDevTrain.txt");
  part->add_option("--folds", trial->folds, "Parts the people are dealt into")
      ->capture_default_str()
      ->check(CLI::Range(2, 20));
  part->add_option("--seed", trial->seed, "Of the dealing")->capture_default_str();
  add_people_options(*part, *trial);
  part->callback([trial, &exit] {
    if (trial->images.empty()) throw CLI::RequiredError("--images");
    exit = compare(*trial);
  });
}

}  // namespace likeness::cli
