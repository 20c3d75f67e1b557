#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/model_parts.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "likeness/recognize/recognizer.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Args {
  fs::path a;
  fs::path b;
  VerifyOptions verify;
  ModelOptions models;
  bool json = false;
};

Exit exit_of(const VerifiedSide& side, const PhotoList& list) {
  for (const std::string& error : side.errors) std::cerr << "likeness: " << error << '\n';
  const std::size_t failed = side.errors.size() + list.failed;
  if (failed == 0) return Exit::kDone;
  return failed == side.photos + list.failed ? Exit::kNoInput : Exit::kSomeInputsFailed;
}

void print(const Args& args, const VerificationResult& found, const std::string& contract) {
  const auto same = found.same();
  const std::string faceless = same ? "" : "no face in " + (found.a.faces == 0 ? args.a : args.b).string();
  const VerificationRule& rule = found.rule;
  if (args.json) {
    Json line({{"similarity", or_null(found.similarity)},
               {"distance", found.similarity ? Json(1 - *found.similarity) : Json(nullptr)},
               {"same", same ? Json(*same) : Json(nullptr)},
               {"reason", same ? Json(nullptr) : Json(faceless)},
               {"threshold", rule.threshold},
               {"fmr", or_null(rule.false_match_rate)},
               {"fmr_measured_on", rule.origin},
               {"faces", {found.a.faces, found.b.faces}},
               {"contract", contract}});
    for (const VerifiedSide* side : {&found.a, &found.b}) {
      for (const std::string& error : side->errors) line["errors"].push_back(error);
    }
    if (!same && line.contains("errors")) line["error"] = line["errors"][0];
    std::cout << dump_line(line) << '\n';
    return;
  }
  if (!same) {
    std::cout << faceless << '\n';
    return;
  }
  const auto [similarity, threshold] = told_apart(*found.similarity, rule.threshold);
  std::cout << (*same ? "same person" : "different people") << "   similarity " << similarity
            << ", threshold " << threshold;
  if (rule.false_match_rate)
    std::cout << ", which " << *rule.false_match_rate * 100 << "% of strangers' pairs reach";
  std::cout << " (" << (rule.origin.empty() ? "given with --threshold" : rule.origin) << ")\n";
}

/// Before the photos are looked at.
void require_threshold(const Args& args, const Recognizer& recognizer) {
  try {
    (void)recognizer.verification_rule(args.verify);
  } catch (const std::invalid_argument& none) {
    throw std::invalid_argument(std::string(none.what()) + "; give one with --threshold, or " +
                                how_to_measure(recognizer.contract().name, to_string(args.models.precision)));
  }
}

Exit run(const Args& args) {
  const Recognizer recognizer(args.models);
  require_threshold(args, recognizer);
  const PhotoList a = list_photos({args.a}, args.json);
  const PhotoList b = list_photos({args.b}, args.json);
  const VerificationResult found = recognizer.verify(a.source(), b.source(), args.verify);
  const Exit first = exit_of(found.a, a);
  const Exit second = exit_of(found.b, b);
  const bool unread = first == Exit::kNoInput || second == Exit::kNoInput;
  if (unread && !args.json) return Exit::kNoInput;
  print(args, found, recognizer.contract().id());
  if (unread) return Exit::kNoInput;
  return first == Exit::kDone ? second : first;
}

}  // namespace

void add_verify_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command =
      app.add_subcommand("verify", "Whether two photos, or two folders of photos, show one person");
  command->footer(
      "Example: likeness verify a.jpg b.jpg     (similarity is the cosine; of a folder, of its faces' mean)");
  command->add_option("a", args->a, "A photo (its main face), or a folder of one person's photos")
      ->required();
  command->add_option("b", args->b, "Another")->required();
  command
      ->add_option("--fmr", args->verify.false_match_rate,
                   "Wanted false match rate; the nearest that was measured is taken")
      ->check(CLI::Range(1e-9, 0.999999))
      ->capture_default_str();
  command->add_option("--threshold", args->verify.threshold,
                      "Similarity from which on two faces are one person, instead of a measured one");
  add_detector_options(*command, args->models);
  add_people_model_options(*command, args->models);
  add_threads_option(*command, args->models.threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
