#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "likeness/stats/intervals.h"

namespace likeness {

/// Faces for open-set trials: who they are, and whether they may be enrolled or asked about. A face may be
/// both.
struct IdentificationFaces {
  Embeddings embeddings;
  std::vector<std::string> people;
  std::vector<char> may_enrol;
  std::vector<char> may_probe;
};

struct IdentificationOptions {
  int trials = 10;
  double enrolled_share =
      0.5;  ///< Of the people who can be enrolled and asked about; the others are strangers.
  std::vector<double> fpirs = {0.001, 0.01, 0.1};
  std::uint64_t seed = 0;
};

/// At one FPIR (share of strangers' probes that get a name): empty where too few strangers support it.
struct IdentificationRate {
  double fpir = 0;
  std::optional<MeanDeviation> fnir;  ///< Share of enrolled people's probes that do not get their own name.
  [[nodiscard]] std::optional<double> detection_and_identification() const {
    return fnir ? std::optional(1 - fnir->mean) : std::nullopt;
  }
};

/// Open-set identification after BLUFR (Liao et al. 2014), words after ISO/IEC 19795-1.
struct OpenSetIdentification {
  MeanDeviation rank_one;  ///< Share of enrolled people's probes whose nearest enrolled face is their own.
  std::vector<IdentificationRate> rates;
  std::vector<std::pair<double, double>> curve;  ///< FPIR, FNIR; mean over the trials.
  double enrolled = 0;                           ///< People, faces and probes of a trial, on average.
  double mated_probes = 0;
  double stranger_probes = 0;
};

/// Each trial enrols one drawn face of each drawn person, asks about these people's other faces and about all
/// faces of everybody else. @throws std::invalid_argument where sizes differ or options are out of range;
/// Error kDataInvalid where fewer than two people have a face to enrol and another to ask about.
[[nodiscard]] OpenSetIdentification identify_open_set(const IdentificationFaces& faces,
                                                      const IdentificationOptions& options);

}  // namespace likeness
