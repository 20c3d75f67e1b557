// A network on libtorch against the same one on OpenVINO, before and after training.
#include "train/network_learner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "likeness/core/error.h"
#include "likeness/dataset/augment.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/new_pack.h"
#include "likeness/infer/network.h"
#include "likeness/model/keras_import.h"
#include "likeness/model/self_test.h"
#include "likeness/model/trainable.h"
#include "train/random.h"
#include "train/trained_pack.h"
#include "train/trainer.h"

namespace likeness::train {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 12;

std::vector<float> some_values(std::size_t count, std::uint64_t seed) {
  Random random({seed});
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(0.4 * random.normal());
  return values;
}

/// Every kind of layer: uneven SAME padding, strides, dilation, a residual with a scale, branches.
Graph small_graph() {
  const auto convolution = [](std::string name, std::size_t input, std::vector<std::size_t> kernel) {
    GraphLayer layer{.kind = LayerKind::kConvolution, .name = std::move(name), .inputs = {input}};
    const std::size_t count = kernel[0] * kernel[1] * kernel[2] * kernel[3];
    layer.kernel = {std::move(kernel), some_values(count, input + 7)};
    return layer;
  };
  Graph graph;
  auto& l = graph.layers;
  l.push_back({.kind = LayerKind::kInput, .name = "input", .shape = {kSide, kSide, 3}});
  l.push_back(convolution("one", 0, {3, 3, 3, 4}));
  l[1].same = true;
  l[1].strides = {2, 2};
  l.push_back({.kind = LayerKind::kAffine,
               .name = "one_BatchNorm",
               .inputs = {1},
               .factor = {0.5F, 1, 2, 1.5F},
               .shift = some_values(4, 3)});
  l.push_back({.kind = LayerKind::kRelu, .name = "relu", .inputs = {2}});
  l.push_back(
      {.kind = LayerKind::kMaxPool, .name = "pool", .inputs = {3}, .window = {3, 3}, .strides = {2, 2}});
  l[4].same = true;
  l.push_back(convolution("Block8_6_a", 4, {1, 3, 4, 4}));
  l[5].same = true;
  l.push_back(convolution("Block8_6_b", 4, {2, 2, 4, 4}));
  l[6].same = true;
  l[6].dilation = {2, 1};
  l[6].bias = some_values(4, 5);
  l.push_back({.kind = LayerKind::kConcatenate, .name = "join", .inputs = {5, 6}});
  l.push_back(convolution("Block8_6_up", 7, {1, 1, 8, 4}));
  l.push_back({.kind = LayerKind::kScale, .name = "scale", .inputs = {8}, .scale = 0.2F});
  l.push_back({.kind = LayerKind::kAdd, .name = "add", .inputs = {4, 9}});
  l.push_back({.kind = LayerKind::kGlobalAverage, .name = "average", .inputs = {10}});
  l.push_back({.kind = LayerKind::kDense, .name = "Bottleneck", .inputs = {11}});
  l[12].kernel = {{4, 6}, some_values(24, 6)};
  l.push_back({.kind = LayerKind::kAffine,
               .name = "Bottleneck_BatchNorm",
               .inputs = {12},
               .factor = std::vector<float>(6, 1.25F),
               .shift = some_values(6, 8)});
  graph.output = 13;
  return graph;
}

/// Three people: waves of a colour each, photos differ in brightness.
std::vector<Chip> some_chips(int width, int height, std::vector<int>* people) {
  std::vector<Chip> chips;
  for (int person = 0; person < 3; ++person) {
    for (int photo = 0; photo < 3; ++photo) {
      Chip chip = changed(self_test_chip(width, height), {.brightness = 0.6 + 0.2 * photo});
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) chip.row(y)[3 * x + person] /= 3;
      }
      chips.push_back(std::move(chip));
      people->push_back(person);
    }
  }
  return chips;
}

class NetworkTraining : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("network_test_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    base_.contract.name = "small";
    base_.contract.crop = usual_crop(CropProfile::kMargin, kSide, kSide);
    base_.contract.dimension = 6;
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
  ModelPack base_;
};

std::vector<std::size_t> all_of(const std::vector<Chip>& chips) {
  std::vector<std::size_t> rows(chips.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

TEST_F(NetworkTraining, LibtorchComputesWhatOpenvinoDoesBeforeAndAfter) {
  for (const Scope scope : {Scope::kLast, Scope::kAll}) {
    std::vector<int> people;
    const std::vector<Chip> chips = some_chips(kSide, kSide, &people);
    const Graph before = small_graph();
    Learner learner = network_learner(before, chips, base_.contract, scope, /*augment=*/true, 1);
    const Embeddings start = learner.embed(all_of(chips));
    const ModelPack first = write_network_pack(base_, graph_of(learner), "before", folder_ / "pack", true);
    EXPECT_LT(largest_difference(first, chips, start, 1), 1e-5);

    TrainOptions options;
    options.batch = {.people = 3, .photos = 3, .strangers = 0};
    options.mining = Mining::kBatchAll;
    options.margin = 1;
    options.rate = 0.01;
    options.schedule = Schedule::kConstant;
    options.epochs = 30;
    options.held_out_share = 0;
    std::vector<double> losses;
    TrainEvents events;
    events.epoch = [&](const EpochReport& report) { losses.push_back(report.mean.loss); };
    EXPECT_EQ(Trainer(learner, people, options).train(events).stop, Stop::kFinished);
    EXPECT_LT(losses.back(), 0.9 * losses.front());

    const ModelPack after = write_network_pack(base_, graph_of(learner), "after", folder_ / "pack", true);
    EXPECT_LT(largest_difference(after, chips, learner.embed(all_of(chips)), 1), 1e-5);
    EXPECT_GT(largest_difference(after, chips, start, 1), 1e-2) << "training changed nothing";

    // What lies before the last block is touched by --scope all only.
    const Graph trained = graph_of(learner);
    EXPECT_EQ(trained.layers[1].kernel.values == before.layers[1].kernel.values, scope == Scope::kLast);
    EXPECT_EQ(trained.layers[2].shift == before.layers[2].shift, scope == Scope::kLast);
    EXPECT_NE(trained.layers[12].kernel.values, before.layers[12].kernel.values);
    EXPECT_EQ(trained.layers[13].factor, before.layers[13].factor);
  }
}

TEST_F(NetworkTraining, RefusesWhatCannotBeTrained) {
  EXPECT_THROW((void)network_learner(small_graph(), {}, base_.contract, Scope::kAll, true, 1),
               std::invalid_argument);
  Graph without = small_graph();
  for (GraphLayer& layer : without.layers) layer.name = "x" + layer.name;
  EXPECT_THROW((void)network_learner(without, {Chip(kSide, kSide)}, base_.contract, Scope::kLast, true, 1),
               std::invalid_argument);
  EXPECT_THROW((void)read_trainable(folder_ / "network.xml"), Error);
}

// The real network: weights of the .pb on libtorch, and through a Keras .h5 and back.
TEST_F(NetworkTraining, FacenetOnLibtorchEqualsOpenvino) {
  const ModelPack pack = load_pack(fs::path(LIKENESS_MODELS) / "20180408-102900");
  const Graph graph = read_trainable(pack.network(Precision::kF32));
  const std::vector<Chip> chips{self_test_chip(160, 160)};
  Learner learner = network_learner(graph, chips, pack.contract, Scope::kAll, true, 1);
  const Embeddings embedded = learner.embed({0});
  EXPECT_LT(largest_difference(pack, chips, embedded, 1), 1e-4);

  write_keras_weights(graph, folder_ / "weights.h5");
  write_network(read_keras(folder_ / "weights.h5"), folder_ / "network.xml");
  ModelPack again = pack;
  again.folder = folder_;
  again.contract.network = "network.xml";
  again.contract.unit_length = false;
  EXPECT_LT(largest_difference(again, chips, embedded, 1), 1e-4);
}

}  // namespace
}  // namespace likeness::train
