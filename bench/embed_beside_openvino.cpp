// The embedder beside OpenVINO's own API on the same network, taking turns: our kernels, standardising and
// free batch size against plain OpenVINO with everything fixed. One thread, CPU time, medians; the answers
// are compared before anything is timed.
//   embed_beside_openvino [--models DIR] [--pack NAME[:PRECISION] ...] [--precision f32|bf16|int8]
//     [--rounds N] [--batch N ...] [--target AVX2|...] [--without-vnni] [--ours-alone]
// Several packs, and precisions of one, take turns too, so that their times can be compared. A target holds
// our kernels to an instruction set; OpenVINO's are held by the environment (ONEDNN_MAX_CPU_ISA). OpenVINO's
// int8 network is made on the spot.
#include <hwy/targets.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <openvino/openvino.hpp>
#include <optional>
#include <vector>

#include "likeness/detect/fma_peak.h"
#include "likeness/embed/embedder.h"
#include "likeness/infer/byte_kernels.h"
#include "likeness/infer/openvino/openvino.h"
#include "likeness/infer/products.h"
#include "likeness/infer/quantize.h"
#include "likeness/model/self_test.h"

namespace {

using namespace likeness;

double cpu_ms() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The pack's network in int8 as OpenVINO computes it, with ranges of a picture or two.
std::filesystem::path quantized(const ModelPack& pack) {
  const auto file = std::filesystem::temp_directory_path() / ("openvino_int8_" + pack.contract.name + ".xml");
  const Network network(pack.network(Precision::kF32));
  const bool planes = network.inputs().at(0).shape.at(3) != 3;
  const auto width = static_cast<std::size_t>(pack.contract.crop.width);
  const auto height = static_cast<std::size_t>(pack.contract.crop.height);
  Tensor picture{
      planes ? std::vector<std::size_t>{1, 3, height, width} : std::vector<std::size_t>{1, height, width, 3},
      std::vector<float>(3 * width * height)};
  standardize(self_test_chip(pack.contract.crop.width, pack.contract.crop.height), pack.contract, planes,
              picture.values);
  quantize_network(pack.network(Precision::kF32), file, std::span(&picture, 1));
  return file;
}

// A network as benchmark_app runs it: fixed batch, one request whose input stays where it is.
class PlainOpenvino {
 public:
  PlainOpenvino(const ModelPack& pack, Precision precision, std::size_t batch) {
    const auto model =
        read_network(precision == Precision::kInt8 ? quantized(pack) : pack.network(precision));
    free_batch(*model);
    const auto side = [](int length) { return static_cast<std::size_t>(length); };
    const std::size_t height = side(pack.contract.crop.height), width = side(pack.contract.crop.width);
    planes_ = model->input().get_partial_shape()[1] == 3;
    model->reshape(
        ov::PartialShape(planes_ ? ov::Shape{batch, 3, height, width} : ov::Shape{batch, height, width, 3}));
    request_ = openvino_core()
                   .compile_model(model, "CPU", ov::inference_num_threads(1), ov::num_streams(1),
                                  ov::hint::enable_cpu_pinning(false),
                                  ov::hint::inference_precision(
                                      precision == Precision::kBf16 ? ov::element::bf16 : ov::element::f32))
                   .create_infer_request();
  }
  [[nodiscard]] bool planes() const { return planes_; }
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
  bool planes_ = false;
};

// Directions; in bf16 both round in their own places.
void compare(Embeddings ours, std::span<const float> plain, Precision precision) {
  Embeddings theirs{ours.dimension, {plain.begin(), plain.end()}};
  if (ours.values.size() != theirs.values.size()) throw std::runtime_error("embeddings of different sizes");
  l2_normalize(ours);
  l2_normalize(theirs);
  const double least = precision == Precision::kF32    ? 1 - 1e-6
                       : precision == Precision::kBf16 ? 0.999
                                                       : 0.9;  // ranges of other pictures
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (!(dot(ours[i], theirs[i]) > least)) throw std::runtime_error("the two do not agree");
  }
}

// Both roads of one pack, or ours alone, ready to run.
class Pair {
 public:
  Pair(std::string name, const ModelPack& pack, Precision precision, std::size_t count, bool alone)
      : name_(std::move(name)),
        products_(products_a_row(pack.network(Precision::kF32))),
        ours_(pack, {.precision = precision, .batch = static_cast<int>(count)}),
        chips_(count, self_test_chip(pack.contract.crop.width, pack.contract.crop.height)) {
    // A bright border more for each chip, so that no two are alike.
    for (std::size_t i = 0; i < count; ++i)
      std::fill_n(chips_[i].row(static_cast<int>(i)), chips_[i].width() * 3, 255);
    if (alone) return;
    plain_.emplace(pack, precision, count);
    const std::size_t floats = plain_->input().size() / count;
    for (std::size_t i = 0; i < count; ++i)
      standardize(chips_[i], pack.contract, plain_->planes(), plain_->input().subspan(i * floats, floats));
    plain_->run();
    compare(ours_.embed_raw(chips_), plain_->output(), precision);
  }

  void take_turns() {
    double start = cpu_ms();
    const Embeddings embeddings = ours_.embed(chips_);
    our_times_.push_back(cpu_ms() - start);
    if (!plain_) return;
    start = cpu_ms();
    plain_->run();
    plain_times_.push_back(cpu_ms() - start);
  }

  void print(double peak) const {
    const auto count = static_cast<double>(chips_.size());
    const double ours_ms = median(our_times_) / count;
    const double plain_ms = plain_ ? median(plain_times_) / count : 0;
    std::printf("| %s | %zu | **%.3f** | %.2f | %.2f | %.2f |\n", name_.c_str(), chips_.size(),
                plain_ms / ours_ms, products_ / (1e-3 * ours_ms) / peak, ours_ms, plain_ms);
    std::fflush(stdout);
  }

 private:
  std::string name_;
  double products_;
  Embedder ours_;
  std::optional<PlainOpenvino> plain_;
  std::vector<Chip> chips_;
  std::vector<double> our_times_, plain_times_;
};

// NAME:PRECISION, or NAME in `precision`.
std::pair<std::string, Precision> named(const std::string& text, const std::string& precision) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return {text, *precision_from(precision)};
  const auto said = precision_from(text.substr(colon + 1));
  if (!said) throw std::invalid_argument("no such precision: " + text);
  return {text.substr(0, colon), *said};
}

void hold_to(const std::string& target) {
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    if (hwy::TargetName(rest & -rest) == target) return hwy::SetSupportedTargetsForTest(rest & -rest);
  }
  throw std::invalid_argument("this CPU or build has no " + target);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The embedder beside OpenVINO's own API");
  std::string models = "models", precision = "f32";
  int rounds = 9;
  std::vector<int> batches{1, 8, 32};
  std::vector<std::string> packs{"20180408-102900"};
  app.add_option("--models", models, "Folder with the packs")->capture_default_str();
  app.add_option("--pack", packs, "Packs of embedders")->capture_default_str();
  app.add_option("--precision", precision)
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "bf16", "int8"}));
  std::string target;
  bool without_vnni = false, alone = false;
  app.add_option("--target", target, "Instruction set that our kernels are held to, as Highway names it");
  app.add_flag("--without-vnni", without_vnni, "Our int8 kernels do without VNNI");
  app.add_flag("--ours-alone", alone, "Without OpenVINO");
  app.add_option("--rounds", rounds)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch", batches)->capture_default_str()->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    const double peak = multiply_adds_per_second();
    if (!target.empty()) hold_to(target);
    std::optional<WithoutByteProducts> plain;
    if (without_vnni) plain.emplace();
    std::printf(
        "| pack | batch | OpenVINO's time over ours | share of the fp32 peak | likeness, ms a face | "
        "OpenVINO, "
        "ms a face |\n"
        "|---|---|---|---|---|---|\n");
    for (const int batch : batches) {
      std::vector<std::unique_ptr<Pair>> pairs;
      for (const std::string& name : packs) {
        const auto [pack, in] = named(name, precision);
        pairs.push_back(std::make_unique<Pair>(name, load_pack(std::filesystem::path(models) / pack), in,
                                               static_cast<std::size_t>(batch), alone));
      }
      for (int round = 0; round < rounds; ++round) {
        for (const auto& pair : pairs) pair->take_turns();
      }
      for (const auto& pair : pairs) pair->print(peak);
    }
    std::printf("\n%s, one thread, CPU time, medians of %d rounds; peak %.1f G multiply-adds a second\n",
                precision.c_str(), rounds, peak * 1e-9);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
