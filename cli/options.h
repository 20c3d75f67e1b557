#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "likeness/recognize/setup.h"

namespace likeness::cli {

/// The options that mean the same in every command, as the library takes them. A command adds the groups it
/// uses.
struct ModelOptions : Setup {
  bool model_given = false;  ///< Whether --model was said, rather than left at its default.
};

/// Where packs are looked for, best place first: `models_option` (--models; empty: not given),
/// $LIKENESS_MODELS, ./models, ${XDG_CACHE_HOME:-~/.cache}/likeness/models, and share/likeness/models
/// beside the program's bin/.
[[nodiscard]] std::vector<std::filesystem::path> pack_search_path(const std::filesystem::path& models_option);

/// --models; and fills Setup::models and Setup::cache_folder for this user.
void add_models_option(CLI::App& command, ModelOptions& options);
void add_model_name_option(CLI::App& command, ModelOptions& options);  ///< --model
void add_model_options(CLI::App& command, ModelOptions& options);  ///< --models --model --profile --precision
void add_precision_option(CLI::App& command, ModelOptions& options);  ///< --precision
/// The same for what knows people without training: kPeopleModel by default.
void add_people_model_options(CLI::App& command, ModelOptions& options);
void add_detector_options(CLI::App& command, Setup& setup);  ///< --detector --min-face --min-score ...
void add_threads_option(CLI::App& command, int& threads);    ///< --threads, all processors by default.
void add_json_option(CLI::App& command, bool& json);         ///< --json
/// --members: names of an .npz's members, where they are not the usual ones (MemberNames).
void add_members_option(CLI::App& command, std::vector<std::string>& members);

}  // namespace likeness::cli
