#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/options.h"
#include "likeness/embed/embeddings.h"
#include "likeness/eval/photo_embeddings.h"
#include "likeness/eval/plot_files.h"
#include "likeness/report/html.h"

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

/// One face each of labelled photos.
struct People {
  Embeddings embeddings;  ///< Unit length.
  std::vector<std::string> labels;
  std::vector<std::string> failed;  ///< Photos without an embedding, and why.
  std::string space;                ///< The embedding space's name.
  std::string contract{};           ///< The model's, as JSON; empty where it is not known.
  Exit exit = Exit::kDone;          ///< kSomeInputsFailed where photos or folders could not be read.
};

/// Of a folder of PERSON/photos (list_people()), or of embeddings (.npz) that `likeness embed` wrote.
/// `strangers`: photos directly in the folder are of a person each. @throws Error kInputUnreadable,
/// kDataInvalid.
[[nodiscard]] People people_of(const std::filesystem::path& source, const EvalArgs& args,
                               bool strangers = false);

/// The same, brought to what the model's contract compares (Comparison).
[[nodiscard]] People compared_people(const std::filesystem::path& source, const EvalArgs& args);

/// Keeps those who have `min_photos` and whom the lines of `only`, where given, begin with (up to a space or
/// tab: LFW's people files will do). @throws Error kInputUnreadable where the file cannot be read or nobody
/// is left.
void keep_wanted(People& people, const std::optional<std::filesystem::path>& only, std::size_t min_photos);

/// Writes report.html with one table and the plots, where --out was given.
void write_report(const EvalArgs& args, const std::string& title, const std::string& words,
                  const Table& table, const NamedPlots& plots = {});

/// The words and the table, aligned, on stdout.
void print_table(const std::string& words, const Table& table);

void add_eval_gallery(CLI::App& command, Exit& exit);  ///< gallery, leftout, thresholds
void add_eval_people(CLI::App& command, Exit& exit);   ///< openset, cluster, classify
void add_eval_detect(CLI::App& command, Exit& exit);   ///< detect

}  // namespace likeness::cli
