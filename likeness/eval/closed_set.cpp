#include "likeness/eval/closed_set.h"

#include <algorithm>
#include <stdexcept>

namespace likeness {

ClosedSetScore score_closed_set(const Classifier& classifier, const Embeddings& embeddings,
                                std::span<const std::string> labels) {
  if (embeddings.size() != labels.size()) throw std::invalid_argument("every embedding needs one label");
  ClosedSetScore score;
  score.people = classifier.labels();
  for (const std::string& label : labels) {
    if (std::ranges::find(score.people, label) == score.people.end()) score.people.push_back(label);
  }
  score.confusion.assign(score.people.size(), std::vector<std::size_t>(score.people.size(), 0));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    Prediction prediction = classifier.predict(embeddings[i]);
    const auto expected =
        static_cast<std::size_t>(std::ranges::find(score.people, labels[i]) - score.people.begin());
    ++score.confusion[expected][prediction.person];
    if (expected == prediction.person) {
      ++score.correct;
    } else {
      score.misses.push_back(i);
    }
    score.predictions.push_back(std::move(prediction));
  }
  return score;
}

}  // namespace likeness
