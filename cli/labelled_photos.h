#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/commands.h"
#include "cli/options.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/recognize/collect_faces.h"

namespace likeness::cli {

/// What `run`, `extract` and `embed` need to turn a folder of labelled photos into faces.
struct LabelledPhotosArgs {
  std::filesystem::path folder;
  ScanOptions scan;
  ModelOptions models;
};

void add_labelled_photos_options(CLI::App& command, LabelledPhotosArgs& args);

/// The folder's faces with their space, and what became of the photos.
struct LabelledFaces {
  CollectedFaces collected;
  ModelPack pack;
  StageSeconds seconds;
  Exit exit = Exit::kDone;
};

/// Scans, detects, crops and, where `until` says so, embeds. Names unreadable photos and those without a face
/// on stderr, with `json` by an object on stdout too. @throws Error kInputUnreadable where there is nothing
/// to learn from or no face at all.
[[nodiscard]] LabelledFaces collect_labelled(const LabelledPhotosArgs& args, Stage until, bool json = false);

}  // namespace likeness::cli
