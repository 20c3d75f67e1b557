#pragma once

#include <CLI/CLI.hpp>

#include "likeness/core/error.h"

namespace likeness::cli {

/// What the program's exit code says. ARCHITECTURE.md has the same table for users.
enum class Exit {
  kDone = 0,              ///< Done; a photo without a face is an ordinary result.
  kSomeInputsFailed = 1,  ///< Done, but some inputs could not be read; each was named.
  kUsage = 2,             ///< Wrong usage, or something this machine cannot do.
  kNoInput = 3,           ///< Nothing could be read.
  kModel = 4,             ///< A model is missing or damaged.
  kData = 5,              ///< A data file is damaged or belongs to another model.
  kUnavailable = 6,       ///< A service or database cannot be reached.
  kOutput = 7,            ///< A result could not be written.
};

/// The one table from the library's errors to exit codes.
[[nodiscard]] Exit exit_for(ErrorCode code);

/// Each adds one command, in the order `--help` lists them; `exit` receives the outcome when the command
/// runs.
void add_run_command(CLI::App& app, Exit& exit);
void add_detect_command(CLI::App& app, Exit& exit);
void add_extract_command(CLI::App& app, Exit& exit);
void add_embed_command(CLI::App& app, Exit& exit);
void add_train_command(CLI::App& app, Exit& exit);
void add_evaluate_command(CLI::App& app, Exit& exit);
void add_eval_command(CLI::App& app, Exit& exit);
void add_predict_command(CLI::App& app, Exit& exit);
void add_model_command(CLI::App& app, Exit& exit);
void add_compact_command(CLI::App& app, Exit& exit);
void add_serve_command(CLI::App& app, Exit& exit);
void add_key_command(CLI::App& app, Exit& exit);
void add_import_from_command(CLI::App& app, Exit& exit);

}  // namespace likeness::cli
