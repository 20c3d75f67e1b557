#include "likeness/eval/gallery_trials.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>

#include "likeness/classify/classifier.h"
#include "likeness/core/error.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/trained.h"

namespace likeness {
namespace {

using Rows = std::vector<std::size_t>;
using Groups = std::map<std::string, Rows>;

/// A gallery that is gone with this value.
class TemporaryGallery {
 public:
  /// For embeddings like those of `faces`.
  explicit TemporaryGallery(const NamedFaces& faces)
      : gallery_(make_memory_store({faces.contract, "trial", "f32", faces.embeddings.dimension})) {}

  void enrol(const NamedFaces& faces, const std::string& person, const Rows& rows) {
    std::vector<NewFace> added(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) added[i].embedding = faces.embeddings[rows[i]];
    gallery_.add_faces(person, added);
  }
  /// With everybody enrolled; calibrated with `strangers`.
  std::shared_ptr<const GalleryView> calibrated(const NamedFaces& faces, const Rows& strangers,
                                                const GalleryTrialOptions& options) {
    std::vector<Stranger> asked;
    for (const std::size_t row : strangers)
      asked.push_back({faces.embeddings[row], faces.people[row], "", ""});
    gallery_.set_calibration(
        calibrate_with(*gallery_.view(), asked, {.target_fpir = options.target_fpir, .seed = options.seed})
            .calibration);
    return gallery_.view();
  }

 private:
  Gallery gallery_;
};

Groups group(const NamedFaces& faces) {
  if (faces.people.size() != faces.embeddings.size()) {
    throw std::invalid_argument("as many names as embeddings are needed");
  }
  Groups groups;
  for (std::size_t i = 0; i < faces.size(); ++i) groups[faces.people[i]].push_back(i);
  return groups;
}

template <typename T>
void shuffle(std::vector<T>& values, std::mt19937_64& random) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random() % i]);
}

Classifier train_on(const NamedFaces& faces, const Rows& rows, std::uint64_t seed) {
  Embeddings chosen{faces.embeddings.dimension, {}};
  std::vector<std::string> names;
  for (const std::size_t row : rows) {
    const auto values = faces.embeddings[row];
    chosen.values.insert(chosen.values.end(), values.begin(), values.end());
    names.push_back(faces.people[row]);
  }
  return Classifier::train(chosen, names, {}, {.seed = seed});
}

/// The four rules' names for one face; empty: unknown.
std::vector<std::string> names_of(const GalleryView& gallery, const NamingRule& rule,
                                  const Classifier& people, std::span<const float> face) {
  const Prediction svm = people.predict(face);
  return {identify(gallery, rule, face).name.value_or(""),
          identify_trained(gallery, people, face, rule).answer.name.value_or(""),
          svm.probability().value_or(0) >= 0.5 ? svm.label : "", svm.label};
}

double mean_of(const std::vector<char>& values) {
  if (values.empty()) return 0;
  return static_cast<double>(std::count(values.begin(), values.end(), 1)) /
         static_cast<double>(values.size());
}

/// Yes or no for some faces, and whose they are.
struct Answers {
  std::vector<char> yes;
  std::vector<std::string> people;
  void add(bool answer, const std::string& person) {
    yes.push_back(answer ? 1 : 0);
    people.push_back(person);
  }
};

/// 95 % of the share of yes, people drawn with replacement.
std::optional<Interval> bootstrap(const Answers& answers, std::uint64_t seed) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> by_person;  // yes, all
  for (std::size_t i = 0; i < answers.yes.size(); ++i) {
    auto& [yes, all] = by_person[answers.people[i]];
    yes += answers.yes[i] ? 1 : 0;
    ++all;
  }
  std::vector<std::pair<std::size_t, std::size_t>> people;
  for (const auto& [name, counts] : by_person) people.push_back(counts);
  if (people.size() < 2) return std::nullopt;  // one person is the same in every draw
  constexpr int kResamples = 2000;
  std::mt19937_64 random(seed);
  std::vector<double> shares;
  for (int i = 0; i < kResamples; ++i) {
    std::size_t yes = 0;
    std::size_t all = 0;
    for (std::size_t j = 0; j < people.size(); ++j) {
      const auto& drawn = people[random() % people.size()];
      yes += drawn.first;
      all += drawn.second;
    }
    shares.push_back(static_cast<double>(yes) / static_cast<double>(all));
  }
  std::ranges::sort(shares);
  return Interval{shares[kResamples / 40], shares[kResamples - 1 - kResamples / 40]};
}

/// People most alike among whom a mate's own is looked for.
constexpr std::size_t kLookedThrough = 50;

struct Trial {
  EnrolledAndAsked counts;
  Answers ranked_first;
  Answers missed;
  Answers named;
};

/// Empty where the mates are too few.
std::optional<double> fitted_slope(const GalleryView& gallery, const NamedFaces& faces, const Rows& mates,
                                   std::span<const ScoredFace> strangers, double target_fpir) {
  std::vector<ScoredFace> to_their_own;
  for (const std::size_t mate : mates) {
    for (const PersonMatch& match : gallery.search(faces.embeddings[mate], kLookedThrough)) {
      if (match.name == faces.people[mate]) to_their_own.push_back({match.similarity, match.name});
    }
  }
  const Calibration fit = calibrate(to_their_own, strangers, {.target_fpir = target_fpir, .resamples = 1});
  return fit.slope_fitted ? std::optional(fit.slope) : std::nullopt;
}

Trial run_trial(const NamedFaces& faces, const Groups& groups, const GalleryTrialOptions& options,
                std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Trial trial;
  TemporaryGallery temporary(faces);
  Rows mates;
  Rows singles;
  std::vector<const Rows*> pairs;
  const auto enrol = [&](const Rows& own, std::size_t enrolled) {
    Rows drawn = own;
    shuffle(drawn, random);
    mates.insert(mates.end(), drawn.begin() + static_cast<std::ptrdiff_t>(enrolled), drawn.end());
    drawn.resize(enrolled);
    temporary.enrol(faces, faces.people[drawn[0]], drawn);
    ++trial.counts.enrolled_people;
    trial.counts.enrolled_faces += enrolled;
  };
  for (const auto& [person, own] : groups) {
    if (own.size() >= 3) enrol(own, 2);
    if (own.size() == 2) pairs.push_back(&own);
    if (own.size() == 1) singles.push_back(own[0]);
  }
  shuffle(pairs, random);
  for (std::size_t i = 0; i < pairs.size() / 2; ++i) enrol(*pairs[i], 1);
  if (mates.empty()) {
    throw Error(ErrorCode::kDataInvalid, "nobody has a face to enrol and another to ask about");
  }
  shuffle(singles, random);
  const auto half = singles.begin() + static_cast<std::ptrdiff_t>(singles.size() / 2);
  const auto gallery = temporary.calibrated(faces, Rows(singles.begin(), half), options);
  const NamingRule rule = calibrated_rule(*gallery);
  trial.counts.mates = mates.size();
  trial.counts.calibration_strangers = singles.size() / 2;
  trial.counts.test_strangers = singles.size() - singles.size() / 2;
  trial.counts.calibration = *gallery->calibration();
  std::vector<ScoredFace> stranger_scores;
  for (const std::size_t mate : mates) {
    const auto answer = identify(*gallery, rule, faces.embeddings[mate]);
    trial.ranked_first.add(answer.nearest->name == faces.people[mate], faces.people[mate]);
    trial.missed.add(answer.name != faces.people[mate], faces.people[mate]);
  }
  for (auto stranger = half; stranger != singles.end(); ++stranger) {
    const auto answer = identify(*gallery, rule, faces.embeddings[*stranger]);
    trial.named.add(answer.name.has_value(), faces.people[*stranger]);
    stranger_scores.push_back({answer.nearest->similarity, faces.people[*stranger]});
  }
  if (options.fit_slope)
    trial.counts.slope = fitted_slope(*gallery, faces, mates, stranger_scores, options.target_fpir);
  return trial;
}

void require(const GalleryTrialOptions& options) {
  if (options.folds < 2 || options.trials < 1) {
    throw std::invalid_argument("at least two folds and one trial are needed");
  }
}

}  // namespace

LeftOutPeople leave_people_out(const NamedFaces& faces, const NamedFaces& impostors,
                               const GalleryTrialOptions& options, const Progress& progress) {
  require(options);
  const Groups groups = group(faces);
  static_cast<void>(group(impostors));
  if (groups.size() < 3) {
    throw Error(ErrorCode::kDataInvalid, "leaving people out needs faces of three people, and there are " +
                                             std::to_string(groups.size()));
  }
  const auto folds = static_cast<std::size_t>(options.folds);
  std::mt19937_64 random(options.seed);
  std::vector<std::size_t> fold(faces.size());
  for (const auto& [person, own] : groups) {
    if (own.size() < folds) {
      throw Error(ErrorCode::kDataInvalid, person + " has " + std::to_string(own.size()) +
                                               " faces; one for each of " + std::to_string(folds) +
                                               " folds is needed");
    }
    Rows order = own;
    shuffle(order, random);
    for (std::size_t i = 0; i < order.size(); ++i) fold[order[i]] = i % folds;
  }
  Rows all_impostors(impostors.size());
  for (std::size_t i = 0; i < all_impostors.size(); ++i) all_impostors[i] = i;

  LeftOutPeople result;
  result.rules = {{.rule = "gallery's gate"},
                  {.rule = "SVM behind the gate"},
                  {.rule = "SVM alone, from probability .5"},
                  {.rule = "SVM alone, always"}};
  result.thresholds = {2, -2};
  result.fpir_interval = {1, 0};
  std::size_t done = 0;
  for (const auto& [left_out, own] : groups) {
    for (std::size_t part = 0; part < folds; ++part) {
      TemporaryGallery temporary(faces);
      Rows trained;
      for (const auto& [person, rows] : groups) {
        if (person == left_out) continue;
        Rows enrolled;
        std::ranges::copy_if(rows, std::back_inserter(enrolled),
                             [&](std::size_t row) { return fold[row] != part; });
        temporary.enrol(faces, person, enrolled);
        trained.insert(trained.end(), enrolled.begin(), enrolled.end());
      }
      const Classifier people = train_on(faces, trained, options.seed);
      const auto gallery = temporary.calibrated(impostors, all_impostors, options);
      const NamingRule naming = calibrated_rule(*gallery);
      const Calibration& calibration = *gallery->calibration();
      result.impostors = std::max(result.impostors, calibration.impostor_faces);
      result.thresholds = {std::min(result.thresholds.low, calibration.threshold),
                           std::max(result.thresholds.high, calibration.threshold)};
      result.fpir_interval = {std::min(result.fpir_interval.low, calibration.fpir_interval.low),
                              std::max(result.fpir_interval.high, calibration.fpir_interval.high)};
      for (std::size_t row = 0; row < faces.size(); ++row) {
        if (fold[row] != part) continue;
        const bool stranger = faces.people[row] == left_out;
        ++(stranger ? result.strangers : result.known);
        const auto names = names_of(*gallery, naming, people, faces.embeddings[row]);
        for (std::size_t rule = 0; rule < names.size(); ++rule) {
          if (names[rule].empty()) continue;
          NamingCounts& counts = result.rules[rule];
          ++(stranger                           ? counts.strangers_named
             : names[rule] == faces.people[row] ? counts.right
                                                : counts.wrong);
        }
      }
      report_progress(progress, ++done, groups.size() * folds);
    }
  }
  return result;
}

MeanDeviation over_trials(std::span<const double> values) {
  MeanDeviation result = mean_deviation(values);
  if (!result.deviation) return result;
  double variance = 0;
  for (const double value : values)
    variance += std::pow(value - result.mean, 2) / static_cast<double>(values.size());
  result.deviation = std::sqrt(variance);
  return result;
}

EnrolledAndAsked enrol_and_ask(const NamedFaces& faces, const GalleryTrialOptions& options,
                               const Progress& progress) {
  require(options);
  const Groups groups = group(faces);
  EnrolledAndAsked result;
  std::vector<double> rank_ones;
  std::vector<double> fnirs;
  std::vector<double> fpirs;
  std::vector<double> slopes;
  int inside = 0;
  for (int i = 0; i < options.trials; ++i) {
    const Trial trial = run_trial(faces, groups, options, options.seed + static_cast<std::uint64_t>(i));
    rank_ones.push_back(mean_of(trial.ranked_first.yes));
    fnirs.push_back(mean_of(trial.missed.yes));
    fpirs.push_back(mean_of(trial.named.yes));
    if (trial.counts.slope) slopes.push_back(*trial.counts.slope);
    const Interval said = trial.counts.calibration.fpir_interval;
    inside += fpirs.back() >= said.low && fpirs.back() <= said.high ? 1 : 0;
    if (i == 0) {
      result = trial.counts;
      result.rank_one = {rank_ones[0], bootstrap(trial.ranked_first, options.seed), 0, {}};
      result.fnir = {fnirs[0], bootstrap(trial.missed, options.seed), 0, {}};
      result.fpir = {fpirs[0], bootstrap(trial.named, options.seed), 0, {}};
    }
    report_progress(progress, static_cast<std::size_t>(i) + 1, static_cast<std::size_t>(options.trials));
  }
  const auto summarise = [&](TrialShare& share, const std::vector<double>& values) {
    const MeanDeviation all = over_trials(values);
    share.mean = all.mean;
    share.deviation = all.deviation;
  };
  summarise(result.rank_one, rank_ones);
  summarise(result.fnir, fnirs);
  summarise(result.fpir, fpirs);
  result.slope.reset();
  if (!slopes.empty())
    result.slope = std::accumulate(slopes.begin(), slopes.end(), 0.0) / static_cast<double>(slopes.size());
  result.trials = options.trials;
  result.inside = inside;
  return result;
}

}  // namespace likeness
