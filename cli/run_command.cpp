#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/labelled_photos.h"
#include "cli/photos.h"
#include "likeness/eval/tutorial.h"

namespace likeness::cli {
namespace {

struct Args {
  LabelledPhotosArgs photos;
  std::filesystem::path out = "out";
  bool json = false;
};

Exit run(const Args& args) {
  // Before the work: a result that cannot be written shall be known in the first second.
  OutputFolder out(args.out);
  require_two_people(scan_photo_folder(args.photos.folder, args.photos.scan), args.photos.folder);

  const auto start = std::chrono::steady_clock::now();
  LabelledFaces faces = collect_labelled(args.photos, Stage::kEmbed);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const Tutorial tutorial = run_tutorial(
      {std::move(faces.collected), std::move(faces.pack.contract), faces.seconds, seconds.count()},
      args.photos.models, args.photos.folder, out);
  if (!tutorial.people->calibrated()) std::cerr << "likeness: " << tutorial.people->why_nearest() << '\n';
  if (args.json) {
    std::cout << dump_line(json_of(tutorial)) << '\n';
    return faces.exit;
  }
  for (const std::string& line : text_of(tutorial)) std::cout << line << '\n';
  std::cout << "wrote faces.npz, embeddings.npz, people.npz, example.png, report.json and report.html into "
            << args.out.string() << '\n';
  return faces.exit;
}

}  // namespace

void add_run_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand(
      "run", "The whole tutorial: labelled photos in, a trained classifier and a report out");
  command->footer("Example: likeness run celebrities/ --out out");
  command->add_option("photos", args->photos.folder, "train/ and val/ with PERSON/photos, or PERSON/photos")
      ->required();
  command->add_option("--out", args->out, "Folder for the results")->capture_default_str();
  add_labelled_photos_options(*command, args->photos);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
