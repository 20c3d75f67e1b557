#include "likeness/gallery/trained.h"

#include <algorithm>

#include "likeness/embed/embeddings.h"

namespace likeness {
namespace {

/// The nearest face of one person; empty where the person has none.
std::optional<Match> nearest_of(const Gallery& gallery, const Person& person, std::span<const float> query) {
  const std::vector<float> compared = gallery.comparison().comparable(query);
  std::optional<Match> best;
  for (const StoredFace& face : gallery.store().faces(person.id)) {
    const auto embedding = gallery.store().embedding(face.id);
    if (embedding.size() != query.size()) continue;  // removed meanwhile
    const double cosine = dot(gallery.comparison().comparable(embedding), compared);
    if (!best || cosine > best->cosine) best = Match{face.id, person.id, person.name, face.photo, cosine};
  }
  return best;
}

}  // namespace

TrainedIdentification identify_trained(const Gallery& gallery, const Classifier& people,
                                       std::span<const float> query, double fallback_threshold) {
  TrainedIdentification result;
  result.answer = gallery.identify(query, fallback_threshold);
  if (!result.answer.nearest) return result;
  const auto trained = [&](const std::string& name) {
    return std::ranges::binary_search(people.labels(), name);
  };
  if (!trained(result.answer.nearest->name)) return result;
  result.prediction = people.predict(query);
  const std::string& label = result.prediction->label;
  const auto person = gallery.store().find_person(label);
  if (!person) return result;
  result.by_classifier = result.prediction->by_votes;
  if (label == result.answer.nearest->name) return result;
  // The classifier means somebody else than the nearest face: its own evidence counts.
  const auto own = nearest_of(gallery, *person, query);
  if (!own) return result;
  result.answer.runner_up = result.answer.nearest;
  result.answer.nearest = own;
  const auto& calibration = gallery.calibration();
  if (calibration) result.answer.probability = calibration->probability(own->cosine);
  const bool named = calibration ? calibration->names(own->cosine) : own->cosine >= fallback_threshold;
  result.answer.name = named ? std::optional(label) : std::nullopt;
  return result;
}

}  // namespace likeness
