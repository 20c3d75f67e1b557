#include "likeness/eval/projection_trial.h"

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "likeness/core/error.h"
#include "likeness/embed/byte_values.h"
#include "likeness/embed/comparison.h"
#include "likeness/embed/fit_projection.h"
#include "likeness/eval/verification.h"

namespace likeness {
namespace {

struct Labelled {
  Embeddings faces;
  std::vector<std::string> people;
};

Labelled select(const Embeddings& faces, std::span<const std::string> people,
                const std::function<bool(const std::string&)>& wanted) {
  Labelled result{{faces.dimension, {}}, {}};
  for (std::size_t i = 0; i < people.size(); ++i) {
    if (!wanted(people[i])) continue;
    result.faces.values.insert(result.faces.values.end(), faces[i].begin(), faces[i].end());
    result.people.push_back(people[i]);
  }
  return result;
}

/// Which fold judges each person.
std::map<std::string, int> deal(std::span<const std::string> people, int folds, std::uint64_t seed) {
  std::map<std::string, int> fold_of;
  for (const std::string& person : people) fold_of[person] = 0;
  std::vector<int*> order;
  for (auto& [person, fold] : fold_of) order.push_back(&fold);
  std::mt19937_64 random(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  for (std::size_t i = 0; i < order.size(); ++i)
    *order[i] = static_cast<int>(i % static_cast<std::size_t>(folds));
  return fold_of;
}

void add(ProjectionTrial& trial, const Labelled& judged, int folds) {
  const Comparisons all =
      compare_all(judged.faces, std::vector<char>(judged.people.size(), 1), judged.people);
  if (all.mated.empty() || all.non_mated.empty())
    throw Error(ErrorCode::kDataInvalid, "a fold has nobody with two faces; use fewer folds or more photos");
  const auto mean = [&](std::optional<double>& sum, double rate) {
    const std::optional<double> value = validation_rate(all, rate);
    sum = value && sum ? std::optional(*sum + *value / folds) : std::nullopt;
  };
  mean(trial.validation_at_2, 1e-2);
  mean(trial.validation_at_3, 1e-3);
  trial.area_under_roc += area_under_roc(all) / folds;
  trial.equal_error_rate += equal_error_rate(all) / folds;
}

}  // namespace

std::vector<ProjectionTrial> try_projections(const Embeddings& faces, std::span<const std::string> people,
                                             const ProjectionTrialOptions& options) {
  std::vector<std::optional<ProjectionMethod>> ways{
      std::nullopt, ProjectionMethod::kPca, ProjectionMethod::kWhitened, ProjectionMethod::kDiscriminative};
  std::vector<ProjectionTrial> trials;
  const auto list = [&](const std::string& name, std::size_t values) {
    trials.push_back({name, values * sizeof(float), 0.0, 0.0});
    trials.push_back({name + ", bytes", values, 0.0, 0.0});
  };
  for (const auto& way : ways) {
    way ? list(std::string(to_string(*way)) + " to " + std::to_string(options.dimension), options.dimension)
        : list("as it is", faces.dimension);
  }
  list("without the mean face", faces.dimension);
  const auto judge = [&](std::size_t way, Labelled compact) {
    add(trials[2 * way], compact, options.folds);
    round_to_bytes(compact.faces);
    add(trials[2 * way + 1], compact, options.folds);
  };
  const std::map<std::string, int> fold_of = deal(people, options.folds, options.seed);
  for (int fold = 0; fold < options.folds; ++fold) {
    const Labelled judged =
        select(faces, people, [&](const auto& person) { return fold_of.at(person) == fold; });
    const Labelled taught =
        select(faces, people, [&](const auto& person) { return fold_of.at(person) != fold; });
    for (std::size_t way = 0; way < ways.size(); ++way) {
      Labelled compact = judged;
      if (ways[way]) {
        compact.faces = projected(
            fit_projection(
                taught.faces, taught.people,
                {.method = *ways[way], .dimension = options.dimension, .shrinkage = options.shrinkage}),
            judged.faces);
        l2_normalize(compact.faces);
      }
      judge(way, std::move(compact));
    }
    Contract contract;
    contract.centre = mean_embedding(taught.faces);
    judge(ways.size(), {Comparison(contract).comparable(judged.faces), judged.people});
  }
  return trials;
}

}  // namespace likeness
