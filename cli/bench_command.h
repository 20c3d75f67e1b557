#pragma once

#include "cli/commands.h"

namespace likeness::cli {

/// `likeness bench`; as the functions of commands.h.
void add_bench_command(CLI::App& app, Exit& exit);

}  // namespace likeness::cli
