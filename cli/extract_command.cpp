#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/labelled_photos.h"
#include "cli/photos.h"
#include "likeness/core/output.h"

namespace likeness::cli {
namespace {

struct Args {
  LabelledPhotosArgs photos;
  std::filesystem::path output;
  bool json = false;
};

Exit run(const Args& args) {
  require_writable(args.output);
  const LabelledFaces faces = collect_labelled(args.photos, Stage::kAlign, args.json);
  const CollectedFaces& collected = faces.collected;
  write_faces(args.output, collected.faces);
  const std::size_t train = collected.faces.train.chips.size();
  const std::size_t val = collected.faces.val.chips.size();
  if (args.json) {
    std::cout << dump_line({{"train", train},
                            {"val", val},
                            {"without_face", collected.without_face.size()},
                            {"unreadable", collected.unreadable.size()},
                            {"output", args.output.string()}})
              << '\n';
  } else {
    std::cout << counted(train, "face") << " to learn from, " << val << " to test with -> "
              << args.output.string() << '\n';
  }
  return faces.exit;
}

}  // namespace

void add_extract_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand("extract", "Faces of labelled photos, cut for the model, as .npz");
  command->footer("Example: likeness extract celebrities/ -o faces.npz");
  command->add_option("folder", args->photos.folder, "train/ and val/ with PERSON/photos, or PERSON/photos")
      ->required();
  command->add_option("-o,--output", args->output, "The .npz to write")->required();
  add_labelled_photos_options(*command, args->photos);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
