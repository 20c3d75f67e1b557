#include <benchmark/benchmark.h>

#include <string>

#include "likeness/image/read_image.h"
#include "likeness/image/resample.h"
#include "likeness/image/test_pictures.h"
#include "likeness/image/write_image.h"

namespace likeness {
namespace {

void decode_jpeg(benchmark::State& state) {
  const int width = static_cast<int>(state.range(0)), height = width * 3 / 4;
  const auto bytes = encode_jpeg(gradient(width, height).view(), 90);
  const ReadOptions options{.shrink = static_cast<int>(state.range(1))};
  for (auto _ : state) benchmark::DoNotOptimize(decode_image(bytes, "bench.jpg", options));
  state.counters["Mpixel/s"] =
      benchmark::Counter(1e-6 * width * height, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(decode_jpeg)->ArgsProduct({{640, 4000}, {1, 2}})->Unit(benchmark::kMillisecond);

// A face of range(0) x 1.25 range(0) pixels in a photo, stretched to a chip.
void resample_face(benchmark::State& state) {
  const auto side = static_cast<float>(state.range(0));
  const auto filter = static_cast<Filter>(state.range(1));
  const Image photo = noise(1, 1600, 1600);
  const Box region{100.3F, 80.7F, 100.3F + side, 80.7F + 1.25F * side};
  state.SetLabel(std::string(to_string(filter)));
  for (auto _ : state) benchmark::DoNotOptimize(resample(photo.view(), 160, 160, filter, region));
}
BENCHMARK(resample_face)
    ->ArgsProduct({{80, 300, 1000},
                   {static_cast<int>(Filter::kBilinear), static_cast<int>(Filter::kBicubic)}})
    ->Unit(benchmark::kMicrosecond);

void resample_photo(benchmark::State& state) {
  const Image photo = noise(1, 4000, 3000);
  for (auto _ : state) benchmark::DoNotOptimize(resample(photo.view(), 1024, 768, Filter::kBilinear));
}
BENCHMARK(resample_photo)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace likeness

BENCHMARK_MAIN();
