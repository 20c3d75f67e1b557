#include "cli/bench_command.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/cache_folder.h"
#include "likeness/detect/fma_peak.h"
#include "likeness/infer/products.h"
#include "likeness/recognize/photo_stream.h"
#include "likeness/version.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 32;

struct Args {
  std::vector<fs::path> photos;
  ModelOptions models;
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

/// What a stream is made of, in seconds.
struct Loading {
  double detector = 0;
  double embedder = 0, kept = 0;  ///< From the pack's file; as it was kept by an earlier start.
};

/// What is in the photos.
struct Content {
  std::size_t photos = 0, faces = 0;  ///< Read, and found in them.
  double megapixels = 0;              ///< All photos together.
};

/// The whole way on some threads; medians of the rounds.
struct Road {
  int threads = 1;
  double photos_per_second = 0;
  double faces_per_second = 0;
  StageSeconds a_photo{};  ///< Processor seconds of reading and detecting.
  StageSeconds a_face{};   ///< Of aligning and embedding.
};

PhotoStream open(const Setup& setup, const ModelPack& embedder) {
  StreamOptions options = setup.stream_options();
  options.batch = kBatch;
  return {setup.detector_for(embedder), embedder, options};
}

Loading measure_loading(Setup setup, const ModelPack& embedder) {
  Loading loading;
  const fs::path cache = std::exchange(setup.cache_folder, {});
  std::optional<PhotoStream> stream;
  const auto opens = [&] { stream.emplace(open(setup, embedder)); };
  const auto loads = [&] { stream->load(); };
  loading.detector = seconds(opens);
  loading.embedder = seconds(loads);
  setup.cache_folder = cache;
  opens();
  loads();  // keeps it, unless it is kept already
  opens();
  loading.kept = seconds(loads);
  return loading;
}

Content look_into(const std::vector<fs::path>& photos, PhotoStream& stream) {
  Content content;
  stream.run(PhotoSource::files(photos), [&](PhotoFaces&& photo) {
    if (!photo.error.empty()) throw Error(ErrorCode::kImageUnreadable, photo.error);
    ++content.photos;
    content.faces += photo.faces.size();
    content.megapixels += 1e-6 * photo.width * photo.height;
  });
  if (content.faces == 0) throw Error(ErrorCode::kInputUnreadable, "no face in any photo: nothing to embed");
  return content;
}

/// The photos again and again, until every thread has two batches of faces.
std::vector<fs::path> repeated(const std::vector<fs::path>& photos, std::size_t faces, int threads) {
  const std::size_t wanted = 2 * kBatch * static_cast<std::size_t>(threads);
  std::vector<fs::path> list;
  for (std::size_t have = 0; have < wanted; have += faces)
    list.insert(list.end(), photos.begin(), photos.end());
  return list;
}

Road measure_road(const std::vector<fs::path>& photos, const Args& args, const ModelPack& embedder,
                  int threads, Content& content, const Progress& progress) {
  Setup setup = args.models;
  setup.threads = threads;
  PhotoStream stream = open(setup, embedder);
  content = look_into(photos, stream);  // loads the network, and warms up
  const auto list = repeated(photos, content.faces, args.models.threads);
  const auto photo_count = static_cast<double>(list.size());
  const double face_count =
      photo_count / static_cast<double>(photos.size()) * static_cast<double>(content.faces);
  std::vector<double> wall, read, detect, align, embed;
  for (int round = 0; round < args.rounds; ++round) {
    const StageSeconds before = stream.seconds();
    wall.push_back(seconds([&] { stream.run(PhotoSource::files(list), [](PhotoFaces&&) {}); }));
    const StageSeconds after = stream.seconds();
    read.push_back(after.read - before.read);
    detect.push_back(after.detect - before.detect);
    align.push_back(after.align - before.align);
    embed.push_back(after.embed - before.embed);
    progress(static_cast<std::size_t>(round) + 1, static_cast<std::size_t>(args.rounds));
  }
  return {.threads = threads,
          .photos_per_second = photo_count / median(wall),
          .faces_per_second = face_count / median(wall),
          .a_photo = {.read = median(read) / photo_count, .detect = median(detect) / photo_count},
          .a_face = {.align = median(align) / face_count, .embed = median(embed) / face_count}};
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

Json report_json(const Loading& loading, const Content& content, const std::vector<Road>& roads, double peak,
                 double products, const ModelPack& embedder, const Args& args) {
  const Road& alone = roads.front();
  Json json = {{"version", version()},
               {"cpu", cpu_name()},
               {"processors", std::thread::hardware_concurrency()},
               {"multiply_adds_per_second", peak},
               {"model", embedder.contract.name},
               {"precision", to_string(args.models.precision)},
               {"photos", content.photos},
               {"faces", content.faces},
               {"megapixels", content.megapixels}};
  json["load_ms"] = {{"detector", 1e3 * loading.detector},
                     {"embedder", 1e3 * loading.embedder},
                     {"embedder_kept", 1e3 * loading.kept}};
  json["one_thread_ms"] = {{"read_a_photo", 1e3 * alone.a_photo.read},
                           {"detect_a_photo", 1e3 * alone.a_photo.detect},
                           {"align_a_face", 1e3 * alone.a_face.align},
                           {"embed_a_face", 1e3 * alone.a_face.embed}};
  json["share_of_peak"] = {{"embed", products / alone.a_face.embed / peak}};
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
  const double peak = multiply_adds_per_second();
  const double products = products_a_row(embedder.network(args.models.precision));
  const Loading loading = measure_loading(args.models, embedder);
  Content content;
  std::vector<Road> roads;  // that on one thread first: it tells the stages apart
  for (const int threads : {1, args.models.threads}) {
    if (!roads.empty() && threads == 1) continue;
    ProgressBar bar("the whole way on " + counted(static_cast<std::size_t>(threads), "thread"));
    roads.push_back(measure_road(photos, args, embedder, threads, content, bar.callback()));
  }
  const Json json = report_json(loading, content, roads, peak, products, embedder, args);
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
  add_detector_options(*command, args->models.detector);
  add_model_options(*command, args->models);
  add_threads_option(*command, args->models.threads);
  add_json_option(*command, args->json);
  command->callback([args, &exit] { exit = run(*args); });
}

}  // namespace likeness::cli
