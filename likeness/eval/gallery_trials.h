#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/eval/people.h"
#include "likeness/gallery/calibration.h"
#include "likeness/stats/intervals.h"

namespace likeness {

// What a gallery and its calibration are worth, measured with the gallery itself: each trial enrols faces in
// a gallery file in the system's folder for temporary files, calibrates it and asks about other faces.

struct GalleryTrialOptions {
  double target_fpir = 0.01;  ///< Share of strangers who may get a name, in (0, 1).
  int folds = 5;              ///< leave_people_out(): parts of every person's faces, >= 2.
  int trials = 10;            ///< enrol_and_ask(): how often strangers and people are drawn, >= 1.
  std::uint64_t seed = 0;
  bool fit_slope = false;  ///< enrol_and_ask(): EnrolledAndAsked::slope too, for a second search a mate.
};

/// Under one rule, over all turns. Known faces that are neither right nor wrong stayed unknown.
struct NamingCounts {
  std::string rule;
  std::size_t right = 0;            ///< Known faces that got their name.
  std::size_t wrong = 0;            ///< Known faces that got somebody else's.
  std::size_t strangers_named = 0;  ///< Faces of the person left out that got a name.
};

struct LeftOutPeople {
  std::size_t known = 0;      ///< Known faces asked about, all turns together.
  std::size_t strangers = 0;  ///< Faces of people left out: every face once.
  std::vector<NamingCounts>
      rules;                  ///< The gallery's gate, the SVM behind it, the SVM from .5 on, the SVM always.
  std::size_t impostors = 0;  ///< Faces a turn was calibrated with.
  Interval thresholds;        ///< Lowest and highest of the turns.
  Interval fpir_interval;     ///< What the calibrations said, lowest and highest bound.
};

/// Leaves each person out in turn. The others' faces are dealt into folds; a turn enrols and trains all folds
/// but one, calibrates with `impostors`, and asks about the last fold and the left-out person's faces of it.
/// So every face is a stranger's once and a known one's in each other turn, never among the faces enrolled.
/// Impostors called as an enrolled person are left out as `gallery calibrate` does.
/// @throws Error kDataInvalid for fewer than three people, a person of fewer faces than folds, or too few
/// impostors; std::invalid_argument for options.
[[nodiscard]] LeftOutPeople leave_people_out(const NamedFaces& faces, const NamedFaces& impostors,
                                             const GalleryTrialOptions& options,
                                             const Progress& progress = {});

/// A share, the 95 % interval of the first trial (bootstrap over people), and all trials' mean and deviation.
struct TrialShare {
  double share = 0;
  std::optional<Interval> interval;  ///< Empty where all faces are of one person.
  double mean = 0;
  std::optional<double> deviation;  ///< Empty for one trial.
};

struct EnrolledAndAsked {
  std::size_t enrolled_people = 0;
  std::size_t enrolled_faces = 0;
  std::size_t mates = 0;                  ///< Other faces of enrolled people, asked about.
  std::size_t calibration_strangers = 0;  ///< Faces the threshold comes from.
  std::size_t test_strangers = 0;         ///< Faces it is tested on.
  Calibration calibration;                ///< Of the first trial.
  /// Mean over the trials of the slope of a logistic regression of the mates' similarities to their own
  /// person against the test strangers' to whom they are most alike. Empty where it was not asked for
  /// (GalleryTrialOptions::fit_slope), and where every trial had too few mates.
  std::optional<double> slope{};
  TrialShare rank_one;  ///< Of the mates, those whose nearest enrolled face is their person's.
  TrialShare fnir;      ///< Of the mates, those who do not get their own name.
  TrialShare fpir;      ///< Of the test strangers, those who get a name.
  int trials = 0;
  int inside = 0;  ///< Trials whose realised FPIR lies inside what their calibration said.
};

/// Mean and deviation over trials. Each square is divided by the number of trials before it is added, where
/// mean_deviation() divides their sum: the last digits differ, and reports are held to those of older ones.
/// @throws std::invalid_argument without values.
[[nodiscard]] MeanDeviation over_trials(std::span<const double> values);

/// People with three or more faces are enrolled with two of them, half of the people with two faces with one;
/// their other faces are the mates. Half of the people with a single face calibrate, the other half are the
/// strangers asked about. Who and which is drawn anew for every trial.
/// @throws Error kDataInvalid where nobody has two faces or the strangers cannot support the rate.
[[nodiscard]] EnrolledAndAsked enrol_and_ask(const NamedFaces& faces, const GalleryTrialOptions& options,
                                             const Progress& progress = {});

}  // namespace likeness
