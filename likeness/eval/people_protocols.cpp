#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "likeness/cluster/cluster.h"
#include "likeness/eval/protocols.h"
#include "likeness/report/numbers.h"

namespace likeness {
namespace {

using Json = nlohmann::ordered_json;

std::string words(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string rounded(double value) { return std::to_string(std::lround(value)); }

IdentificationFaces faces_of(const People& gallery, const std::optional<People>& probes) {
  IdentificationFaces faces{gallery.embeddings, gallery.people, std::vector<char>(gallery.size(), 1), {}};
  if (!probes) {
    faces.may_probe = faces.may_enrol;
    return faces;
  }
  faces.may_probe.assign(gallery.size(), 0);
  faces.may_enrol.resize(gallery.size() + probes->size(), 0);
  faces.may_probe.resize(faces.may_enrol.size(), 1);
  faces.people.insert(faces.people.end(), probes->people.begin(), probes->people.end());
  faces.embeddings.values.insert(faces.embeddings.values.end(), probes->embeddings.values.begin(),
                                 probes->embeddings.values.end());
  return faces;
}

/// A row of the table and an object of the JSON for each rate.
Json tell_rates(const OpenSetIdentification& result, Table& table) {
  Json rates = Json::array();
  for (const IdentificationRate& rate : result.rates) {
    table.rows.push_back(
        {"FNIR at FPIR " + words("%g", rate.fpir),
         rate.fnir ? fixed(*rate.fnir)
                   : "not supported by " + rounded(result.stranger_probes) + " strangers' probes"});
    rates.push_back({{"fpir", rate.fpir},
                     {"fnir", rate.fnir ? Json(rate.fnir->mean) : Json(nullptr)},
                     {"std", rate.fnir ? or_null(rate.fnir->deviation) : Json(nullptr)},
                     {"detection_and_identification", or_null(rate.detection_and_identification())}});
    if (!rate.fnir) rates.back()["reason"] = table.rows.back()[1];
  }
  return rates;
}

/// One way of clustering and what came of it.
struct Clustered {
  std::string way;
  ClusterScores scores{};
  std::size_t clusters = 0;
  std::size_t of_three = 0;  // clusters of three or more faces
  double in_pure = 0;        // share of all faces that lie in clusters of one person
  std::size_t alone = 0;
};

Clustered judge(std::string way, const std::vector<int>& clusters, const std::vector<int>& truth) {
  std::map<int, std::map<int, std::size_t>> members;
  Clustered result{std::move(way), score_clusters(clusters, truth)};
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    if (clusters[i] == kNoise) {
      ++result.alone;
    } else {
      ++members[clusters[i]][truth[i]];
    }
  }
  std::size_t pure = 0;
  for (const auto& [cluster, people] : members) {
    std::size_t faces = 0;
    for (const auto& [person, count] : people) faces += count;
    result.of_three += faces >= 3 ? 1 : 0;
    pure += people.size() == 1 ? faces : 0;
  }
  result.clusters = members.size();
  result.in_pure = static_cast<double>(pure) / static_cast<double>(clusters.size());
  return result;
}

/// Plain DBSCAN at the radius (a step of .01) and core size that suit this data best: what the default,
/// chosen elsewhere, is to be measured against.
Clustered best_dbscan(const Embeddings& faces, const std::vector<int>& truth, int threads) {
  constexpr double kLowest = 0.40;
  const auto links = link_faces(faces, {.threshold = kLowest, .max_neighbours = 1000, .threads = threads});
  Clustered best;
  best.scores.bcubed_f = -1;
  for (int step = 0; step <= 40; ++step) {
    const double threshold = kLowest + step * 0.01;
    for (const int min_faces : {2, 3, 4, 5}) {
      Clustered one = judge("DBSCAN, its best: cosine " + words("%.2f", threshold) + ", " +
                                std::to_string(min_faces) + " faces",
                            dbscan(links, threshold, min_faces), truth);
      if (one.scores.bcubed_f > best.scores.bcubed_f) best = std::move(one);
    }
  }
  return best;
}

Json json_of(const Clustered& one) {
  const ClusterScores& scores = one.scores;
  return {
      {"way", one.way},
      {"clusters", one.clusters},
      {"clusters_of_three", one.of_three},
      {"faces_in_pure_clusters", one.in_pure},
      {"alone", one.alone},
      {"bcubed",
       {{"precision", scores.bcubed_precision}, {"recall", scores.bcubed_recall}, {"f", scores.bcubed_f}}},
      {"pairs",
       {{"precision", or_null(scores.pair_precision)},
        {"recall", or_null(scores.pair_recall)},
        {"f", or_null(scores.pair_f)},
        {"reason", scores.pair_f        ? Json(nullptr)
                   : scores.pair_recall ? Json("no pairs in one cluster")
                                        : Json("no pairs of one person")}}}};
}

Table table_of(const Clustered& a, const Clustered& b) {
  Table table{{"figure", a.way, b.way}, {}, ""};
  const auto row = [&](const char* name, const auto& value) {
    table.rows.push_back({name, value(a), value(b)});
  };
  row("B-cubed precision", [](const Clustered& w) { return fixed(w.scores.bcubed_precision); });
  row("B-cubed recall", [](const Clustered& w) { return fixed(w.scores.bcubed_recall); });
  row("B-cubed F", [](const Clustered& w) { return fixed(w.scores.bcubed_f); });
  row("pairwise precision",
      [](const Clustered& w) { return fixed(w.scores.pair_precision, "no pairs in one cluster"); });
  row("pairwise recall",
      [](const Clustered& w) { return fixed(w.scores.pair_recall, "no pairs of one person"); });
  row("pairwise F", [](const Clustered& w) { return fixed(w.scores.pair_f, "no pairs"); });
  row("faces in clusters of one person", [](const Clustered& w) { return fixed(w.in_pure); });
  row("clusters", [](const Clustered& w) { return std::to_string(w.clusters); });
  row("clusters of 3 or more faces", [](const Clustered& w) { return std::to_string(w.of_three); });
  row("faces left alone", [](const Clustered& w) { return std::to_string(w.alone); });
  return table;
}

CurvePlot reliability_plot(const CrossValidation& result) {
  Curve bins{"probabilities of the labels", {}};
  for (const ReliabilityBin& bin : result.reliability) bins.points.emplace_back(bin.said, bin.right);
  Curve points = bins;
  points.name.clear();
  points.style = CurveStyle::kPoints;
  return {.title = "Reliability",
          .x = {"probability said", AxisScale::kLinear, 0, 1},
          .y = {"share that was right", AxisScale::kLinear, 0, 1.02},
          .curves = {bins, {"perfect", {{0, 0}, {1, 1}}, CurveStyle::kDashed}, points}};
}

}  // namespace

EvalReport open_set_report(const People& gallery, const std::optional<People>& probes,
                           const IdentificationOptions& options, Precision precision) {
  const OpenSetIdentification result = identify_open_set(faces_of(gallery, probes), options);
  std::vector<std::string> failed = gallery.failed;
  if (probes) failed.insert(failed.end(), probes->failed.begin(), probes->failed.end());

  EvalReport report{.title = "Open-set identification",
                    .words = std::to_string(options.trials) + " trials (seed " +
                             std::to_string(options.seed) + "): " + rounded(result.enrolled) +
                             " people enrolled with one face, " + rounded(result.mated_probes) +
                             " probes of theirs, " + rounded(result.stranger_probes) + " of strangers; " +
                             gallery.space + ", " + std::string(to_string(precision)),
                    .table = {{"figure", "mean and deviation over the trials"}, {}, ""}};
  report.table.rows.push_back({"rank-1 identification rate", fixed(result.rank_one)});
  const Json rates = tell_rates(result, report.table);
  report.plots.emplace_back(
      "fnir_fpir", CurvePlot{.title = report.title,
                             .x = {"FPIR: strangers who get a name", AxisScale::kLog},
                             .y = {"FNIR: enrolled people who do not get theirs", AxisScale::kLinear, 0},
                             .curves = {{"mean of the trials", result.curve}},
                             .legend_top = true});
  report.remarks.push_back("failures to acquire: " + std::to_string(failed.size()));
  for (const std::string& one : failed) report.remarks.push_back("  " + one);
  report.json = {{"trials", options.trials},
                 {"enrolled", result.enrolled},
                 {"mated_probes", result.mated_probes},
                 {"stranger_probes", result.stranger_probes},
                 {"rank_1", {{"mean", result.rank_one.mean}, {"std", or_null(result.rank_one.deviation)}}},
                 {"rates", rates},
                 {"failures", failed},
                 {"embedding_space", gallery.space}};
  return report;
}

EvalReport clustering_report(const People& people, const std::optional<double>& threshold,
                             Precision precision, int threads) {
  std::map<std::string, int> numbers;
  std::vector<int> truth;
  std::vector<std::int64_t> photos;
  for (const std::string& label : people.people) {
    truth.push_back(numbers.try_emplace(label, static_cast<int>(numbers.size())).first->second);
    photos.push_back(static_cast<std::int64_t>(photos.size()));
  }
  const Contract contract =
      people.contract.empty() ? Contract() : contract_from_json(people.contract, "contract");
  const auto link_for = [&](std::size_t count) { return link_threshold(count, contract, precision); };
  const double link = threshold.value_or(link_for(people.size()));
  const std::vector<int> clusters = cluster_faces(
      people.embeddings, photos, {.threshold = threshold, .link = link_for, .threads = threads});
  const Clustered ours = judge("Chinese whispers, cosine " + words("%.2f", link), clusters, truth);
  const Clustered best = best_dbscan(people.embeddings, truth, threads);
  EvalReport report{.title = "Clustering",
                    .words = std::to_string(truth.size()) + " faces of " + std::to_string(numbers.size()) +
                             " people; " + people.space,
                    .table = table_of(ours, best)};
  report.json = {{"faces", truth.size()}, {"people", numbers.size()}};
  report.json.update(json_of(ours));
  report.json["dbscan"] = json_of(best);
  report.json["failures"] = people.failed;
  return report;
}

EvalReport classification_report(const EmbeddingDataset& dataset, const ClassificationOptions& options) {
  Embeddings all = dataset.train.embeddings;
  all.values.insert(all.values.end(), dataset.val.embeddings.values.begin(),
                    dataset.val.embeddings.values.end());
  std::vector<std::string> labels = dataset.train.labels;
  labels.insert(labels.end(), dataset.val.labels.begin(), dataset.val.labels.end());
  const CrossValidation result = cross_validate_classifier(all, labels, options);
  const std::size_t people = std::set<std::string>(labels.begin(), labels.end()).size();
  std::optional<LeftOut> left;
  if (people > 2) left = leave_one_person_out(all, labels, options.seed);

  EvalReport report{.title = "Classification",
                    .words = std::to_string(labels.size()) + " faces of " + std::to_string(people) +
                             " people, " + std::to_string(options.repeats) + " times " +
                             std::to_string(options.folds) + "-fold stratified cross-validation, seed " +
                             std::to_string(options.seed),
                    .table = {{"figure", "value"}, {}, ""}};
  auto& rows = report.table.rows;
  rows.push_back({"accuracy", fixed(MeanDeviation{result.accuracy, result.deviation}) + " (95 % interval " +
                                  fixed(result.interval.low) + " to " + fixed(result.interval.high) + ")"});
  rows.push_back({"Brier score of the label's probability", fixed(result.brier, "no probabilities")});
  rows.push_back({"calibration error", fixed(result.calibration_error, "no probabilities")});
  if (left) {
    rows.push_back({"person left out: strangers named at .5 or more",
                    (left->named ? std::to_string(*left->named) : "no probabilities") + std::string(" of ") +
                        std::to_string(left->strangers)});
    rows.push_back({"person left out: AUC of the nearest cosine", fixed(left->auc)});
  }
  if (result.brier) report.plots.emplace_back("reliability", reliability_plot(result));
  report.json = {{"faces", labels.size()},
                 {"people", people},
                 {"accuracy", result.accuracy},
                 {"std", or_null(result.deviation)},
                 {"interval", {result.interval.low, result.interval.high}},
                 {"brier", or_null(result.brier)},
                 {"calibration_error", or_null(result.calibration_error)},
                 {"left_out", nullptr}};
  if (left) {
    report.json["left_out"] = {{"strangers", left->strangers},
                               {"named", left->named ? Json(*left->named) : Json(nullptr)},
                               {"nearest_cosine_auc", left->auc}};
  }
  return report;
}

}  // namespace likeness
