#include "likeness/detect/one_stage.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/detect/one_stage_decode.h"
#include "likeness/image/resample.h"
#include "likeness/model/onnx_graph.h"

namespace likeness {
namespace {

/// Pixels of the longer side of a tile: CenterFace's widest maps then take 0.2 GB.
constexpr int kTile = 1280;
/// A photo is enlarged for small faces at most so often.
constexpr double kMostEnlarged = 4;
/// A scale reports faces from this share of the height on that the finer one stops at, so that a face of
/// about that height is found by one of them.
constexpr double kHandOver = 0.7;
/// Bytes of a network's file; CenterFace's has 7.3 MB.
constexpr std::uintmax_t kLargestNetwork = 256U << 20;
/// Sizes of input whose memory is kept.
constexpr std::size_t kSizesKept = 4;

int rounded_up(int side) { return (side + kInputMultiple - 1) / kInputMultiple * kInputMultiple; }

/// (x - mean) / scale of a picture in the upper left of an input, black beside it: planes of width x height
/// numbers, or the three channels of each pixel side by side.
std::vector<float> input_of(ImageView picture, int width, int height, bool planes,
                            const DetectorContract& contract) {
  const auto plane = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  std::vector<float> values(3 * plane, (0 - contract.mean) / contract.scale);
  const std::size_t step = planes ? 1 : 3;
  for (std::size_t c = 0; c < 3; ++c) {
    const std::size_t from = contract.channels == ChannelOrder::kBgr ? 2 - c : c;
    for (int y = 0; y < picture.height; ++y) {
      float* out = values.data() + c * (planes ? plane : 1) +
                   static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * step;
      const std::uint8_t* in = picture.row(y) + from;
      for (std::size_t x = 0; x < static_cast<std::size_t>(picture.width); ++x)
        out[x * step] = (static_cast<float>(in[3 * x]) - contract.mean) / contract.scale;
    }
  }
  return values;
}

/// Our engine of the network in `file`, where there is one.
std::optional<GraphEngine> own_engine(const std::filesystem::path& file) {
  if (!GraphEngine::pays_off(Precision::kF32)) return std::nullopt;
  const auto bytes = read_file_bytes(file, kLargestNetwork, ErrorCode::kModelInvalid);
  auto graph = read_onnx_detector({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file.string());
  if (!graph) return std::nullopt;
  return GraphEngine::make(std::move(*graph), Precision::kF32);
}

/// Network pixels to the photo's: first stretched, then moved.
void place(Face& face, double ratio_x, double ratio_y, double left, double top) {
  const auto x = [&](float value) { return static_cast<float>(value * ratio_x + left); };
  const auto y = [&](float value) { return static_cast<float>(value * ratio_y + top); };
  face.box = {.left = x(face.box.left),
              .top = y(face.box.top),
              .right = x(face.box.right),
              .bottom = y(face.box.bottom)};
  for (Point& point : face.landmarks) point = {.x = x(point.x), .y = y(point.y)};
}

void refuse_other(const DetectorOptions& options) {
  if (options.mtcnn)
    throw std::invalid_argument(
        "DetectorOptions: mtcnn (pyramid_step, min_scores) is for packs of MTCNN alone");
}

/// One scale of a photo: its size there, and the heights of faces that are looked for, in its pixels.
struct Scale {
  int width = 0;
  int height = 0;
  double least = 0;
  double largest = 0;
};

/// Where the parts of one side begin, and how long they are; neighbours share at least `shared` pixels.
struct Parts {
  int length = 0;
  std::vector<int> starts;
};

Parts parts_of(int side, int shared) {
  if (side <= kTile) return {side, {0}};
  Parts parts{kTile, {}};
  const int count = 1 + (side - shared - 1) / (kTile - shared);
  for (int i = 0; i < count; ++i) {
    parts.starts.push_back(
        static_cast<int>(static_cast<std::int64_t>(side - kTile) * i / std::max(1, count - 1)));
  }
  return parts;
}

class OneStage final : public FaceFinder {
 public:
  OneStage(std::shared_ptr<const OneStageNetwork> network, const DetectorOptions& options)
      : network_(std::move(network)), options_(options) {}

  [[nodiscard]] std::vector<Face> detect(ImageView photo) override;
  [[nodiscard]] std::unique_ptr<FaceFinder> with_options(const DetectorOptions& options) const override {
    refuse_other(options);
    auto network = options.threads == options_.threads
                       ? network_
                       : std::make_shared<const OneStageNetwork>(network_->contract(), network_->file(),
                                                                 options.threads);
    return std::make_unique<OneStage>(std::move(network), options);
  }

 private:
  [[nodiscard]] std::vector<Scale> scales_of(ImageView photo, int min_face) const;
  void look(ImageView photo, const Scale& scale, std::vector<Face>& found) const;

  std::shared_ptr<const OneStageNetwork> network_;
  DetectorOptions options_;
};

std::vector<Scale> OneStage::scales_of(ImageView photo, int min_face) const {
  const DetectorContract& contract = network_->contract();
  const int shorter = std::min(photo.width, photo.height);
  const int longer = std::max(photo.width, photo.height);
  double scale = std::min(kMostEnlarged, static_cast<double>(contract.least_face) / min_face);
  if (options_.max_side_px > 0) scale = std::min(scale, static_cast<double>(options_.max_side_px) / longer);
  std::vector<Scale> scales;
  double least = 0;
  while (true) {
    const auto side = [&](int of) { return std::max(1, static_cast<int>(std::lround(of * scale))); };
    Scale next{.width = side(photo.width), .height = side(photo.height), .least = least};
    const bool last = shorter * scale <= contract.largest_face;
    // A face that a seam may cut is left to the next scale.
    const bool whole = std::max(next.width, next.height) <= kTile;
    next.largest = last ? 2.0 * longer * scale + kInputMultiple
                        : static_cast<double>(whole ? contract.largest_face : 8 * contract.least_face);
    scales.push_back(next);
    if (last) return scales;
    least = kHandOver * std::min<double>(next.largest, contract.largest_face) / 2;
    scale /= 2;
  }
}

// One scale, tile by tile: a tile is made of its part of the photo alone, so that memory stays small.
void OneStage::look(ImageView photo, const Scale& scale, std::vector<Face>& found) const {
  const DetectorContract& contract = network_->contract();
  const float min_score = options_.min_score.value_or(contract.min_score);
  const bool own_size = scale.width == photo.width && scale.height == photo.height;
  const int shared = std::min(kTile / 2, static_cast<int>(scale.largest));
  const Parts columns = parts_of(scale.width, shared);
  const Parts rows = parts_of(scale.height, shared);
  const double ratio_x = static_cast<double>(photo.width) / scale.width;
  const double ratio_y = static_cast<double>(photo.height) / scale.height;
  for (const int top : rows.starts) {
    for (const int left : columns.starts) {
      Image shrunk;
      ImageView tile;
      if (own_size) {
        tile = photo.part(left, top, columns.length, rows.length);
      } else {
        // Rounding must not take the region outside.
        const auto edge = [](double value, int limit) {
          return std::min(static_cast<float>(value), static_cast<float>(limit));
        };
        shrunk = resample(photo, columns.length, rows.length, Filter::kBilinear,
                          Box{edge(left * ratio_x, photo.width), edge(top * ratio_y, photo.height),
                              edge((left + columns.length) * ratio_x, photo.width),
                              edge((top + rows.length) * ratio_y, photo.height)});
        tile = shrunk.view();
      }
      for (Face& face : network_->faces(tile, min_score)) {
        const double height = std::max(face.box.height(), face.box.width());
        if (height < scale.least || height > scale.largest) continue;
        place(face, ratio_x, ratio_y, left * ratio_x, top * ratio_y);
        found.push_back(face);
      }
    }
  }
}

std::vector<Face> OneStage::detect(ImageView photo) {
  const int shorter = std::min(photo.width, photo.height);
  const int min_face = std::max(options_.min_face_px, static_cast<int>(options_.min_face_share * shorter));
  const std::vector<Scale> scales = scales_of(photo, min_face);
  std::vector<Face> found;
  for (const Scale& scale : scales) look(photo, scale, found);
  suppress(network_->contract(), found);
  std::erase_if(found, [&](const Face& face) {
    return std::max(face.box.height(), face.box.width()) < static_cast<float>(min_face);
  });
  return found;
}

}  // namespace

OneStageNetwork::OneStageNetwork(DetectorContract contract, std::filesystem::path file, int threads,
                                 Road road)
    : contract_(std::move(contract)), file_(std::move(file)), threads_(threads) {
  if (road == Road::kQuicker) own_ = own_engine(file_);
  // The smallest input tells whether the network is the method's.
  const Image grey(kInputMultiple, kInputMultiple, 128);
  (void)faces(grey.view(), 1);
}

std::shared_ptr<const GraphEngine> OneStageNetwork::sized(int width, int height) const {
  if (!own_) return nullptr;
  const std::vector<std::size_t> input{static_cast<std::size_t>(height), static_cast<std::size_t>(width), 3};
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(sizes_, [&](const auto& one) { return one->input() == input; });
  if (found != sizes_.end()) {
    std::rotate(sizes_.begin(), found, found + 1);
    return sizes_.front();
  }
  auto engine = own_->for_size(input[0], input[1]);
  if (!engine) return nullptr;
  sizes_.insert(sizes_.begin(), std::make_shared<const GraphEngine>(std::move(*engine)));
  if (sizes_.size() > kSizesKept) sizes_.pop_back();
  return sizes_.front();
}

std::vector<Tensor> OneStageNetwork::run_own(const GraphEngine& engine, ImageView picture) const {
  const auto width = static_cast<int>(engine.input()[1]);
  const auto height = static_cast<int>(engine.input()[0]);
  const std::vector<float> input = input_of(picture, width, height, /*planes=*/false, contract_);
  std::vector<float> all(engine.outputs());
  engine.run(input, 1, all);
  std::vector<Tensor> outputs;
  auto from = all.cbegin();
  for (const std::vector<std::size_t>& shape : engine.output_shapes()) {
    std::ptrdiff_t count = 1;
    for (const std::size_t side : shape) count *= static_cast<std::ptrdiff_t>(side);
    outputs.push_back({shape, {from, from + count}});
    from += count;
  }
  return outputs;
}

std::vector<Tensor> OneStageNetwork::run_openvino(ImageView picture, int width, int height) const {
  const std::vector<float> values = input_of(picture, width, height, /*planes=*/true, contract_);
  std::optional<Network> network;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      network.emplace(std::move(idle_.back()));
      idle_.pop_back();
    }
  }
  if (!network) network.emplace(file_, NetworkOptions{.threads = threads_, .any_size = true});
  std::vector<Tensor> outputs =
      network->run({{1, 3, static_cast<std::size_t>(height), static_cast<std::size_t>(width)}, values});
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(*network));
  return outputs;
}

std::vector<Face> OneStageNetwork::faces(ImageView picture, float min_score) const {
  const int width = rounded_up(picture.width);
  const int height = rounded_up(picture.height);
  const bool stretch =
      contract_.fit == InputFit::kStretch && (width != picture.width || height != picture.height);
  Image stretched;
  if (stretch) stretched = resample(picture, width, height, Filter::kBilinear);
  const ImageView input = stretch ? stretched.view() : picture;
  const auto engine = sized(width, height);
  const std::vector<Tensor> outputs = engine ? run_own(*engine, input) : run_openvino(input, width, height);
  std::vector<Face> found = decode(contract_, outputs, width, height, min_score, file_);
  suppress(contract_, found);
  if (stretch) {
    for (Face& face : found) {
      place(face, static_cast<double>(picture.width) / width, static_cast<double>(picture.height) / height, 0,
            0);
    }
  }
  return found;
}

std::unique_ptr<FaceFinder> make_one_stage(const ModelPack& pack, const DetectorOptions& options) {
  refuse_other(options);
  return std::make_unique<OneStage>(std::make_shared<const OneStageNetwork>(
                                        pack.detector, pack.folder / pack.detector.network, options.threads),
                                    options);
}

}  // namespace likeness
