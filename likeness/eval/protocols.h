#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "likeness/core/progress.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/eval/classification.h"
#include "likeness/eval/gallery_trials.h"
#include "likeness/eval/identification.h"
#include "likeness/eval/people.h"
#include "likeness/eval/report.h"
#include "likeness/infer/precision.h"

namespace likeness {

// The protocols that judge faces of people, each from faces to its report. Where two faces are compared by
// their cosine, make_comparable() comes before; galleries do it themselves, and take faces as the model gives
// them.

/// identify_open_set() of comparable faces. @param probes who is asked about; none: those of the gallery.
/// @throws as that function.
[[nodiscard]] EvalReport open_set_report(const People& gallery, const std::optional<People>& probes,
                                         const IdentificationOptions& options, Precision precision);

/// cluster_faces() of comparable faces, beside DBSCAN at its best for them.
/// @param threshold cosine of a link; none: link_threshold() by the model of the faces and their number.
[[nodiscard]] EvalReport clustering_report(const People& people, const std::optional<double>& threshold,
                                           Precision precision, int threads);

/// cross_validate_classifier() of train and val together and, for three people or more,
/// leave_one_person_out(). @throws as these.
[[nodiscard]] EvalReport classification_report(const EmbeddingDataset& dataset,
                                               const ClassificationOptions& options);

/// leave_people_out(), with the impostors of `strangers`. @throws as that, and Error kModelMismatch where the
/// two are not of one embedding space, naming their sources.
[[nodiscard]] EvalReport left_out_report(const People& people, const People& strangers,
                                         const GalleryTrialOptions& options, const Progress& progress = {});

/// enrol_and_ask(). @throws as that.
[[nodiscard]] EvalReport gallery_report(const People& people, const GalleryTrialOptions& options,
                                        const Progress& progress = {});

/// From which cosine on two comparable faces are one person, at each false match rate in (0, 1): over all
/// pairs of the faces, kMostFacesInPairs at most. A rate that they cannot support is said to be so.
[[nodiscard]] EvalReport thresholds_report(const People& people, std::span<const double> rates,
                                           Precision precision);

}  // namespace likeness
