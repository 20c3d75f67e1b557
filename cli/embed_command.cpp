#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/labelled_photos.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/embed/embedder.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args {
  std::vector<fs::path> inputs;
  fs::path output;
  LabelledPhotosArgs photos;         // its `folder` is filled where the input is one
  std::vector<std::string> members;  // of an .npz
  bool json = false;
};

struct Outcome {
  EmbeddingDataset dataset;
  Exit exit = Exit::kDone;
};

/// Chips that somebody cut before: their order and labels stay as they are.
Outcome from_faces(const Args& args) {
  const FaceDataset faces = read_faces(args.inputs.front(), args.members);
  const ModelPack pack = args.photos.models.embedder();
  const EmbeddingSpace wanted = space_of(pack.contract, args.photos.models.precision);
  require_same_space(faces.space, args.inputs.front().string(), wanted, "the model " + pack.contract.name);
  Embedder embedder(pack, {.precision = args.photos.models.precision,
                           .threads = args.photos.models.threads,
                           .cache_folder = args.photos.models.cache_folder});
  ProgressBar bar("embedding");
  const auto part = [&](const FacePart& from) {
    return EmbeddingPart{embedder.embed(from.chips, bar.callback()), from.labels, from.files, from.origins};
  };
  return {{part(faces.train), part(faces.val), wanted}, Exit::kDone};
}

/// Every face of unlabelled photos; its label is the photo's (labels_of()).
Outcome from_photos(const Args& args) {
  const PhotoList list = list_photos(args.inputs, args.json);
  const ModelPack pack = args.photos.models.embedder();
  StreamOptions options = args.photos.models.stream_options();
  options.hash = true;
  PhotoStream stream(args.photos.models.detector_for(pack), pack, options);
  const std::vector<std::string> labels = labels_of(list.photos);
  Outcome outcome;
  outcome.dataset.space = args.photos.models.space(pack);
  EmbeddingPart& part = outcome.dataset.train;
  ProgressBar bar("embedding");
  InputCount inputs(list, args.json);
  stream.run(
      list.source(),
      [&](PhotoFaces&& photo) {
        if (!inputs.count(photo, bar)) return;
        if (args.json && photo.chips.empty()) print_json_no_face(photo.id);
        part.embeddings.dimension = std::max(part.embeddings.dimension, photo.embeddings.dimension);
        const auto& values = photo.embeddings.values;
        part.embeddings.values.insert(part.embeddings.values.end(), values.begin(), values.end());
        for (std::size_t i = 0; i < photo.chips.size(); ++i) {
          part.labels.push_back(labels[photo.index]);
          part.files.push_back(photo.id);
          append_origin(part.origins, photo, i);
        }
      },
      nullptr, bar.callback());
  if (part.labels.empty()) throw Error(ErrorCode::kInputUnreadable, "no face found in any of the photos");
  outcome.exit = inputs.exit();
  return outcome;
}

Outcome from_labelled_folder(const Args& args) {
  LabelledPhotosArgs photos = args.photos;
  photos.folder = args.inputs.front();
  LabelledFaces faces = collect_labelled(photos, Stage::kEmbed, args.json);
  return {std::move(faces.collected.embeddings), faces.exit};
}

/// Photos in folders of people are labelled; photos that lie side by side are not.
bool labelled(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return false;
  const PeopleFolder people = read_people_folder(folder);
  return !people.train.empty() || !people.val.empty();
}

Exit run(const Args& args) {
  require_writable(args.output);
  const bool single = args.inputs.size() == 1;
  const Outcome outcome = single && named_as_npz(args.inputs.front()) ? from_faces(args)
                          : single && labelled(args.inputs.front())   ? from_labelled_folder(args)
                                                                      : from_photos(args);
  write_embeddings(args.output, outcome.dataset);
  const std::size_t count = outcome.dataset.train.labels.size() + outcome.dataset.val.labels.size();
  const std::size_t dimension = outcome.dataset.train.embeddings.dimension;
  if (args.json) {
    std::cout << dump_line({{"train", outcome.dataset.train.labels.size()},
                            {"val", outcome.dataset.val.labels.size()},
                            {"dimension", dimension},
                            {"contract", outcome.dataset.space.id()},
                            {"output", args.output.string()}})
              << '\n';
  } else {
    std::cout << counted(count, "embedding") << " of " << dimension << " values -> " << args.output.string()
              << '\n';
  }
  return outcome.exit;
}

}  // namespace

void add_embed_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command =
      app.add_subcommand("embed", "Embeddings of faces (.npz), of labelled photos, or of any photos");
  command->footer("Example: likeness embed faces.npz -o embeddings.npz");
  command->add_option("inputs", args->inputs, "faces.npz, a folder, or photos")->required();
  command->add_option("-o,--output", args->output, "The .npz to write")->required();
  add_labelled_photos_options(*command, args->photos);
  add_members_option(*command, args->members);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
