// ONNX files as plain numbers. testdata/onnx_graph.npz: tools/make_onnx_graph.py.
#include "likeness/model/onnx_graph.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/infer/graph_engine.h"
#include "likeness/infer/network.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const NpzFile& fixture() {
  static const NpzFile npz(fs::path(__FILE__).parent_path() / "testdata" / "onnx_graph.npz");
  return npz;
}

std::string model_bytes() {
  const auto bytes = fixture().get<std::uint8_t>("model");
  return {bytes.values.begin(), bytes.values.end()};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size()) << "offsets inside the file must stay";
  const auto place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return place == std::string::npos ? text : text.replace(place, from.size(), to);
}

TEST(OnnxGraph, HasTheLayersOfTheFile) {
  const auto graph = read_onnx_graph(model_bytes(), "net.onnx");
  ASSERT_TRUE(graph);
  ASSERT_EQ(graph->layers.size(), 17U);  // one more than the file's: zeros around the second convolution
  EXPECT_EQ(graph->layers[0].shape, (std::vector<std::size_t>{12, 10, 3}));
  EXPECT_EQ(graph->layers[3].kind, LayerKind::kConvolution);
  EXPECT_TRUE(graph->layers[3].same);
  EXPECT_EQ(graph->layers[9].kind, LayerKind::kPad);
  EXPECT_FALSE(graph->layers[10].same);
  EXPECT_EQ(graph->layers[graph->output].name, "n2");
}

TEST(OnnxGraph, ComputesWhatTheReferenceDoes) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "OpenVINO cannot compute under the address sanitizer";
#endif
  const fs::path xml = fs::path(testing::TempDir()) / "onnx_graph.xml";
  write_network(*read_onnx_graph(model_bytes(), "net.onnx"), xml);
  const auto pictures = fixture().get<float>("pictures");
  const auto rows = fixture().get<float>("rows");
  const auto given = Network(xml).run({pictures.shape, pictures.values}).front();
  ASSERT_EQ(given.values.size(), rows.values.size());
  for (std::size_t i = 0; i < rows.values.size(); ++i)
    EXPECT_NEAR(given.values[i], rows.values[i], 1e-5) << i;
  fs::remove(xml);
  fs::remove(fs::path(xml).replace_extension(".bin"));
}

TEST(OnnxGraph, ADetectorIsReadForAnySize) {
  // tools/make_onnx_detector.py
  const NpzFile npz(fs::path(__FILE__).parent_path() / "testdata" / "onnx_detector.npz");
  const auto bytes = npz.get<std::uint8_t>("model").values;
  const std::string model(bytes.begin(), bytes.end());
  EXPECT_FALSE(read_onnx_graph(model, "net.onnx"));
  const auto graph = read_onnx_detector(model, "net.onnx");
  ASSERT_TRUE(graph);
  ASSERT_EQ(graph->outputs.size(), 3U);
  const auto engine = GraphEngine::make(*graph, Precision::kF32);
  ASSERT_TRUE(engine);
  for (const std::string name : {"small", "wide"}) {
    const auto picture = npz.get<float>(name);
    const auto expected = npz.get<float>(name + "_outputs").values;
    const auto sized = engine->for_size(picture.shape[0], picture.shape[1]);
    ASSERT_TRUE(sized);
    ASSERT_EQ(sized->outputs(), expected.size());
    std::vector<float> out(expected.size());
    sized->run(picture.values, 1, out);
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], expected[i], 1e-5) << name << ' ' << i;
  }
  // Blocks of other sizes than whole ones, and other ways to the nearest neighbour.
  EXPECT_FALSE(read_onnx_detector(replaced(model, "asymmetric", "half_pixel"), "net.onnx"));
}

TEST(OnnxGraph, LeavesOtherLayersToOthers) {
  EXPECT_FALSE(read_onnx_graph(replaced(model_bytes(), "LeakyRelu", "HardSwish"), "net.onnx"));
  EXPECT_FALSE(read_onnx_graph(replaced(model_bytes(), "Identity", "Softplus"), "net.onnx"));
  EXPECT_FALSE(read_onnx_graph("", "net.onnx"));
}

TEST(OnnxGraph, EveryTruncationIsAnErrorOrNotOurs) {
  const std::string whole = model_bytes();
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    try {
      EXPECT_FALSE(read_onnx_graph(whole.substr(0, size), "net.onnx").has_value()) << size;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kModelInvalid);
      EXPECT_EQ(std::string(e.what()).rfind("net.onnx: ", 0), 0U) << e.what();
    }
  }
}

}  // namespace
}  // namespace likeness
