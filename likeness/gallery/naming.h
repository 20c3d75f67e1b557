#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/gallery/calibration.h"
#include "likeness/gallery/gallery_view.h"
#include "likeness/infer/precision.h"
#include "likeness/model/contract.h"

namespace likeness {

/// Who a face is, or nobody, with the evidence.
struct Identification {
  std::optional<std::string> name;       ///< Empty: nobody who is enrolled.
  std::optional<double> probability;     ///< That it is nearest->name; above one half exactly where a name is
                                         ///< given. Empty where the gallery has no calibration.
  std::optional<PersonMatch> nearest;    ///< The person most alike; empty in an empty gallery.
  std::optional<PersonMatch> runner_up;  ///< The next one.
};

/// Turns comparisons into a name or "unknown". A plain value; threads may share one.
struct NamingRule {
  /// Where the threshold comes from.
  enum class Origin {
    kNone,         ///< Nowhere: nobody gets a name.
    kCalibration,  ///< The gallery's own calibration.
    kModel,        ///< Measured for the model, and written in its contract.
    kCaller,       ///< Given by whoever asks.
  };
  std::optional<double> threshold = {};  ///< Similarity from which on a face gets a name; empty: never.
  Origin origin = Origin::kNone;
  std::optional<Calibration> calibration = {};  ///< kCalibration only: gives the probability.
  std::optional<KnownThreshold> measured = {};  ///< kModel only: the nearest that was measured, and where.
  std::size_t people = 0;                       ///< Enrolled when the rule was made.
  /// kModel only: the share of strangers who are to be expected to get a name, in [0, 1].
  std::optional<double> strangers_named = {};
  /// How fast the probability rises about the threshold where there is no calibration (naming_slope_of()).
  double slope = kDefaultSlope;

  /// `matches`: the people most alike, the first one decides; none: nobody.
  [[nodiscard]] Identification name(std::span<const PersonMatch> matches) const;
};

struct NamingOptions {
  std::optional<double> threshold = {};  ///< The caller's own; goes before all others.
  double strangers_named = 0.01;  ///< Without a calibration: the share of strangers aimed at, in (0, 1).
  std::optional<std::size_t> people = {};  ///< Enrolled; empty: as many as the view has.
};

/// The caller's threshold; else the gallery's calibration; else what was measured for the model; else none.
///
/// By the model's measurements a stranger gets a name where he or she matches any of the people: as often as
/// the false match rate of one comparison times the number of people. So the threshold is that of the wanted
/// share over the people: between two measured rates on the line of the cosine over the rate's logarithm,
/// never outside of what was measured. In a gallery too large for that the strictest counts, and
/// NamingRule::strangers_named says what to expect. Among LFW view 1's people the product told the share
/// within a fifth of it from 10 to 3,095 people (docs/people.md).
[[nodiscard]] NamingRule naming_rule(const GalleryView& view, const Contract& contract, Precision precision,
                                     const NamingOptions& options = {});

/// The slope that a model's contract states, else kDefaultSlope.
[[nodiscard]] double naming_slope_of(const Contract& contract);

/// The gallery's calibration; without one nobody gets a name.
[[nodiscard]] NamingRule calibrated_rule(const GalleryView& view);

/// Whether somebody said that a face like this is not the person of `match`, one of the answers to `query`:
/// where the query is as alike, by the cosine, to a face that was rejected for the person
/// (GalleryStore::reject()) as to the nearest of the person's own faces, or more alike. So the same face gets
/// no such name again, and the person's other photos keep it.
[[nodiscard]] bool is_rejected(const GalleryView& view, std::span<const float> query,
                               const PersonMatch& match);

/// Who each face is. `queries` are embeddings as the model gives them. People for whom a face is rejected
/// (is_rejected()) are passed over: the next one may get the name if the similarity to him or her says so.
[[nodiscard]] std::vector<Identification> identify(const GalleryView& view, const NamingRule& rule,
                                                   const Embeddings& queries);
/// The same for one face.
[[nodiscard]] Identification identify(const GalleryView& view, const NamingRule& rule,
                                      std::span<const float> query);

/// The threshold for one comparison at a false match rate by the model's measurements in `precision`, as
/// naming_rule() finds it. Empty where there are none.
[[nodiscard]] std::optional<KnownThreshold> threshold_at(const Contract& contract, Precision precision,
                                                         double false_match_rate);

/// The cosine from which two faces count as one person by the model's own measurements: that of the false
/// match rate nearest to `false_match_rate` among those measured in `precision`. Empty where none was.
[[nodiscard]] std::optional<KnownThreshold> known_threshold(const Contract& contract, Precision precision,
                                                            double false_match_rate);

}  // namespace likeness
