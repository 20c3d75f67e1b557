// Detection's kernels on one thread. Every benchmark checks its answer before it is timed; "of peak" is the
// share of this CPU's measured multiply-add rate, counted in the products of the plain sums (Winograd needs
// fewer, so that more than 1 is possible). Needs the packs `mtcnn`, `yunet` and `centerface` in
// $LIKENESS_MODELS or ./models.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "likeness/detect/area_resample.h"
#include "likeness/detect/face_detector.h"
#include "likeness/detect/fma_peak.h"
#include "likeness/detect/one_stage.h"
#include "likeness/detect/pnet.h"
#include "likeness/detect/refine_net.h"
#include "likeness/infer/network.h"

namespace likeness {
namespace {

std::filesystem::path pack() {
  const char* models = std::getenv("LIKENESS_MODELS");
  return std::filesystem::path(models != nullptr ? models : "models") / "mtcnn";
}

double peak() {
  static const double value = multiply_adds_per_second();
  return value;
}

// Waves with a little noise: the kernels take the same time for every picture, and few cells look like a
// face.
Image picture(int width, int height) {
  Image image(width, height);
  unsigned noise = 1;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) {
      noise = noise * 1664525U + 1013904223U;
      image.row(y)[x] =
          static_cast<std::uint8_t>(120 + 60 * std::sin(x * .01) + 40 * std::cos(y * .02) + (noise >> 28));
    }
  }
  return image;
}

struct Scale {
  int width, height;
  std::size_t stride;
  AreaAxes axes;
  std::vector<std::uint8_t> pixels;
  [[nodiscard]] Level level() const { return {pixels.data(), width, height, stride}; }
};

// The pyramid for faces from 20 pixels on.
std::vector<Scale> pyramid(const Image& photo) {
  std::vector<Scale> scales;
  AreaScratch scratch;
  for (double s = .6; std::min(photo.width(), photo.height()) * s >= 12; s *= .709) {
    Scale scale{.width = static_cast<int>(std::ceil(photo.width() * s)),
                .height = static_cast<int>(std::ceil(photo.height() * s)),
                .stride = 0,
                .axes = {},
                .pixels = {}};
    scale.stride = static_cast<std::size_t>(scale.width) * 3 + PNet::kPadding;
    scale.pixels.resize(scale.stride * static_cast<std::size_t>(scale.height));
    make_axes(photo.view(), scale.width, scale.height, scale.axes);
    resample_rounded(photo.view(), scale.axes, 0, scale.height, scale.pixels.data(), scale.stride, scratch);
    scales.push_back(std::move(scale));
  }
  return scales;
}

double pnet_products(const std::vector<Scale>& scales) {
  double products = 0;
  for (const Scale& s : scales) products += PNet::products(s.width, s.height);
  return products;
}

void report(benchmark::State& state, double products) {
  const double all = products * static_cast<double>(state.iterations());
  state.counters["MAC/s"] = benchmark::Counter(all, benchmark::Counter::kIsRate);
  state.counters["of peak"] = benchmark::Counter(all / peak(), benchmark::Counter::kIsRate);
}

// The level as the networks see it: transposed and standardised.
Tensor network_input(const Scale& scale) {
  Tensor input{.shape = {1, static_cast<std::size_t>(scale.width), static_cast<std::size_t>(scale.height), 3},
               .values = {}};
  for (int x = 0; x < scale.width; ++x) {
    for (int y = 0; y < scale.height; ++y) {
      for (int c = 0; c < 3; ++c) {
        const std::uint8_t value =
            scale.pixels[static_cast<std::size_t>(y) * scale.stride + static_cast<std::size_t>(3 * x + c)];
        input.values.push_back((static_cast<float>(value) - 127.5F) / 128);
      }
    }
  }
  return input;
}

// Largest difference of a probability between the kernel and OpenVINO on one level.
double worst_difference(const PNet& net, Network& network, const Scale& scale) {
  PNetScratch scratch;
  std::vector<Cell> cells;
  net.run(scale.level(), 0, scale.height, 0, scratch, cells);
  const auto outputs = network.run(network_input(scale).view());
  const Tensor& scores = outputs[outputs[0].shape.back() == 2 ? 0 : 1];
  double worst = cells.size() * 2 == scores.values.size() ? 0 : 1;
  for (const Cell& cell : cells) {
    const auto place = static_cast<std::size_t>(cell.x) * scores.shape[2] + static_cast<std::size_t>(cell.y);
    worst = std::max(worst, std::abs(double{cell.score} - scores.values.at(place * 2 + 1)));
  }
  return worst;
}

void BM_MultiplyAddPeak(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(multiply_adds_per_second());
  state.counters["MAC/s"] = peak();
}

void BM_Pyramid(benchmark::State& state) {
  const Image photo = picture(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  auto scales = pyramid(photo);
  AreaScratch scratch;
  const auto expected = scales[1].pixels;
  std::fill(scales[1].pixels.begin(), scales[1].pixels.end(), std::uint8_t{0});
  for (auto _ : state) {
    for (Scale& s : scales) {
      resample_rounded(photo.view(), s.axes, 0, s.height, s.pixels.data(), s.stride, scratch);
    }
  }
  if (scales[1].pixels != expected) state.SkipWithError("another pyramid the second time");
}

void BM_PNet(benchmark::State& state) {
  const auto scales = pyramid(picture(static_cast<int>(state.range(0)), static_cast<int>(state.range(1))));
  const PNet net(OnnxConstants(pack() / "pnet.onnx"));
  Network network(pack() / "pnet.onnx");
  const Scale& checked = scales[scales.size() / 2];
  if (worst_difference(net, network, checked) > 1e-4) {
    state.SkipWithError("the kernel and OpenVINO differ");
    return;
  }
  PNetScratch scratch;
  std::vector<Cell> cells;
  for (auto _ : state) {
    cells.clear();
    for (const Scale& s : scales) net.run(s.level(), 0, s.height, .6F, scratch, cells);
    benchmark::DoNotOptimize(cells.data());
  }
  report(state, pnet_products(scales));
}

void BM_PNetOpenVino(benchmark::State& state) {
  const auto scales = pyramid(picture(static_cast<int>(state.range(0)), static_cast<int>(state.range(1))));
  Network network(pack() / "pnet.onnx");
  std::vector<Tensor> inputs;
  for (const Scale& s : scales) inputs.push_back(network_input(s));
  for (const Tensor& input : inputs)
    benchmark::DoNotOptimize(network.run(input.view()));  // Compiles for each size.
  for (auto _ : state) {
    for (const Tensor& input : inputs) benchmark::DoNotOptimize(network.run(input.view()));
  }
  report(state, pnet_products(scales));
}

void refine(benchmark::State& state, const RefineNet& net) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<float> patches(count * net.patch_floats());
  for (std::size_t i = 0; i < patches.size(); ++i)
    patches[i] = static_cast<float>(std::sin(static_cast<double>(i) * .1));
  std::vector<float> results(count * RefineNet::kResult);
  std::vector<float> alone(RefineNet::kResult);
  RefineScratch scratch;
  net.run(patches.data() + (count - 1) * net.patch_floats(), 1, alone.data(), scratch);
  net.run(patches.data(), count, results.data(), scratch);
  if (std::abs(alone[0] - results[(count - 1) * RefineNet::kResult]) > 1e-4F) {
    state.SkipWithError("a patch alone gives another result");
    return;
  }
  for (auto _ : state) net.run(patches.data(), count, results.data(), scratch);
  report(state, net.products() * static_cast<double>(count));
}

void BM_RNet(benchmark::State& state) { refine(state, RefineNet::rnet(OnnxConstants(pack() / "rnet.onnx"))); }

void BM_ONet(benchmark::State& state) { refine(state, RefineNet::onet(OnnxConstants(pack() / "onet.onnx"))); }

void BM_LoadDetector(benchmark::State& state) {
  for (auto _ : state) {
    FaceDetector detector(pack());
    if (!detector.detect(Image(64, 64, 128).view()).empty()) state.SkipWithError("a face in a grey picture");
  }
}

/// One run of YuNet's or CenterFace's network over a picture of its own size, with what comes before and
/// after.
void BM_OneStage(benchmark::State& state, const std::string& name, Road road) {
  const ModelPack found = load_pack(pack().parent_path() / name);
  const auto network = [&](Road one) {
    return OneStageNetwork(found.detector, found.folder / found.detector.network, 1, one);
  };
  const OneStageNetwork own = network(road);
  const Image image = picture(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  constexpr float kLow = 0.02F;  // there are no faces
  const auto expected =
      network(road == Road::kOpenvino ? Road::kQuicker : Road::kOpenvino).faces(image.view(), kLow);
  const auto given = own.faces(image.view(), kLow);
  if (given.size() != expected.size()) state.SkipWithError("the two roads find other faces");
  for (auto _ : state) benchmark::DoNotOptimize(own.faces(image.view(), found.detector.min_score));
}

constexpr auto kUnit = benchmark::kMillisecond;
BENCHMARK(BM_MultiplyAddPeak)->Unit(kUnit);
BENCHMARK(BM_Pyramid)
    ->Args({225, 225})
    ->Args({640, 480})
    ->Args({1920, 1440})
    ->Args({4000, 3000})
    ->Unit(kUnit);
BENCHMARK(BM_PNet)->Args({225, 225})->Args({640, 480})->Args({1920, 1440})->Args({4000, 3000})->Unit(kUnit);
BENCHMARK(BM_PNetOpenVino)
    ->Args({225, 225})
    ->Args({640, 480})
    ->Args({1920, 1440})
    ->Args({4000, 3000})
    ->Unit(kUnit);
BENCHMARK(BM_RNet)->Arg(1)->Arg(24)->Arg(240)->Unit(kUnit);
BENCHMARK(BM_ONet)->Arg(1)->Arg(8)->Arg(60)->Unit(kUnit);
BENCHMARK(BM_LoadDetector)->Unit(kUnit);
BENCHMARK_CAPTURE(BM_OneStage, yunet, "yunet", Road::kQuicker)
    ->Args({250, 250})
    ->Args({1280, 960})
    ->Unit(kUnit);
BENCHMARK_CAPTURE(BM_OneStage, yunet_openvino, "yunet", Road::kOpenvino)
    ->Args({250, 250})
    ->Args({1280, 960})
    ->Unit(kUnit);
BENCHMARK_CAPTURE(BM_OneStage, centerface, "centerface", Road::kQuicker)
    ->Args({250, 250})
    ->Args({1280, 960})
    ->Unit(kUnit);
BENCHMARK_CAPTURE(BM_OneStage, centerface_openvino, "centerface", Road::kOpenvino)
    ->Args({250, 250})
    ->Args({1280, 960})
    ->Unit(kUnit);

}  // namespace
}  // namespace likeness

BENCHMARK_MAIN();
