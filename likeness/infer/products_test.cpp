#include "likeness/infer/products.h"

#include <gtest/gtest.h>

#include "likeness/infer/graph.h"

namespace likeness {
namespace {

TEST(Products, OfAConvolutionAndADenseLayer) {
  Graph graph;
  graph.layers.push_back({.kind = LayerKind::kInput, .name = "input", .shape = {6, 6, 2}});
  graph.layers.push_back({.kind = LayerKind::kConvolution,
                          .name = "convolution",
                          .inputs = {0},
                          .kernel = {{3, 3, 2, 4}, std::vector<float>(72, 0.5F)}});
  graph.layers.push_back({.kind = LayerKind::kGlobalAverage, .name = "average", .inputs = {1}});
  graph.layers.push_back({.kind = LayerKind::kDense,
                          .name = "dense",
                          .inputs = {2},
                          .kernel = {{4, 3}, std::vector<float>(12, 0.5F)}});
  graph.output = 3;
  const auto xml = std::filesystem::path(testing::TempDir()) / "likeness_products_test.xml";
  write_network(graph, xml);
  // 4 x 4 places with 4 sums of 3 x 3 x 2 products, and 3 sums of 4.
  EXPECT_EQ(products_a_row(xml), 4 * 4 * 4 * 18 + 3 * 4);
  std::filesystem::remove(xml);
  std::filesystem::remove(std::filesystem::path(xml).replace_extension(".bin"));
}

}  // namespace
}  // namespace likeness
