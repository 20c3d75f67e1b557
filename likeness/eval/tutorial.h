#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "likeness/classify/classifier.h"
#include "likeness/core/output.h"
#include "likeness/eval/closed_set.h"
#include "likeness/eval/random_example.h"
#include "likeness/recognize/collect_faces.h"
#include "likeness/recognize/setup.h"

namespace likeness {

/// Faces of labelled photos, as the tutorial learns from them.
struct TutorialFaces {
  CollectedFaces collected;  ///< With embeddings and spaces.
  Contract contract;         ///< The model's.
  StageSeconds spent;        ///< Summed over threads.
  double seconds = 0;        ///< From the photos to the embeddings, on the clock.
};

/// The whole tutorial: what was learnt from faces, how it was tested, and what is told of it.
struct Tutorial {
  TutorialFaces faces;
  Precision precision = Precision::kF32;
  int threads = 1;
  std::optional<Classifier> people;
  ClosedSetScore train;
  ClosedSetScore val;
  RandomExample example;  ///< Of `tested()`.
  std::uint64_t example_seed = 0;
  double training_seconds = 0;
  double evaluation_seconds = 0;
  std::vector<std::pair<std::string, std::string>> hashes{};  ///< File name, SHA-256.

  /// Without test faces the example comes from those that were learnt from.
  [[nodiscard]] const ClosedSetScore& shown() const { return val.total() > 0 ? val : train; }
  [[nodiscard]] const FacePart& tested() const {
    return val.total() > 0 ? faces.collected.faces.val : faces.collected.faces.train;
  }
};

/// Trains a classifier on the training faces, tests it, and writes faces.npz, embeddings.npz, people.npz,
/// example.png, report.json and report.html into `out`; where `setup` allows two threads, while it computes.
/// @param photos the folder that the faces come from, for the title.
/// @throws as Classifier::train(); Error kOutputUnwritable.
[[nodiscard]] Tutorial run_tutorial(TutorialFaces faces, const Setup& setup,
                                    const std::filesystem::path& photos, OutputFolder& out);

/// What report.json holds.
[[nodiscard]] nlohmann::ordered_json json_of(const Tutorial& tutorial);
/// The results in lines of plain text.
[[nodiscard]] std::vector<std::string> text_of(const Tutorial& tutorial);

}  // namespace likeness
