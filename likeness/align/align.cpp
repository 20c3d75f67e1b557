#include "likeness/align/align.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "likeness/image/resample.h"

namespace likeness {
namespace {

// Eyes, nose, mouth corners of an upright face of `side` x `side` pixels, given as places of pixel centres
// counted from 0.
struct Places {
  double side;
  std::array<Point, 5> points;
};
// Source: insightface, python-package/insightface/utils/face_align.py, arcface_dst.
constexpr Places kArcFacePlaces{112,
                                {{{38.2946F, 51.6963F},
                                  {73.5318F, 51.5014F},
                                  {56.0252F, 71.7366F},
                                  {41.5493F, 92.3655F},
                                  {70.7299F, 92.2041F}}}};
// Of the mean face in dlib's image_transforms/interpolation.h (points 17 to 67 of iBUG 300-W's 68): the means
// of points 36 to 41 and 42 to 47 are the eyes' middles, 30 is the tip of the nose, 48 and 54 are the mouth's
// corners; (.25 + p) / 1.5 x 150. dlib itself fits all 51 points, or the eyes' corners and the nose's base.
constexpr Places kDlibPlaces{150,
                             {{{47.5492F, 46.5990F},
                               {100.4762F, 46.5990F},
                               {74.0127F, 76.5625F},
                               {50.4149F, 103.0233F},
                               {97.6104F, 103.0233F}}}};

double main_face_score(const Box& box, int width, int height) {
  const double area = static_cast<double>(box.width()) * box.height();
  const double x = (static_cast<double>(box.left) + box.right) / 2 - width / 2.0;
  const double y = (static_cast<double>(box.top) + box.bottom) / 2 - height / 2.0;
  return area - 2 * (x * x + y * y);
}

// [begin, end) of the tutorial's crop along one axis of `size` pixels; never empty.
std::pair<int, int> tutorial_span(float from, float to, int size) {
  constexpr double kFar = 1e9;  // beyond any photo, and still an int
  const auto whole = [&](double value) { return static_cast<long long>(std::clamp(value, -kFar, kFar)); };
  const long long begin = std::abs(whole(from));
  const long long end = begin + whole(static_cast<double>(to) - from);
  const auto first = static_cast<int>(std::clamp<long long>(begin, 0, size - 1));
  return {first, static_cast<int>(std::clamp<long long>(end, first + 1, size))};
}

// One axis of a region clamped to [0, size], at least one pixel long.
std::pair<float, float> clamped_span(double from, double to, int size) {
  const double begin = std::clamp(from, 0.0, size - 1.0);
  return {static_cast<float>(begin),
          static_cast<float>(std::clamp(to, begin + 1.0, static_cast<double>(size)))};
}

struct Pixel {
  std::uint8_t values[3];
};

// Bilinear value of one place, of which `at` gives the pixels around it. Coordinates count from pixel
// centres.
template <typename At>
Pixel bilinear(double x, double y, At at) {
  const double left = std::floor(x), top = std::floor(y);
  const auto u = static_cast<float>(x - left), v = static_cast<float>(y - top);
  const int column = static_cast<int>(left), row = static_cast<int>(top);
  const std::uint8_t* a = at(column, row);
  const std::uint8_t* b = at(column + 1, row);
  const std::uint8_t* c = at(column, row + 1);
  const std::uint8_t* d = at(column + 1, row + 1);
  Pixel pixel{};
  for (int i = 0; i < 3; ++i) {
    const float upper = static_cast<float>(a[i]) + u * static_cast<float>(b[i] - a[i]);
    const float lower = static_cast<float>(c[i]) + u * static_cast<float>(d[i] - c[i]);
    pixel.values[i] = static_cast<std::uint8_t>(upper + v * (lower - upper) + 0.5F);
  }
  return pixel;
}

// A picture of width x height whose pixel (x, y) is the photo at from(x, y), counted from pixel centres.
template <typename From, typename At>
Image warped(int width, int height, From from, At at) {
  Image result(width, height);
  for (int y = 0; y < height; ++y) {
    std::uint8_t* target = result.row(y);
    for (int x = 0; x < width; ++x, target += 3) {
      const auto [u, v] = from(x, y);
      std::copy_n(bilinear(u, v, at).values, 3, target);
    }
  }
  return result;
}

Chip cut_tutorial(ImageView photo, const Face& face, const CropSpec& spec) {
  const auto [left, right] = tutorial_span(face.box.left, face.box.right, photo.width);
  const auto [top, bottom] = tutorial_span(face.box.top, face.box.bottom, photo.height);
  return resample(photo.part(left, top, right - left, bottom - top), spec.width, spec.height, spec.filter);
}

// The region turned to level eyes at the photo's own scale; stretching it is left to resample(), which
// smooths.
Image turned(ImageView photo, const Face& face, const Box& region) {
  const double angle = std::atan2(static_cast<double>(face.landmarks[1].y) - face.landmarks[0].y,
                                  static_cast<double>(face.landmarks[1].x) - face.landmarks[0].x);
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double centre_x = (static_cast<double>(region.left) + region.right) / 2;
  const double centre_y = (static_cast<double>(region.top) + region.bottom) / 2;
  const int width = std::max(1, static_cast<int>(std::lround(region.width())));
  const int height = std::max(1, static_cast<int>(std::lround(region.height())));
  const double step_x = static_cast<double>(region.width()) / width;
  const double step_y = static_cast<double>(region.height()) / height;
  const auto from = [&](int x, int y) {
    const double u = (x + 0.5 - width / 2.0) * step_x, v = (y + 0.5 - height / 2.0) * step_y;
    return std::pair(centre_x + cosine * u - sine * v - 0.5, centre_y + sine * u + cosine * v - 0.5);
  };
  const auto at = [&](int x, int y) {
    return photo.row(std::clamp(y, 0, photo.height - 1)) + 3 * std::clamp(x, 0, photo.width - 1);
  };
  return warped(width, height, from, at);
}

Chip cut_margin(ImageView photo, const Face& face, const CropSpec& spec) {
  const Box region = margin_region(face.box, photo.width, photo.height, spec);
  if (!spec.upright) return resample(photo, spec.width, spec.height, spec.filter, region);
  return resample(turned(photo, face, region).view(), spec.width, spec.height, spec.filter);
}

// Fitting backwards instead would give another scale: the points never fit perfectly.
Similarity inverse(const Similarity& s) {
  const double size = s.a * s.a + s.b * s.b;
  if (!(size > 0)) throw std::invalid_argument("the landmarks are no face");
  const double a = s.a / size, b = -s.b / size;
  return {a, b, -(a * s.dx - b * s.dy), -(b * s.dx + a * s.dy)};
}

Chip cut_aligned(ImageView photo, const Face& face, const CropSpec& spec) {
  // Landmarks and places are both taken as counted from pixel centres, as those who train such models do.
  const auto places =
      spec.places ? *spec.places : template_places(LandmarkTemplate::kArcface, spec.width, spec.height);
  const Similarity back = inverse(fit_similarity(face.landmarks, places));
  static constexpr std::uint8_t kBlack[3] = {0, 0, 0};
  const auto from = [&](int x, int y) {
    // Far outside everything is black anyway; the limit keeps the place an int.
    return std::pair(std::clamp(back.a * x - back.b * y + back.dx, -1e9, 1e9),
                     std::clamp(back.b * x + back.a * y + back.dy, -1e9, 1e9));
  };
  const auto at = [&](int x, int y) {
    return x >= 0 && x < photo.width && y >= 0 && y < photo.height ? photo.row(y) + 3 * x : kBlack;
  };
  return warped(spec.width, spec.height, from, at);
}

}  // namespace

std::optional<std::size_t> main_face(std::span<const Face> faces, int width, int height,
                                     const CropSpec& spec) {
  if (faces.empty()) return std::nullopt;
  if (spec.profile == CropProfile::kTutorial) return 0;
  const auto best = std::ranges::max_element(
      faces, {}, [&](const Face& face) { return main_face_score(face.box, width, height); });
  return static_cast<std::size_t>(best - faces.begin());
}

Box margin_region(const Box& box, int width, int height, const CropSpec& spec) {
  double half_width = (static_cast<double>(box.right) - box.left) / 2;
  double half_height = (static_cast<double>(box.bottom) - box.top) / 2;
  if (spec.square) half_width = half_height = std::max(half_width, half_height);
  half_width *= spec.grow;
  half_height *= spec.grow;
  const double x = (static_cast<double>(box.left) + box.right) / 2;
  const double y = (static_cast<double>(box.top) + box.bottom) / 2;
  const auto [left, right] = clamped_span(x - half_width, x + half_width, width);
  const auto [top, bottom] = clamped_span(y - half_height, y + half_height, height);
  return {left, top, right, bottom};
}

Similarity fit_similarity(const std::array<Point, 5>& from, const std::array<Point, 5>& to) {
  double from_x = 0, from_y = 0, to_x = 0, to_y = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    from_x += from[i].x / 5.0;
    from_y += from[i].y / 5.0;
    to_x += to[i].x / 5.0;
    to_y += to[i].y / 5.0;
  }
  double along = 0, across = 0, spread = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double x = from[i].x - from_x, y = from[i].y - from_y;
    const double u = to[i].x - to_x, v = to[i].y - to_y;
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  }
  if (!(spread > 0)) throw std::invalid_argument("fit_similarity needs points that differ");
  const double a = along / spread, b = across / spread;
  return {a, b, to_x - (a * from_x - b * from_y), to_y - (b * from_x + a * from_y)};
}

std::string_view to_string(LandmarkTemplate which) {
  return which == LandmarkTemplate::kDlib ? "dlib" : "arcface";
}

std::optional<LandmarkTemplate> landmark_template_from(std::string_view name) {
  for (const auto which : {LandmarkTemplate::kArcface, LandmarkTemplate::kDlib}) {
    if (to_string(which) == name) return which;
  }
  return std::nullopt;
}

std::array<Point, 5> template_places(LandmarkTemplate which, int width, int height) {
  const Places& known = which == LandmarkTemplate::kDlib ? kDlibPlaces : kArcFacePlaces;
  const double scale = std::min(width, height) / known.side;
  const double right = (width - scale * known.side) / 2, down = (height - scale * known.side) / 2;
  std::array<Point, 5> places{};
  for (std::size_t i = 0; i < places.size(); ++i) {
    places[i] = {static_cast<float>(known.points[i].x * scale + right),
                 static_cast<float>(known.points[i].y * scale + down)};
  }
  return places;
}

Chip cut_chip(ImageView photo, const Face& face, const CropSpec& spec) {
  if (photo.empty() || spec.width < 1 || spec.height < 1) {
    throw std::invalid_argument("cut_chip needs a photo and a chip with pixels");
  }
  const auto finite = [](Point p) { return std::isfinite(p.x) && std::isfinite(p.y); };
  if (!finite({face.box.left, face.box.top}) || !finite({face.box.right, face.box.bottom}) ||
      !std::ranges::all_of(face.landmarks, finite)) {
    throw std::invalid_argument("cut_chip: the face's places are not numbers");
  }
  switch (spec.profile) {
    case CropProfile::kTutorial:
      return cut_tutorial(photo, face, spec);
    case CropProfile::kMargin:
      return cut_margin(photo, face, spec);
    case CropProfile::kAligned:
      return cut_aligned(photo, face, spec);
  }
  throw std::invalid_argument("no such crop profile");
}

}  // namespace likeness
