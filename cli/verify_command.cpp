#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/gallery_options.h"
#include "cli/numbers.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/embed/comparison.h"
#include "likeness/embed/embeddings.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args {
  fs::path a;
  fs::path b;
  double fmr = 0.001;
  std::optional<double> threshold;  // a distance
  ModelOptions models;
  bool json = false;
};

/// One side: a photo's main face, or a folder's faces taken together.
struct Side {
  std::size_t photos = 0;
  std::size_t faces = 0;
  Exit exit = Exit::kDone;
  std::vector<float> embedding;  // unit length; of several faces their mean direction
};

Side embed_side(PhotoStream& stream, const Comparison& comparison, const fs::path& path) {
  const PhotoList list = list_photos({path});
  Side side;
  side.photos = list.photos.size();
  ProgressBar bar("comparing");
  InputCount inputs(list);
  Embeddings mean;
  stream.run(PhotoSource::files(list.photos), [&](PhotoFaces&& photo) {
    if (!inputs.count(photo, bar) || photo.chosen.empty()) return;
    ++side.faces;
    const std::vector<float> row = comparison.comparable(photo.embeddings[0]);
    mean.dimension = row.size();
    mean.values.resize(row.size());
    for (std::size_t j = 0; j < row.size(); ++j) mean.values[j] += row[j];
  });
  side.exit = inputs.exit();
  l2_normalize(mean);
  side.embedding = std::move(mean.values);
  return side;
}

struct Rule {
  double threshold = 0;  // the largest distance of one person
  std::optional<double> fmr;
  std::string origin;
};

Rule rule_for(const Args& args, const Contract& contract) {
  if (args.threshold) return {*args.threshold, std::nullopt, "given with --threshold"};
  const auto known = known_threshold(contract, args.models.precision, args.fmr);
  if (!known) {
    throw std::invalid_argument("the model " + contract.id() + " has no measured threshold for " +
                                std::string(to_string(args.models.precision)) +
                                "; give one with --threshold");
  }
  return {1 - known->cosine, known->false_match_rate, known->origin};
}

Exit run(const Args& args) {
  const ModelPack pack = args.models.embedder();
  const Rule rule = rule_for(args, pack.contract);
  StreamOptions options = args.models.stream_options();
  options.faces = FacesWanted::kMain;
  const Comparison comparison(pack.contract);
  PhotoStream stream(args.models.detector_for(pack), pack, options);
  const Side a = embed_side(stream, comparison, args.a);
  const Side b = embed_side(stream, comparison, args.b);
  if (a.exit == Exit::kNoInput || b.exit == Exit::kNoInput) return Exit::kNoInput;
  const bool both = a.faces > 0 && b.faces > 0;
  const double distance = both ? 1 - dot(a.embedding, b.embedding) : 0;
  const bool same = both && distance <= rule.threshold;
  const std::string faceless = both ? "" : (a.faces == 0 ? args.a : args.b).string();
  if (args.json) {
    using Json = nlohmann::ordered_json;
    std::cout << dump_line({{"distance", both ? Json(distance) : Json(nullptr)},
                            {"same", both ? Json(same) : Json(nullptr)},
                            {"reason", both ? Json(nullptr) : Json("no face in " + faceless)},
                            {"threshold", rule.threshold},
                            {"fmr", rule.fmr ? Json(*rule.fmr) : Json(nullptr)},
                            {"fmr_measured_on", rule.origin},
                            {"faces", {a.faces, b.faces}},
                            {"contract", pack.contract.id()}})
              << '\n';
  } else if (!both) {
    std::cout << "no face in " << faceless << '\n';
  } else {
    const auto [shown, threshold] = told_apart(distance, rule.threshold);
    std::cout << (same ? "same person" : "different people") << "   distance " << shown << ", threshold "
              << threshold;
    if (rule.fmr) std::cout << ", of strangers' pairs " << *rule.fmr * 100 << "% are as near";
    std::cout << " (" << rule.origin << ")\n";
  }
  return a.exit == Exit::kDone ? b.exit : a.exit;
}

}  // namespace

void add_verify_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command =
      app.add_subcommand("verify", "Whether two photos, or two folders of photos, show one person");
  command->footer(
      "Example: likeness verify a.jpg b.jpg     (distance is 1 - cosine; of a folder, of its faces' mean)");
  command->add_option("a", args->a, "A photo (its main face), or a folder of one person's photos")
      ->required();
  command->add_option("b", args->b, "Another")->required();
  command->add_option("--fmr", args->fmr, "Wanted false match rate; the nearest that was measured is taken")
      ->check(CLI::Range(1e-9, 0.999999))
      ->capture_default_str();
  command->add_option("--threshold", args->threshold,
                      "Largest distance of one person, instead of a measured one");
  add_detector_options(*command, args->models.detector);
  add_model_options(*command, args->models);
  add_threads_option(*command, args->models.threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
