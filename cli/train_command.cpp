#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "likeness/classify/classifier.h"
#include "likeness/core/output.h"
#include "likeness/dataset/dataset_file.h"

namespace likeness::cli {
namespace {

struct Args {
  std::filesystem::path embeddings;
  std::filesystem::path output;
  ClassifierOptions classifier;
  std::vector<std::string> members;
  bool json = false;
};

Exit run(const Args& args) {
  require_writable(args.output);
  const EmbeddingDataset dataset = read_embeddings(args.embeddings, args.members);
  const Classifier people =
      Classifier::train(dataset.train.embeddings, dataset.train.labels, dataset.space, args.classifier);
  people.write(args.output);
  if (args.json) {
    std::cout << dump_line({{"faces", dataset.train.labels.size()},
                            {"people", people.labels()},
                            {"support_vectors", people.support_vectors()},
                            {"probabilities", people.calibrated()},
                            {"svm", people.has_svm()},
                            {"reason", people.calibrated() ? nlohmann::ordered_json(nullptr)
                                                           : nlohmann::ordered_json(people.why_nearest())},
                            {"output", args.output.string()}})
              << '\n';
    return Exit::kDone;
  }
  std::cout << counted(dataset.train.labels.size(), "face") << " of " << people.labels().size()
            << " people -> " << args.output.string() << '\n';
  if (!people.calibrated()) std::cout << people.why_nearest() << '\n';
  return Exit::kDone;
}

}  // namespace

void add_train_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand("train", "A linear SVM with probabilities, from embeddings");
  command->footer("Example: likeness train embeddings.npz -o people.npz");
  command->add_option("embeddings", args->embeddings, "Embeddings with labels (.npz)")->required();
  command->add_option("-o,--output", args->output, "The classifier to write (.npz)")->required();
  command->add_option("-C,--cost", args->classifier.c, "The SVM's cost of a mistake")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", args->classifier.seed, "Deals photos into the folds of the probabilities")
      ->capture_default_str();
  add_members_option(*command, args->members);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
