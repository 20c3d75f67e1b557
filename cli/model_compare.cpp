#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cli/model_parts.h"
#include "cli/options.h"
#include "cli/progress_bar.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/embed/quantize_pack.h"
#include "likeness/eval/compare_models.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args {
  fs::path models;
  std::string a;
  std::string b;
  fs::path faces;
  int threads = 1;
  bool json = false;
};

/// Where `text` is NAME:PRECISION, that; else NAME in f32.
Embedder embedder_of(const std::string& text, const Args& args) {
  std::string name = text;
  Precision precision = Precision::kF32;
  if (const auto colon = text.rfind(':'); colon != std::string::npos) {
    if (const auto said = precision_from(text.substr(colon + 1))) {
      precision = *said;
      name = text.substr(0, colon);
    }
  }
  return Embedder(find_pack(name, pack_search_path(args.models)),
                  {.precision = precision, .threads = args.threads});
}

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

void print_row(const std::string& what, const std::string& a, const std::string& b) {
  std::cout << std::left << std::setw(30) << what << std::setw(26) << a << b << '\n';
}

void print_table(const Args& args, const ModelComparison& c) {
  const auto share = [](const ModelScore& s) {
    return s.total == 0 ? std::string("-") : std::to_string(s.correct) + " of " + std::to_string(s.total);
  };
  print_row("", args.a, args.b);
  print_row("val faces named rightly", share(c.a), share(c.b));
  print_row("AUC over all pairs", fixed(c.a.area_under_roc, 5), fixed(c.b.area_under_roc, 5));
  print_row("equal error rate", fixed(c.a.equal_error_rate, 5), fixed(c.b.equal_error_rate, 5));
  print_row("best threshold (cosine)", fixed(c.a.threshold, 4), fixed(c.b.threshold, 4));
  print_row("ms a face", fixed(c.a.milliseconds, 2), fixed(c.b.milliseconds, 2));
  if (c.worst_cosine) {
    std::cout << "cosine of a face's embeddings: worst " << fixed(*c.worst_cosine, 5) << ", mean "
              << fixed(*c.mean_cosine, 5) << '\n';
  }
  std::cout << "decisions that differ: " << c.flipped << " of " << c.pairs << " pairs of " << c.faces
            << " faces; " << args.threads << (args.threads == 1 ? " thread\n" : " threads\n");
}

nlohmann::ordered_json json_of(const std::string& name, const ModelScore& score) {
  return {{"model", name},
          {"correct", score.correct},
          {"total", score.total},
          {"auc", score.area_under_roc},
          {"eer", score.equal_error_rate},
          {"threshold", score.threshold},
          {"ms_per_face", score.milliseconds}};
}

void print_json(const Args& args, const ModelComparison& c) {
  nlohmann::ordered_json json{{"a", json_of(args.a, c.a)},
                              {"b", json_of(args.b, c.b)},
                              {"faces", c.faces},
                              {"pairs", c.pairs},
                              {"flipped", c.flipped}};
  if (c.worst_cosine) {
    json["worst_cosine"] = *c.worst_cosine;
    json["mean_cosine"] = *c.mean_cosine;
  }
  std::cout << json.dump() << '\n';
}

Exit compare(const Args& args) {
  const FaceDataset faces = read_faces(args.faces);
  Embedder a = embedder_of(args.a, args);
  Embedder b = embedder_of(args.b, args);
  ProgressBar bar("models");
  const ModelComparison comparison = compare_models(faces, a, b, bar.callback());
  args.json ? print_json(args, comparison) : print_table(args, comparison);
  return Exit::kDone;
}

/// Only the training part is looked at, so that the validation part can score the result.
Exit quantize(const Args& args) {
  const FaceDataset faces = read_faces(args.faces);
  const ModelPack pack = find_pack(args.a, pack_search_path(args.models));
  const ModelPack result = quantize_pack(pack, faces.train.chips, args.threads);
  std::cout << result.contract.name << ": int8 network with ranges of " << faces.train.chips.size()
            << " faces, in " << result.folder.string() << '\n';
  const auto thresholds = thresholds_in(result.contract, Precision::kInt8);
  std::cout << (thresholds.empty() ? "it has no threshold in int8"
                                   : "its thresholds in int8 were measured before this network was made (" +
                                         thresholds.front().origin + ")")
            << "; " << how_to_measure(result.contract.name, "int8") << '\n';
  return Exit::kDone;
}

}  // namespace

void add_model_quantize(CLI::App& command, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* part = command.add_subcommand(
      "quantize",
      "Add an int8 network to a pack, with ranges measured on the train part of a faces.npz\n"
      "Example: likeness model quantize 20180408-102900 faces.npz");
  part->add_option("name", args->a, "Name or folder of the pack")->required();
  part->add_option("faces", args->faces, "Faces cut for this model, 50 or more (likeness extract)")
      ->required();
  part->add_option("--models", args->models, "Folder of model packs to look in first");
  add_threads_option(*part, args->threads);
  part->callback([args, &exit] { exit = quantize(*args); });
}

void add_model_compare(CLI::App& command, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* part = command.add_subcommand(
      "compare",
      "Two models, or two precisions of one (NAME:int8), on the same faces: accuracy, agreement, speed\n"
      "Example: likeness model compare 20180408-102900 20180408-102900:int8 faces.npz");
  part->add_option("a", args->a, "Pack, or PACK:PRECISION")->required();
  part->add_option("b", args->b, "Pack, or PACK:PRECISION")->required();
  part->add_option("faces", args->faces, "Labelled faces (likeness extract)")->required();
  part->add_option("--models", args->models, "Folder of model packs to look in first");
  add_threads_option(*part, args->threads);
  add_json_option(*part, args->json);
  part->callback([args, &exit] { exit = compare(*args); });
}

}  // namespace likeness::cli
