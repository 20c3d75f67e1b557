// Layers that ONNX and the reader behind import understand differently (findings/openvino-*.sh).
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/model/network_file.h"

namespace likeness {
namespace {

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += static_cast<char>(128 | (value & 127));
  return bytes + static_cast<char>(value);
}
std::string text(std::uint32_t number, const std::string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string whole(std::uint32_t number, std::uint64_t value) { return varint(number << 3) + varint(value); }

/// Attributes of a node.
std::string number(const std::string& name, std::uint64_t value) {
  return text(5, text(1, name) + whole(3, value));
}
std::string real(const std::string& name, float value) {
  std::string bytes = varint(2 << 3 | 5);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift);
  return text(5, text(1, name) + bytes);
}
std::string word(const std::string& name, const std::string& value) {
  return text(5, text(1, name) + text(4, value));
}
std::string list(const std::string& name, const std::vector<std::uint64_t>& values) {
  std::string bytes = text(1, name);
  for (const std::uint64_t value : values) bytes += whole(8, value);
  return text(5, bytes);
}

std::string node(const std::string& type, const std::string& from, const std::string& to,
                 const std::string& attributes, const std::string& second = "") {
  return text(
      1, text(1, from) + (second.empty() ? "" : text(1, second)) + text(2, to) + text(4, type) + attributes);
}
std::string tensor(const std::string& name, const std::vector<std::uint64_t>& shape) {
  std::string bytes;
  std::uint64_t count = 1;
  for (const std::uint64_t side : shape) bytes += whole(1, side), count *= side;
  return text(5, bytes + whole(2, 1) + text(8, name) + text(9, std::string(count * 4, '\0')));
}

/// What check_onnx() says of a model with this graph; empty where it takes it.
std::string refusal(const std::string& graph) {
  try {
    (void)check_onnx(whole(1, 8) + text(7, graph), "net.onnx");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelInvalid);
    return error.what();
  }
}
std::string refusal(const std::string& type, const std::string& attributes) {
  return refusal(node(type, "x", "y", attributes));
}

void expect_refused(const std::string& said, const std::string& part) {
  EXPECT_NE(said.find("net.onnx: "), std::string::npos) << said;
  EXPECT_NE(said.find(part), std::string::npos) << said;
}

TEST(OnnxMeaning, AResizeIsTakenOnlyWhereItIsComputedAsItSays) {
  EXPECT_EQ(refusal("Resize", number("antialias", 0) + word("mode", "linear")), "");
  EXPECT_EQ(refusal("Resize", word("keep_aspect_ratio_policy", "stretch")), "");
  expect_refused(refusal("Resize", number("antialias", 1)), "has a Resize with antialias");
  expect_refused(refusal("Resize", word("keep_aspect_ratio_policy", "not_larger")),
                 "keeps the aspect ratio (not_larger)");
}

TEST(OnnxMeaning, APoolMayRoundUpWhereEachWindowHoldsAPixel) {
  const auto pool = [](std::uint64_t window, std::uint64_t stride, std::uint64_t pad,
                       std::uint64_t dilation) {
    return number("ceil_mode", 1) + list("kernel_shape", {window, window}) +
           list("strides", {stride, stride}) + list("pads", {pad, pad, pad, pad}) +
           list("dilations", {dilation, dilation});
  };
  EXPECT_EQ(refusal("MaxPool", pool(3, 2, 0, 1)), "");  // MTCNN's
  EXPECT_EQ(refusal("MaxPool", pool(2, 2, 0, 1)), "");
  EXPECT_EQ(refusal("MaxPool", pool(3, 2, 1, 1)), "");  // ResNet's, rounded up
  EXPECT_EQ(refusal("MaxPool", pool(2, 3, 0, 2)), "");
  EXPECT_EQ(refusal("MaxPool", number("ceil_mode", 1) + list("kernel_shape", {2, 2})), "");  // stride 1
  expect_refused(refusal("MaxPool", pool(2, 3, 0, 1)), "has a MaxPool with ceil_mode");
  expect_refused(refusal("MaxPool", pool(2, 2, 1, 1)), "last window may lie beyond the picture");
  const std::uint64_t below_zero = ~std::uint64_t{0};
  expect_refused(refusal("MaxPool", pool(3, 2, below_zero, 1)), "has a MaxPool with ceil_mode");
  // Rounded down there is no such window.
  EXPECT_EQ(refusal("MaxPool", list("kernel_shape", {2, 2}) + list("strides", {3, 3})), "");
}

TEST(OnnxMeaning, AnAveragePoolMayNotCountPixelsThatAreNotThere) {
  const std::string up = number("ceil_mode", 1) + list("kernel_shape", {3, 3}) + list("strides", {2, 2});
  EXPECT_EQ(refusal("AveragePool", up + number("count_include_pad", 1)), "");
  EXPECT_EQ(refusal("AveragePool", up + list("pads", {1, 1, 1, 1})), "");
  expect_refused(refusal("AveragePool", up + list("pads", {0, 0, 1, 1}) + number("count_include_pad", 1)),
                 "has an AveragePool with ceil_mode and count_include_pad");
}

TEST(OnnxMeaning, ANormalisationByABrokenNumberIsRefused) {
  EXPECT_EQ(refusal("LRN", number("size", 5)), "");
  EXPECT_EQ(refusal("LRN", real("bias", 2.0F)), "");
  expect_refused(refusal("LRN", real("bias", 1.5F)), "has an LRN with the bias 1.5");
}

TEST(OnnxMeaning, ATransposedConvolutionThatWouldBeShiftedIsRefused) {
  EXPECT_EQ(refusal("ConvTranspose", word("auto_pad", "SAME_UPPER")), "");
  EXPECT_EQ(refusal("ConvTranspose", word("auto_pad", "SAME_LOWER") + list("output_shape", {4, 4})), "");
  expect_refused(refusal("ConvTranspose", word("auto_pad", "SAME_UPPER") + list("output_shape", {4, 4})),
                 "shifted by a pixel");
}

TEST(OnnxMeaning, ASlopeBehindAConvolutionIsOneAChannelByItsShape) {
  const auto graph = [](const std::string& first, const std::vector<std::uint64_t>& slope) {
    return node(first, "x", "a", "", "w") + node("BatchNormalization", "a", "b", "") +
           node("PRelu", "b", "y", "", "slope") + tensor("slope", slope);
  };
  EXPECT_EQ(refusal(graph("Conv", {32, 1, 1})), "");
  EXPECT_EQ(refusal(graph("Conv", {1})), "");
  EXPECT_EQ(refusal(graph("Gemm", {32})), "");
  expect_refused(refusal(graph("Conv", {32})), "one slope a column (shape [32])");
}

}  // namespace
}  // namespace likeness
