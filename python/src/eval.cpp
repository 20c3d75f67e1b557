#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <vector>

#include "common.h"
#include "likeness/cluster/cluster.h"
#include "likeness/stats/error_rates.h"
#include "likeness/stats/intervals.h"

namespace likeness::python {
namespace {

using Scores = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Numbers = nb::ndarray<const int, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::vector<double> to_scores(const Scores& scores) { return {scores.data(), scores.data() + scores.size()}; }

Comparisons to_comparisons(const Scores& mated, const Scores& non_mated) {
  return {.mated = to_scores(mated), .non_mated = to_scores(non_mated)};
}

nb::tuple curve(const Scores& mated, const Scores& non_mated) {
  const auto points = rate_curve(to_comparisons(mated, non_mated));
  std::vector<double> thresholds;
  std::vector<double> false_match;
  std::vector<double> false_non_match;
  for (const RatePoint& point : points) {
    thresholds.push_back(point.threshold);
    false_match.push_back(point.false_match);
    false_non_match.push_back(point.false_non_match);
  }
  const std::size_t n = points.size();
  return nb::make_tuple(to_array(std::move(thresholds), {n}), to_array(std::move(false_match), {n}),
                        to_array(std::move(false_non_match), {n}));
}

nb::dict cluster_scores(const Numbers& clusters, const Numbers& people) {
  const ClusterScores s =
      score_clusters(std::span(clusters.data(), clusters.size()), std::span(people.data(), people.size()));
  nb::dict result;
  result["bcubed_precision"] = s.bcubed_precision;
  result["bcubed_recall"] = s.bcubed_recall;
  result["bcubed_f"] = s.bcubed_f;
  result["pair_precision"] = s.pair_precision;
  result["pair_recall"] = s.pair_recall;
  result["pair_f"] = s.pair_f;
  return result;
}

}  // namespace

void bind_eval(nb::module_& m) {
  const nb::arg mated("mated");
  const nb::arg non_mated("non_mated");
  m.def(
      "area_under_roc", [](const Scores& a, const Scores& b) { return area_under_roc(to_comparisons(a, b)); },
      mated, non_mated);
  m.def(
      "equal_error_rate",
      [](const Scores& a, const Scores& b) { return equal_error_rate(to_comparisons(a, b)); }, mated,
      non_mated);
  m.def(
      "best_threshold", [](const Scores& a, const Scores& b) { return best_threshold(to_comparisons(a, b)); },
      mated, non_mated);
  m.def(
      "accuracy_at",
      [](const Scores& a, const Scores& b, double threshold) {
        return accuracy_at(to_comparisons(a, b), threshold);
      },
      mated, non_mated, nb::arg("threshold"));
  m.def("rate_curve", curve, mated, non_mated);
  m.def(
      "threshold_at_rate",
      [](const Scores& scores, double rate) { return threshold_at_rate(to_scores(scores), rate); }, non_mated,
      nb::arg("rate"));
  m.def(
      "wilson_interval",
      [](std::size_t successes, std::size_t trials) {
        const Interval interval = wilson_interval(successes, trials);
        return nb::make_tuple(interval.low, interval.high);
      },
      nb::arg("successes"), nb::arg("trials"));
  m.def("score_clusters", cluster_scores, nb::arg("clusters"), nb::arg("people"));
}

}  // namespace likeness::python
