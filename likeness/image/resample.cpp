#include "likeness/image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace likeness {
namespace {

constexpr int kPrecisionBits = 22;  // 32 bits, less 8 of the pixel and 2 of room for filters that overshoot
constexpr double kPi = 3.14159265358979323846;

double box_filter(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear_filter(double x) {
  x = std::fabs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double bicubic_filter(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= kPi;
  return std::sin(x) / x;
}

double lanczos_filter(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

struct Kernel {
  double (*value)(double);
  double support;  // it is zero further than this from its centre
};

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::kBox:
      return {box_filter, 0.5};
    case Filter::kBilinear:
      return {bilinear_filter, 1.0};
    case Filter::kBicubic:
      return {bicubic_filter, 2.0};
    case Filter::kLanczos:
      return {lanczos_filter, 3.0};
    case Filter::kNearest:
      break;
  }
  throw std::invalid_argument("not a filter with a kernel");
}

// For one axis: target pixel i is the sum of `count[i]` source pixels from `first[i]` on, weighted by the
// fixed-point numbers at weights[i * stride].
struct Taps {
  std::vector<int> first, count;
  std::vector<std::int32_t> weights;
  std::size_t stride = 0;
  const std::int32_t* of(int i) const { return weights.data() + static_cast<std::size_t>(i) * stride; }
};

// The order of operations, down to where float becomes double, decides the last bit.
Taps make_taps(int source, float from, float to, int target, const Kernel& kernel) {
  const double scale = static_cast<double>(to - from) / target;
  const double widening = std::max(scale, 1.0);
  const double support = kernel.support * widening;
  const double narrowing = 1.0 / widening;
  Taps taps;
  taps.stride = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
  taps.first.resize(static_cast<std::size_t>(target));
  taps.count.resize(static_cast<std::size_t>(target));
  taps.weights.resize(static_cast<std::size_t>(target) * taps.stride);
  std::vector<double> exact(taps.stride);
  for (int i = 0; i < target; ++i) {
    const double centre = from + (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int count = std::min(source, static_cast<int>(centre + support + 0.5)) - first;
    double sum = 0.0;
    for (int k = 0; k < count; ++k) {
      exact[static_cast<std::size_t>(k)] = kernel.value((k + first - centre + 0.5) * narrowing);
      sum += exact[static_cast<std::size_t>(k)];
    }
    std::int32_t* weights = taps.weights.data() + static_cast<std::size_t>(i) * taps.stride;
    for (int k = 0; k < count; ++k) {
      double weight = exact[static_cast<std::size_t>(k)];
      if (sum != 0.0) weight /= sum;
      weights[k] = static_cast<std::int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kPrecisionBits));
    }
    taps.first[static_cast<std::size_t>(i)] = first;
    taps.count[static_cast<std::size_t>(i)] = count;
  }
  return taps;
}

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

constexpr std::int32_t kHalf = 1 << (kPrecisionBits - 1);

// Rows [top, bottom) of `image`, each resampled along x.
Image resample_rows(ImageView image, int top, int bottom, int width, const Taps& taps) {
  Image result(width, bottom - top);
  for (int y = top; y < bottom; ++y) {
    const std::uint8_t* source = image.row(y);
    std::uint8_t* target = result.row(y - top);
    for (int x = 0; x < width; ++x, target += 3) {
      const std::uint8_t* pixel =
          source + static_cast<std::size_t>(taps.first[static_cast<std::size_t>(x)]) * 3;
      const std::int32_t* weights = taps.of(x);
      std::int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (int k = 0, count = taps.count[static_cast<std::size_t>(x)]; k < count; ++k, pixel += 3) {
        red += pixel[0] * weights[k];
        green += pixel[1] * weights[k];
        blue += pixel[2] * weights[k];
      }
      target[0] = to_pixel(red);
      target[1] = to_pixel(green);
      target[2] = to_pixel(blue);
    }
  }
  return result;
}

// `image` resampled along y; its first row is row `top` of the picture that `taps` speak of.
Image resample_columns(ImageView image, int top, int height, const Taps& taps) {
  Image result(image.width, height);
  const std::size_t values = static_cast<std::size_t>(image.width) * 3;
  std::vector<std::int32_t> sums(values);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const std::int32_t* weights = taps.of(y);
    for (int k = 0; k < taps.count[static_cast<std::size_t>(y)]; ++k) {
      const std::uint8_t* source = image.row(taps.first[static_cast<std::size_t>(y)] + k - top);
      const std::int32_t weight = weights[k];
      for (std::size_t i = 0; i < values; ++i) sums[i] += source[i] * weight;
    }
    std::uint8_t* target = result.row(y);
    for (std::size_t i = 0; i < values; ++i) target[i] = to_pixel(sums[i]);
  }
  return result;
}

// Source indices of NEAREST along one axis; -1 where the running sum leaves the image by rounding.
std::vector<int> nearest_indices(int source, float from, float to, int target) {
  const double step = static_cast<double>(to - from) / target;
  double position = from + step * 0.5;
  std::vector<int> indices(static_cast<std::size_t>(target));
  for (int& index : indices) {
    index = position < source ? static_cast<int>(position) : -1;
    position += step;
  }
  return indices;
}

Image resample_nearest(ImageView image, int width, int height, const Box& region) {
  const auto columns = nearest_indices(image.width, region.left, region.right, width);
  const auto rows = nearest_indices(image.height, region.top, region.bottom, height);
  Image result(width, height);  // black where an index is -1, as in Pillow
  for (int y = 0; y < height; ++y) {
    if (rows[static_cast<std::size_t>(y)] < 0) continue;
    const std::uint8_t* source = image.row(rows[static_cast<std::size_t>(y)]);
    std::uint8_t* target = result.row(y);
    for (int x = 0; x < width; ++x) {
      const int column = columns[static_cast<std::size_t>(x)];
      if (column >= 0) std::memcpy(target + 3 * x, source + static_cast<std::size_t>(column) * 3, 3);
    }
  }
  return result;
}

Image copy(ImageView image) {
  Image result(image.width, image.height);
  for (int y = 0; y < image.height; ++y) {
    std::memcpy(result.row(y), image.row(y), static_cast<std::size_t>(image.width) * 3);
  }
  return result;
}

}  // namespace

Image resample(ImageView image, int width, int height, Filter filter, std::optional<Box> region) {
  if (image.empty() || width < 1 || height < 1) {
    throw std::invalid_argument("resample needs at least one pixel on each side");
  }
  const Box whole{0, 0, static_cast<float>(image.width), static_cast<float>(image.height)};
  const Box box = region.value_or(whole);
  if (!(box.left >= 0 && box.top >= 0 && box.right <= whole.right && box.bottom <= whole.bottom &&
        box.left < box.right && box.top < box.bottom)) {
    throw std::invalid_argument("resample: the region is empty or reaches outside the image");
  }
  const bool across = width != image.width || box.left != 0 || box.right != whole.right;
  const bool down = height != image.height || box.top != 0 || box.bottom != whole.bottom;
  if (!across && !down) return copy(image);
  if (filter == Filter::kNearest) return resample_nearest(image, width, height, box);

  const Kernel kernel = kernel_of(filter);
  if (!down) {
    return resample_rows(image, 0, image.height, width,
                         make_taps(image.width, box.left, box.right, width, kernel));
  }
  const Taps vertical = make_taps(image.height, box.top, box.bottom, height, kernel);
  if (!across) return resample_columns(image, 0, height, vertical);
  const int top = vertical.first.front();
  const int bottom = vertical.first.back() + vertical.count.back();
  const Image rows =
      resample_rows(image, top, bottom, width, make_taps(image.width, box.left, box.right, width, kernel));
  return resample_columns(rows.view(), top, height, vertical);
}

}  // namespace likeness
