#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/stats/intervals.h"

namespace likeness {

/// The similarity of one face to the person of a gallery who is most alike.
struct ScoredFace {
  double similarity = 0;
  std::string person;  ///< Who it really is; faces of one person are resampled together.
};

/// Slope of 20180408-102900's centred cosines: a logistic fit to 1,112 mates and 965 strangers of LFW view 1
/// against 1,188 enrolled faces gave 28 (26 for plain cosines); similarities to people have the slope of
/// their cosines within .2. Other models say theirs in their contract (Contract::naming_slope).
inline constexpr double kDefaultSlope = 28;

struct CalibrationOptions {
  double target_fpir = 0.01;  ///< Share of strangers who may get a name, in (0, 1).
  int resamples = 1000;
  std::uint64_t seed = 0;
  double usual_slope = kDefaultSlope;  ///< The slope where too few mates are there to fit one: the model's.
};

/// From which similarity on a face gets the name of the person most alike, how sure that is, and the
/// evidence. A plain value, stored as a note of the gallery and inside classifiers. FPIR: share of strangers
/// who get a name (false positive identification rate, ISO/IEC 19795-1); FNIR: share of enrolled people who
/// do not.
struct Calibration {
  double threshold = 0;  ///< Similarity (PersonFaces); at or above it a face gets a name.
  double target_fpir = 0;
  double fpir = 0;              ///< Of the calibration's own strangers.
  Interval fpir_interval;       ///< 95 %: where the share lies for as many other strangers (see calibrate()).
  Interval threshold_interval;  ///< 95 %, bootstrap over identities.
  double fnir = 0;              ///< Share of the mates below the threshold; -1 where there were none.
  double slope = 0;             ///< probability() = 1 / (1 + exp(-slope * (similarity - threshold))).
  bool slope_fitted = false;    ///< False: too few mates, the slope is the model's usual one.
  double stranger_share = 0;    ///< Share of strangers for which `threshold` is the Bayes decision.
  std::size_t impostor_faces = 0;
  std::size_t impostor_people = 0;
  std::size_t mate_faces = 0;
  std::size_t gallery_people = 0;  ///< How large the gallery was; a larger one meets more look-alikes.
  std::size_t gallery_faces = 0;
  std::string impostors;     ///< Where the strangers came from, in words.
  std::string contract_id;   ///< Of the embeddings.
  std::string precision;     ///< The same.
  std::int64_t made_ms = 0;  ///< Milliseconds since 1970, UTC.

  /// That a face of this similarity is the person it is most alike; above one half exactly where it gets the
  /// name (at the threshold it is one half, and the name is given). Depends on nothing but the similarity:
  /// not on how many people are enrolled.
  [[nodiscard]] double probability(double similarity) const;
  [[nodiscard]] bool names(double similarity) const { return similarity >= threshold; }
};

/// Fewest mates a slope is fitted to.
inline constexpr std::size_t kMinMates = 20;
/// How many impostor faces a rate needs: three are to be expected above the threshold.
[[nodiscard]] std::size_t impostors_needed(double target_fpir);

/// Finds the lowest threshold at which at most `target_fpir` of the `impostors` get a name. The slope is that
/// of a logistic regression of mates against impostors; the share of strangers follows from it. The interval
/// of the FPIR is a bootstrap over identities in which the threshold is found on one resample and the share
/// counted on another: it holds the noise of both.
/// @throws Error kDataInvalid where there are fewer impostors than impostors_needed(), saying how many there
/// are and would have to be; std::invalid_argument for a rate outside (0, 1).
[[nodiscard]] Calibration calibrate(std::span<const ScoredFace> mates, std::span<const ScoredFace> impostors,
                                    const CalibrationOptions& options);

/// As JSON text, and back: empty for version 1, which an older likeness made for the nearest face's cosine.
/// `what` names the source in errors. @throws Error kDataInvalid naming the field.
[[nodiscard]] std::string to_json(const Calibration& calibration);
[[nodiscard]] std::optional<Calibration> calibration_from_json(std::string_view json, std::string_view what);

}  // namespace likeness
