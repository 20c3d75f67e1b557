// The embedding network on one thread: ours and OpenVINO's, and what it takes to get ready. Every benchmark
// checks its answer before it is timed; "of peak" is the share of this CPU's measured fp32 multiply-add rate,
// counted in the products of the plain sums (Winograd needs fewer and bf16 makes two at once, so that more
// than 1 is possible). Needs the pack 20180408-102900 in $LIKENESS_MODELS or ./models.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "likeness/detect/fma_peak.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/own_network.h"
#include "likeness/infer/network.h"
#include "likeness/infer/products.h"
#include "likeness/model/self_test.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const ModelPack& pack() {
  static const ModelPack value = [] {
    const char* models = std::getenv("LIKENESS_MODELS");
    return load_pack(fs::path(models != nullptr ? models : "models") / "20180408-102900");
  }();
  return value;
}

double peak() {
  static const double value = multiply_adds_per_second();
  return value;
}

double products() {
  static const double value = products_a_row(pack().network(Precision::kF32));
  return value;
}

constexpr std::size_t kFloats = 160UL * 160 * 3;

/// Standardised self-test pictures with a bright border more each, so that no two are alike.
std::vector<float> pictures(std::size_t count) {
  std::vector<float> input(count * kFloats);
  for (std::size_t i = 0; i < count; ++i) {
    Chip chip = self_test_chip(160, 160);
    std::fill_n(chip.row(static_cast<int>(i)), 160 * 3, 255);
    standardize(chip, pack().contract, /*planes=*/false, std::span(input).subspan(i * kFloats, kFloats));
  }
  return input;
}

std::vector<float> through_openvino(Network& network, const std::vector<float>& input) {
  return network.run({{input.size() / kFloats, 160, 160, 3}, input}).front().values;
}

double least_cosine(Embeddings ours, Embeddings theirs) {
  l2_normalize(ours);
  l2_normalize(theirs);
  double least = 1;
  for (std::size_t i = 0; i < ours.size(); ++i) least = std::min(least, dot(ours[i], theirs[i]));
  return least;
}

void count_products(benchmark::State& state, std::size_t faces) {
  const double each = products() * static_cast<double>(faces);
  state.counters["ms_a_face"] =
      benchmark::Counter(1e-3 * static_cast<double>(faces),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["of_peak"] =
      benchmark::Counter(each / peak(), benchmark::Counter::kIsIterationInvariantRate);
}

void BM_Network(benchmark::State& state, Precision precision) {
  const auto faces = static_cast<std::size_t>(state.range(0));
  const auto engine = own_network(pack(), precision, {});
  if (!engine) return state.SkipWithError("not on this CPU");
  const std::vector<float> input = pictures(faces);
  Embeddings out{engine->outputs(), std::vector<float>(faces * engine->outputs())};
  engine->run(input, faces, out.values);
  Network network(pack().network(Precision::kF32));
  const double least = precision == Precision::kF32 ? 1 - 1e-6 : 0.999;
  if (!(least_cosine(out, {out.dimension, through_openvino(network, input)}) > least))
    return state.SkipWithError("not what OpenVINO gives");
  for (auto _ : state) engine->run(input, faces, out.values);
  count_products(state, faces);
}

void BM_NetworkOpenVino(benchmark::State& state, Precision precision) {
  if (!missing_for(precision).empty()) return state.SkipWithError("not on this CPU");
  const auto faces = static_cast<std::size_t>(state.range(0));
  const std::vector<float> input = pictures(faces);
  Network network(pack().network(precision), {.precision = precision});
  for (auto _ : state) benchmark::DoNotOptimize(through_openvino(network, input));
  count_products(state, faces);
}

void BM_GetReady(benchmark::State& state, Precision precision) {
  for (auto _ : state) {
    if (!own_network(pack(), precision, {})) return state.SkipWithError("not on this CPU");
  }
}

void BM_GetReadyFromCache(benchmark::State& state, Precision precision) {
  const fs::path folder = fs::temp_directory_path() / "likeness_embedder_bench";
  fs::remove_all(folder);
  const auto made = own_network(pack(), precision, folder);
  if (!made || fs::is_empty(folder)) return state.SkipWithError("nothing was kept");
  const std::vector<float> input = pictures(1);
  std::vector<float> first(made->outputs());
  made->run(input, 1, first);
  for (auto _ : state) {
    const auto kept = own_network(pack(), precision, folder);
    state.PauseTiming();
    std::vector<float> again(first.size());
    kept->run(input, 1, again);
    if (again != first) state.SkipWithError("another answer out of the cache");
    state.ResumeTiming();
  }
  fs::remove_all(folder);
}

void BM_GetReadyOpenVino(benchmark::State& state, Precision precision) {
  for (auto _ : state) {
    const Network network(pack().network(precision), {.precision = precision});
    if (network.outputs().size() != 1) state.SkipWithError("not one output");
  }
}

constexpr auto kUnit = benchmark::kMillisecond;
BENCHMARK_CAPTURE(BM_Network, f32, Precision::kF32)->Arg(1)->Arg(8)->Arg(32)->Unit(kUnit);
BENCHMARK_CAPTURE(BM_NetworkOpenVino, f32, Precision::kF32)->Arg(1)->Arg(8)->Arg(32)->Unit(kUnit);
BENCHMARK_CAPTURE(BM_Network, bf16, Precision::kBf16)->Arg(1)->Arg(8)->Arg(32)->Unit(kUnit);
BENCHMARK_CAPTURE(BM_NetworkOpenVino, bf16, Precision::kBf16)->Arg(1)->Arg(8)->Arg(32)->Unit(kUnit);
BENCHMARK_CAPTURE(BM_GetReady, f32, Precision::kF32)->Unit(kUnit);
BENCHMARK_CAPTURE(BM_GetReadyFromCache, f32, Precision::kF32)->Unit(kUnit);
BENCHMARK_CAPTURE(BM_GetReadyOpenVino, f32, Precision::kF32)->Unit(kUnit);

}  // namespace
}  // namespace likeness

BENCHMARK_MAIN();
