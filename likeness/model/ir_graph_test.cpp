#include "likeness/model/ir_graph.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/infer/graph.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

Tensor counted(std::vector<std::size_t> shape, float step) {
  std::size_t count = 1;
  for (const std::size_t side : shape) count *= side;
  Tensor tensor{std::move(shape), std::vector<float>(count)};
  for (std::size_t i = 0; i < count; ++i) tensor.values[i] = step * static_cast<float>(i % 17);
  return tensor;
}

/// One layer of every kind that write_network() writes.
Graph every_kind() {
  Graph graph;
  const auto add = [&](GraphLayer layer) {
    layer.name = "layer" + std::to_string(graph.layers.size());
    graph.layers.push_back(std::move(layer));
    return graph.layers.size() - 1;
  };
  std::size_t x = add({.kind = LayerKind::kInput, .shape = {12, 10, 3}});
  x = add({.kind = LayerKind::kConvolution,
           .inputs = {x},
           .strides = {2, 1},
           .same = true,
           .kernel = counted({3, 2, 3, 4}, 0.25F)});
  x = add({.kind = LayerKind::kAffine,
           .inputs = {x},
           .factor = {1.0F, 0.5F, 2.0F, 3.0F},
           .shift = {0.0F, 1.0F, -1.0F, 4.0F}});
  const std::size_t left = add({.kind = LayerKind::kRelu, .inputs = {x}});
  const std::size_t up = add({.kind = LayerKind::kConvolution,
                              .inputs = {left},
                              .same = true,
                              .kernel = counted({1, 1, 4, 4}, 0.5F),
                              .bias = {1.0F, 2.0F, 3.0F, 4.0F}});
  const std::size_t scaled = add({.kind = LayerKind::kScale, .inputs = {up}, .scale = 0.17F});
  const std::size_t sum = add({.kind = LayerKind::kAdd, .inputs = {left, scaled}});
  const std::size_t joined = add({.kind = LayerKind::kConcatenate, .inputs = {sum, left}});
  x = add({.kind = LayerKind::kMaxPool, .inputs = {joined}, .window = {3, 3}, .strides = {2, 2}});
  x = add({.kind = LayerKind::kGlobalAverage, .inputs = {x}});
  graph.output = add({.kind = LayerKind::kDense, .inputs = {x}, .kernel = counted({8, 5}, 0.125F)});
  return graph;
}

class IrGraphTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] fs::path xml() const { return folder_ / "network.xml"; }
  fs::path folder_;
};

TEST_F(IrGraphTest, IsTheGraphThatWasWritten) {
  const Graph written = every_kind();
  write_network(written, xml());
  const auto read = read_ir_graph(xml());
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->unit_length);
  const Graph& graph = read->graph;
  ASSERT_EQ(graph.layers.size(), written.layers.size());
  EXPECT_EQ(graph.output, written.output);
  for (std::size_t i = 0; i < written.layers.size(); ++i) {
    const GraphLayer& a = written.layers[i];
    const GraphLayer& b = graph.layers[i];
    SCOPED_TRACE(a.name);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.inputs, b.inputs);
    EXPECT_EQ(a.shape, b.shape);
    EXPECT_EQ(a.window, b.window);
    EXPECT_EQ(a.strides, b.strides);
    EXPECT_EQ(a.dilation, b.dilation);
    EXPECT_EQ(a.kernel.shape, b.kernel.shape);
    EXPECT_EQ(a.kernel.values, b.kernel.values);
    EXPECT_EQ(a.bias, b.bias);
    EXPECT_EQ(a.factor, b.factor);
    EXPECT_EQ(a.shift, b.shift);
    EXPECT_EQ(a.scale, b.scale);
    EXPECT_EQ(a.kind == LayerKind::kConvolution ? a.same : b.same, b.same);
    const bool weighted = !a.kernel.shape.empty() || a.kind == LayerKind::kAffine;
    EXPECT_EQ(weighted ? a.name : b.name, b.name);
  }
}

TEST_F(IrGraphTest, OfALayerThatAGraphHasNotIsEmpty) {
  write_network(every_kind(), xml());
  std::ifstream in(xml());
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string relu = "type=\"ReLU\"";
  ASSERT_NE(text.find(relu), std::string::npos);
  text.replace(text.find(relu), relu.size(), "type=\"Tanh\"");
  std::ofstream(xml()) << text;
  EXPECT_FALSE(read_ir_graph(xml()));
}

TEST_F(IrGraphTest, DamageIsAnErrorThatNamesTheFile) {
  write_network(every_kind(), xml());
  const fs::path bin = folder_ / "network.bin";
  fs::resize_file(bin, fs::file_size(bin) / 2);
  try {
    (void)read_ir_graph(xml());
    FAIL() << "expected Error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelInvalid);
    EXPECT_NE(std::string(e.what()).find("network.xml"), std::string::npos) << e.what();
  }
  fs::remove(bin);
  EXPECT_THROW((void)read_ir_graph(xml()), Error);
}

}  // namespace
}  // namespace likeness
