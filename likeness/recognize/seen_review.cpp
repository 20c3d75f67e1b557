#include "likeness/recognize/seen_review.h"

#include <algorithm>
#include <map>

namespace likeness {
namespace {

Embeddings centres_of(const GalleryView& view, std::span<const std::int64_t> groups) {
  return view.store().seen().centres(groups);
}

}  // namespace

ReviewShelf ReviewedGroup::shelf() const {
  if (group.shelf == SeenShelf::kIgnored) return ReviewShelf::kIgnored;
  return suggestion ? ReviewShelf::kUnconfirmed : ReviewShelf::kUnknown;
}

std::optional<double> suggestion_threshold(const NamingRule& rule, const Contract& contract,
                                           Precision precision) {
  const double people = std::max(1.0, static_cast<double>(rule.people));
  const auto lax = threshold_at(contract, precision, kStrangersSuggested / people);
  if (!lax) return rule.threshold;
  return rule.threshold ? std::min(*rule.threshold, lax->cosine) : lax->cosine;
}

std::vector<ReviewedGroup> with_suggestions(const GalleryView& view, const NamingRule& rule,
                                            std::optional<double> threshold,
                                            std::span<const SeenGroup> groups) {
  std::vector<ReviewedGroup> reviewed;
  std::vector<std::int64_t> asked;
  std::vector<std::size_t> places;
  for (const SeenGroup& group : groups) {
    if (threshold && group.shelf == SeenShelf::kUnknown && asked.size() < kMostReviewed) {
      asked.push_back(group.id);
      places.push_back(reviewed.size());
    }
    reviewed.push_back({.group = group});
  }
  if (asked.empty() || view.faces() == 0) return reviewed;
  NamingRule lax = rule;
  lax.threshold = threshold;
  const auto answers = identify(view, lax, centres_of(view, asked));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].name) reviewed[places[i]].suggestion = answers[i].nearest;
  }
  return reviewed;
}

void sort_by_likeness(const GalleryView& view, std::int64_t group, std::vector<ReviewedGroup>& groups) {
  std::vector<std::int64_t> ids{group};
  for (const ReviewedGroup& one : groups) ids.push_back(one.group.id);
  const Embeddings centres = view.comparison().comparable(centres_of(view, ids));
  std::map<std::int64_t, double> cosines;
  for (std::size_t i = 1; i < ids.size(); ++i) cosines[ids[i]] = dot(centres[0], centres[i]);
  if (const auto own = cosines.find(group); own != cosines.end()) own->second = 2;  // above every cosine
  std::stable_sort(groups.begin(), groups.end(), [&](const ReviewedGroup& a, const ReviewedGroup& b) {
    return cosines.at(a.group.id) > cosines.at(b.group.id);
  });
}

}  // namespace likeness
