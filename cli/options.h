#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "likeness/detect/face_detector.h"
#include "likeness/image/chip.h"
#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"

namespace likeness::cli {

/// The options that mean the same in every command. A command adds the groups it uses.
struct ModelOptions {
  std::filesystem::path models;  ///< --models: folder of packs searched first; empty: the usual places.
  std::string model = "20180408-102900";  ///< --model: a pack's name, or a path to its folder.
  bool model_given = false;               ///< Whether --model was said, rather than left at its default.
  std::optional<CropProfile>
      profile;  ///< --profile: another crop than the contract's; yields another contract id.
  Precision precision = Precision::kF32;  ///< --precision.

  /// Where compiled networks are kept for the next start; empty where no folder is the user's.
  [[nodiscard]] static std::filesystem::path cache();
  /// The embedder's pack with --profile applied to its contract. @throws Error kModelNotFound, kModelInvalid.
  [[nodiscard]] ModelPack embedder() const;
  /// The detector's pack that the embedder's contract names.
  [[nodiscard]] ModelPack detector(const ModelPack& embedder) const;
};

void add_models_option(CLI::App& command, ModelOptions& options);  ///< --models
void add_model_options(CLI::App& command, ModelOptions& options);  ///< --models --model --profile --precision
void add_detector_options(CLI::App& command, DetectorOptions& options);  ///< --min-face --min-scores ...
void add_threads_option(CLI::App& command, int& threads);  ///< --threads, all processors by default.
void add_json_option(CLI::App& command, bool& json);       ///< --json

}  // namespace likeness::cli
