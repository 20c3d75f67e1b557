#include <utility>

#include "likeness/model/keras_layers.h"

namespace likeness {
namespace {

using Size = std::pair<int, int>;  // height, width

/// Appends layers; each method gives the name of what it appended.
class Builder {
 public:
  explicit Builder(KerasLayers& to) : to_(to) {}

  std::string add(const std::string& kind, const std::string& name, nlohmann::json config,
                  const std::vector<std::string>& inputs) {
    std::vector<KerasValue> values;
    for (const std::string& input : inputs) values.emplace_back(input, 0);
    config["name"] = name;
    to_.layers.push_back({kind, name, std::move(config), {std::move(values)}});
    return name;
  }
  std::string batch_norm(const std::string& name, const std::string& input) {
    return add("BatchNormalization", name,
               {{"axis", -1}, {"epsilon", 0.001}, {"center", true}, {"scale", false}}, {input});
  }
  std::string relu(const std::string& name, const std::string& input) {
    return add("Activation", name, {{"activation", "relu"}}, {input});
  }
  std::string plain_convolution(const std::string& name, const std::string& input, int filters, Size window,
                                int stride, bool same, bool bias) {
    return add("Conv2D", name,
               {{"filters", filters},
                {"kernel_size", {window.first, window.second}},
                {"strides", {stride, stride}},
                {"padding", same ? "same" : "valid"},
                {"activation", "linear"},
                {"use_bias", bias}},
               {input});
  }
  std::string convolution(const std::string& name, const std::string& input, int filters, Size window,
                          int stride = 1, bool same = true) {
    plain_convolution(name, input, filters, window, stride, same, /*bias=*/false);
    return relu(name + "_Activation", batch_norm(name + "_BatchNorm", name));
  }
  std::string max_pool(const std::string& name, const std::string& input) {
    return add("MaxPooling2D", name, {{"pool_size", {3, 3}}, {"strides", {2, 2}}, {"padding", "valid"}},
               {input});
  }
  std::string concatenate(const std::string& name, const std::vector<std::string>& inputs) {
    return add("Concatenate", name, {{"axis", 3}}, inputs);
  }
  /// The end of every residual block: back to `channels`, scaled, added to the block's input.
  std::string residual(const std::string& block, const std::string& input,
                       const std::vector<std::string>& branches, int channels, double scale,
                       bool activation = true) {
    const std::string mixed = concatenate(block + "_Concatenate", branches);
    const std::string up =
        plain_convolution(block + "_Conv2d_1x1", mixed, channels, {1, 1}, 1, true, /*bias=*/true);
    const std::string scaled = add(
        "Lambda", block + "_scaling",
        {{"function", "scaling"}, {"function_type", "function"}, {"arguments", {{"scale", scale}}}}, {up});
    const std::string sum = add("Add", block + "_add", nlohmann::json::object(), {input, scaled});
    return activation ? relu(block + "_Activation", sum) : sum;
  }

 private:
  KerasLayers& to_;
};

std::string stem(Builder& b, const std::string& input) {
  std::string x = b.convolution("Conv2d_1a_3x3", input, 32, {3, 3}, 2, false);
  x = b.convolution("Conv2d_2a_3x3", x, 32, {3, 3}, 1, false);
  x = b.convolution("Conv2d_2b_3x3", x, 64, {3, 3});
  x = b.max_pool("MaxPool_3a_3x3", x);
  x = b.convolution("Conv2d_3b_1x1", x, 80, {1, 1}, 1, false);
  x = b.convolution("Conv2d_4a_3x3", x, 192, {3, 3}, 1, false);
  return b.convolution("Conv2d_4b_3x3", x, 256, {3, 3}, 2, false);
}

std::string block35(Builder& b, const std::string& name, const std::string& x) {
  const std::string zero = b.convolution(name + "_Branch_0_Conv2d_1x1", x, 32, {1, 1});
  std::string one = b.convolution(name + "_Branch_1_Conv2d_0a_1x1", x, 32, {1, 1});
  one = b.convolution(name + "_Branch_1_Conv2d_0b_3x3", one, 32, {3, 3});
  std::string two = b.convolution(name + "_Branch_2_Conv2d_0a_1x1", x, 32, {1, 1});
  two = b.convolution(name + "_Branch_2_Conv2d_0b_3x3", two, 32, {3, 3});
  two = b.convolution(name + "_Branch_2_Conv2d_0c_3x3", two, 32, {3, 3});
  return b.residual(name, x, {zero, one, two}, 256, 0.17);
}

std::string mixed_6a(Builder& b, const std::string& x) {
  const std::string zero = b.convolution("Mixed_6a_Branch_0_Conv2d_1a_3x3", x, 384, {3, 3}, 2, false);
  std::string one = b.convolution("Mixed_6a_Branch_1_Conv2d_0a_1x1", x, 192, {1, 1});
  one = b.convolution("Mixed_6a_Branch_1_Conv2d_0b_3x3", one, 192, {3, 3});
  one = b.convolution("Mixed_6a_Branch_1_Conv2d_1a_3x3", one, 256, {3, 3}, 2, false);
  return b.concatenate("Mixed_6a", {zero, one, b.max_pool("Mixed_6a_Branch_2_MaxPool_1a_3x3", x)});
}

/// Blocks of 17 x 17 and of 8 x 8: one branch of a wide and a tall convolution, `length` long.
std::string long_block(Builder& b, const std::string& name, const std::string& x, int filters, int length,
                       int channels, double scale, bool activation = true) {
  const std::string n = std::to_string(length);
  const std::string zero = b.convolution(name + "_Branch_0_Conv2d_1x1", x, filters, {1, 1});
  std::string one = b.convolution(name + "_Branch_1_Conv2d_0a_1x1", x, filters, {1, 1});
  one = b.convolution(name + "_Branch_1_Conv2d_0b_1x" + n, one, filters, {1, length});
  one = b.convolution(name + "_Branch_1_Conv2d_0c_" + n + "x1", one, filters, {length, 1});
  return b.residual(name, x, {zero, one}, channels, scale, activation);
}

std::string mixed_7a(Builder& b, const std::string& x) {
  std::vector<std::string> branches;
  for (const auto& [branch, filters] : {std::pair("0", 384), std::pair("1", 256), std::pair("2", 256)}) {
    const std::string name = std::string("Mixed_7a_Branch_") + branch;
    std::string y = b.convolution(name + "_Conv2d_0a_1x1", x, 256, {1, 1});
    if (*branch == '2') y = b.convolution(name + "_Conv2d_0b_3x3", y, 256, {3, 3});
    branches.push_back(b.convolution(name + "_Conv2d_1a_3x3", y, filters, {3, 3}, 2, false));
  }
  branches.push_back(b.max_pool("Mixed_7a_Branch_3_MaxPool_1a_3x3", x));
  return b.concatenate("Mixed_7a", branches);
}

}  // namespace

KerasLayers inception_resnet_v1(std::size_t dimension) {
  KerasLayers result;
  Builder b(result);
  std::string x = b.add("InputLayer", "input", {{"batch_input_shape", {nullptr, 160, 160, 3}}}, {});
  x = stem(b, x);
  for (int i = 1; i <= 5; ++i) x = block35(b, "Block35_" + std::to_string(i), x);
  x = mixed_6a(b, x);
  for (int i = 1; i <= 10; ++i) x = long_block(b, "Block17_" + std::to_string(i), x, 128, 7, 896, 0.1);
  x = mixed_7a(b, x);
  for (int i = 1; i <= 5; ++i) x = long_block(b, "Block8_" + std::to_string(i), x, 192, 3, 1792, 0.2);
  x = long_block(b, "Block8_6", x, 192, 3, 1792, 1.0, /*activation=*/false);
  x = b.add("GlobalAveragePooling2D", "AvgPool", nlohmann::json::object(), {x});
  x = b.add("Dropout", "Dropout", nlohmann::json::object(), {x});
  x = b.add("Dense", "Bottleneck", {{"units", dimension}, {"activation", "linear"}, {"use_bias", false}},
            {x});
  result.output = {b.batch_norm("Bottleneck_BatchNorm", x), 0};
  // Through text once, as in a file: a parsed size is an unsigned number, one written here is not.
  for (KerasLayer& layer : result.layers) layer.config = nlohmann::json::parse(layer.config.dump());
  return result;
}

}  // namespace likeness
