#include "cli/options.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <thread>

#include "likeness/core/cache_folder.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

fs::path from_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables here
  return value != nullptr ? fs::path(value) : fs::path();
}

}  // namespace

std::vector<fs::path> pack_search_path(const fs::path& models_option) {
  std::vector<fs::path> search{models_option, from_environment("LIKENESS_MODELS"), "models"};
  if (const fs::path cache = cache_folder(); !cache.empty()) search.push_back(cache / "models");
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) search.push_back(program.parent_path().parent_path() / "share" / "likeness" / "models");
  std::erase_if(search, [](const fs::path& folder) { return folder.empty(); });
  return search;
}

void add_models_option(CLI::App& command, ModelOptions& options) {
  options.models = pack_search_path({});
  // Prepared networks, for the next start.
  if (const fs::path cache = cache_folder(); !cache.empty()) options.cache_folder = cache / "compiled";
  command.add_option_function<std::string>(
      "--models", [&options](const std::string& folder) { options.models = pack_search_path(folder); },
      "Folder with model packs (default: $LIKENESS_MODELS, ./models, ...)");
}

void add_model_name_option(CLI::App& command, ModelOptions& options) {
  command.add_option("--model", options.model, "Model pack: its name, or its folder")
      ->capture_default_str()
      ->each([&options](const std::string&) { options.model_given = true; });
}

void add_model_options(CLI::App& command, ModelOptions& options) {
  add_models_option(command, options);
  add_model_name_option(command, options);
  command
      .add_option_function<std::string>(
          "--profile", [&options](const std::string& name) { options.profile = crop_profile_from(name); },
          "How faces are cut, instead of the model's own way: tutorial, margin, aligned")
      ->check(CLI::IsMember({"tutorial", "margin", "aligned"}));
  add_precision_option(command, options);
}

void add_precision_option(CLI::App& command, ModelOptions& options) {
  command
      .add_option_function<std::string>(
          "--precision", [&options](const std::string& name) { options.precision = *precision_from(name); },
          "Arithmetic of the network: f32 (default), bf16 (on some CPUs slower than f32), int8")
      ->check(CLI::IsMember({"f32", "bf16", "int8"}));
}

void add_people_model_options(CLI::App& command, ModelOptions& options) {
  options.model = kPeopleModel;
  add_model_options(command, options);
}

void add_detector_options(CLI::App& command, Setup& setup) {
  DetectorOptions& options = setup.detector;
  command.add_option("--detector", setup.detector_pack,
                     "Detector pack: its name, or its folder (default: the model's own)");
  command.add_option("--min-face", options.min_face_px, "Shortest face side to look for, in pixels")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  command
      .add_option_function<float>(
          "--min-score", [&options](float score) { options.min_score = score; },
          "Score that a face needs (default: the detector's own)")
      ->check(CLI::Range(0.0, 1.0));
  const auto mtcnn = [&options]() -> MtcnnOptions& {
    return options.mtcnn ? *options.mtcnn : options.mtcnn.emplace();
  };
  using Scores = std::array<float, 3>;
  command
      .add_option_function<Scores>(
          "--min-scores", [mtcnn](const Scores& scores) { mtcnn().min_scores = scores; },
          "MTCNN: scores needed to pass P-Net, R-Net and O-Net")
      ->default_str("[0.6,0.7,0.7]");
  command
      .add_option_function<double>(
          "--pyramid-step", [mtcnn](double step) { mtcnn().pyramid_step = step; },
          "MTCNN: size ratio of neighbouring scales, in (0, 1)")
      ->default_str("0.709");
  command
      .add_option("--max-side", options.max_side_px,
                  "Shrink larger photos to this side before looking; 0: never")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
}

void add_threads_option(CLI::App& command, int& threads) {
  threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  // In words: the manual page is written on another machine than the reader's.
  command.add_option("--threads", threads, "Threads to use")
      ->default_str("all processors")
      ->check(CLI::Range(1, 1024));
}

void add_members_option(CLI::App& command, std::vector<std::string>& members) {
  command
      .add_option("--members", members,
                  "Which members of the .npz are meant: ROWS,LABELS or ROWS,LABELS,TEST_ROWS,TEST_LABELS")
      ->delimiter(',')
      ->expected(2, 4);
}

void add_json_option(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print JSON for programs, one object a line");
}

}  // namespace likeness::cli
