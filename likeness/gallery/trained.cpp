#include "likeness/gallery/trained.h"

#include <algorithm>
#include <vector>

namespace likeness {

TrainedIdentification identify_trained(const GalleryView& gallery, const Classifier& people, AskedFace query,
                                       const NamingRule& rule) {
  TrainedIdentification result;
  result.answer = identify(gallery, rule, query.for_gallery);
  if (!result.answer.nearest) return result;
  const auto trained = [&](const std::string& name) {
    return std::ranges::binary_search(people.labels(), name);
  };
  if (!trained(result.answer.nearest->name)) return result;
  result.prediction = people.predict(query.for_classifier);
  const std::string& label = result.prediction->label;
  const auto person = gallery.store().find_person(label);
  if (!person) return result;
  result.by_classifier = result.prediction->by_votes;
  if (label == result.answer.nearest->name) return result;
  // The classifier means somebody else than the person most alike: that one's own evidence counts. It is
  // never more than what decides without a classifier; people whose faces are not near were not compared
  // there.
  auto own = gallery.match_person(query.for_gallery, person->id);
  if (!own) return result;
  own->similarity = std::min(own->similarity, result.answer.nearest->similarity);
  result.answer = rule.name(std::vector{*own, *result.answer.nearest});
  return result;
}

}  // namespace likeness
