#include "cli/bench_command.h"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/cache_folder.h"
#include "likeness/recognize/machine_figures.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args {
  std::vector<fs::path> photos;
  ModelOptions models;
  int rounds = 3;
  bool json = false;
};

std::vector<fs::path> photos_to_measure(const Args& args) {
  if (!args.photos.empty()) return list_photos(args.photos).photos;
  const fs::path samples = cache_folder() / "samples";
  if (!fs::is_directory(samples)) {
    throw Error(ErrorCode::kInputUnreadable,
                "no sample photos in " + samples.string() + ": run scripts/setup, or name photos");
  }
  return list_photos({samples}).photos;
}

Exit run(const Args& args) {
  std::optional<ProgressBar> bar;
  const MachineFigures figures =
      measure_machine(photos_to_measure(args), args.models, args.rounds, [&bar](int threads) {
        bar.emplace("the whole way on " + counted(static_cast<std::size_t>(threads), "thread"));
        return bar->callback();
      });
  bar.reset();
  if (args.json) {
    std::cout << dump_line(json_of(figures)) << '\n';
    return Exit::kDone;
  }
  for (const std::string& line : text_of(figures)) std::cout << line << '\n';
  return Exit::kDone;
}

}  // namespace

void add_bench_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand("bench", "This machine's figures: each stage, start-up, memory");
  command->footer("Example: likeness bench my_photos/ --threads 4");
  command->add_option("photos", args->photos,
                      "Photos or folders (default: the sample photos of scripts/setup)");
  command->add_option("--rounds", args->rounds, "Measurements of everything; medians are shown")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  add_detector_options(*command, args->models);
  add_model_options(*command, args->models);
  add_threads_option(*command, args->models.threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
