// ONNX files as plain numbers. testdata/onnx_graph.npz: tools/make_onnx_graph.py.
#include "likeness/model/onnx_graph.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "likeness/core/error.h"
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
