#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cli/eval_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/cluster/cluster.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/eval/classification.h"
#include "likeness/eval/identification.h"
#include "likeness/eval/photo_embeddings.h"
#include "likeness/eval/plot_files.h"
#include "likeness/report/html.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct OpenSetArgs : EvalArgs {
  fs::path gallery;
  fs::path probes;
  std::optional<fs::path> only;
  IdentificationOptions trials;
};

Exit run_openset(const OpenSetArgs& args) {
  People gallery = compared_people(args.gallery, args);
  if (args.only) keep_wanted(gallery, args.only, 1);
  IdentificationFaces faces{
      gallery.embeddings, gallery.labels, std::vector<char>(gallery.labels.size(), 1), {}};
  std::vector<std::string> failed = gallery.failed;
  Exit exit = gallery.exit;
  std::error_code ignored;
  if (fs::equivalent(args.gallery, args.probes, ignored)) {
    faces.may_probe = faces.may_enrol;
  } else {
    People probes = compared_people(args.probes, args);
    if (args.only) keep_wanted(probes, args.only, 1);
    faces.may_probe.assign(gallery.labels.size(), 0);
    faces.may_enrol.resize(gallery.labels.size() + probes.labels.size(), 0);
    faces.may_probe.resize(faces.may_enrol.size(), 1);
    faces.people.insert(faces.people.end(), probes.labels.begin(), probes.labels.end());
    faces.embeddings.values.insert(faces.embeddings.values.end(), probes.embeddings.values.begin(),
                                   probes.embeddings.values.end());
    failed.insert(failed.end(), probes.failed.begin(), probes.failed.end());
    if (exit == Exit::kDone) exit = probes.exit;
  }
  IdentificationOptions options = args.trials;
  options.seed = args.seed;
  const OpenSetIdentification result = identify_open_set(faces, options);

  Table table{{"figure", "mean and deviation over the trials"}, {}, ""};
  const auto row = [&](const std::string& name, const MeanDeviation& value) {
    table.rows.push_back({name, fixed(value)});
  };
  row("rank-1 identification rate", result.rank_one);
  Json rates = Json::array();
  for (const IdentificationRate& rate : result.rates) {
    char at[32];
    std::snprintf(at, sizeof at, "%g", rate.fpir);
    if (rate.fnir) row(std::string("FNIR at FPIR ") + at, *rate.fnir);
    if (!rate.fnir) {
      table.rows.push_back(
          {std::string("FNIR at FPIR ") + at,
           "not supported by " + std::to_string(std::lround(result.stranger_probes)) + " strangers' probes"});
    }
    const auto found = rate.detection_and_identification();
    rates.push_back({{"fpir", rate.fpir},
                     {"fnir", rate.fnir ? Json(rate.fnir->mean) : Json(nullptr)},
                     {"std", rate.fnir ? or_null(rate.fnir->deviation) : Json(nullptr)},
                     {"detection_and_identification", or_null(found)}});
    if (!rate.fnir) rates.back()["reason"] = table.rows.back()[1];
  }
  const std::string words = std::to_string(options.trials) + " trials (seed " + std::to_string(args.seed) +
                            "): " + std::to_string(std::lround(result.enrolled)) +
                            " people enrolled with one face, " +
                            std::to_string(std::lround(result.mated_probes)) + " probes of theirs, " +
                            std::to_string(std::lround(result.stranger_probes)) + " of strangers; " +
                            gallery.space + ", " + std::string(to_string(args.model.precision));
  CurvePlot plot{.title = "Open-set identification",
                 .x = {"FPIR: strangers who get a name", AxisScale::kLog},
                 .y = {"FNIR: enrolled people who do not get theirs", AxisScale::kLinear, 0},
                 .curves = {{"mean of the trials", result.curve}},
                 .legend_top = true};
  write_report(args, "Open-set identification", words, table, {{"fnir_fpir", plot}});
  if (args.json) {
    std::cout << dump_line({{"trials", options.trials},
                            {"enrolled", result.enrolled},
                            {"mated_probes", result.mated_probes},
                            {"stranger_probes", result.stranger_probes},
                            {"rank_1",
                             {{"mean", result.rank_one.mean}, {"std", or_null(result.rank_one.deviation)}}},
                            {"rates", rates},
                            {"failures", failed},
                            {"embedding_space", gallery.space}})
              << '\n';
  } else {
    print_table(words, table);
    std::printf("\nfailures to acquire: %zu\n", failed.size());
    for (const std::string& one : failed) std::printf("  %s\n", one.c_str());
  }
  return exit;
}

struct ClusterArgs : EvalArgs {
  fs::path folder;
  std::size_t min_photos = 1;
  std::optional<fs::path> only;
  std::optional<double> threshold;
};

/// One way of clustering and what came of it.
struct Clustered {
  std::string way;
  ClusterScores scores;
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
      char way[80];
      std::snprintf(way, sizeof way, "DBSCAN, its best: cosine %.2f, %d faces", threshold, min_faces);
      Clustered one = judge(way, dbscan(links, threshold, min_faces), truth);
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

Exit run_cluster(const ClusterArgs& args) {
  People people = compared_people(args.folder, args);
  keep_wanted(people, args.only, args.min_photos);
  std::map<std::string, int> numbers;
  std::vector<int> truth;
  std::vector<std::int64_t> photos;
  for (const std::string& label : people.labels) {
    truth.push_back(numbers.try_emplace(label, static_cast<int>(numbers.size())).first->second);
    photos.push_back(static_cast<std::int64_t>(photos.size()));
  }
  const Contract contract =
      people.contract.empty() ? Contract() : contract_from_json(people.contract, "contract");
  const double threshold =
      args.threshold.value_or(link_threshold(people.labels.size(), contract, args.model.precision));
  const std::vector<int> clusters =
      cluster_faces(people.embeddings, photos, {.threshold = threshold, .threads = args.model.threads});
  char way[60];
  std::snprintf(way, sizeof way, "Chinese whispers, cosine %.2f", threshold);
  const Clustered ways[] = {judge(way, clusters, truth),
                            best_dbscan(people.embeddings, truth, args.model.threads)};
  Table table{{"figure", ways[0].way, ways[1].way}, {}, ""};
  const auto row = [&](const char* name, const auto& value) {
    table.rows.push_back({name, value(ways[0]), value(ways[1])});
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
  const std::string words = std::to_string(truth.size()) + " faces of " + std::to_string(numbers.size()) +
                            " people; " + people.space;
  write_report(args, "Clustering", words, table);
  if (args.json) {
    Json line = {{"faces", truth.size()}, {"people", numbers.size()}};
    line.update(json_of(ways[0]));
    line["dbscan"] = json_of(ways[1]);
    line["failures"] = people.failed;
    std::cout << dump_line(line) << '\n';
  } else {
    print_table(words, table);
  }
  return people.exit;
}

struct ClassifyArgs : EvalArgs {
  fs::path embeddings;
  std::vector<std::string> members;
  ClassificationOptions validation;
};

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

Exit run_classify(const ClassifyArgs& args) {
  const EmbeddingDataset dataset = read_embeddings(args.embeddings, args.members);
  Embeddings all = dataset.train.embeddings;
  all.values.insert(all.values.end(), dataset.val.embeddings.values.begin(),
                    dataset.val.embeddings.values.end());
  std::vector<std::string> labels = dataset.train.labels;
  labels.insert(labels.end(), dataset.val.labels.begin(), dataset.val.labels.end());
  ClassificationOptions options = args.validation;
  options.seed = args.seed;
  const CrossValidation result = cross_validate_classifier(all, labels, options);
  const std::size_t people = std::set<std::string>(labels.begin(), labels.end()).size();
  std::optional<LeftOut> left;
  if (people > 2) left = leave_one_person_out(all, labels, args.seed);

  Table table{{"figure", "value"}, {}, ""};
  table.rows.push_back({"accuracy", fixed(MeanDeviation{result.accuracy, result.deviation}) +
                                        " (95 % interval " + fixed(result.interval.low) + " to " +
                                        fixed(result.interval.high) + ")"});
  table.rows.push_back(
      {"Brier score of the label's probability", result.brier ? fixed(*result.brier) : "no probabilities"});
  table.rows.push_back({"calibration error",
                        result.calibration_error ? fixed(*result.calibration_error) : "no probabilities"});
  if (left) {
    table.rows.push_back({"person left out: strangers named at .5 or more",
                          (left->named ? std::to_string(*left->named) : "no probabilities") +
                              std::string(" of ") + std::to_string(left->strangers)});
    table.rows.push_back({"person left out: AUC of the nearest cosine", fixed(left->auc)});
  }
  const std::string words = std::to_string(labels.size()) + " faces of " + std::to_string(people) +
                            " people, " + std::to_string(options.repeats) + " times " +
                            std::to_string(options.folds) + "-fold stratified cross-validation, seed " +
                            std::to_string(args.seed);
  NamedPlots plots;
  if (result.brier) plots.emplace_back("reliability", reliability_plot(result));
  write_report(args, "Classification", words, table, plots);
  if (args.json) {
    Json line = {
        {"faces", labels.size()},
        {"people", people},
        {"accuracy", result.accuracy},
        {"std", or_null(result.deviation)},
        {"interval", {result.interval.low, result.interval.high}},
        {"brier", result.brier ? Json(*result.brier) : Json(nullptr)},
        {"calibration_error", result.calibration_error ? Json(*result.calibration_error) : Json(nullptr)},
        {"left_out", nullptr}};
    if (left) {
      line["left_out"] = {{"strangers", left->strangers},
                          {"named", left->named ? Json(*left->named) : Json(nullptr)},
                          {"nearest_cosine_auc", left->auc}};
    }
    std::cout << dump_line(line) << '\n';
  } else {
    print_table(words, table);
  }
  return Exit::kDone;
}

}  // namespace

void add_eval_people(CLI::App& command, Exit& exit) {
  auto open = std::make_shared<OpenSetArgs>();
  CLI::App* part = command.add_subcommand(
      "openset", "Who is it, or nobody known: drawn galleries, strangers among the probes");
  part->footer("Example: likeness eval openset --gallery lfw --probes lfw --out report");
  part->add_option("--gallery", open->gallery, "Folder of PERSON/photos to enrol from")->required();
  part->add_option("--probes", open->probes, "Folder of PERSON/photos to ask about; may be the same")
      ->required();
  part->add_option("--only", open->only, "Only these people: one name a line, or LFW's peopleDevTest.txt");
  part->add_option("--trials", open->trials.trials, "How often people are drawn")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  add_eval_options(*part, *open);
  part->callback([open, &exit] { exit = run_openset(*open); });

  auto cluster = std::make_shared<ClusterArgs>();
  part = command.add_subcommand("cluster", "How well faces are grouped by person");
  part->footer("Example: likeness eval cluster photos --min-photos 2     (photos/PERSON/photo.jpg)");
  part->add_option("folder", cluster->folder, "Folder of PERSON/photos, or embeddings (.npz)")->required();
  part->add_option("--min-photos", cluster->min_photos, "Only people with at least so many photos")
      ->capture_default_str();
  part->add_option("--only", cluster->only,
                   "File whose lines begin with the people wanted (peopleDevTest.txt)");
  part->add_option("--threshold", cluster->threshold,
                   "Cosine from which two faces are linked; by default as fits their number");
  add_eval_options(*part, *cluster);
  part->callback([cluster, &exit] { exit = run_cluster(*cluster); });

  auto classify = std::make_shared<ClassifyArgs>();
  part = command.add_subcommand("classify",
                                "Cross-validated accuracy, reliability of probabilities, people left out");
  part->footer("Example: likeness eval classify embeddings.npz --out report");
  part->add_option("embeddings", classify->embeddings,
                   "Embeddings with labels (.npz); train and val are taken together")
      ->required();
  part->add_option("--folds", classify->validation.folds, "Parts of a cross-validation")
      ->capture_default_str()
      ->check(CLI::Range(2, 100));
  part->add_option("--repeats", classify->validation.repeats, "Cross-validations")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  add_members_option(*part, classify->members);
  add_report_options(*part, *classify);
  part->callback([classify, &exit] { exit = run_classify(*classify); });
}

}  // namespace likeness::cli
