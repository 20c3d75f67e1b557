#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "train/trainer.h"

namespace likeness::train {

/// The options that decide the numbers of a training: --mining --margin --people --photos --strangers
/// --optimizer
/// --rate --schedule --epochs --patience --held-out.
void add_training_options(CLI::App& command, TrainOptions& options);

void add_fit_command(CLI::App& app, cli::Exit& exit);
void add_study_command(CLI::App& app, cli::Exit& exit);

}  // namespace likeness::train
