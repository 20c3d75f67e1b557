#include "likeness/infer/output_kinds.h"

#include <algorithm>
#include <array>
#include <map>

namespace likeness {
namespace {

constexpr std::int64_t kLeastEmbedding = 16;
constexpr std::int64_t kMostEmbedding = 4096;

/// Dimensions without the batch, and without the ones of maps of a single pixel.
std::vector<std::int64_t> of_a_picture(const OutputFacts& output) {
  std::vector<std::int64_t> sizes = output.shape;
  if (!sizes.empty()) sizes.erase(sizes.begin());
  if (sizes.size() == 3 && sizes[1] == 1 && sizes[2] == 1) sizes.resize(1);
  return sizes;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape)
    text += (text.empty() ? "" : " x ") + (size < 0 ? "?" : std::to_string(size));
  return text.empty() ? "one number" : text;
}

std::string usually(const OutputFacts& output) {
  const auto sizes = of_a_picture(output);
  if (sizes.empty()) return "one number";
  if (sizes.size() == 3) return "maps";
  if (sizes.size() != 1) return "a list";
  const std::int64_t numbers = sizes[0];
  if (numbers < 0) return "a list";
  if (numbers == 1) return "one number a picture, a score or a quality";
  const std::string count = std::to_string(numbers) + " numbers a picture, ";
  if (const std::string found = landmarks_of(numbers); !found.empty()) return count + found;
  if (may_be_embedding(output)) return count + "may be the embedding";
  return count + (numbers < kLeastEmbedding ? "too few for an embedding" : "classes or features");
}

/// How many columns or channels each box, score or point has in an output of a detector; 0 for a row of
/// numbers a picture, which no detector gives.
std::int64_t columns_of(const OutputFacts& output) {
  const auto& shape = output.shape;
  // SCRFD's lists have no batch.
  if (shape.size() == 2) return shape[1] > 0 && shape[1] <= 16 && shape[0] != 1 ? shape[1] : 0;
  if (shape.size() == 3) return shape[2];
  if (shape.size() != 4) return 0;
  // Maps have their channels in front or behind; few are the channels.
  const bool behind = shape[1] < 0 || (shape[1] > 16 && shape[3] > 0 && shape[3] <= 16);
  return behind ? shape[3] : shape[1];
}

}  // namespace

std::string landmarks_of(std::int64_t numbers) {
  // Two numbers a point: 5 points, and 68, 98 and 106 of iBUG 300-W, WFLW and JD-landmark.
  for (const int points : {5, 68, 98, 106}) {
    if (numbers == 2 * points) return "the places of " + std::to_string(points) + " landmarks";
  }
  return {};
}

bool may_be_embedding(const OutputFacts& output) {
  const auto sizes = of_a_picture(output);
  return output.shape.size() >= 2 && sizes.size() == 1 && sizes[0] >= kLeastEmbedding &&
         sizes[0] <= kMostEmbedding && landmarks_of(sizes[0]).empty();
}

std::string explained(std::span<const OutputFacts> outputs) {
  // More than these would not be read; a detector of twelve is told as one before.
  constexpr std::size_t kMostTold = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(outputs.size(), kMostTold); ++i) {
    const OutputFacts& one = outputs[i];
    text += (text.empty() ? "" : "; ") + one.name + " (" + shape_text(one.shape) + ": " + usually(one) + ")";
  }
  if (outputs.size() > kMostTold) text += "; and " + std::to_string(outputs.size() - kMostTold) + " more";
  return text;
}

std::string detector_by_outputs(std::span<const OutputFacts> outputs) {
  if (outputs.size() < 2 || std::ranges::any_of(outputs, may_be_embedding)) return {};
  std::map<std::int64_t, int> columns;
  for (const OutputFacts& output : outputs) ++columns[columns_of(output)];
  using Columns = std::map<std::int64_t, int>;
  struct Known {
    const char* name;
    Columns columns;
  };
  const std::array<Known, 6> all{{{"YuNet", {{1, 6}, {4, 3}, {10, 3}}},
                                  {"CenterFace", {{1, 1}, {2, 2}, {10, 1}}},
                                  {"SCRFD", {{1, 3}, {4, 3}, {10, 3}}},
                                  {"RetinaFace or MTCNN", {{2, 1}, {4, 1}, {10, 1}}},
                                  {"MTCNN", {{2, 1}, {4, 1}}},
                                  {"BlazeFace", {{1, 1}, {16, 1}}}}};
  const auto known = std::ranges::find_if(all, [&](const Known& one) { return one.columns == columns; });
  const bool boxes = columns.contains(4) && columns.size() > 1 && !columns.contains(0);
  if (known == all.end() && !boxes) return {};
  const std::string count = std::to_string(outputs.size()) + " outputs";
  return "it finds faces (" +
         (known == all.end() ? count + ", boxes among them" : count + " as " + known->name + " has them") +
         ") and gives no embeddings; the detectors that are known are mtcnn, yunet and centerface, each a "
         "pack "
         "of its own";
}

}  // namespace likeness
