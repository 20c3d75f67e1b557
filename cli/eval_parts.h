#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <initializer_list>

#include "cli/commands.h"
#include "cli/options.h"
#include "likeness/eval/people.h"
#include "likeness/eval/report.h"

namespace likeness::cli {

/// What every part of `likeness eval` takes.
struct EvalArgs {
  ModelOptions model;
  std::filesystem::path out;
  std::uint64_t seed = 0;
  bool no_cache = false;
  bool json = false;

  /// Where embeddings of known photos are kept; empty: nowhere.
  [[nodiscard]] std::filesystem::path cache() const;
};

void add_report_options(CLI::App& command, EvalArgs& args);  ///< --out --seed --json
void add_eval_options(CLI::App& command, EvalArgs& args);    ///< These, and what concerns embedding photos.

/// Of a folder of PERSON/photos (list_people()), or of embeddings (.npz) that `likeness embed` wrote.
/// `strangers`: photos directly in the folder are of a person each. @throws Error kInputUnreadable,
/// kDataInvalid.
[[nodiscard]] People people_of(const std::filesystem::path& source, const EvalArgs& args,
                               bool strangers = false);

/// The same, brought to what the model's contract compares (make_comparable()).
[[nodiscard]] People compared_people(const std::filesystem::path& source, const EvalArgs& args);

/// Writes the report where --out was given, and prints it as text or JSON, with what of `all` could not be
/// read. kSomeInputsFailed where there is any.
[[nodiscard]] Exit tell(const EvalArgs& args, EvalReport report,
                        std::initializer_list<const People*> all = {});

void add_eval_gallery(CLI::App& command, Exit& exit);  ///< gallery, leftout, thresholds
void add_eval_people(CLI::App& command, Exit& exit);   ///< openset, cluster, classify
void add_eval_detect(CLI::App& command, Exit& exit);   ///< detect

}  // namespace likeness::cli
