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
#include "likeness/cluster/cluster.h"
#include "likeness/core/atomic_file.h"
#include "likeness/core/file.h"
#include "likeness/core/output.h"
#include "likeness/embed/comparison.h"
#include "likeness/gallery/face_review.h"
#include "likeness/image/resample.h"
#include "likeness/image/write_image.h"
#include "likeness/recognize/photo_stream.h"
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

struct FoundFace {
  fs::path file;
  std::string sha256;
  Face face;
  FaceQuality quality;
  Image thumbnail;
};

struct Found {
  std::vector<FoundFace> faces;
  Embeddings embeddings;
  std::vector<std::int64_t> photos;
  std::vector<int> previous;     // of the first faces
  std::vector<FoundFace> aside;  // too poor to compare: blurred ones look alike whoever they are
  Exit exit = Exit::kDone;
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

Found find_faces(const Args& args, const ModelPack& pack) {
  StreamOptions options = args.models.stream_options();
  options.hash = true;
  PhotoStream stream(args.models.detector_for(pack), pack, options);
  const Review review = *review_from(args.review);
  const PhotoList list = list_photos(args.inputs);
  ProgressBar bar("embedding");
  InputCount inputs(list);
  Found found;
  found.embeddings.dimension = static_cast<std::size_t>(pack.contract.dimension);
  stream.run(
      PhotoSource::files(list.photos),
      [&](PhotoFaces&& photo) {
        if (!inputs.count(photo, bar)) return;
        for (std::size_t i = 0; i < photo.chosen.size(); ++i) {
          const Face& face = photo.faces[photo.chosen[i]];
          const auto row = photo.embeddings[i];
          FoundFace one{photo.file, photo.sha256, face, measure_quality(face, photo.chips[i]),
                        resample(photo.chips[i].view(), kThumbnail, kThumbnail, Filter::kBilinear)};
          if (std::ranges::any_of(review_face(one.quality, 1, review), &ReviewFinding::refuse)) {
            found.aside.push_back(std::move(one));
            continue;
          }
          found.faces.push_back(std::move(one));
          found.embeddings.values.insert(found.embeddings.values.end(), row.begin(), row.end());
          found.photos.push_back(static_cast<std::int64_t>(photo.index));
        }
      },
      nullptr, bar.callback());
  found.exit = inputs.exit();
  return found;
}

/// Brings faces that were clustered before to the front, as cluster_faces() wants them.
void put_known_first(Found& found, const std::map<std::string, int>& before) {
  std::vector<std::size_t> order;
  for (const bool known : {true, false}) {
    for (std::size_t i = 0; i < found.faces.size(); ++i) {
      const auto entry = before.find(key_of(found.faces[i].sha256, found.faces[i].face.box));
      if ((entry != before.end()) != known) continue;
      order.push_back(i);
      if (known) found.previous.push_back(entry->second);
    }
  }
  Found sorted;
  sorted.embeddings.dimension = found.embeddings.dimension;
  for (const std::size_t i : order) {
    sorted.faces.push_back(std::move(found.faces[i]));
    const auto row = found.embeddings[i];
    sorted.embeddings.values.insert(sorted.embeddings.values.end(), row.begin(), row.end());
    sorted.photos.push_back(found.photos[i]);
  }
  sorted.previous = std::move(found.previous);
  sorted.aside = std::move(found.aside);
  sorted.exit = found.exit;
  found = std::move(sorted);
}

/// Faces of each cluster; noise is left out.
std::map<int, std::vector<std::size_t>> members_of(const std::vector<int>& clusters) {
  std::map<int, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    if (clusters[i] != kNoise) members[clusters[i]].push_back(i);
  }
  return members;
}

Json face_json(const FoundFace& face, int cluster) {
  const Box& box = face.face.box;
  return {{"file", face.file.string()},
          {"sha256", face.sha256},
          {"box", {box.left, box.top, box.right, box.bottom}},
          {"score", face.face.score},
          {"cluster", cluster}};
}

Image contact_sheet(const Found& found, const std::vector<std::size_t>& members) {
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

void write_pages(const Args& args, OutputFolder& out, const Found& found, const std::vector<int>& clusters,
                 double threshold) {
  const auto members = members_of(clusters);
  const auto noise = static_cast<std::size_t>(std::ranges::count(clusters, kNoise));
  HtmlReport page("Faces by person", std::to_string(found.faces.size()) + " faces");
  const Figure figures[] = {{std::to_string(members.size()), "people",
                             "clusters of at least " + std::to_string(args.cluster.min_faces) + " faces"},
                            {std::to_string(noise), "faces alone", "cluster -1"},
                            {std::to_string(found.aside.size()), "faces left aside",
                             "too small, blurred, dark or turned away to compare"}};
  page.figures(figures);
  for (const auto& [cluster, faces] : members) {
    const std::string name = "cluster_" + std::to_string(cluster) + ".png";
    const auto png = encode_png(contact_sheet(found, faces).view());
    write_file(out.file(name), std::span<const std::byte>(png));
    page.section("Person " + std::to_string(cluster) + ": " + counted(faces.size(), "face"));
    std::string files;
    for (const std::size_t face : faces) {
      files += (files.empty() ? "" : ", ") + found.faces[face].file.filename().string();
    }
    page.picture(png, "faces of cluster " + std::to_string(cluster), files);
  }
  page.write(out.path() / "index.html");
  Json json = {{"version", 1}, {"threshold", threshold}, {"faces", Json::array()}};
  for (std::size_t i = 0; i < found.faces.size(); ++i) {
    json["faces"].push_back(face_json(found.faces[i], clusters[i]));
  }
  for (const FoundFace& face : found.aside) json["faces"].push_back(face_json(face, kNoise));
  write_file(out.path() / "clusters.json", dump_line(json) + "\n");
}

void enrol(const Args& args, const ModelPack& pack, const Found& found, const std::vector<int>& clusters) {
  const EmbeddingSpace space = space_of(pack.contract, args.models.precision);
  Gallery gallery = GalleryArgs{args.gallery, args.key_file}.open_or_create(space);
  require_same_space(gallery.store().space(), args.gallery.string(), space,
                     "the model " + pack.contract.name);
  for (const auto& [cluster, members] : members_of(clusters)) {
    std::vector<NewFace> faces;
    for (const std::size_t i : members) {
      const FoundFace& one = found.faces[i];
      NewFace face;
      face.photo = one.file.string();
      face.photo_hash = one.sha256;
      face.box = one.face.box;
      face.landmarks = one.face.landmarks;
      face.quality = one.quality;
      face.embedding = found.embeddings[i];
      faces.push_back(face);
    }
    gallery.add_faces("person " + std::to_string(cluster), faces);
  }
}

void print(const Args& args, const Found& found, const std::vector<int>& clusters) {
  if (args.json) {
    for (std::size_t i = 0; i < found.faces.size(); ++i) {
      std::cout << dump_line(face_json(found.faces[i], clusters[i])) << '\n';
    }
    for (const FoundFace& face : found.aside) std::cout << dump_line(face_json(face, kNoise)) << '\n';
    return;
  }
  const auto members = members_of(clusters);
  for (const auto& [cluster, faces] : members) {
    std::cout << cluster << "  " << counted(faces.size(), "face") << '\n';
    for (const std::size_t face : faces) std::cout << "    " << found.faces[face].file.string() << '\n';
  }
  std::cout << counted(found.faces.size(), "face") << ", " << counted(members.size(), "cluster") << ", "
            << std::ranges::count(clusters, kNoise) << " alone, " << found.aside.size()
            << " left aside (too small, blurred, dark or turned away)\n";
}

Exit run(const Args& args) {
  if (args.enrol == args.gallery.empty()) throw std::invalid_argument("--enrol and --gallery go together");
  std::optional<OutputFolder> out;
  if (!args.out.empty()) out.emplace(args.out);
  if (args.enrol) require_writable(args.gallery);
  const ModelPack pack = args.models.embedder();
  const auto before = args.update.empty() ? std::map<std::string, int>{} : clusters_before(args.update);
  Found found = find_faces(args, pack);
  put_known_first(found, before);
  ClusterOptions options = args.cluster;
  options.threads = args.models.threads;
  const double threshold = args.cluster.threshold.value_or(
      link_threshold(found.faces.size(), pack.contract, args.models.precision));
  options.threshold = threshold;
  const Embeddings compared = Comparison(pack.contract).comparable(found.embeddings);
  std::vector<int> clusters;
  {
    ProgressBar bar("clustering");
    clusters = cluster_faces(compared, found.photos, options, found.previous, bar.callback());
  }
  print(args, found, clusters);
  if (out) write_pages(args, *out, found, clusters, threshold);
  if (args.enrol) enrol(args, pack, found, clusters);
  return found.exit;
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
  command->add_flag("--enrol", args->enrol, "Enrol every cluster as a person, \"person 0\", ...");
  command->add_option("--gallery", args->gallery, "The gallery for --enrol");
  command->add_option("--key-file", args->key_file,
                      "Passphrase of an encrypted gallery; else LIKENESS_GALLERY_KEY");
  add_detector_options(*command, args->models.detector);
  add_model_options(*command, args->models);
  add_threads_option(*command, args->models.threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
