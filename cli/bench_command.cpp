#include "cli/bench_command.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/align/align.h"
#include "likeness/core/cache_folder.h"
#include "likeness/detect/fma_peak.h"
#include "likeness/embed/embedder.h"
#include "likeness/image/read_image.h"
#include "likeness/infer/products.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 32;

struct Args {
  std::vector<fs::path> photos;
  ModelOptions models;
  DetectorOptions detector;
  int threads = 1;
  int rounds = 3;
  bool json = false;
};

/// Seconds that work takes.
template <typename Work>
double seconds(Work work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// What the stages cost, one after the other on one thread; seconds, medians of the rounds.
struct Stages {
  double load_detector = 0;
  double load_embedder = 0, load_compiled = 0;  ///< From the pack's file; as it was kept by an earlier start.
  double read = 0, detect = 0, align = 0;       ///< All photos once.
  double embed = 0;                             ///< One batch of kBatch chips.
  double megapixels = 0;                        ///< All photos together.
  std::size_t photos = 0, faces = 0;            ///< Read, and found in them.
};

/// The whole way on some threads.
struct Road {
  int threads = 1;
  double photos_per_second = 0;
  double faces_per_second = 0;
};

/// One round over all photos; fills the counts and appends the chips found, where asked for.
Stages look_once(const std::vector<fs::path>& photos, const CropSpec& crop, FaceDetector& detector,
                 std::vector<Chip>* chips) {
  Stages round;
  for (const fs::path& file : photos) {
    Image image;
    round.read += seconds([&] { image = read_image(file); });
    std::vector<Face> faces;
    round.detect += seconds([&] { faces = detector.detect(image.view()); });
    std::vector<Chip> cut;
    round.align += seconds([&] {
      for (const Face& face : faces) cut.push_back(cut_chip(image.view(), face, crop));
    });
    round.megapixels += 1e-6 * image.width() * image.height();
    round.faces += faces.size();
    ++round.photos;
    if (chips != nullptr) chips->insert(chips->end(), cut.begin(), cut.end());
  }
  return round;
}

Stages measure_stages(const std::vector<fs::path>& photos, const ModelPack& embedder_pack,
                      const ModelPack& detector_pack, const Args& args, const Progress& progress) {
  Stages result;
  DetectorOptions options = args.detector;
  options.threads = 1;
  std::unique_ptr<FaceDetector> detector;
  std::unique_ptr<Embedder> embedder;
  const double load_detector =
      seconds([&] { detector = std::make_unique<FaceDetector>(detector_pack.folder, options); });
  EmbedderOptions embedding{.precision = args.models.precision, .batch = kBatch};
  const auto load = [&] { embedder = std::make_unique<Embedder>(embedder_pack, embedding); };
  const double load_embedder = seconds(load);
  embedding.cache_folder = ModelOptions::cache();
  load();  // keeps it, unless it is kept already
  const double load_compiled = seconds(load);

  std::vector<Chip> chips;
  result = look_once(photos, embedder_pack.contract.crop, *detector, &chips);  // warms up, and counts
  if (chips.empty()) throw Error(ErrorCode::kInputUnreadable, "no face in any photo: nothing to embed");
  const std::size_t found = chips.size();
  chips.resize(kBatch, chips.front());
  for (std::size_t i = found; i < kBatch; ++i) chips[i] = chips[i % found];
  (void)embedder->embed(chips);

  std::vector<double> read, detect, align, embed;
  for (int round = 0; round < args.rounds; ++round) {
    const Stages once = look_once(photos, embedder_pack.contract.crop, *detector, nullptr);
    read.push_back(once.read);
    detect.push_back(once.detect);
    align.push_back(once.align);
    embed.push_back(seconds([&] { (void)embedder->embed(chips); }));
    progress(static_cast<std::size_t>(round) + 1, static_cast<std::size_t>(args.rounds));
  }
  result.load_detector = load_detector;
  result.load_embedder = load_embedder;
  result.load_compiled = load_compiled;
  result.read = median(read);
  result.detect = median(detect);
  result.align = median(align);
  result.embed = median(embed);
  return result;
}

/// The photos again and again, until every thread has two batches of faces.
std::vector<fs::path> repeated(const std::vector<fs::path>& photos, std::size_t faces, int threads) {
  const std::size_t wanted = 2 * kBatch * static_cast<std::size_t>(threads);
  std::vector<fs::path> list;
  for (std::size_t have = 0; have < wanted; have += faces)
    list.insert(list.end(), photos.begin(), photos.end());
  return list;
}

Road measure_road(const std::vector<fs::path>& photos, std::size_t found, const ModelPack& embedder,
                  const ModelPack& detector, const Args& args, int threads, const Progress& progress) {
  StreamOptions options;
  options.detector = args.detector;
  options.precision = args.models.precision;
  options.threads = threads;
  options.batch = kBatch;
  options.cache_folder = ModelOptions::cache();
  PhotoStream stream(detector, embedder, options);
  stream.run(photos, [](PhotoFaces&&) {});  // loads the network, and warms up
  const auto list = repeated(photos, found, args.threads);
  std::size_t faces = 0;
  const auto count = [&](PhotoFaces&& photo) { faces += photo.chips.size(); };
  std::vector<double> times;
  for (int round = 0; round < args.rounds; ++round) {
    faces = 0;
    times.push_back(seconds([&] { stream.run(list, count); }));
    progress(static_cast<std::size_t>(round) + 1, static_cast<std::size_t>(args.rounds));
  }
  const double time = median(times);
  return {.threads = threads,
          .photos_per_second = static_cast<double>(list.size()) / time,
          .faces_per_second = static_cast<double>(faces) / time};
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

double peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

Json report_json(const Stages& stages, const std::vector<Road>& roads, double peak, double products,
                 const ModelPack& embedder, const Args& args) {
  const auto photos = static_cast<double>(stages.photos);
  const auto faces = static_cast<double>(stages.faces);
  Json json = {{"version", LIKENESS_VERSION},
               {"cpu", cpu_name()},
               {"processors", std::thread::hardware_concurrency()},
               {"multiply_adds_per_second", peak},
               {"model", embedder.contract.name},
               {"precision", to_string(args.models.precision)},
               {"photos", stages.photos},
               {"faces", stages.faces},
               {"megapixels", stages.megapixels}};
  json["load_ms"] = {{"detector", 1e3 * stages.load_detector},
                     {"embedder", 1e3 * stages.load_embedder},
                     {"embedder_kept", 1e3 * stages.load_compiled}};
  json["one_thread_ms"] = {{"read_a_photo", 1e3 * stages.read / photos},
                           {"detect_a_photo", 1e3 * stages.detect / photos},
                           {"align_a_face", 1e3 * stages.align / faces},
                           {"embed_a_face", 1e3 * stages.embed / kBatch}};
  json["share_of_peak"] = {{"embed", kBatch * products / stages.embed / peak}};
  for (const Road& road : roads) {
    json["whole_way"].push_back({{"threads", road.threads},
                                 {"photos_per_second", road.photos_per_second},
                                 {"faces_per_second", road.faces_per_second}});
  }
  json["peak_memory_bytes"] = peak_memory_bytes();
  return json;
}

void print_text(const Json& json) {
  const auto number = [](const Json& value) { return value.get<double>(); };
  std::printf("machine      %s, %u processors\n", json["cpu"].get<std::string>().c_str(),
              json["processors"].get<unsigned>());
  std::printf("peak         %.1f G multiply-adds a second on one thread, f32, measured\n",
              1e-9 * number(json["multiply_adds_per_second"]));
  std::printf("photos       %s, %s, %.1f megapixels\n", counted(json["photos"], "photo").c_str(),
              counted(json["faces"], "face").c_str(), number(json["megapixels"]));
  std::printf("loading      detector %.0f ms, %s in %s %.0f ms, kept from an earlier start %.0f ms\n",
              number(json["load_ms"]["detector"]), json["model"].get<std::string>().c_str(),
              json["precision"].get<std::string>().c_str(), number(json["load_ms"]["embedder"]),
              number(json["load_ms"]["embedder_kept"]));
  std::printf("\none thread   ms            share of peak\n");
  const auto stage = [&](const char* name, const char* key, const char* unit, const char* share) {
    std::printf("  %-10s %6.2f a %s", name, number(json["one_thread_ms"][key]), unit);
    if (share != nullptr)
      std::printf("%*s%.2f", unit[0] == 'f' ? 2 : 1, "", number(json["share_of_peak"][share]));
    std::printf("\n");
  };
  stage("read", "read_a_photo", "photo", nullptr);
  stage("detect", "detect_a_photo", "photo", nullptr);
  stage("align", "align_a_face", "face", nullptr);
  stage("embed", "embed_a_face", "face", "embed");
  std::printf("\nwhole way    photos/s   faces/s\n");
  for (const Json& road : json["whole_way"]) {
    std::printf("  %-10s %8.1f  %8.1f\n", counted(road["threads"], "thread").c_str(),
                number(road["photos_per_second"]), number(road["faces_per_second"]));
  }
  std::printf("\npeak memory  %.0f MB\n", 1e-6 * number(json["peak_memory_bytes"]));
}

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
  const auto photos = photos_to_measure(args);
  const ModelPack embedder = args.models.embedder();
  const ModelPack detector = args.models.detector(embedder);
  const double peak = multiply_adds_per_second();
  const double products = products_a_row(embedder.network(args.models.precision));

  Stages stages;
  {
    ProgressBar bar("stage by stage");
    stages = measure_stages(photos, embedder, detector, args, bar.callback());
  }
  std::vector<Road> roads;
  for (const int threads : {1, args.threads}) {
    if (!roads.empty() && threads == 1) continue;
    ProgressBar bar("the whole way on " + counted(static_cast<std::size_t>(threads), "thread"));
    roads.push_back(measure_road(photos, stages.faces, embedder, detector, args, threads, bar.callback()));
  }
  const Json json = report_json(stages, roads, peak, products, embedder, args);
  if (args.json) {
    std::cout << dump_line(json) << '\n';
  } else {
    print_text(json);
  }
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
  add_detector_options(*command, args->detector);
  add_model_options(*command, args->models);
  add_threads_option(*command, args->threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
