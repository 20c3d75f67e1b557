#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "likeness/eval/failed_input.h"
#include "likeness/eval/plot_files.h"
#include "likeness/eval/verification.h"

namespace likeness {

/// The same pairs by another model, and how far the tested one is from it.
struct VerificationBaseline {
  std::string model;
  std::string space;
  double accuracy = 0;
  PairedDifference difference;
};

/// Everything the report on a verification tells.
struct VerificationStory {
  std::string title;
  std::string protocol;                                    ///< In a sentence.
  std::vector<std::pair<std::string, std::string>> facts;  ///< Model, precision, data hash, machine, ...
  Verification result;
  Comparisons all_pairs;            ///< compare_all(); may be empty.
  std::vector<std::string> photos;  ///< What the pairs' indices mean.
  std::vector<std::vector<ScoredPair>> folds;
  std::filesystem::path images;  ///< Folder of the photos, for pictures of failures.
  std::vector<std::pair<std::string, std::string>> failed;  ///< Photo without embedding, and why.
  std::size_t failed_pairs = 0;                             ///< Pairs of the protocol with such a photo.
  std::vector<FailedInput> unreadable;  ///< Photos that could not be read, rather than show no face.
  std::size_t from_cache = 0;           ///< Photos whose embedding was known already.
  std::optional<VerificationBaseline> baseline;
};

/// ROC, DET and score histograms, in this order.
[[nodiscard]] NamedPlots verification_plots(const VerificationStory& story);

/// Writes report.html and, for every plot, NAME.csv, NAME.png and NAME.svg into `folder`, which is made.
/// Without gnuplot the pictures are left out and the page says so. Worst false matches and non-matches are
/// shown with their photos.
/// @throws Error kOutputUnwritable.
void write_verification_report(const std::filesystem::path& folder, const VerificationStory& story);

}  // namespace likeness
