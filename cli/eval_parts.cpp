#include "cli/eval_parts.h"

#include <algorithm>
#include <iostream>

#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/eval/photo_embeddings.h"

namespace likeness::cli {

namespace fs = std::filesystem;

fs::path EvalArgs::cache() const { return no_cache ? fs::path() : embedding_cache_folder(); }

void add_report_options(CLI::App& command, EvalArgs& args) {
  command.add_option("--out", args.out, "Folder for report.html, plots (PNG, SVG) and CSV");
  command.add_option("--seed", args.seed, "Of everything that is drawn")->capture_default_str();
  add_json_option(command, args.json);
  // Before the work: a report that cannot be written shall be known in the first second.
  command.parse_complete_callback([&args] {
    if (!args.out.empty()) OutputFolder::require_writable(args.out);
  });
}

void add_eval_options(CLI::App& command, EvalArgs& args) {
  add_report_options(command, args);
  command
      .add_option_function<std::string>(
          "--quality", [&args](const std::string& name) { args.model.quality = *quality_from(name); },
          "Passes of the network a face, averaged: single; two: two crops; best: two crops and their "
          "mirror images")
      ->default_str("single")
      ->check(CLI::IsMember({"single", "two", "best"}));
  command.add_flag("--no-cache", args.no_cache, "Neither use nor keep embeddings in the user's cache folder");
  add_detector_options(command, args.model);
  add_people_model_options(command, args.model);
  add_threads_option(command, args.model.threads);
}

People people_of(const fs::path& source, const EvalArgs& args, bool strangers) {
  if (named_as_npz(source)) return read_people(source);
  PeopleList list = list_people({source}, strangers);
  const std::vector<std::string> labels = labels_of(list.loose);
  for (std::size_t i = 0; i < labels.size(); ++i) list.photos.push_back({list.loose[i], labels[i]});
  std::ranges::sort(list.photos, {}, [](const auto& photo) { return photo.file.native(); });
  ProgressBar bar("embedding");
  People people = embed_people(list.photos, source, args.model, args.cache(), bar.callback());
  people.unreadable.insert(people.unreadable.begin(), list.problems.begin(), list.problems.end());
  return people;
}

People compared_people(const fs::path& source, const EvalArgs& args) {
  People people = people_of(source, args);
  make_comparable(people);
  return people;
}

Exit tell(const EvalArgs& args, EvalReport report, std::initializer_list<const People*> all) {
  for (const People* people : all) tell_failed(report.json, people->unreadable);
  if (!args.out.empty()) write_report(args.out, report);
  if (args.json) {
    std::cout << dump_line(report.json) << '\n';
  } else {
    for (const std::string& line : text_of(report)) std::cout << line << '\n';
  }
  const bool failed =
      std::ranges::any_of(all, [](const People* people) { return !people->unreadable.empty(); });
  return failed ? Exit::kSomeInputsFailed : Exit::kDone;
}

}  // namespace likeness::cli
