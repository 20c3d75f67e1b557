#include <filesystem>
#include <memory>
#include <optional>

#include "cli/eval_parts.h"
#include "likeness/eval/protocols.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct OpenSetArgs : EvalArgs {
  fs::path gallery;
  fs::path probes;
  std::optional<fs::path> only;
  IdentificationOptions trials;
};

Exit run_openset(const OpenSetArgs& args) {
  People gallery = compared_people(args.gallery, args);
  if (args.only) keep_wanted(gallery, args.only, 1);
  std::optional<People> probes;
  std::error_code ignored;
  if (!fs::equivalent(args.gallery, args.probes, ignored)) {
    probes = compared_people(args.probes, args);
    if (args.only) keep_wanted(*probes, args.only, 1);
  }
  IdentificationOptions options = args.trials;
  options.seed = args.seed;
  const People none;
  return tell(args, open_set_report(gallery, probes, options, args.model.precision),
              {&gallery, probes ? &*probes : &none});
}

struct ClusterArgs : EvalArgs {
  fs::path folder;
  std::size_t min_photos = 1;
  std::optional<fs::path> only;
  std::optional<double> threshold;
};

Exit run_cluster(const ClusterArgs& args) {
  People people = compared_people(args.folder, args);
  keep_wanted(people, args.only, args.min_photos);
  return tell(args, clustering_report(people, args.threshold, args.model.precision, args.model.threads),
              {&people});
}

struct ClassifyArgs : EvalArgs {
  fs::path embeddings;
  std::vector<std::string> members;
  ClassificationOptions validation;
};

Exit run_classify(const ClassifyArgs& args) {
  ClassificationOptions options = args.validation;
  options.seed = args.seed;
  return tell(args, classification_report(read_embeddings(args.embeddings, args.members), options));
}

}  // namespace

void add_eval_people(CLI::App& command, Exit& exit) {
  auto open = std::make_shared<OpenSetArgs>();
  CLI::App* part = command.add_subcommand(
      "openset", "Who is it, or nobody known: drawn galleries, strangers among the probes");
  part->footer("Example: likeness eval openset --gallery lfw --probes lfw --out report");
  part->add_option("--gallery", open->gallery, "Folder of PERSON/photos to enrol from")->required();
  part->add_option("--probes", open->probes, "Folder of PERSON/photos to ask about; may be the same")
      ->required();
  part->add_option("--only", open->only, "Only these people: one name a line, or LFW's peopleDevTest.txt");
  part->add_option("--trials", open->trials.trials, "How often people are drawn")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  add_eval_options(*part, *open);
  part->callback([open, &exit] { exit = run_openset(*open); });

  auto cluster = std::make_shared<ClusterArgs>();
  part = command.add_subcommand("cluster", "How well faces are grouped by person");
  part->footer("Example: likeness eval cluster photos --min-photos 2     (photos/PERSON/photo.jpg)");
  part->add_option("folder", cluster->folder, "Folder of PERSON/photos, or embeddings (.npz)")->required();
  part->add_option("--min-photos", cluster->min_photos, "Only people with at least so many photos")
      ->capture_default_str();
  part->add_option("--only", cluster->only,
                   "File whose lines begin with the people wanted (peopleDevTest.txt)");
  part->add_option("--threshold", cluster->threshold,
                   "Cosine from which two faces are linked; by default as fits their number");
  add_eval_options(*part, *cluster);
  part->callback([cluster, &exit] { exit = run_cluster(*cluster); });

  auto classify = std::make_shared<ClassifyArgs>();
  part = command.add_subcommand("classify",
                                "Cross-validated accuracy, reliability of probabilities, people left out");
  part->footer("Example: likeness eval classify embeddings.npz --out report");
  part->add_option("embeddings", classify->embeddings,
                   "Embeddings with labels (.npz); train and val are taken together")
      ->required();
  part->add_option("--folds", classify->validation.folds, "Parts of a cross-validation")
      ->capture_default_str()
      ->check(CLI::Range(2, 100));
  part->add_option("--repeats", classify->validation.repeats, "Cross-validations")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  add_members_option(*part, classify->members);
  add_report_options(*part, *classify);
  part->callback([classify, &exit] { exit = run_classify(*classify); });
}

}  // namespace likeness::cli
