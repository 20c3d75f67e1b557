// The embedder beside OpenVINO's own API on the same network, taking turns: our kernels, standardising and
// free batch size against plain OpenVINO with everything fixed. One thread, CPU time, medians; the answers
// are compared before anything is timed.
//   embed_beside_openvino [--models DIR] [--precision f32|bf16] [--rounds N] [--batch N ...]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <openvino/openvino.hpp>
#include <vector>

#include "likeness/detect/fma_peak.h"
#include "likeness/embed/embedder.h"
#include "likeness/infer/openvino/openvino.h"
#include "likeness/model/self_test.h"

namespace {

using namespace likeness;

constexpr double kProductsAFace = 1.417e9;  // of 20180408-102900; pipeline.md part 7

double cpu_ms() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A network as benchmark_app runs it: fixed batch, one request whose input stays where it is.
class PlainOpenvino {
 public:
  PlainOpenvino(const ModelPack& pack, Precision precision, std::size_t batch) {
    const auto model = read_network(pack.network(precision));
    free_batch(*model);
    const auto side = [](int length) { return static_cast<std::size_t>(length); };
    model->reshape(ov::PartialShape(
        ov::Shape{batch, side(pack.contract.crop.height), side(pack.contract.crop.width), 3}));
    request_ = openvino_core()
                   .compile_model(model, "CPU", ov::inference_num_threads(1), ov::num_streams(1),
                                  ov::hint::enable_cpu_pinning(false),
                                  ov::hint::inference_precision(
                                      precision == Precision::kBf16 ? ov::element::bf16 : ov::element::f32))
                   .create_infer_request();
  }
  [[nodiscard]] std::span<float> input() {
    ov::Tensor tensor = request_.get_input_tensor();
    return {tensor.data<float>(), tensor.get_size()};
  }
  void run() { request_.infer(); }
  [[nodiscard]] std::span<const float> output() {
    ov::Tensor tensor = request_.get_output_tensor();
    return {tensor.data<float>(), tensor.get_size()};
  }

 private:
  ov::InferRequest request_;
};

// Unit vectors; in bf16 both round in their own places.
void compare(const Embeddings& ours, std::span<const float> plain, Precision precision) {
  if (ours.values.size() != plain.size()) throw std::runtime_error("embeddings of different sizes");
  const double least = precision == Precision::kF32 ? 1 - 1e-6 : 0.999;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (!(dot(ours[i], plain.subspan(i * ours.dimension, ours.dimension)) > least))
      throw std::runtime_error("the two do not agree");
  }
}

void measure(const ModelPack& pack, Precision precision, int batch, int rounds, double peak) {
  const auto count = static_cast<std::size_t>(batch);
  Embedder ours(pack, {.precision = precision, .batch = batch});
  PlainOpenvino plain(pack, precision, count);
  // A bright border more for each chip, so that no two are alike.
  std::vector<Chip> chips(count, self_test_chip(pack.contract.crop.width, pack.contract.crop.height));
  for (std::size_t i = 0; i < count; ++i)
    std::fill_n(chips[i].row(static_cast<int>(i)), chips[i].width() * 3, 255);
  const std::size_t floats = plain.input().size() / count;
  for (std::size_t i = 0; i < count; ++i)
    standardize(chips[i], pack.contract, false, plain.input().subspan(i * floats, floats));
  plain.run();
  compare(ours.embed_raw(chips), plain.output(), precision);

  std::vector<double> our_times, plain_times;
  for (int round = 0; round < rounds; ++round) {
    double start = cpu_ms();
    const Embeddings embeddings = ours.embed(chips);
    our_times.push_back(cpu_ms() - start);
    start = cpu_ms();
    plain.run();
    plain_times.push_back(cpu_ms() - start);
  }
  const double ours_ms = median(our_times) / batch, plain_ms = median(plain_times) / batch;
  std::printf("| %d | **%.3f** | %.2f | %.1f | %.1f |\n", batch, plain_ms / ours_ms,
              kProductsAFace / (1e-3 * ours_ms) / peak, ours_ms, plain_ms);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The embedder beside OpenVINO's own API");
  std::string models = "models", precision = "f32";
  int rounds = 9;
  std::vector<int> batches{1, 8, 32};
  app.add_option("--models", models, "Folder with the pack 20180408-102900")->capture_default_str();
  app.add_option("--precision", precision)->capture_default_str()->check(CLI::IsMember({"f32", "bf16"}));
  app.add_option("--rounds", rounds)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch", batches)->capture_default_str()->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    const ModelPack pack = load_pack(std::filesystem::path(models) / "20180408-102900");
    const double peak = multiply_adds_per_second();
    std::printf(
        "| batch | OpenVINO's time over ours | share of the fp32 peak | likeness, ms a face | OpenVINO, ms a "
        "face |\n"
        "|---|---|---|---|---|\n");
    for (const int batch : batches) measure(pack, *precision_from(precision), batch, rounds, peak);
    std::printf("\n%s, one thread, CPU time, medians of %d rounds; peak %.1f G multiply-adds a second\n",
                precision.c_str(), rounds, peak * 1e-9);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
