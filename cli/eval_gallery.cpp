#include <filesystem>
#include <memory>
#include <optional>

#include "cli/eval_parts.h"
#include "cli/progress_bar.h"
#include "likeness/eval/protocols.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct ThresholdArgs : EvalArgs {
  fs::path faces;
  std::optional<fs::path> only;
  std::vector<double> rates = {0.01, 0.001, 0.0001};
};

struct Args : EvalArgs {
  fs::path faces;
  fs::path impostors;
  std::vector<std::string> without;
  std::optional<fs::path> only;
  GalleryTrialOptions trials;

  [[nodiscard]] GalleryTrialOptions options() const {
    GalleryTrialOptions options = trials;
    options.seed = seed;
    return options;
  }
};

Exit run_leftout(const Args& args) {
  const People people = people_of(args.faces, args);
  People strangers = people_of(args.impostors, args, true);
  leave_aside(strangers, args.without);
  ProgressBar bar("leaving out");
  return tell(args, left_out_report(people, strangers, args.options(), bar.callback()),
              {&people, &strangers});
}

Exit run_gallery(const Args& args) {
  People people = people_of(args.faces, args);
  keep_wanted(people, args.only, 1);
  leave_aside(people, args.without);
  ProgressBar bar("trials");
  return tell(args, gallery_report(people, args.options(), bar.callback()), {&people});
}

Exit run_thresholds(const ThresholdArgs& args) {
  People people = compared_people(args.faces, args);
  keep_wanted(people, args.only, 1);
  require_pairs_fit(people);
  return tell(args, thresholds_report(people, args.rates, args.model.precision), {&people});
}

void add_trial_options(CLI::App& command, Args& args) {
  command.add_option("--target-fpir", args.trials.target_fpir, "Share of strangers who may get a name")
      ->check(CLI::Range(1e-9, 0.999999))
      ->capture_default_str();
  command.add_option("--without", args.without, "People to leave aside, by name");
  add_eval_options(command, args);
}

}  // namespace

void add_eval_gallery(CLI::App& command, Exit& exit) {
  auto left = std::make_shared<Args>();
  CLI::App* part = command.add_subcommand(
      "leftout", "Strangers among known people: each person left out in turn, gate and SVM side by side");
  part->footer("Example: likeness eval leftout friends --impostors lfw --without Elton_John Madonna");
  part->add_option("faces", left->faces, "Folder of PERSON/photos, or embeddings (.npz)")->required();
  part->add_option("--impostors", left->impostors, "Faces of others, to calibrate with: folder or .npz")
      ->required();
  part->add_option("--folds", left->trials.folds,
                   "Parts of everybody's faces; one asks, the others are known")
      ->check(CLI::Range(2, 100))
      ->capture_default_str();
  add_trial_options(*part, *left);
  part->callback([left, &exit] { exit = run_leftout(*left); });

  auto thresholds = std::make_shared<ThresholdArgs>();
  part = command.add_subcommand(
      "thresholds", "From which cosine on two faces count as one person: all pairs of the faces given");
  part->footer("Example: likeness eval thresholds lfw --only peopleDevTrain.txt");
  part->add_option("faces", thresholds->faces, "Folder of PERSON/photos, or embeddings (.npz)")->required();
  part->add_option("--only", thresholds->only, "File whose lines begin with the people wanted");
  part->add_option("--rates", thresholds->rates, "False match rates")
      ->check(CLI::Range(1e-9, 0.999999))
      ->capture_default_str();
  add_eval_options(*part, *thresholds);
  part->callback([thresholds, &exit] { exit = run_thresholds(*thresholds); });

  auto open = std::make_shared<Args>();
  part = command.add_subcommand(
      "gallery",
      "A calibrated gallery: two faces enrolled, half of the strangers to calibrate, half to ask about");
  part->footer("Example: likeness eval gallery lfw --target-fpir 0.01     (lfw/PERSON/photo.jpg)");
  part->add_option("faces", open->faces, "Folder of PERSON/photos, or embeddings (.npz)")->required();
  part->add_option("--only", open->only, "File whose lines begin with the people wanted");
  part->add_option("--trials", open->trials.trials, "How often people and strangers are drawn")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_trial_options(*part, *open);
  part->callback([open, &exit] { exit = run_gallery(*open); });
}

}  // namespace likeness::cli
