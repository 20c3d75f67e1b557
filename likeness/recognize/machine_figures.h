#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/recognize/photo_stream.h"
#include "likeness/recognize/setup.h"

namespace likeness {

/// What a stream is made of, in seconds.
struct LoadingSeconds {
  double detector = 0;
  double embedder = 0, kept = 0;  ///< From the pack's file; as it was kept by an earlier start.
};

/// What is in the photos.
struct PhotosContent {
  std::size_t photos = 0, faces = 0;  ///< Read, and found in them.
  double megapixels = 0;              ///< All photos together.
};

/// The whole way on some threads; medians of the rounds.
struct WholeWay {
  int threads = 1;
  double photos_per_second = 0;
  double faces_per_second = 0;
  StageSeconds a_photo{};  ///< Processor seconds of reading and detecting.
  StageSeconds a_face{};   ///< Of aligning and embedding.
};

/// What this machine does with a model: each stage, start-up, memory.
struct MachineFigures {
  std::string cpu;  ///< "unknown" where the system does not say.
  unsigned processors = 0;
  double multiply_adds_per_second = 0;  ///< The peak of one thread in f32.
  std::string model;
  Precision precision = Precision::kF32;
  PhotosContent content;
  LoadingSeconds loading;
  std::vector<WholeWay> ways;    ///< On one thread first, which tells the stages apart; then on all.
  double embed_share = 0;        ///< Of that peak, reached by the network's products.
  double peak_memory_bytes = 0;  ///< Of the process.
};

/// Measures; every round takes the photos along until every thread has had two batches of faces.
/// @param progress is asked for one for each number of threads that is measured; of rounds. May be empty.
/// @throws Error kImageUnreadable for a photo; kInputUnreadable where there is no face in any.
[[nodiscard]] MachineFigures measure_machine(const std::vector<std::filesystem::path>& photos,
                                             const Setup& setup, int rounds,
                                             const std::function<Progress(int threads)>& progress = {});

/// In lines of plain text.
[[nodiscard]] std::vector<std::string> text_of(const MachineFigures& figures);
/// As one object.
[[nodiscard]] nlohmann::ordered_json json_of(const MachineFigures& figures);

}  // namespace likeness
