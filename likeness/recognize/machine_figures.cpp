#include "likeness/recognize/machine_figures.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "likeness/core/cpu_name.h"
#include "likeness/core/error.h"
#include "likeness/detect/fma_peak.h"
#include "likeness/infer/products.h"
#include "likeness/report/numbers.h"
#include "likeness/version.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 32;

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

PhotoStream open(const Setup& setup, const ModelPack& embedder) {
  StreamOptions options = setup.stream_options();
  options.batch = kBatch;
  return {setup.detector_for(embedder), embedder, options};
}

LoadingSeconds measure_loading(Setup setup, const ModelPack& embedder) {
  LoadingSeconds loading;
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

PhotosContent look_into(const std::vector<fs::path>& photos, PhotoStream& stream) {
  PhotosContent content;
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

WholeWay measure_way(const std::vector<fs::path>& photos, Setup setup, int rounds, const ModelPack& embedder,
                     int threads, PhotosContent& content, const Progress& progress) {
  const int most_threads = std::exchange(setup.threads, threads);
  PhotoStream stream = open(setup, embedder);
  content = look_into(photos, stream);  // loads the network, and warms up
  const auto list = repeated(photos, content.faces, most_threads);
  const auto photo_count = static_cast<double>(list.size());
  const double face_count =
      photo_count / static_cast<double>(photos.size()) * static_cast<double>(content.faces);
  std::vector<double> wall, read, detect, align, embed;
  for (int round = 0; round < rounds; ++round) {
    const StageSeconds before = stream.seconds();
    wall.push_back(seconds([&] { stream.run(PhotoSource::files(list), [](PhotoFaces&&) {}); }));
    const StageSeconds after = stream.seconds();
    read.push_back(after.read - before.read);
    detect.push_back(after.detect - before.detect);
    align.push_back(after.align - before.align);
    embed.push_back(after.embed - before.embed);
    report_progress(progress, static_cast<std::size_t>(round) + 1, static_cast<std::size_t>(rounds));
  }
  return {.threads = threads,
          .photos_per_second = photo_count / median(wall),
          .faces_per_second = face_count / median(wall),
          .a_photo = {.read = median(read) / photo_count, .detect = median(detect) / photo_count},
          .a_face = {.align = median(align) / face_count, .embed = median(embed) / face_count}};
}

double peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

template <typename... Values>
std::string words(const char* format, Values... values) {
  char text[300];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

MachineFigures measure_machine(const std::vector<fs::path>& photos, const Setup& setup, int rounds,
                               const std::function<Progress(int)>& progress) {
  const ModelPack embedder = setup.embedder();
  const std::string cpu = cpu_name();
  MachineFigures figures{.cpu = cpu.empty() ? "unknown" : cpu,
                         .processors = std::thread::hardware_concurrency(),
                         .multiply_adds_per_second = multiply_adds_per_second(),
                         .model = embedder.contract.name,
                         .precision = setup.precision};
  const double products = products_a_row(embedder.network(setup.precision));
  figures.loading = measure_loading(setup, embedder);
  for (const int threads : {1, setup.threads}) {
    if (!figures.ways.empty() && threads == 1) continue;
    figures.ways.push_back(measure_way(photos, setup, rounds, embedder, threads, figures.content,
                                       progress ? progress(threads) : Progress()));
  }
  figures.embed_share = products / figures.ways.front().a_face.embed / figures.multiply_adds_per_second;
  figures.peak_memory_bytes = peak_memory_bytes();
  return figures;
}

Json json_of(const MachineFigures& figures) {
  const WholeWay& alone = figures.ways.front();
  Json json = {{"version", version()},
               {"cpu", figures.cpu},
               {"processors", figures.processors},
               {"multiply_adds_per_second", figures.multiply_adds_per_second},
               {"model", figures.model},
               {"precision", to_string(figures.precision)},
               {"photos", figures.content.photos},
               {"faces", figures.content.faces},
               {"megapixels", figures.content.megapixels}};
  json["load_ms"] = {{"detector", 1e3 * figures.loading.detector},
                     {"embedder", 1e3 * figures.loading.embedder},
                     {"embedder_kept", 1e3 * figures.loading.kept}};
  json["one_thread_ms"] = {{"read_a_photo", 1e3 * alone.a_photo.read},
                           {"detect_a_photo", 1e3 * alone.a_photo.detect},
                           {"align_a_face", 1e3 * alone.a_face.align},
                           {"embed_a_face", 1e3 * alone.a_face.embed}};
  json["share_of_peak"] = {{"embed", figures.embed_share}};
  for (const WholeWay& way : figures.ways) {
    json["whole_way"].push_back({{"threads", way.threads},
                                 {"photos_per_second", way.photos_per_second},
                                 {"faces_per_second", way.faces_per_second}});
  }
  json["peak_memory_bytes"] = figures.peak_memory_bytes;
  return json;
}

std::vector<std::string> text_of(const MachineFigures& figures) {
  const WholeWay& alone = figures.ways.front();
  const LoadingSeconds& loading = figures.loading;
  const auto stage = [](const char* name, double seconds, const char* unit) {
    return words("  %-10s %6.2f a %s", name, 1e3 * seconds, unit);
  };
  std::vector<std::string> lines{
      "machine      " + figures.cpu + words(", %u processors", figures.processors),
      words("peak         %.1f G multiply-adds a second on one thread, f32, measured",
            1e-9 * figures.multiply_adds_per_second),
      words("photos       %s, %s, %.1f megapixels", counted(figures.content.photos, "photo").c_str(),
            counted(figures.content.faces, "face").c_str(), figures.content.megapixels),
      "loading      " + words("detector %.0f ms, ", 1e3 * loading.detector) + figures.model + " in " +
          std::string(to_string(figures.precision)) +
          words(" %.0f ms, kept from an earlier start %.0f ms", 1e3 * loading.embedder, 1e3 * loading.kept),
      "",
      "one thread   ms            share of peak",
      stage("read", alone.a_photo.read, "photo"),
      stage("detect", alone.a_photo.detect, "photo"),
      stage("align", alone.a_face.align, "face"),
      stage("embed", alone.a_face.embed, "face") + words("  %.2f", figures.embed_share),
      "",
      "whole way    photos/s   faces/s"};
  for (const WholeWay& way : figures.ways) {
    lines.push_back(words("  %-10s %8.1f  %8.1f",
                          counted(static_cast<std::size_t>(way.threads), "thread").c_str(),
                          way.photos_per_second, way.faces_per_second));
  }
  lines.emplace_back();
  lines.push_back(words("peak memory  %.0f MB", 1e-6 * figures.peak_memory_bytes));
  return lines;
}

}  // namespace likeness
