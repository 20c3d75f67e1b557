#include <iostream>
#include <memory>

#include "cli/model_parts.h"
#include "cli/options.h"
#include "likeness/embed/import_pack.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct ImportArgs {
  fs::path file;
  fs::path models;
  ImportOptions options;
};

/// Where a new pack goes: the first place that find_pack() would look in.
fs::path models_to_write(const fs::path& models_option) { return pack_search_path(models_option).front(); }

/// The program that reads strangers' files: beside this one in a build tree, else where it is installed.
fs::path reader_program() {
  std::error_code error;
  const fs::path bin = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path beside = bin / "likeness-reader";
  return fs::exists(beside, error) ? beside : (bin / LIKENESS_LIBEXEC / "likeness-reader").lexically_normal();
}

Exit import_model(ImportArgs args) {
  args.options.reader = reader_program();
  const ModelPack pack = import_pack(args.file, models_to_write(args.models), args.options);
  std::cout << "name         " << pack.contract.name << '\n';
  print_embedder(pack);
  std::cout << "folder       " << pack.folder.string() << '\n';
  return Exit::kDone;
}

/// An option whose words a function of the library understands.
template <typename Value, typename From>
void add_word_option(CLI::App& command, const std::string& name, std::optional<Value>& value, From from,
                     const std::vector<std::string>& words, const std::string& help) {
  command
      .add_option_function<std::string>(
          name, [&value, from](const std::string& word) { value = from(word); }, help)
      ->check(CLI::IsMember(words));
}

}  // namespace

void add_model_import(CLI::App& command, Exit& exit) {
  auto args = std::make_shared<ImportArgs>();
  CLI::App* part = command.add_subcommand(
      "import",
      "Make a pack of a Keras .h5 or .keras, a frozen graph .pb, an .onnx or OpenVINO .xml\n"
      "Known models need only a name; of others say how they were trained.\n"
      "Example: likeness model import facenet_keras.h5 --name facenet_keras");
  ImportOptions& options = args->options;
  part->add_option("file", args->file, "The model file")->required();
  part->add_option("--name", options.name, "Name of the new pack")->required();
  part->add_option("--models", args->models,
                   "Folder of model packs to put it in (default: $LIKENESS_MODELS or ./models)");
  part->add_option_function<std::string>(
          "--standardization",
          [&options](const std::string& word) {
            // Pixels as they are, for networks that subtract and divide by themselves.
            if (word == "none") options.mean = 0.0F, options.scale = 1.0F;
            options.standardization = word == "none" ? Standardization::kFixed : standardization_from(word);
          },
          "fixed: (x - mean) / scale; per-image: by the picture's own mean and deviation; none: pixels as "
          "they are, 0 to 255")
      ->check(CLI::IsMember({"fixed", "per-image", "none"}));
  part->add_option("--mean", options.mean, "For fixed, e.g. 127.5");
  part->add_option("--scale", options.scale, "For fixed, e.g. 128");
  add_word_option(*part, "--channels", options.channels, channels_from, {"rgb", "bgr"},
                  "Order of the colours");
  add_word_option(*part, "--profile", options.profile, crop_profile_from, {"tutorial", "margin", "aligned"},
                  "How faces are cut out");
  add_word_option(*part, "--filter", options.filter, filter_from,
                  {"nearest", "box", "bilinear", "bicubic", "lanczos"}, "How chips are resampled");
  part->add_option_function<std::string>(
      "--template",
      [&options](const std::string& word) {
        options.landmarks = landmark_template_from(word);
        if (!options.landmarks) options.places = read_places(word);
        if (!options.profile) options.profile = CropProfile::kAligned;
      },
      "For aligned, where the landmarks belong: arcface (default), dlib, or a file of five places on a chip");
  part->add_option("--grow", options.grow, "For margin: the region's sides over the box's")
      ->check(CLI::Range(0.1, 10.0));
  part->add_option("--width", options.network.width, "Of the chips, where the network takes any")
      ->check(CLI::Range(1, 4096));
  part->add_option("--height", options.network.height, "Of the chips, where the network takes any")
      ->check(CLI::Range(1, 4096));
  part->add_option("--output", options.network.output,
                   "Node that gives the embedding, where there are several outputs");
  part->add_option("--source", options.source, "Where the weights come from, in words");
  part->add_option("--licence", options.licence, "Licence of the weights");
  part->add_flag("--replace", options.replace, "Take the place of a pack of that name");
  part->callback([args, &exit] { exit = import_model(*args); });
}

}  // namespace likeness::cli
