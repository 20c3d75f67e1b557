#include "likeness/gallery/trained.h"

#include <algorithm>
#include <vector>

#include "likeness/core/person_name.h"

namespace likeness {
namespace {

/// Whether a name is written as it is kept, as far as can be seen at a glance.
bool plain(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return c < 0x80; }) &&
         name.front() > ' ' && name.back() > ' ';
}

/// Whether the names are written otherwise and yet one.
bool alike(const std::string& a, const std::string& b) {
  return !(plain(a) && plain(b)) && tidy_name(a) == tidy_name(b);
}

}  // namespace

TrainedIdentification identify_trained(const GalleryView& gallery, const Classifier& people, AskedFace query,
                                       const NamingRule& rule) {
  TrainedIdentification result;
  result.answer = identify(gallery, rule, query.for_gallery);
  if (!result.answer.nearest) return result;
  const auto trained = [&](const std::string& name) {
    // Labels of an older likeness may be written otherwise than names of people.
    return std::ranges::binary_search(people.labels(), name) ||
           std::ranges::any_of(people.labels(), [&](const std::string& label) { return alike(label, name); });
  };
  if (!trained(result.answer.nearest->name)) return result;
  result.prediction = people.predict(query.for_classifier);
  const std::string& label = result.prediction->label;
  const auto person = gallery.store().find_person(label);
  if (!person) return result;
  result.by_classifier = result.prediction->by_votes;
  if (label == result.answer.nearest->name || alike(label, result.answer.nearest->name)) return result;
  // The classifier means somebody else than the person most alike: that one's own evidence counts. It is
  // never more than what decides without a classifier; people whose faces are not near were not compared
  // there.
  auto own = gallery.match_person(query.for_gallery, person->id);
  if (!own || is_rejected(gallery, query.for_gallery, *own)) return result;
  own->similarity = std::min(own->similarity, result.answer.nearest->similarity);
  result.answer = rule.name(std::vector{*own, *result.answer.nearest});
  return result;
}

}  // namespace likeness
