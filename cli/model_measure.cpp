#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

#include "cli/eval_parts.h"
#include "cli/model_parts.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/eval/measure_pack.h"
#include "likeness/report/numbers.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args : EvalArgs {
  fs::path images;
  std::optional<fs::path> people;
  bool no_centre = false;
};

/// On which data and by which command, for whoever reads the pack.
std::string origin_of(const Args& args, const People& people, std::size_t persons) {
  const auto name = [](const fs::path& path) {
    return (path.has_filename() ? path : path.parent_path()).filename().string();
  };
  return counted(people.size(), "face") + " of " + std::to_string(persons) + " people" +
         (args.people ? " of " + name(*args.people) : "") + "; likeness model measure " + args.model.model +
         " --images " + name(args.images) + (args.people ? " --people " + name(*args.people) : "") +
         (args.model.precision == Precision::kF32
              ? ""
              : " --precision " + std::string(to_string(args.model.precision)));
}

void print(const MeasuredPack& measured, const Args& args) {
  std::cout << measured.pack.contract.name << ": " << counted(measured.faces, "face") << " of "
            << measured.people << " people, " << measured.pairs << " pairs of two people, "
            << to_string(args.model.precision) << ", in " << (measured.pack.folder / "model.json").string()
            << '\n';
  if (measured.plain_val) {
    std::cout << "VAL at FAR .001   " << fixed(*measured.plain_val) << " as it is, "
              << fixed(*measured.centred_val) << " without the mean face: "
              << (measured.pack.contract.centre.empty() ? "no centre" : "the pack has a centre now") << '\n';
  }
  for (const KnownThreshold& one : measured.thresholds)
    std::cout << "threshold         cosine " << one.cosine << " for a false-match rate of "
              << one.false_match_rate << '\n';
  for (const double rate : measured.unsupported)
    std::cout << "no threshold      for a false-match rate of " << rate
              << ": too few pairs, or too many of one picture\n";
  if (measured.slope) std::cout << "naming slope      " << *measured.slope << '\n';
  if (!measured.no_slope.empty()) std::cout << "no naming slope   " << measured.no_slope << '\n';
}

Exit run(const Args& args) {
  if (named_as_npz(args.images)) {
    throw std::invalid_argument(
        "--images " + args.images.string() +
        ": a precision is measured on faces embedded in it; give the folder of PERSON/photos");
  }
  const ModelPack pack = args.model.embedder();
  require_writable(pack.folder / "model.json");  // embedding thousands of photos takes minutes
  People people = people_of(args.images, args);
  keep_wanted(people, args.people, 1);
  const std::set<std::string> persons(people.people.begin(), people.people.end());
  ProgressBar bar("measuring");
  const MeasuredPack measured = measure_pack(pack, people,
                                             {.precision = args.model.precision,
                                              .centre = !args.no_centre,
                                              .origin = origin_of(args, people, persons.size())},
                                             bar.callback());
  print(measured, args);
  for (const FailedInput& failed : people.unreadable) std::cerr << "likeness: " << failed.error << '\n';
  return people.unreadable.empty() ? Exit::kDone : Exit::kSomeInputsFailed;
}

}  // namespace

void add_model_measure(CLI::App& command, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* part = command.add_subcommand(
      "measure",
      "Measure a pack's thresholds, its centre and how sure its names are on labelled photos, and write them "
      "into it\nTake people whom you will not test with.");
  part->footer("Example: likeness model measure mine --images lfw --people peopleDevTrain.txt");
  part->add_option("name", args->model.model, "Name or folder of the pack")->required();
  part->add_option("--images", args->images, "Folder of PERSON/photos")->required();
  part->add_option("--people", args->people,
                   "File whose lines begin with the people wanted; without it everybody");
  part->add_flag("--no-centre", args->no_centre, "Leave the pack without a centre in any case");
  part->add_flag("--no-cache", args->no_cache, "Neither use nor keep embeddings in the user's cache folder");
  add_models_option(*part, args->model);
  add_precision_option(*part, args->model);
  add_threads_option(*part, args->model.threads);
  part->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
