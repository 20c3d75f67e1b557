#include "likeness/eval/identification.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/stats/error_rates.h"

namespace likeness {
namespace {

/// Scores of one trial.
struct Trial {
  std::vector<double> strangers;  ///< Best cosine of each stranger's probe.
  std::vector<double> mates;      ///< Best cosine where it is the right person's; -1 where it is not.
  std::size_t ranked_first = 0;
  std::size_t enrolled = 0;
};

struct Person {
  std::vector<std::size_t> enrollable;
  std::vector<std::size_t> probes;
};

float cosine(std::span<const float> a, std::span<const float> b) {
  float lanes[16] = {};
  std::size_t k = 0;
  for (; k + 16 <= a.size(); k += 16) {
    for (std::size_t lane = 0; lane < 16; ++lane) lanes[lane] += a[k + lane] * b[k + lane];
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

bool can_be_mate(const Person& person) {
  // One face to enrol and a different one to ask about.
  return !person.enrollable.empty() &&
         std::any_of(person.probes.begin(), person.probes.end(), [&](std::size_t face) {
           return person.enrollable.size() > 1 || face != person.enrollable[0];
         });
}

class Trials {
 public:
  Trials(const IdentificationFaces& faces, const IdentificationOptions& options)
      : faces_(faces), options_(options), random_(options.seed) {
    std::map<std::string, std::size_t> numbers;
    for (std::size_t i = 0; i < faces.people.size(); ++i) {
      const auto [entry, added] = numbers.try_emplace(faces.people[i], people_.size());
      if (added) people_.emplace_back();
      if (faces.may_enrol[i]) people_[entry->second].enrollable.push_back(i);
      if (faces.may_probe[i]) people_[entry->second].probes.push_back(i);
    }
    for (std::size_t p = 0; p < people_.size(); ++p) {
      if (can_be_mate(people_[p])) candidates_.push_back(p);
    }
    if (candidates_.size() < 2) {
      throw Error(
          ErrorCode::kDataInvalid,
          "open-set trials need two people with a face to enrol and another to ask about; there are " +
              std::to_string(candidates_.size()));
    }
  }

  Trial run() {
    for (std::size_t i = candidates_.size(); i > 1; --i)
      std::swap(candidates_[i - 1], candidates_[random_() % i]);
    const auto wanted = static_cast<std::size_t>(
        std::lround(options_.enrolled_share * static_cast<double>(candidates_.size())));
    const std::size_t count = std::clamp<std::size_t>(wanted, 1, candidates_.size() - 1);
    std::vector<std::size_t> face_of(people_.size(), kNobody);
    std::vector<std::pair<std::size_t, std::size_t>> gallery;  // person, face
    for (std::size_t i = 0; i < count; ++i) {
      const Person& person = people_[candidates_[i]];
      face_of[candidates_[i]] = person.enrollable[random_() % person.enrollable.size()];
      gallery.emplace_back(candidates_[i], face_of[candidates_[i]]);
    }
    Trial trial;
    trial.enrolled = gallery.size();
    for (std::size_t p = 0; p < people_.size(); ++p) {
      for (const std::size_t probe : people_[p].probes) {
        if (probe != face_of[p]) ask(probe, p, face_of[p] != kNobody, gallery, trial);
      }
    }
    return trial;
  }

 private:
  static constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

  void ask(std::size_t probe, std::size_t person, bool enrolled,
           const std::vector<std::pair<std::size_t, std::size_t>>& gallery, Trial& trial) const {
    float best = -2;
    std::size_t who = kNobody;
    for (const auto& [candidate, face] : gallery) {
      const float score = cosine(faces_.embeddings[probe], faces_.embeddings[face]);
      if (score <= best) continue;
      best = score;
      who = candidate;
    }
    if (!enrolled) {
      trial.strangers.push_back(best);
      return;
    }
    trial.mates.push_back(who == person ? best : -1);
    trial.ranked_first += who == person ? 1 : 0;
  }

  const IdentificationFaces& faces_;
  const IdentificationOptions& options_;
  std::mt19937_64 random_;
  std::vector<Person> people_;
  std::vector<std::size_t> candidates_;
};

}  // namespace

OpenSetIdentification identify_open_set(const IdentificationFaces& faces,
                                        const IdentificationOptions& options) {
  const std::size_t n = faces.embeddings.size();
  if (faces.people.size() != n || faces.may_enrol.size() != n || faces.may_probe.size() != n) {
    throw std::invalid_argument("embeddings, people and their uses differ in number");
  }
  if (options.trials < 1 || !(options.enrolled_share > 0 && options.enrolled_share < 1)) {
    throw std::invalid_argument("trials must be at least 1 and the enrolled share between 0 and 1");
  }
  Trials trials(faces, options);
  std::vector<Trial> done;
  for (int t = 0; t < options.trials; ++t) done.push_back(trials.run());

  OpenSetIdentification result;
  std::vector<double> first;
  for (const Trial& trial : done) {
    first.push_back(static_cast<double>(trial.ranked_first) / static_cast<double>(trial.mates.size()));
    result.enrolled += static_cast<double>(trial.enrolled) / options.trials;
    result.mated_probes += static_cast<double>(trial.mates.size()) / options.trials;
    result.stranger_probes += static_cast<double>(trial.strangers.size()) / options.trials;
  }
  result.rank_one = mean_deviation(first);
  const auto rate_at = [&](double fpir) {
    std::vector<double> values;
    for (const Trial& trial : done) {
      const std::optional<double> threshold = threshold_at_rate(trial.strangers, fpir);
      if (!threshold) return std::optional<MeanDeviation>();
      values.push_back(false_non_match_rate(trial.mates, *threshold).value());  // every trial has mates
    }
    return std::optional(mean_deviation(values));
  };
  for (const double fpir : options.fpirs) result.rates.push_back({fpir, rate_at(fpir)});
  for (double fpir = 1e-4; fpir < 1; fpir *= 1.2) {
    if (const auto rate = rate_at(fpir)) result.curve.emplace_back(fpir, rate->mean);
  }
  return result;
}

}  // namespace likeness
