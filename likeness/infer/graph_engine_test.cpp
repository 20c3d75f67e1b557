#include "likeness/infer/graph_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "likeness/core/on_every_target.h"
#include "likeness/infer/graph_builder.h"
#include "likeness/infer/network.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// Everything the engine does (both of Winograd's tiles, few inputs and many), on sides that fit
/// nothing evenly: an uneven stem, Winograd with and without padding, joined branches (80 channels, no whole
/// panel), wide and tall kernels whose ends hang over, a sum in place, a pool that joins, batch normalisation
/// and a scale to fold.
Graph everything() {
  Builder b({29, 31, 3});
  std::size_t x = b.relu(b.convolution(0, {3, 3, 3, 16}, 2, false));
  x = b.relu(b.convolution(x, {3, 3, 16, 32}, 1, true));
  x = b.relu(b.convolution(x, {3, 3, 32, 48}, 1, false));
  const std::size_t one = b.relu(b.convolution(x, {1, 1, 48, 32}, 1, true));
  std::size_t two = b.relu(b.convolution(x, {1, 1, 48, 16}, 1, true));
  two = b.relu(b.convolution(two, {1, 7, 16, 16}, 1, true));
  two = b.convolution(two, {7, 1, 16, 48}, 1, true);
  two = b.add({.kind = LayerKind::kAffine,
               .inputs = {two},
               .factor = b.numbers.take(48),
               .shift = b.numbers.take(48)});
  two = b.relu(two);
  const std::size_t joined = b.add({.kind = LayerKind::kConcatenate, .inputs = {one, two}});
  std::size_t up = b.convolution(joined, {1, 1, 80, 48}, 1, true);
  up = b.add({.kind = LayerKind::kScale, .inputs = {up}, .scale = 0.25F});
  x = b.relu(b.add({.kind = LayerKind::kAdd, .inputs = {x, up}}));
  const std::size_t small = b.relu(b.convolution(x, {3, 3, 48, 80}, 2, false));
  const std::size_t pool =
      b.add({.kind = LayerKind::kMaxPool, .inputs = {x}, .window = {3, 3}, .strides = {2, 2}});
  x = b.add({.kind = LayerKind::kConcatenate, .inputs = {small, pool}});
  x = b.relu(b.convolution(x, {3, 3, 128, 64}, 1, true));
  x = b.relu(b.convolution(x, {3, 3, 64, 128}, 1, true));
  x = b.add({.kind = LayerKind::kMaxPool, .inputs = {x}, .window = {3, 3}, .strides = {2, 2}, .same = true});
  x = b.add({.kind = LayerKind::kAdd, .inputs = {x, b.convolution(x, {3, 3, 128, 128}, 1, true)}});
  x = b.add({.kind = LayerKind::kGlobalAverage, .inputs = {x}});
  b.dense(x, 128, 16);
  return b.graph;
}

std::size_t picture_floats(const Graph& graph) {
  const auto& shape = graph.layers[0].shape;
  return shape[0] * shape[1] * shape[2];
}

std::vector<float> computed(const GraphEngine& engine, const std::vector<float>& pictures,
                            std::size_t count) {
  std::vector<float> out(count * engine.outputs());
  engine.run(pictures, count, out);
  return out;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

double largest_size(const std::vector<float>& values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

std::vector<float> through_openvino(const Graph& graph, const std::vector<float>& pictures,
                                    std::size_t count) {
  const fs::path folder = fs::path(testing::TempDir()) / "graph_engine_test";
  fs::create_directories(folder);
  write_network(graph, folder / "network.xml");
  const auto& shape = graph.layers[0].shape;
  std::vector<std::size_t> sizes{count, shape[0], shape[1], shape[2]};
  return Network(folder / "network.xml").run({sizes, pictures}).front().values;
}

TEST(GraphEngine, EqualsOpenVinoOnEveryTargetAndBatch) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "OpenVINO opens a library with RTLD_DEEPBIND, which ends a sanitized program";
#endif
  const Graph graph = everything();
  const std::vector<float> pictures = Numbers().take(19 * picture_floats(graph));
  const std::vector<float> expected = through_openvino(graph, pictures, 19);
  const double near = 2e-6 * largest_size(expected);
  const auto engine = GraphEngine::make(graph, Precision::kF32);
  ASSERT_TRUE(engine);
  EXPECT_EQ(engine->input(), (std::vector<std::size_t>{29, 31, 3}));
  ASSERT_EQ(engine->outputs(), 16U);
  // Weights are packed once, whatever computes with them.
  on_every_target([&] { EXPECT_LT(largest_difference(computed(*engine, pictures, 19), expected), near); });
  // Two passes above; alone each picture gives the same.
  const std::size_t floats = picture_floats(graph);
  for (const std::size_t i : {0UL, 15UL, 18UL}) {
    const auto first = pictures.begin() + static_cast<std::ptrdiff_t>(i * floats);
    const std::vector<float> one(first, first + static_cast<std::ptrdiff_t>(floats));
    const std::vector<float> wanted(expected.begin() + static_cast<std::ptrdiff_t>(16 * i),
                                    expected.begin() + static_cast<std::ptrdiff_t>(16 * i + 16));
    EXPECT_LT(largest_difference(computed(*engine, one, 1), wanted), near) << i;
  }
}

// What a bf16 number cannot hold is 1/256 of it; over a dozen layers outputs move by more, directions hardly.
TEST(GraphEngine, Bf16IsNearF32) {
  if (!GraphEngine::make(everything(), Precision::kBf16)) GTEST_SKIP() << "this CPU has no AVX512-BF16";
  const Graph graph = everything();
  const std::vector<float> pictures = Numbers().take(5 * picture_floats(graph));
  const std::vector<float> f32 = computed(*GraphEngine::make(graph, Precision::kF32), pictures, 5);
  const std::vector<float> bf16 = computed(*GraphEngine::make(graph, Precision::kBf16), pictures, 5);
  EXPECT_LT(largest_difference(f32, bf16), 0.02 * largest_size(f32));
  EXPECT_GT(largest_difference(f32, bf16), 1e-5 * largest_size(f32));  // it is not f32 after all
}

TEST(GraphEngine, ThreadsShareOne) {
  const Graph graph = everything();
  const auto engine = GraphEngine::make(graph, Precision::kF32);
  const std::vector<float> pictures = Numbers().take(6 * picture_floats(graph));
  const std::vector<float> expected = computed(*engine, pictures, 6);
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) result = computed(*engine, pictures, 6);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(GraphEngine, RefusesSizesThatDoNotFit) {
  const auto engine = GraphEngine::make(everything(), Precision::kF32);
  std::vector<float> out(16);
  EXPECT_THROW(engine->run(std::vector<float>(5), 1, out), std::invalid_argument);
  EXPECT_THROW(engine->run(std::vector<float>(29 * 31 * 3), 1, std::span(out).first(15)),
               std::invalid_argument);
  engine->run({}, 0, {});
}

TEST(GraphEngine, LeavesToOthersWhatItCannotDo) {
  const auto made = [](const std::function<void(Builder&)>& build) {
    Builder b({20, 20, 3});
    build(b);
    return GraphEngine::make(std::move(b.graph), Precision::kF32).has_value();
  };
  const auto end = [](Builder& b, std::size_t from, std::size_t channels) {
    b.dense(b.add({.kind = LayerKind::kGlobalAverage, .inputs = {from}}), channels, 16);
  };
  EXPECT_TRUE(made([&](Builder& b) { end(b, b.convolution(0, {3, 3, 3, 16}, 1, true), 16); }));
  // Channels that are no whole vectors get zeros beside them.
  EXPECT_TRUE(made([&](Builder& b) { end(b, b.convolution(0, {3, 3, 3, 24}, 1, true), 24); }));
  // Groups of several channels.
  EXPECT_FALSE(made([&](Builder& b) {
    const std::size_t x = b.convolution(0, {3, 3, 3, 32}, 1, true);
    const std::size_t grouped = b.convolution(x, {3, 3, 16, 32}, 1, true);
    b.graph.layers[grouped].groups = 2;
    end(b, grouped, 32);
  }));
  // A ReLU of something that others read as it was.
  EXPECT_FALSE(made([&](Builder& b) {
    const std::size_t x = b.convolution(0, {3, 3, 3, 16}, 1, true);
    end(b, b.add({.kind = LayerKind::kAdd, .inputs = {x, b.relu(x)}}), 16);
  }));
  // A value joined twice.
  EXPECT_FALSE(made([&](Builder& b) {
    const std::size_t x = b.convolution(0, {3, 3, 3, 16}, 1, true);
    end(b, b.add({.kind = LayerKind::kConcatenate, .inputs = {x, x}}), 32);
  }));
  // Narrow values that are joined, and summed with one that is not: zeros lie in other places.
  EXPECT_FALSE(made([&](Builder& b) {
    const std::size_t one = b.convolution(0, {3, 3, 3, 5}, 1, true);
    const std::size_t two = b.convolution(0, {3, 3, 3, 4}, 1, true);
    const std::size_t joined = b.add({.kind = LayerKind::kConcatenate, .inputs = {one, two}});
    const std::size_t third = b.convolution(joined, {1, 1, 9, 9}, 1, true);
    end(b, b.add({.kind = LayerKind::kAdd, .inputs = {joined, third}}), 9);
  }));
  // Batch normalisation with nothing before it.
  EXPECT_FALSE(made([&](Builder& b) {
    const std::size_t x = b.add({.kind = LayerKind::kMaxPool, .inputs = {0}, .window = {2, 2}});
    end(b, b.convolution(x, {3, 3, 3, 16}, 1, true), 16);
  }));
  EXPECT_FALSE(GraphEngine::make(everything(), Precision::kInt8));
  Builder misfit({20, 20, 3});
  misfit.convolution(0, {3, 3, 4, 16}, 1, true);
  EXPECT_THROW((void)GraphEngine::make(misfit.graph, Precision::kF32), std::runtime_error);
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

TEST(GraphEngine, IsKeptInAFileAndADamagedOneIsAsIfItWereNotThere) {
  const fs::path folder = fs::path(testing::TempDir()) / "graph_engine_kept";
  fs::remove_all(folder);
  const fs::path file = folder / "network.packed";
  const Graph graph = everything();
  const auto engine = GraphEngine::make(graph, Precision::kF32);
  EXPECT_FALSE(GraphEngine::load(file, "key"));
  ASSERT_TRUE(engine->store(file, "key"));
  const auto kept = GraphEngine::load(file, "key");
  ASSERT_TRUE(kept);
  const std::vector<float> pictures = Numbers().take(3 * picture_floats(graph));
  EXPECT_EQ(computed(*kept, pictures, 3), computed(*engine, pictures, 3));
  EXPECT_FALSE(GraphEngine::load(file, "kez"));
  EXPECT_FALSE(GraphEngine::load(file, "longer key"));

  const std::string good = bytes_of(file);
  const fs::path bad = folder / "bad.packed";
  for (std::size_t at = 0; at < good.size(); at += at < 4096 ? 37 : 65537) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    write_bytes(bad, changed);
    EXPECT_FALSE(GraphEngine::load(bad, "key")) << at;
  }
  for (const std::size_t size : {0UL, 10UL, 90UL, 4095UL, 4096UL, good.size() / 2, good.size() - 1}) {
    write_bytes(bad, good.substr(0, size));
    EXPECT_FALSE(GraphEngine::load(bad, "key")) << size;
  }
  write_bytes(bad, good + "x");
  EXPECT_FALSE(GraphEngine::load(bad, "key"));
  EXPECT_FALSE(GraphEngine::load(folder, "key"));
  EXPECT_FALSE(engine->store(file / "below a file", "key"));
}

}  // namespace
}  // namespace likeness
