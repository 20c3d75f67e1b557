#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "likeness/gallery/gallery_view.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/seen.h"

namespace likeness {

/// Faces without a name, sorted for somebody who looks through them.
enum class ReviewShelf {
  kUnknown,      ///< Nobody who is enrolled is much like them.
  kUnconfirmed,  ///< Somebody may be: to be confirmed, or not.
  kIgnored,
};

/// Share of strangers who may get a suggestion. More than may get a name, for somebody looks at it: one in
/// five is what a person can throw out again.
inline constexpr double kStrangersSuggested = 0.2;
/// Groups that are compared, those seen last; the others count as unknown. More than somebody looks through
/// at once, and compared with 10,000 people within a fraction of a second.
inline constexpr std::size_t kMostReviewed = 300;

struct ReviewedGroup {
  SeenGroup group;
  std::optional<PersonMatch> suggestion = {};  ///< Whom it may show, by the middle of its faces.
  [[nodiscard]] ReviewShelf shelf() const;
};

/// From which similarity on somebody is suggested: where kStrangersSuggested of strangers would get a name by
/// the model's measurements, and never above the threshold of `rule`. Empty: nobody is.
[[nodiscard]] std::optional<double> suggestion_threshold(const NamingRule& rule, const Contract& contract,
                                                         Precision precision);

/// The groups with suggestions, in their order. Names that were rejected for a face (GalleryStore::reject())
/// are not suggested for it; ignored groups get none.
[[nodiscard]] std::vector<ReviewedGroup> with_suggestions(const GalleryView& view, const NamingRule& rule,
                                                          std::optional<double> threshold,
                                                          std::span<const SeenGroup> groups);

/// Sorts groups by how alike their middles are to that of `group`, which stays first.
void sort_by_likeness(const GalleryView& view, std::int64_t group, std::vector<ReviewedGroup>& groups);

}  // namespace likeness
