#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/commands.h"
#include "cli/options.h"
#include "likeness/eval/photo_embeddings.h"

namespace likeness::cli {

/// What every part of `likeness eval` takes.
struct EvalArgs {
  ModelOptions model;
  std::filesystem::path out;
  std::string quality = "single";
  std::uint64_t seed = 0;
  int threads = 1;
  bool no_cache = false;
  bool json = false;

  [[nodiscard]] PhotoEmbeddingOptions embedding() const;
};

void add_report_options(CLI::App& command, EvalArgs& args);  ///< --out --seed --json
void add_eval_options(CLI::App& command, EvalArgs& args);    ///< These, and what concerns embedding photos.

void add_eval_people(CLI::App& command, Exit& exit);  ///< openset, cluster, classify
void add_eval_detect(CLI::App& command, Exit& exit);  ///< detect

}  // namespace likeness::cli
