#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace likeness::cli {

/// Calls `visit` for `app` and every command below it, as `--help` lists them, with the words that call it,
/// e.g. "likeness gallery add".
void for_each_command(const CLI::App& app,
                      const std::function<void(const CLI::App&, const std::string&)>& visit);

/// The manual page in man(7)'s macros: every command, argument and option in the words of `--help`.
[[nodiscard]] std::string man_page(const CLI::App& app, const std::string& version);

/// A completion script for bash: commands, options and the values of options that have a list; files
/// otherwise.
[[nodiscard]] std::string bash_completion(const CLI::App& app);

}  // namespace likeness::cli
