#include "likeness/detect/mtcnn.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "likeness/detect/area_resample.h"
#include "likeness/detect/candidates.h"
#include "likeness/detect/pnet.h"
#include "likeness/detect/refine_net.h"
#include "likeness/detect/work_pool.h"

namespace likeness {
namespace {

// NMS thresholds of mtcnn 0.1.1, stage by stage.
constexpr double kInsideScale = 0.5;
constexpr double kOtherwise = 0.7;

// Rows of P-Net's map that are one piece of work. The same for any number of threads: where the four rows
// that are made together begin may show in the last digit.
constexpr int kBandRows = 64;
// Bytes of the photo that are shrunk to all scales together: they stay in the second-level cache.
constexpr std::size_t kStripeBytes = 384 << 10;
// Patches of R-Net or O-Net that are one piece of work.
constexpr std::size_t kPatches = 24;

/// The options that count, the method's own with its defaults where they were not said.
struct Settings {
  explicit Settings(const DetectorOptions& options)
      : min_face_px(options.min_face_px),
        min_face_share(options.min_face_share),
        max_side_px(options.max_side_px),
        threads(options.threads) {
    const MtcnnOptions own = options.mtcnn.value_or(MtcnnOptions{});
    pyramid_step = own.pyramid_step;
    min_scores = own.min_scores;
    if (options.min_score) min_scores[2] = *options.min_score;
    const auto refuse = [](const std::string& what) {
      throw std::invalid_argument("DetectorOptions: " + what);
    };
    if (min_face_px < PNet::kCell) refuse("min_face_px must be at least 12 for MTCNN");
    if (!(pyramid_step > 0 && pyramid_step < 1)) refuse("pyramid_step must lie between 0 and 1");
    for (const float score : min_scores) {
      if (!(score >= 0 && score <= 1)) refuse("min_scores must lie in [0, 1]");
    }
  }

  int min_face_px;
  double min_face_share;
  int max_side_px;
  int threads;
  double pyramid_step = 0;
  std::array<float, 3> min_scores{};
};

// One scale of the pyramid; its pixels lie in Run::pixels.
struct Scale {
  double scale = 0;
  int width = 0;
  int height = 0;
  std::size_t stride = 0;
  std::size_t offset = 0;
  AreaAxes axes{};
};

// Some rows of P-Net's map at one scale.
struct Band {
  std::size_t scale = 0;
  int first_row = 0;
  int last_row = 0;
};

// What one thread needs for itself; kept between photos.
struct Worker {
  AreaScratch area;
  PNetScratch strips;
  RefineScratch maps;
  std::vector<float> patches;
};

PixelRegion patch_region(const Candidate& box) {
  return {.left = static_cast<int>(box.x1) - 1,
          .top = static_cast<int>(box.y1) - 1,
          .width = static_cast<int>(box.x2 - box.x1) + 1,
          .height = static_cast<int>(box.y2 - box.y1) + 1};
}

// The box with what R-Net or O-Net says about it.
Candidate judged(Candidate box, const float* result) {
  box.score = result[0];
  std::copy_n(result + 1, 4, box.shift.begin());
  for (std::size_t k = 0; k < box.landmarks.size(); ++k) {
    box.landmarks[k] = {.x = static_cast<float>(box.x1 + result[5 + k] * (box.x2 - box.x1 + 1) - 1),
                        .y = static_cast<float>(box.y1 + result[10 + k] * (box.y2 - box.y1 + 1) - 1)};
  }
  return box;
}

bool is_empty(const Candidate& box) { return box.x2 - box.x1 + 1 < 1 || box.y2 - box.y1 + 1 < 1; }

Face face_of(const Candidate& box, float ratio_x, float ratio_y) {
  Face face{.box = {.left = static_cast<float>(box.x1) * ratio_x,
                    .top = static_cast<float>(box.y1) * ratio_y,
                    .right = static_cast<float>(box.x2) * ratio_x,
                    .bottom = static_cast<float>(box.y2) * ratio_y},
            .score = box.score,
            .landmarks = box.landmarks};
  for (Point& point : face.landmarks) point = {.x = point.x * ratio_x, .y = point.y * ratio_y};
  return face;
}

struct Weights {
  explicit Weights(const std::filesystem::path& dir)
      : pnet(OnnxConstants(dir / "pnet.onnx")),
        rnet(RefineNet::rnet(OnnxConstants(dir / "rnet.onnx"))),
        onet(RefineNet::onet(OnnxConstants(dir / "onet.onnx"))) {}

  PNet pnet;
  RefineNet rnet;
  RefineNet onet;
};

struct Run {
  Run(const Weights& weights, int threads) : pnet(weights.pnet), pool(threads), workers(pool.threads()) {}

  ImageView shrunk(ImageView image, int max_side);
  void plan(ImageView photo, const Settings& options);
  void shrink_stripe(ImageView photo, std::size_t stripe, std::size_t stripes, Worker& worker);
  void scan_band(const Band& band, float min_score, Worker& worker, std::vector<Cell>& found);
  void collect(std::size_t index);
  void propose(ImageView photo, const Settings& options);
  void judge(ImageView photo, const RefineNet& net, float min_score);

  const PNet& pnet;
  WorkPool pool;

  // Kept between photos, so that a photo like the last one allocates next to nothing.
  std::vector<Worker> workers;
  std::vector<std::uint8_t> small_photo;
  std::vector<Scale> scales;
  std::size_t scale_count = 0;  // Of this photo; the rest of `scales` keeps its room.
  std::vector<std::uint8_t> pixels;
  std::vector<Band> bands;
  std::vector<std::vector<Cell>> cells;  // Of each band.
  std::vector<Cell> scale_cells;
  std::vector<Candidate> scale_boxes;
  std::vector<Candidate> boxes;
  std::vector<float> results;
  SuppressScratch suppressed;
};

// The image itself, or a smaller copy whose longer side is `max_side`.
ImageView Run::shrunk(ImageView image, int max_side) {
  const int longer = std::max(image.width, image.height);
  if (max_side == 0 || longer <= max_side) return image;
  const auto side = [&](int of) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(of) * max_side / longer)));
  };
  const int width = side(image.width);
  const int height = side(image.height);
  const std::size_t stride = static_cast<std::size_t>(width) * 3 + 4;
  small_photo.resize(stride * static_cast<std::size_t>(height));
  make_axes(image, width, height, workers[0].area.axes);
  resample_rounded(image, workers[0].area.axes, 0, height, small_photo.data(), stride, workers[0].area);
  return {.data = small_photo.data(), .width = width, .height = height, .stride = stride};
}

// The pyramid of this photo: sizes (12 / min_face) * step^k while the shorter side is at least a cell, and
// each scale's map cut into bands of rows.
void Run::plan(ImageView photo, const Settings& options) {
  const int shorter = std::min(photo.width, photo.height);
  const int min_face = std::max(options.min_face_px, static_cast<int>(options.min_face_share * shorter));
  const double largest = static_cast<double>(PNet::kCell) / min_face;
  bands.clear();
  scale_count = 0;
  std::size_t bytes = 0;
  for (double side = shorter * largest; side >= PNet::kCell; side *= options.pyramid_step) {
    if (scales.size() == scale_count) scales.emplace_back();
    Scale& s = scales[scale_count];
    s.scale = largest * std::pow(options.pyramid_step, static_cast<double>(scale_count));
    s.width = static_cast<int>(std::ceil(photo.width * s.scale));
    s.height = static_cast<int>(std::ceil(photo.height * s.scale));
    s.stride = static_cast<std::size_t>(s.width) * 3 + PNet::kPadding;
    s.offset = bytes;
    bytes += s.stride * static_cast<std::size_t>(s.height);
    make_axes(photo, s.width, s.height, s.axes);
    const int rows = PNet::map_size(s.height);
    for (int row = 0; row < rows; row += kBandRows) {
      bands.push_back({.scale = scale_count, .first_row = row, .last_row = std::min(rows, row + kBandRows)});
    }
    ++scale_count;
  }
  if (cells.size() < bands.size()) cells.resize(bands.size());
  if (pixels.size() < bytes) pixels.resize(bytes);
}

// The rows of all scales whose part of the photo is (about) this stripe, which is read from memory only once.
void Run::shrink_stripe(ImageView photo, std::size_t stripe, std::size_t stripes, Worker& worker) {
  for (std::size_t i = 0; i < scale_count; ++i) {
    const Scale& s = scales[i];
    const auto row = [&](std::size_t n) {
      return static_cast<int>(static_cast<std::size_t>(s.height) * n / stripes);
    };
    const int first = row(stripe);
    if (first == row(stripe + 1)) continue;
    resample_rounded(photo, s.axes, first, row(stripe + 1),
                     pixels.data() + s.offset + static_cast<std::size_t>(first) * s.stride, s.stride,
                     worker.area);
  }
}

void Run::scan_band(const Band& band, float min_score, Worker& worker, std::vector<Cell>& found) {
  const Scale& s = scales[band.scale];
  found.clear();
  pnet.run({.data = pixels.data() + s.offset, .width = s.width, .height = s.height, .stride = s.stride},
           band.first_row, band.last_row, min_score, worker.strips, found);
}

// Boxes of one scale, from the cells of its bands, best first.
void Run::collect(std::size_t index) {
  const double scale = scales[index].scale;
  scale_cells.clear();
  for (std::size_t i = 0; i < bands.size(); ++i) {
    if (bands[i].scale == index) scale_cells.insert(scale_cells.end(), cells[i].begin(), cells[i].end());
  }
  // The order decides between equal scores: column by column, as the transposed networks see the photo.
  std::sort(scale_cells.begin(), scale_cells.end(),
            [](const Cell& a, const Cell& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  scale_boxes.clear();
  for (const Cell& cell : scale_cells) {
    scale_boxes.push_back({.x1 = (2 * cell.x + 1) / scale,
                           .y1 = (2 * cell.y + 1) / scale,
                           .x2 = (2 * cell.x + PNet::kCell) / scale,
                           .y2 = (2 * cell.y + PNet::kCell) / scale,
                           .score = cell.score,
                           .shift = cell.shift});
    fix(scale_boxes.back());
  }
  suppress(scale_boxes, kInsideScale, Overlap::kUnion, suppressed);
}

// P-Net over the pyramid.
void Run::propose(ImageView photo, const Settings& options) {
  plan(photo, options);
  const std::size_t stripes =
      1 + static_cast<std::size_t>(photo.width) * 3 * static_cast<std::size_t>(photo.height) / kStripeBytes;
  pool.run(stripes, [&](std::size_t stripe, std::size_t worker) {
    shrink_stripe(photo, stripe, stripes, workers[worker]);
  });
  pool.run(bands.size(), [&](std::size_t band, std::size_t worker) {
    scan_band(bands[band], options.min_scores[0], workers[worker], cells[band]);
  });
  boxes.clear();
  for (std::size_t scale = 0; scale < scale_count; ++scale) {
    collect(scale);
    boxes.insert(boxes.end(), scale_boxes.begin(), scale_boxes.end());
  }
  suppress(boxes, kOtherwise, Overlap::kUnion, suppressed);
  for (Candidate& box : boxes) {
    refine(box, 0);
    make_square(box);
    fix(box);
  }
}

// Runs R-Net or O-Net over whole-numbered square boxes; keeps those above `min_score`, with regression and,
// from O-Net, landmarks.
void Run::judge(ImageView photo, const RefineNet& net, float min_score) {
  std::erase_if(boxes, is_empty);
  if (results.size() < boxes.size() * RefineNet::kResult) results.resize(boxes.size() * RefineNet::kResult);
  const std::size_t pieces = (boxes.size() + kPatches - 1) / kPatches;
  pool.run(pieces, [&](std::size_t piece, std::size_t index) {
    Worker& worker = workers[index];
    const std::size_t first = piece * kPatches;
    const std::size_t count = std::min(kPatches, boxes.size() - first);
    if (worker.patches.size() < kPatches * net.patch_floats())
      worker.patches.resize(kPatches * net.patch_floats());
    for (std::size_t i = 0; i < count; ++i) {
      resample_standardised(photo, patch_region(boxes[first + i]), net.side(), net.side(),
                            worker.patches.data() + i * net.patch_floats(), worker.area);
    }
    net.run(worker.patches.data(), count, results.data() + first * RefineNet::kResult, worker.maps);
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const float* result = results.data() + i * RefineNet::kResult;
    if (result[0] > min_score) boxes[kept++] = judged(boxes[i], result);
  }
  boxes.resize(kept);
}

class Mtcnn final : public FaceFinder {
 public:
  Mtcnn(std::shared_ptr<const Weights> weights, const Settings& settings)
      : weights_(std::move(weights)), settings_(settings), run_(*weights_, settings.threads) {}

  std::vector<Face> detect(ImageView image) override;
  [[nodiscard]] std::unique_ptr<FaceFinder> with_options(const DetectorOptions& options) const override {
    return std::make_unique<Mtcnn>(weights_, Settings(options));
  }

 private:
  std::shared_ptr<const Weights> weights_;
  Settings settings_;
  Run run_;  ///< Buffers, and the threads of one call.
};

std::vector<Face> Mtcnn::detect(ImageView image) {
  Run& n = run_;
  const ImageView photo = n.shrunk(image, settings_.max_side_px);
  n.propose(photo, settings_);

  n.judge(photo, weights_->rnet, settings_.min_scores[1]);
  suppress(n.boxes, kOtherwise, Overlap::kUnion, n.suppressed);
  for (Candidate& box : n.boxes) {
    refine(box, 1);
    make_square(box);
    fix(box);
  }

  n.judge(photo, weights_->onet, settings_.min_scores[2]);
  for (Candidate& box : n.boxes) refine(box, 1);
  suppress(n.boxes, kOtherwise, Overlap::kMin, n.suppressed);

  const float ratio_x = static_cast<float>(image.width) / static_cast<float>(photo.width);
  const float ratio_y = static_cast<float>(image.height) / static_cast<float>(photo.height);
  std::vector<Face> faces;
  for (const Candidate& box : n.boxes) faces.push_back(face_of(box, ratio_x, ratio_y));
  return faces;
}

}  // namespace

std::unique_ptr<FaceFinder> make_mtcnn(const std::filesystem::path& folder, const DetectorOptions& options) {
  const Settings settings(options);
  return std::make_unique<Mtcnn>(std::make_shared<const Weights>(folder), settings);
}

}  // namespace likeness
