#pragma once

#include "cli/commands.h"

namespace likeness::cli {

/// All of main() once the commands are there: parses, runs, and turns errors into one line on stderr and an
/// exit code. `exit` is what the command left.
[[nodiscard]] int run_program(CLI::App& app, int argc, char** argv, const Exit& exit);

}  // namespace likeness::cli
