#include "likeness/detect/one_stage_decode.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "likeness/core/error.h"

namespace likeness {
namespace {

constexpr std::array<int, 3> kYunetStrides{8, 16, 32};
constexpr int kCenterfaceStride = 4;

/// One output of the network: numbers for each of rows x columns cells.
struct Map {
  const float* values = nullptr;
  std::size_t cell = 1;     ///< From one cell to the next.
  std::size_t channel = 1;  ///< From one number of a cell to the next.
  [[nodiscard]] float at(std::size_t i, std::size_t c) const { return values[i * cell + c * channel]; }
};

/// `planes`: whether the file's own output is one plane after the other.
Map map_of(const Tensor& tensor, std::size_t cells, std::size_t channels, bool planes,
           const std::filesystem::path& network) {
  if (tensor.values.size() != cells * channels) {
    throw Error(ErrorCode::kModelInvalid,
                network.string() + " gives " + std::to_string(tensor.values.size()) +
                    " numbers where its method has " + std::to_string(cells * channels));
  }
  if (planes && tensor.shape.size() != 3) return {tensor.values.data(), 1, cells};
  return {tensor.values.data(), channels, 1};
}

void expect_outputs(std::span<const Tensor> outputs, std::size_t count,
                    const std::filesystem::path& network) {
  if (outputs.size() == count) return;
  throw Error(ErrorCode::kModelInvalid, network.string() + " has " + std::to_string(outputs.size()) +
                                            " outputs where its method has " + std::to_string(count));
}

/// A box of a size that no picture has, or that is no number, is none: weights may be anybody's.
bool is_box(const Box& box) {
  constexpr float kFarthest = 1e6F;
  return box.left > -kFarthest && box.top > -kFarthest && box.right < kFarthest && box.bottom < kFarthest &&
         box.left <= box.right && box.top <= box.bottom;
}

Box about(float x, float y, float width, float height) {
  const float left = x - width / 2;
  const float top = y - height / 2;
  return {.left = left, .top = top, .right = left + width, .bottom = top + height};
}

// The outputs are score of the class, score of an object, box and points, each at three strides; every cell's
// numbers lie together. OpenCV's FaceDetectorYN takes the root of both scores' product.
void decode_yunet(const DetectorContract& detector, std::span<const Tensor> outputs, int width, int height,
                  float min_score, const std::filesystem::path& network, std::vector<Face>& found) {
  expect_outputs(outputs, 4 * kYunetStrides.size(), network);
  for (std::size_t k = 0; k < kYunetStrides.size(); ++k) {
    const int stride = kYunetStrides[k];
    const auto step = static_cast<float>(stride);
    const int columns = width / stride;
    const auto cells = static_cast<std::size_t>(columns) * static_cast<std::size_t>(height / stride);
    const auto map = [&](std::size_t kind, std::size_t channels) {
      return map_of(outputs[kind * kYunetStrides.size() + k], cells, channels, /*planes=*/false, network)
          .values;
    };
    const float* classes = map(0, 1);
    const float* objects = map(1, 1);
    const float* boxes = map(2, 4);
    const float* points = map(3, 10);
    for (std::size_t i = 0; i < cells; ++i) {
      const float score = std::sqrt(std::clamp(classes[i], 0.0F, 1.0F) * std::clamp(objects[i], 0.0F, 1.0F));
      if (!(score >= min_score)) continue;
      const auto column = static_cast<float>(i % static_cast<std::size_t>(columns));
      const auto row = static_cast<float>(i / static_cast<std::size_t>(columns));
      const float* b = boxes + 4 * i;
      Face face{.box = about((column + b[0]) * step, (row + b[1]) * step, std::exp(b[2]) * step,
                             std::exp(b[3]) * step),
                .score = score};
      for (std::size_t p = 0; p < face.landmarks.size(); ++p) {
        const float* point = points + 10 * i + 2 * detector.landmarks[p];
        face.landmarks[p] = {.x = (column + point[0]) * step, .y = (row + point[1]) * step};
      }
      if (is_box(face.box)) found.push_back(face);
    }
  }
}

// The outputs are score, logarithm of height and width, offset down and to the right, and points, down before
// right, in heights and widths of the box from its corner; planes of one number a cell.
void decode_centerface(const DetectorContract& detector, std::span<const Tensor> outputs, int width,
                       int height, float min_score, const std::filesystem::path& network,
                       std::vector<Face>& found) {
  expect_outputs(outputs, 4, network);
  constexpr auto kStep = static_cast<float>(kCenterfaceStride);
  const int columns = width / kCenterfaceStride;
  const auto cells = static_cast<std::size_t>(columns) * static_cast<std::size_t>(height / kCenterfaceStride);
  const auto map = [&](std::size_t i, std::size_t channels) {
    return map_of(outputs[i], cells, channels, /*planes=*/true, network);
  };
  const float* scores = map(0, 1).values;
  const Map sizes = map(1, 2);
  const Map offsets = map(2, 2);
  const Map points = map(3, 10);
  for (std::size_t i = 0; i < cells; ++i) {
    if (!(scores[i] >= min_score)) continue;
    const auto column = static_cast<float>(i % static_cast<std::size_t>(columns));
    const auto row = static_cast<float>(i / static_cast<std::size_t>(columns));
    const float box_height = std::exp(sizes.at(i, 0)) * kStep;
    const float box_width = std::exp(sizes.at(i, 1)) * kStep;
    Face face{.box = about((column + offsets.at(i, 1) + 0.5F) * kStep,
                           (row + offsets.at(i, 0) + 0.5F) * kStep, box_width, box_height),
              .score = std::min(scores[i], 1.0F)};
    for (std::size_t p = 0; p < face.landmarks.size(); ++p) {
      const auto down = static_cast<std::size_t>(2 * detector.landmarks[p]);
      face.landmarks[p] = {.x = face.box.left + points.at(i, down + 1) * box_width,
                           .y = face.box.top + points.at(i, down) * box_height};
    }
    if (is_box(face.box)) found.push_back(face);
  }
}

struct Rectangle {
  double left, top, right, bottom;
  [[nodiscard]] double area() const { return (right - left) * (bottom - top); }
};

Rectangle rectangle_of(const Box& box, bool whole) {
  if (!whole) return {box.left, box.top, box.right, box.bottom};
  const double left = std::trunc(box.left);
  const double top = std::trunc(box.top);
  return {left, top, left + std::trunc(box.width()), top + std::trunc(box.height())};
}

double overlap_of(const Rectangle& a, const Rectangle& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double together = a.area() + b.area();
  if (together <= 0) return 1;  // two of no area are the same
  if (width <= 0 || height <= 0) return 0;
  return width * height / (together - width * height);
}

}  // namespace

std::vector<Face> decode(const DetectorContract& detector, std::span<const Tensor> outputs, int width,
                         int height, float min_score, const std::filesystem::path& network) {
  std::vector<Face> found;
  const auto method = detector.method == DetectorMethod::kYunet ? decode_yunet : decode_centerface;
  method(detector, outputs, width, height, min_score, network, found);
  return found;
}

void suppress(const DetectorContract& detector, std::vector<Face>& faces) {
  std::ranges::stable_sort(faces, [](const Face& a, const Face& b) { return a.score > b.score; });
  std::vector<Rectangle> kept;
  std::erase_if(faces, [&](const Face& face) {
    const Rectangle own = rectangle_of(face.box, detector.method == DetectorMethod::kYunet);
    for (const Rectangle& better : kept) {
      if (static_cast<float>(overlap_of(better, own)) > detector.overlap) return true;
    }
    kept.push_back(own);
    return false;
  });
}

}  // namespace likeness
