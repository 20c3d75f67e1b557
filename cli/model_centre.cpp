#include <iostream>
#include <memory>
#include <stdexcept>

#include "cli/eval_parts.h"
#include "cli/model_parts.h"
#include "likeness/core/error.h"
#include "likeness/embed/centre_pack.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args : EvalArgs {
  fs::path faces;
  std::optional<fs::path> only;
};

Exit run(const Args& args) {
  if (args.model.profile) {
    throw std::invalid_argument("a centre belongs to the pack's own way of cutting; leave --profile out");
  }
  const ModelPack pack = args.model.embedder();
  People people = people_of(args.faces, args);
  if (!people.contract.empty()) {
    const Contract theirs = contract_from_json(people.contract, args.faces.string());
    if (theirs.compact() || theirs.of_network().id() != pack.contract.of_network().id()) {
      throw Error(ErrorCode::kModelMismatch, args.faces.string() + " was made by " + theirs.id() +
                                                 ", not by " + pack.contract.of_network().id());
    }
  }
  keep_wanted(people, args.only, 1);
  const ModelPack centred = centre_pack(pack, people.embeddings);
  std::cout << centred.contract.id() << ": centre of " << people.size() << " faces, in "
            << (centred.folder / "model.json").string()
            << "; measure its thresholds with `likeness eval thresholds`\n";
  return Exit::kDone;
}

}  // namespace

void add_model_centre(CLI::App& command, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* part = command.add_subcommand(
      "centre", "Take the mean face from a model's embeddings before two are compared; changes the pack");
  part->footer("Example: likeness model centre lfw --only peopleDevTrain.txt --model mine");
  part->add_option("faces", args->faces, "Folder of photos of many people, or embeddings (.npz)")->required();
  part->add_option("--only", args->only, "File whose lines begin with the people wanted");
  part->add_flag("--no-cache", args->no_cache, "Neither use nor keep embeddings in the user's cache folder");
  add_model_options(*part, args->model);
  add_threads_option(*part, args->model.threads);
  part->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
