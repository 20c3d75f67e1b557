#include "likeness/gallery/trained.h"

#include <algorithm>

namespace likeness {

TrainedIdentification identify_trained(const Gallery& gallery, const Classifier& people, AskedFace query,
                                       double fallback_threshold) {
  TrainedIdentification result;
  result.answer = gallery.identify(query.for_gallery, fallback_threshold);
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
  auto own = gallery.match_person(query.for_gallery, *person);
  if (!own) return result;
  own->similarity = std::min(own->similarity, result.answer.nearest->similarity);
  result.answer.runner_up = result.answer.nearest;
  result.answer.nearest = own;
  gallery.decide(result.answer, fallback_threshold);
  return result;
}

}  // namespace likeness
