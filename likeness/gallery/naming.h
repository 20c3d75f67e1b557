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
  std::optional<KnownThreshold> measured = {};  ///< kModel only: its false match rate, and of which data.
  std::size_t people = 0;                       ///< Enrolled when the rule was made.

  /// `matches`: the people most alike, the first one decides; none: nobody.
  [[nodiscard]] Identification name(std::span<const PersonMatch> matches) const;
};

struct NamingOptions {
  std::optional<double> threshold = {};    ///< The caller's own; goes before all others.
  double false_match_rate = 0.001;         ///< Without a calibration: of the model's measured thresholds.
  std::optional<std::size_t> people = {};  ///< Enrolled; empty: as many as the view has.
};

/// The caller's threshold; else the gallery's calibration; else what was measured for the model; else none.
[[nodiscard]] NamingRule naming_rule(const GalleryView& view, const Contract& contract, Precision precision,
                                     const NamingOptions& options = {});

/// The gallery's calibration; without one nobody gets a name.
[[nodiscard]] NamingRule calibrated_rule(const GalleryView& view);

/// Who each face is. `queries` are embeddings as the model gives them.
[[nodiscard]] std::vector<Identification> identify(const GalleryView& view, const NamingRule& rule,
                                                   const Embeddings& queries);
/// The same for one face.
[[nodiscard]] Identification identify(const GalleryView& view, const NamingRule& rule,
                                      std::span<const float> query);

/// The cosine from which two faces count as one person by the model's own measurements: that of the false
/// match rate nearest to `false_match_rate` among those measured in `precision`. Empty where none was.
[[nodiscard]] std::optional<KnownThreshold> known_threshold(const Contract& contract, Precision precision,
                                                            double false_match_rate);

}  // namespace likeness
