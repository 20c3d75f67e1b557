#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/image/draw.h"
#include "likeness/image/write_image.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args {
  std::vector<fs::path> photos;
  ModelOptions models;
  bool json = false;
  fs::path draw;
};

void print_json(const PhotoFaces& photo) {
  nlohmann::ordered_json line = {{"file", photo.id}, {"size", {photo.width, photo.height}}};
  line["faces"] = nlohmann::json::array();
  for (const Face& face : photo.faces) {
    nlohmann::ordered_json landmarks = nlohmann::json::array();
    for (const Point& p : face.landmarks) landmarks.push_back({p.x, p.y});
    line["faces"].push_back({{"box", {face.box.left, face.box.top, face.box.right, face.box.bottom}},
                             {"score", face.score},
                             {"landmarks", landmarks}});
  }
  std::cout << dump_line(line) << '\n';
}

void print_text(const PhotoFaces& photo) {
  std::cout << photo.id << "  " << photo.width << " x " << photo.height << "  "
            << counted(photo.faces.size(), "face") << '\n';
  for (const Face& face : photo.faces) {
    char line[200];
    std::snprintf(line, sizeof line, "  box %8.1f %8.1f %8.1f %8.1f   score %.4f   nose %8.1f %8.1f\n",
                  face.box.left, face.box.top, face.box.right, face.box.bottom, face.score,
                  face.landmarks[2].x, face.landmarks[2].y);
    std::cout << line;
  }
}

/// The photo with its faces marked.
void draw_faces(PhotoFaces&& photo, const fs::path& path) {
  Image picture = std::move(photo.pixels);
  const int thickness = std::max(1, std::min(photo.width, photo.height) / 250);
  for (const Face& face : photo.faces) {
    draw_box(picture, clamped(face.box, photo.width, photo.height), {80, 220, 60}, thickness);
    for (const Point& p : face.landmarks) draw_dot(picture, p, {255, 200, 0}, thickness + 1);
  }
  write_png(path, picture.view());
}

Exit run(const Args& args) {
  const PhotoList list = list_photos(args.photos, args.json);
  std::error_code ignored;
  std::optional<OutputFolder> folder;
  if (fs::is_directory(args.draw, ignored)) folder.emplace(args.draw);
  if (!args.draw.empty() && !folder) {
    if (list.photos.size() > 1) {
      throw std::invalid_argument("--draw with several photos needs an existing folder; " +
                                  args.draw.string() + " is none");
    }
    require_writable(args.draw);
  }
  StreamOptions options = args.models.stream_options();
  options.until = Stage::kDetect;
  options.keep_pixels = !args.draw.empty();
  PhotoStream stream(args.models.detector_for({}), {}, options);
  ProgressBar bar("detecting");
  InputCount inputs(list, args.json);
  stream.run(
      list.source(),
      [&](PhotoFaces&& photo) {
        if (!inputs.count(photo, bar)) return;
        args.json ? print_json(photo) : print_text(photo);
        if (args.draw.empty()) return;
        const fs::path path =
            folder ? folder->file_of(photo.file.stem().string(), ".faces.png") : output_picture(args.draw);
        draw_faces(std::move(photo), path);
      },
      nullptr, bar.callback());
  return inputs.exit();
}

}  // namespace

void add_detect_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand("detect", "Boxes, scores and landmarks of the faces in photos");
  command->footer("Example: likeness detect party.jpg --draw party_faces.png");
  command->add_option("photos", args->photos, "Photos, or folders of photos")->required();
  command->add_option("--draw", args->draw,
                      "Write the photo with its faces marked (a folder for several photos)");
  add_detector_options(*command, args->models);
  add_models_option(*command, args->models);
  add_threads_option(*command, args->models.threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
