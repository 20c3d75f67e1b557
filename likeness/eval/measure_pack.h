#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/eval/people.h"
#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"

namespace likeness {

struct MeasureOptions {
  Precision precision = Precision::kF32;  ///< What the faces were embedded in.
  /// Whether a pack that has no thresholds yet may get a centre (Contract::centre).
  bool centre = true;
  std::string origin{};  ///< On which data and by which command, for KnownThreshold::origin.
};

/// What was found, and the pack as it is afterwards.
struct MeasuredPack {
  ModelPack pack;
  std::size_t faces = 0;
  std::size_t people = 0;
  std::int64_t pairs = 0;                  ///< Of two people.
  std::vector<KnownThreshold> thresholds;  ///< Of the precision measured; the others stay as they were.
  /// False match rates that so few pairs cannot support, or that more pairs exceed which are one picture.
  std::vector<double> unsupported;
  std::optional<double> slope;  ///< Contract::naming_slope; f32 only.
  std::string no_slope;         ///< Why there is none, where it was looked for.
  /// Share of one person's pairs above the threshold of FAR .001, as they are and without the mean face;
  /// each half of the people is centred by the other half. Empty where no centre was looked for.
  std::optional<double> plain_val, centred_val;
};

/// Measures on labelled faces what a pack's contract should say of them, and writes it there:
/// - the centre: of a pack without thresholds, so that no stored face loses its space; where it brings more
///   pairs of one person over the threshold at FAR .001 than the plain cosine does, on people it was not
///   taken from;
/// - the cosines at false match rates of 1 % to .001 %, .0003 % and the least that the pairs can support,
///   each rounded up to four digits; they replace those of this precision;
/// - in f32 the slope of a name's probability: of five trials of enrol_and_ask() (EnrolledAndAsked::slope).
///
/// The faces must be of people whom nobody will test the model with. The pack changes at one stroke, when its
/// model.json is replaced; figures stay, but where the pack gets a centre.
/// @param people as the model gives them, of this pack, kMostFacesInPairs at most.
/// @throws Error kModelMismatch where they are another model's, kDataInvalid where they support no rate,
/// kModelInvalid where the contract found could not be read back, kOutputUnwritable; std::invalid_argument
/// for too many.
MeasuredPack measure_pack(const ModelPack& pack, const People& people, const MeasureOptions& options,
                          const Progress& progress = {});

}  // namespace likeness
