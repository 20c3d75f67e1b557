#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/eval_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/eval/verification_protocol.h"

namespace likeness::cli {
namespace {

struct Args : EvalArgs {
  PairsProtocol protocol;
  std::string baseline;
};

Exit run_lfw(const Args& args) {
  PairsProtocol protocol = args.protocol;
  protocol.cache = args.cache();
  protocol.seed = args.seed;
  std::optional<Setup> baseline;
  if (!args.baseline.empty()) {
    baseline = args.model;
    baseline->model = args.baseline;
  }
  ProgressBar bar("embedding");
  const VerificationStory story = verify_photos(protocol, args.model, baseline, bar.callback());
  if (!args.out.empty()) write_verification_report(args.out, story);
  if (args.json) {
    std::cout << dump_line(json_of(story)) << '\n';
  } else {
    for (const std::string& line : text_of(story)) std::cout << line << '\n';
    if (!args.out.empty()) std::printf("%-20s %s\n", "report", (args.out / "report.html").c_str());
  }
  return !story.unreadable.empty() ? Exit::kSomeInputsFailed : Exit::kDone;
}

}  // namespace

void add_eval_command(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("eval", "Accuracy by published protocols, with plots");
  command->footer("Example: likeness eval cluster photos --min-photos 2     (photos/PERSON/photo.jpg)");
  command->require_subcommand(1);

  auto args = std::make_shared<Args>();
  CLI::App* lfw = command->add_subcommand("lfw", "Same person or not: LFW's pairs, view 1 or view 2");
  lfw->footer(
      "Example: likeness eval lfw --pairs pairsDevTest.txt --train-pairs pairsDevTrain.txt --images lfw "
      "--out report");
  lfw->add_option(
         "--pairs", args->protocol.pairs,
         "Pairs to test: pairsDevTest.txt, view 2's pairs.txt, or tables (.csv) of pairs; of several "
         "files (match, mismatch) all together")
      ->required();
  lfw->add_option("--train-pairs", args->protocol.training_pairs,
                  "Pairs that give the threshold: pairsDevTrain.txt");
  lfw->add_option("--images", args->protocol.images, "Folder of NAME/NAME_0001.jpg")->required();
  lfw->add_option("--baseline", args->baseline,
                  "Another pack on the same pairs: the difference of accuracies with its interval");
  add_eval_options(*lfw, *args);
  lfw->callback([args, &exit] { exit = run_lfw(*args); });
  add_eval_people(*command, exit);
  add_eval_gallery(*command, exit);
  add_eval_detect(*command, exit);
}

}  // namespace likeness::cli
