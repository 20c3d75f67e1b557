#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/gallery_options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/atomic_file.h"
#include "likeness/core/file.h"
#include "likeness/core/output.h"
#include "likeness/image/write_image.h"
#include "likeness/recognize/recognizer.h"
#include "likeness/report/html.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kThumbnail = 80;            // pixels
constexpr std::size_t kSheetFaces = 100;  // a sheet shows at most so many
constexpr std::size_t kMaxJsonBytes = std::size_t{1} << 30;

struct Args {
  std::vector<fs::path> inputs;
  fs::path out;
  fs::path update;
  bool enrol = false;
  fs::path gallery;
  std::optional<fs::path> key_file;
  std::string review = "standard";
  ClusterOptions cluster;
  ModelOptions models;
  bool json = false;
};

/// What earlier clusters said of a face: its photo's hash and box, as text.
std::string key_of(const std::string& sha256, const Box& box) {
  return sha256 + ' ' + std::to_string(std::lround(box.left)) + ' ' + std::to_string(std::lround(box.top)) +
         ' ' + std::to_string(std::lround(box.right)) + ' ' + std::to_string(std::lround(box.bottom));
}

std::map<std::string, int> clusters_before(const fs::path& file) {
  const auto bytes = read_file_bytes(file, kMaxJsonBytes);
  const auto json = Json::parse(reinterpret_cast<const char*>(bytes.data()),
                                reinterpret_cast<const char*>(bytes.data()) + bytes.size(), nullptr, false);
  std::map<std::string, int> clusters;
  try {
    for (const auto& face : json.at("faces")) {
      const auto& b = face.at("box");
      const Box box{b.at(0).get<float>(), b.at(1).get<float>(), b.at(2).get<float>(), b.at(3).get<float>()};
      const int cluster = face.at("cluster").get<int>();
      if (cluster < kNoise) throw Error(ErrorCode::kDataInvalid, file.string() + ": a cluster below -1");
      clusters[key_of(face.at("sha256").get<std::string>(), box)] = cluster;
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kDataInvalid, file.string() + ": not what `cluster --out` wrote: " + error.what());
  }
  return clusters;
}

Json face_json(const GroupedFace& face) {
  const Box& box = face.face.box;
  return {{"file", face.photo},
          {"sha256", face.sha256},
          {"box", {box.left, box.top, box.right, box.bottom}},
          {"score", face.face.score},
          {"cluster", face.cluster}};
}

Image contact_sheet(const Groups& found, const std::vector<std::size_t>& members) {
  const std::size_t shown = std::min(members.size(), kSheetFaces);
  const auto columns = static_cast<int>(std::min<std::size_t>(10, shown));
  const auto rows = (static_cast<int>(shown) + columns - 1) / columns;
  Image sheet(columns * kThumbnail, rows * kThumbnail, 255);
  for (std::size_t i = 0; i < shown; ++i) {
    const Image& thumbnail = found.faces[members[i]].thumbnail;
    const int left = static_cast<int>(i) % columns * kThumbnail;
    const int top = static_cast<int>(i) / columns * kThumbnail;
    for (int y = 0; y < kThumbnail; ++y) {
      std::copy_n(thumbnail.view().row(y), kThumbnail * 3, sheet.row(top + y) + left * 3);
    }
  }
  return sheet;
}

std::size_t alone(const Groups& found) {
  return static_cast<std::size_t>(std::ranges::count(found.faces, kNoise, &GroupedFace::cluster));
}

void write_pages(const Args& args, OutputFolder& out, const Groups& found) {
  const auto members = found.members();
  HtmlReport page("Faces by person", std::to_string(found.faces.size()) + " faces");
  const Figure figures[] = {{std::to_string(members.size()), "people",
                             "clusters of at least " + std::to_string(args.cluster.min_faces) + " faces"},
                            {std::to_string(alone(found)), "faces alone", "cluster -1"},
                            {std::to_string(found.aside.size()), "faces left aside",
                             "too small, blurred, dark or turned away to compare"}};
  page.figures(figures);
  for (std::size_t cluster = 0; cluster < members.size(); ++cluster) {
    if (members[cluster].empty()) continue;
    const std::string number = std::to_string(cluster);
    const auto png = encode_png(contact_sheet(found, members[cluster]).view());
    write_file(out.file("cluster_" + number + ".png"), std::span<const std::byte>(png));
    page.section("Person " + number + ": " + counted(members[cluster].size(), "face"));
    std::string files;
    for (const std::size_t face : members[cluster])
      files += (files.empty() ? "" : ", ") + fs::path(found.faces[face].photo).filename().string();
    page.picture(png, "faces of cluster " + number, files);
  }
  page.write(out.path() / "index.html");
  Json json = {{"version", 1}, {"threshold", found.threshold}, {"faces", Json::array()}};
  for (const auto* faces : {&found.faces, &found.aside}) {
    for (const GroupedFace& face : *faces) json["faces"].push_back(face_json(face));
  }
  write_file(out.path() / "clusters.json", dump_line(json) + "\n");
}

void print(const Args& args, const Groups& found) {
  if (args.json) {
    for (const auto* faces : {&found.faces, &found.aside}) {
      for (const GroupedFace& face : *faces) std::cout << dump_line(face_json(face)) << '\n';
    }
    return;
  }
  std::size_t clusters = 0;
  const auto members = found.members();
  for (std::size_t cluster = 0; cluster < members.size(); ++cluster) {
    if (members[cluster].empty()) continue;
    ++clusters;
    std::cout << cluster << "  " << counted(members[cluster].size(), "face") << '\n';
    for (const std::size_t face : members[cluster]) std::cout << "    " << found.faces[face].photo << '\n';
  }
  std::cout << counted(found.faces.size(), "face") << ", " << counted(clusters, "cluster") << ", "
            << alone(found) << " alone, " << found.aside.size()
            << " left aside (too small, blurred, dark or turned away)\n";
}

void enrol(const Args& args, const Recognizer& recognizer, const Groups& found) {
  Gallery gallery = GalleryArgs{args.gallery, args.key_file}.open_or_create(recognizer.space());
  for (const EnrolledGroup& group : recognizer.enrol(gallery, found)) {
    std::cerr << "likeness: cluster " << group.cluster << " is " << (group.known ? "" : "new: ")
              << group.person << ", " << counted(group.added, "new face") << '\n';
  }
}

Exit run(const Args& args) {
  if (args.enrol == args.gallery.empty()) throw std::invalid_argument("--enrol and --gallery go together");
  std::optional<OutputFolder> out;
  if (!args.out.empty()) out.emplace(args.out);
  const GalleryArgs gallery{args.gallery, args.key_file};
  if (args.enrol) gallery.require_writable();
  const auto before = args.update.empty() ? std::map<std::string, int>{} : clusters_before(args.update);
  const PhotoList list = list_photos(args.inputs, args.json);
  ModelOptions models = args.models;
  if (args.enrol && gallery.exists()) models = models_for(gallery.open(true).store().space(), models);
  const Recognizer recognizer(models);
  ProgressBar bar("embedding");
  InputCount inputs(list, args.json);
  GroupOptions options{
      .cluster = args.cluster, .review = *review_from(args.review), .thumbnail_px = out ? kThumbnail : 0};
  options.before = [&](const std::string& sha256, const Box& box) -> std::optional<int> {
    const auto entry = before.find(key_of(sha256, box));
    return entry == before.end() ? std::nullopt : std::optional(entry->second);
  };
  options.each = [&](const PhotoFaces& photo) {
    if (inputs.count(photo, bar) && args.json && photo.chosen.empty()) print_json_no_face(photo.id);
  };
  options.progress = bar.callback();
  const Groups found = recognizer.group(list.source(), options);
  print(args, found);
  if (out) write_pages(args, *out, found);
  if (args.enrol && !found.faces.empty()) enrol(args, recognizer, found);
  return inputs.exit();
}

}  // namespace

void add_cluster_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command = app.add_subcommand("cluster", "Group the faces of many photos by person");
  command->footer("Example: likeness cluster holiday/ --out people/     (open people/index.html)");
  command->add_option("photos", args->inputs, "Photos, or folders of photos")->required();
  command->add_option("--out", args->out,
                      "Folder for clusters.json, a contact sheet per person and index.html");
  command->add_option("--update", args->update, "An earlier clusters.json: its clusters keep their numbers");
  command
      ->add_option("--threshold", args->cluster.threshold,
                   "Cosine from which two faces are linked; by default as fits their number")
      ->check(CLI::Range(-1.0, 1.0));
  command->add_option("--min-faces", args->cluster.min_faces, "Smaller clusters are noise (-1)")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("--review", args->review, "Leave faces aside that are small, blurred, dark or turned away")
      ->check(CLI::IsMember({"off", "standard", "strict"}))
      ->capture_default_str();
  command->add_flag("--enrol", args->enrol,
                    "Enrol every cluster: as the person it is, or as a new \"person N\"");
  command->add_option("--gallery", args->gallery, "The gallery for --enrol");
  command->add_option("--key-file", args->key_file,
                      "Passphrase of an encrypted gallery; else LIKENESS_GALLERY_KEY");
  add_detector_options(*command, args->models);
  add_people_model_options(*command, args->models);
  add_threads_option(*command, args->models.threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
