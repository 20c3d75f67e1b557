#include "cli/labelled_photos.h"

#include <iostream>

#include "cli/photos.h"
#include "cli/progress_bar.h"

namespace likeness::cli {

void add_labelled_photos_options(CLI::App& command, LabelledPhotosArgs& args) {
  command
      .add_option("--val-share", args.scan.val_share,
                  "Without a val/ folder: this share of each person's photos is kept for testing")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.95));
  command.add_option("--seed", args.scan.seed, "Chooses the photos kept for testing")->capture_default_str();
  add_detector_options(command, args.models);
  add_model_options(command, args.models);
  add_threads_option(command, args.models.threads);
}

LabelledFaces collect_labelled(const LabelledPhotosArgs& args, Stage until, bool json) {
  const PhotoFolder photos = scan_photo_folder(args.folder, args.scan);
  for (const std::string& note : photos.notes) std::cerr << "likeness: " << note << '\n';
  for (const std::string& problem : photos.problems) {
    std::cerr << "likeness: " << problem << '\n';
    if (json) print_json_error(args.folder.string(), problem);
  }
  if (!photos.left_out.empty()) std::cerr << "likeness: left out " << photos.left_out << '\n';

  LabelledFaces result;
  result.pack = args.models.embedder();
  StreamOptions options = args.models.stream_options();
  options.until = until;
  options.faces = FacesWanted::kMain;
  options.hash = true;
  PhotoStream stream(args.models.detector_for(result.pack), result.pack, options);
  {
    ProgressBar bar(until == Stage::kEmbed ? "embedding" : "extracting");
    result.collected =
        collect_faces(photos, args.folder, stream, bar.callback(), [&](const PhotoFaces& photo) {
          bar.say("likeness: " + photo.error);
          if (json) print_json_error(photo.id, photo.error);
        });
  }
  result.seconds = stream.seconds();
  CollectedFaces& collected = result.collected;
  for (const auto& file : collected.without_face) {
    std::cerr << "likeness: no face found in " << file.string() << '\n';
    if (json) print_json_no_face((args.folder / file).string());
  }
  if (collected.faces.train.chips.empty()) {
    throw Error(ErrorCode::kInputUnreadable,
                "no face found in any photo to learn from in " + args.folder.string());
  }
  collected.faces.space = space_of(result.pack.contract, std::nullopt);
  collected.embeddings.space = space_of(result.pack.contract, args.models.precision);
  collected.unreadable.insert(collected.unreadable.begin(), photos.problems.begin(), photos.problems.end());
  if (!collected.unreadable.empty()) result.exit = Exit::kSomeInputsFailed;
  return result;
}

}  // namespace likeness::cli
