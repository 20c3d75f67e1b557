#pragma once

#include <memory>

#include "cli/commands.h"

namespace likeness::cli {

/// The whole command line of `likeness`; `exit` receives the outcome of the command that runs.
[[nodiscard]] std::unique_ptr<CLI::App> make_app(Exit& exit);

}  // namespace likeness::cli
