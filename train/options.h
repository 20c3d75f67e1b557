#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "train/trainer.h"

namespace likeness::train {

/// What belongs to a projection on frozen embeddings alone: --dimension --noise.
struct HeadOptions {
  int dimension = 128;
  double noise = 0.5;  ///< See head_learner().
};
void add_head_options(CLI::App& command, HeadOptions& options);

/// The options that decide the numbers of a training: --mining --margin --people --photos --strangers
/// --optimizer
/// --rate --schedule --epochs --patience --held-out.
void add_training_options(CLI::App& command, TrainOptions& options);

void add_fit_command(CLI::App& app, cli::Exit& exit);
void add_study_command(CLI::App& app, cli::Exit& exit);

}  // namespace likeness::train
