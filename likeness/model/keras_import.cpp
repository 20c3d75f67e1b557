#include "likeness/model/keras_import.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "likeness/model/graph_order.h"
#include "likeness/model/json_fields.h"
#include "likeness/model/keras_config.h"
#include "likeness/model/keras_file.h"
#include "likeness/model/keras_graph.h"
#include "likeness/model/keras_layers.h"

namespace likeness {
namespace {

constexpr std::size_t kMostUses = 4096;
constexpr std::size_t kMostWeights = 1UL << 28;  // numbers: 1 GiB; layers used twice are counted twice

class Importer {
 public:
  Importer(KerasFile file, std::string path) : path_(std::move(path)), file_(std::move(file)) {}
  Graph graph();

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kModelInvalid, path_ + ": " + problem);
  }
  std::string about(const KerasLayer& layer) const { return path_ + ": the layer " + layer.name; }

  KerasLayers layers() const;
  /// Uses of layers so that each stands after those it reads.
  std::vector<std::pair<const KerasLayer*, std::size_t>> ordered(const KerasLayers& model) const;
  std::size_t append(GraphLayer layer, const std::string& name);
  std::size_t append_activation(const JsonFields& config, std::size_t input, const std::string& name);
  std::size_t append_layer(const KerasLayer& layer, std::vector<std::size_t> inputs);
  std::size_t append_weighted(const KerasLayer& layer, GraphLayer step, const JsonFields& config);
  std::size_t append_batch_norm(const KerasLayer& layer, GraphLayer step, const JsonFields& config);
  std::size_t append_separable(const KerasLayer& layer, std::size_t input, const JsonFields& config);
  std::size_t append_leaky(const KerasLayer& layer, std::size_t input, const JsonFields& config);
  std::size_t append_relu(const KerasLayer& layer, std::size_t input, const JsonFields& config);
  std::size_t append_normalization(const KerasLayer& layer, GraphLayer step, const JsonFields& config);
  std::size_t append_rescaling(const KerasLayer& layer, GraphLayer step, const JsonFields& config);
  std::size_t append_input(const KerasLayer& layer, GraphLayer step, const JsonFields& config);
  std::size_t append_picture_step(const KerasLayer& layer, GraphLayer step, const JsonFields& config);
  /// `numbers` for each channel of `input`; one number stands for all.
  std::vector<double> per_channel(std::vector<double> numbers, std::size_t input,
                                  const JsonFields& config) const;

  /// A weight of a layer, which must be there; `rank` dimensions. Of a layer that is used once it is taken
  /// out of the file.
  Tensor weight(const KerasLayer& layer, const std::string& role, std::size_t rank);
  void check_roles(const KerasLayer& layer, const std::set<std::string>& known) const;
  void check_weights_used(const KerasLayers& layers) const;
  /// Gives numbered weights their layers and roles.
  void name_weights(const KerasLayers& model);

  std::string path_;
  KerasFile file_;
  Graph graph_;
  std::vector<std::vector<std::size_t>> shapes_;  // of each layer of graph_
  std::map<KerasValue, std::size_t> places_;      // in graph_
  std::size_t weights_ = 0;
};

KerasLayers Importer::layers() const {
  if (!file_.model_config.empty()) return keras_layers_from(file_.model_config, path_);
  const Tensor* kernel = nullptr;
  const auto bottleneck = file_.weights.find("Bottleneck");
  if (bottleneck != file_.weights.end() && bottleneck->second.contains("kernel"))
    kernel = &bottleneck->second.at("kernel");
  for (const auto& [group, numbered] : file_.numbered) {
    if (numbered.layer == "Bottleneck" && !numbered.values.empty()) kernel = &numbered.values.front();
  }
  if (kernel == nullptr || kernel->shape.size() != 2) {
    fail(
        "it holds weights only, and not those of Inception-ResNet-v1, the one architecture known without the "
        "model's layers; save the whole model, as .keras or .h5");
  }
  return inception_resnet_v1(kernel->shape[1]);
}

namespace {

/// "BatchNormalization" to "batch_normalization", "PReLU" to "p_re_lu", as Keras' naming.to_snake_case does.
std::string snake_case(const std::string& name) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool starts_word = i > 0 && upper(name[i]) && i + 1 < name.size() && lower(name[i + 1]);
    const bool follows_word = i > 0 && upper(name[i]) && lower(name[i - 1]);
    if (starts_word || follows_word) result += '_';
    result += upper(name[i]) ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  return result;
}

/// The roles of a layer's weights, in the order in which Keras makes them.
std::vector<std::string> roles_of(const KerasLayer& layer, const JsonFields& config) {
  const auto with_bias = [&](std::vector<std::string> roles) {
    if (config.boolean("use_bias")) roles.emplace_back("bias");
    return roles;
  };
  const std::string& kind = layer.class_name;
  if (kind == "Conv2D" || kind == "Dense" || kind == "DepthwiseConv2D") return with_bias({"kernel"});
  if (kind == "SeparableConv2D") return with_bias({"depthwise_kernel", "pointwise_kernel"});
  if (kind == "PReLU") return {"alpha"};
  if (kind == "Normalization") return {"mean", "variance", "count"};
  if (kind != "BatchNormalization") return {};
  std::vector<std::string> roles;
  if (config.boolean("scale")) roles.emplace_back("gamma");
  if (config.boolean("center")) roles.emplace_back("beta");
  roles.insert(roles.end(), {"moving_mean", "moving_variance"});
  return roles;
}

}  // namespace

void Importer::name_weights(const KerasLayers& model) {
  std::map<std::string, std::string> groups;  // where the file says it: a layer's name to its group
  for (const auto& [group, numbered] : file_.numbered) {
    if (!numbered.layer.empty() && !groups.emplace(numbered.layer, group).second)
      fail("two layers are called " + numbered.layer);
  }
  std::map<std::string, std::size_t> counts;
  for (const KerasLayer& layer : model.layers) {
    const std::string kind = snake_case(layer.class_name);
    const std::size_t count = counts[kind]++;
    const auto said = groups.find(layer.name);
    const auto found = file_.numbered.find(said != groups.end() ? said->second
                                           : count == 0         ? kind
                                                                : kind + "_" + std::to_string(count));
    if (found == file_.numbered.end()) continue;  // weight() complains where one is needed
    NumberedWeights& numbered = found->second;
    const auto roles = roles_of(layer, JsonFields(layer.config, about(layer)));
    if (numbered.values.size() > roles.size())
      fail("the layer " + layer.name + " has " + std::to_string(numbered.values.size()) +
           " weights instead of " + std::to_string(roles.size()));
    for (std::size_t i = 0; i < numbered.values.size(); ++i)
      file_.weights[layer.name].emplace(roles[i], std::move(numbered.values[i]));
    file_.numbered.erase(found);
  }
  for (const auto& [group, numbered] : file_.numbered) {
    if (!numbered.values.empty()) fail("it has weights for a layer " + group + " that the model lacks");
  }
}

Tensor Importer::weight(const KerasLayer& layer, const std::string& role, std::size_t rank) {
  const auto of_layer = file_.weights.find(layer.name);
  if (of_layer == file_.weights.end()) fail("the layer " + layer.name + " has no weights in the file");
  const auto found = of_layer->second.find(role);
  if (found == of_layer->second.end()) fail("the layer " + layer.name + " has no weights \"" + role + "\"");
  if (found->second.shape.size() != rank) {
    fail("the weights \"" + role + "\" of the layer " + layer.name + " have " +
         std::to_string(found->second.shape.size()) + " dimensions instead of " + std::to_string(rank));
  }
  for (const float value : found->second.values) {
    if (!std::isfinite(value))
      fail("the weights \"" + role + "\" of the layer " + layer.name + " are not all numbers");
  }
  return layer.uses.size() == 1 ? std::move(found->second) : found->second;
}

void Importer::check_roles(const KerasLayer& layer, const std::set<std::string>& known) const {
  const auto of_layer = file_.weights.find(layer.name);
  if (of_layer == file_.weights.end()) return;
  for (const auto& [role, tensor] : of_layer->second) {
    if (!known.contains(role))
      fail("the layer " + layer.name + " has weights \"" + role + "\" that it should not have");
  }
}

std::size_t Importer::append(GraphLayer layer, const std::string& name) {
  layer.name = name;
  weights_ += layer.kernel.values.size();
  if (weights_ > kMostWeights || graph_.layers.size() >= 2 * kMostUses) fail("the model is too large");
  graph_.layers.push_back(std::move(layer));
  try {
    shapes_.push_back(output_shape(graph_, graph_.layers.size() - 1, shapes_));
  } catch (const std::runtime_error& e) {
    fail("the layer " + name + " " + e.what());
  }
  return graph_.layers.size() - 1;
}

std::size_t Importer::append_activation(const JsonFields& config, std::size_t input,
                                        const std::string& name) {
  const std::string activation = config.has("activation") ? config.text("activation") : "linear";
  if (activation == "linear") return input;
  if (activation != "relu") config.wrong("activation", "relu or linear");
  return append({.kind = LayerKind::kRelu, .name = {}, .inputs = {input}}, name + "/relu");
}

std::size_t Importer::append_weighted(const KerasLayer& layer, GraphLayer step, const JsonFields& config) {
  const bool convolution = step.kind == LayerKind::kConvolution;
  check_roles(layer, {"kernel", "bias"});
  step.kernel = weight(layer, "kernel", convolution ? 4 : 2);
  if (convolution && config.has("groups"))
    step.groups = static_cast<std::size_t>(config.integer("groups", 1, 1 << 20));
  const auto outputs =
      static_cast<std::size_t>(config.integer(convolution ? "filters" : "units", 1, 1 << 20));
  if (step.kernel.shape.back() != outputs)
    config.fail("has a kernel for " + std::to_string(step.kernel.shape.back()) + " outputs instead of " +
                std::to_string(outputs));
  if (config.boolean("use_bias")) {
    step.bias = weight(layer, "bias", 1).values;
    if (step.bias.size() != outputs)
      config.fail("has a bias of " + std::to_string(step.bias.size()) + " values");
  }
  if (convolution) {
    check_channels_last(config);
    const auto window = pair_of(config, "kernel_size");
    if (step.kernel.shape[0] != window[0] || step.kernel.shape[1] != window[1]) {
      config.fail("has a kernel of another size than its kernel_size");
    }
    step.strides = pair_of(config, "strides");
    step.same = same_padding(config);
    if (config.has("dilation_rate")) step.dilation = pair_of(config, "dilation_rate");
  }
  return append_activation(config, append(std::move(step), layer.name), layer.name);
}

std::size_t Importer::append_batch_norm(const KerasLayer& layer, GraphLayer step, const JsonFields& config) {
  check_roles(layer, {"gamma", "beta", "moving_mean", "moving_variance"});
  check_last_axis(config, shapes_[step.inputs[0]].size());
  const double epsilon = config.number("epsilon");
  const auto mean = weight(layer, "moving_mean", 1).values;
  const auto variance = weight(layer, "moving_variance", 1).values;
  const auto beta =
      config.boolean("center") ? weight(layer, "beta", 1).values : std::vector<float>(mean.size(), 0.0F);
  const auto gamma =
      config.boolean("scale") ? weight(layer, "gamma", 1).values : std::vector<float>(mean.size(), 1.0F);
  if (variance.size() != mean.size() || beta.size() != mean.size() || gamma.size() != mean.size()) {
    config.fail("has weights of different sizes");
  }
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const double spread = variance[c] + epsilon;
    if (!(spread > 0)) config.fail("has a variance of " + std::to_string(variance[c]));
    const double factor = gamma[c] / std::sqrt(spread);
    step.factor.push_back(static_cast<float>(factor));
    step.shift.push_back(static_cast<float>(beta[c] - mean[c] * factor));
  }
  return append(std::move(step), layer.name);
}

/// A convolution of each channel by itself, and after a SeparableConv2D's one of all channels at each place.
std::size_t Importer::append_separable(const KerasLayer& layer, std::size_t input, const JsonFields& config) {
  const bool both = layer.class_name == "SeparableConv2D";
  const bool old_name = file_.weights[layer.name].contains("depthwise_kernel");
  const std::string role = both || old_name ? "depthwise_kernel" : "kernel";
  check_roles(layer, {role, both ? "pointwise_kernel" : role, "bias"});
  check_channels_last(config);
  GraphLayer step{.kind = LayerKind::kConvolution, .name = {}, .inputs = {input}};
  step.kernel = weight(layer, role, 4);
  auto& sizes = step.kernel.shape;
  const auto window = pair_of(config, "kernel_size");
  if (sizes[0] != window[0] || sizes[1] != window[1])
    config.fail("has a kernel of another size than its kernel_size");
  step.groups = sizes[2];
  sizes = {sizes[0], sizes[1], 1,
           sizes[2] * sizes[3]};  // the same numbers: a channel's outputs lie side by side
  step.strides = pair_of(config, "strides");
  step.same = same_padding(config);
  if (config.has("dilation_rate")) step.dilation = pair_of(config, "dilation_rate");
  if (both) {
    const std::size_t middle = append(std::move(step), layer.name + "/depthwise");
    step = GraphLayer{.kind = LayerKind::kConvolution, .name = {}, .inputs = {middle}};
    step.kernel = weight(layer, "pointwise_kernel", 4);
  }
  if (config.boolean("use_bias")) step.bias = weight(layer, "bias", 1).values;
  return append_activation(config, append(std::move(step), layer.name), layer.name);
}

std::vector<double> Importer::per_channel(std::vector<double> numbers, std::size_t input,
                                          const JsonFields& config) const {
  const std::size_t channels = shapes_[input].back();
  if (numbers.size() == 1) numbers.resize(channels, numbers.front());
  if (numbers.size() != channels) {
    config.fail("has " + std::to_string(numbers.size()) + " numbers for " + std::to_string(channels) +
                " channels");
  }
  return numbers;
}

/// PReLU and LeakyReLU: what is below 0 times a slope.
std::size_t Importer::append_leaky(const KerasLayer& layer, std::size_t input, const JsonFields& config) {
  GraphLayer step{.kind = LayerKind::kLeaky, .name = {}, .inputs = {input}};
  if (layer.class_name == "LeakyReLU") {
    const char* field = config.has("negative_slope") ? "negative_slope" : "alpha";  // Keras 3, Keras 2
    step.slope.assign(shapes_[input].back(), static_cast<float>(config.number(field)));
    return append(std::move(step), layer.name);
  }
  check_roles(layer, {"alpha"});
  const auto& shape = shapes_[input];
  step.slope = weight(layer, "alpha", shape.size()).values;
  if (step.slope.size() == 1) step.slope.resize(shape.back(), step.slope.front());
  return append(std::move(step), layer.name);
}

std::size_t Importer::append_relu(const KerasLayer& layer, std::size_t input, const JsonFields& config) {
  if (config.has("threshold") && config.number("threshold") != 0) config.wrong("threshold", "0");
  const double slope = config.has("negative_slope") && !config.any("negative_slope").is_null()
                           ? config.number("negative_slope")
                           : 0;
  const bool bounded = config.has("max_value") && !config.any("max_value").is_null();
  GraphLayer step{.kind = slope == 0 ? LayerKind::kRelu : LayerKind::kLeaky, .name = {}, .inputs = {input}};
  if (slope != 0) step.slope.assign(shapes_[input].back(), static_cast<float>(slope));
  const std::size_t bent = append(std::move(step), layer.name);
  if (!bounded) return bent;
  const double most = config.number("max_value");
  if (!(most >= 0)) config.wrong("max_value", "a number from 0");
  return append({.kind = LayerKind::kAtMost, .name = {}, .inputs = {bent}, .most = static_cast<float>(most)},
                layer.name + "/most");
}

/// (x - mean) / deviation, whose numbers stand in the config or, learnt from data, among the weights.
std::size_t Importer::append_normalization(const KerasLayer& layer, GraphLayer step,
                                           const JsonFields& config) {
  check_roles(layer, {"mean", "variance", "count"});
  const std::size_t input = step.inputs[0];
  check_last_axis(config, shapes_[input].size());
  if (config.has("invert") && config.boolean("invert")) config.wrong("invert", "false");
  const auto numbers = [&](const char* name) {
    if (config.has(name) && !config.any(name).is_null())
      return per_channel(numbers_of(config, name), input, config);
    const auto values = weight(layer, name, 1).values;
    return per_channel({values.begin(), values.end()}, input, config);
  };
  const auto mean = numbers("mean");
  const auto variance = numbers("variance");
  constexpr double kLeast = 1e-7;  // Keras' epsilon(), below which it lets no deviation fall
  for (std::size_t c = 0; c < mean.size(); ++c) {
    if (!(variance[c] >= 0)) config.fail("has a variance of " + std::to_string(variance[c]));
    const double deviation = std::max(std::sqrt(variance[c]), kLeast);
    step.factor.push_back(static_cast<float>(1 / deviation));
    step.shift.push_back(static_cast<float>(-mean[c] / deviation));
  }
  return append(std::move(step), layer.name);
}

std::size_t Importer::append_rescaling(const KerasLayer& layer, GraphLayer step, const JsonFields& config) {
  for (const double factor : per_channel(numbers_of(config, "scale"), step.inputs[0], config))
    step.factor.push_back(static_cast<float>(factor));
  for (const double shift : per_channel(numbers_of(config, "offset"), step.inputs[0], config))
    step.shift.push_back(static_cast<float>(shift));
  return append(std::move(step), layer.name);
}

std::size_t Importer::append_input(const KerasLayer& layer, GraphLayer step, const JsonFields& config) {
  const char* field = config.has("batch_shape") ? "batch_shape" : "batch_input_shape";  // Keras 3, Keras 2
  const auto& shape = config.array(field);
  if (!graph_.layers.empty()) config.fail("is a second input");
  if (shape.size() != 4) config.wrong(field, "batch, height, width and channels");
  for (std::size_t i = 1; i < 4; ++i) {
    if (!shape[i].is_number_unsigned() || shape[i].get<std::size_t>() > 4096) {
      config.wrong(field, "batch, height, width and channels up to 4096");
    }
    step.shape.push_back(shape[i].get<std::size_t>());
  }
  return append(std::move(step), layer.name);
}

/// Layers without weights.
std::size_t Importer::append_picture_step(const KerasLayer& layer, GraphLayer step,
                                          const JsonFields& config) {
  const std::string& kind = layer.class_name;
  check_channels_last(config);
  if (kind == "MaxPooling2D") {
    step.kind = LayerKind::kMaxPool;
    step.window = pair_of(config, "pool_size");
    step.strides = pair_of(config, "strides");
    step.same = same_padding(config);
  } else if (kind == "ZeroPadding2D") {
    step.kind = LayerKind::kPad;
    step.borders = borders_of(config, "padding");
  } else if (kind == "Flatten") {
    if (shapes_[step.inputs[0]].size() == 1) return step.inputs[0];
    step.kind = LayerKind::kFlatten;
  } else if (kind == "Concatenate") {
    check_last_axis(config, shapes_[step.inputs[0]].size());
    step.kind = LayerKind::kConcatenate;
  } else if (kind == "Add") {
    step.kind = LayerKind::kAdd;
  } else if (kind == "GlobalAveragePooling2D" || kind == "GlobalMaxPooling2D") {
    if (config.has("keepdims") && config.boolean("keepdims")) config.wrong("keepdims", "false");
    step.kind = kind == "GlobalMaxPooling2D" ? LayerKind::kGlobalMax : LayerKind::kGlobalAverage;
  } else if (kind == "UnitNormalization") {
    check_last_axis(config, shapes_[step.inputs[0]].size());
    step.kind = LayerKind::kUnitLength;
  } else if (kind == "Lambda") {
    step.kind = LayerKind::kScale;
    step.scale = scaling_of(config);
  } else {
    fail("the layer " + layer.name + " is of the class " + kind + ", which is not understood");
  }
  return append(std::move(step), layer.name);
}

std::size_t Importer::append_layer(const KerasLayer& layer, std::vector<std::size_t> inputs) {
  const JsonFields config(layer.config, about(layer));
  const std::string& kind = layer.class_name;
  const bool joins = kind == "Concatenate" || kind == "Add";
  const std::size_t wanted = kind == "InputLayer" ? 0 : 1;
  if (joins ? inputs.size() < 2 : inputs.size() != wanted) {
    fail("the layer " + layer.name + " has " + std::to_string(inputs.size()) + " inputs");
  }
  GraphLayer step{.kind = LayerKind::kInput, .name = {}, .inputs = std::move(inputs)};
  if (kind == "InputLayer") return append_input(layer, std::move(step), config);
  const std::size_t input = step.inputs[0];
  if (kind == "Conv2D" || kind == "Dense") {
    step.kind = kind == "Dense" ? LayerKind::kDense : LayerKind::kConvolution;
    return append_weighted(layer, std::move(step), config);
  }
  if (kind == "DepthwiseConv2D" || kind == "SeparableConv2D") return append_separable(layer, input, config);
  if (kind == "PReLU" || kind == "LeakyReLU") return append_leaky(layer, input, config);
  if (kind == "ReLU") return append_relu(layer, input, config);
  if (kind == "Dropout") return input;  // does nothing after training
  if (kind == "Activation") {
    (void)config.text("activation");
    return append_activation(config, input, layer.name);
  }
  step.kind = LayerKind::kAffine;
  if (kind == "BatchNormalization") return append_batch_norm(layer, std::move(step), config);
  if (kind == "Normalization") return append_normalization(layer, std::move(step), config);
  if (kind == "Rescaling") return append_rescaling(layer, std::move(step), config);
  return append_picture_step(layer, std::move(step), config);
}

/// A name in the file that no layer has means that the file and its model_config do not belong together.
void Importer::check_weights_used(const KerasLayers& layers) const {
  std::set<std::string> names;
  for (const KerasLayer& layer : layers.layers) names.insert(layer.name);
  for (const auto& [name, weights] : file_.weights) {
    if (!weights.empty() && !names.contains(name))
      fail("it has weights for a layer " + name + " that the model lacks");
  }
}

std::vector<std::pair<const KerasLayer*, std::size_t>> Importer::ordered(const KerasLayers& model) const {
  std::vector<std::pair<const KerasLayer*, std::size_t>> uses;
  std::map<KerasValue, std::size_t> places;  // in `uses`
  std::set<std::string> names;
  for (const KerasLayer& layer : model.layers) {
    if (!names.insert(layer.name).second) fail("two layers are called " + layer.name);
    for (std::size_t use = 0; use < layer.uses.size(); ++use) {
      places[{layer.name, use}] = uses.size();
      uses.emplace_back(&layer, use);
    }
  }
  if (uses.size() > kMostUses) fail("its layers are used over " + std::to_string(kMostUses) + " times");
  std::vector<std::vector<std::size_t>> reads(uses.size());
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const auto& [layer, use] = uses[i];
    for (const KerasValue& value : layer->uses[use]) {
      const auto place = places.find(value);
      if (place == places.end())
        fail("the layer " + layer->name + " reads " + value.first + ", which is missing");
      reads[i].push_back(place->second);
    }
  }
  // Keras writes layers in an order of its own; whatever has its inputs goes next.
  std::vector<bool> placed(uses.size(), false);
  std::vector<std::pair<const KerasLayer*, std::size_t>> result;
  for (const std::size_t i : order_of(reads)) {
    placed[i] = true;
    result.push_back(uses[i]);
  }
  const auto left = std::find(placed.begin(), placed.end(), false);
  if (left != placed.end()) {
    fail("the layer " + uses[static_cast<std::size_t>(left - placed.begin())].first->name +
         " is in a circle of layers, or reads one");
  }
  return result;
}

Graph Importer::graph() {
  const KerasLayers model = layers();
  name_weights(model);
  check_weights_used(model);
  for (const auto& [layer, use] : ordered(model)) {
    std::vector<std::size_t> inputs;
    for (const KerasValue& value : layer->uses[use]) inputs.push_back(places_.at(value));
    places_[{layer->name, use}] = append_layer(*layer, std::move(inputs));
  }
  const auto output = places_.find(model.output);
  if (output == places_.end()) fail("the output layer " + model.output.first + " is missing");
  if (shapes_[output->second].size() != 1) fail("the output layer " + model.output.first + " gives pictures");
  graph_.output = output->second;
  return std::move(graph_);
}

}  // namespace

Graph keras_graph(KerasFile file, const std::string& name) { return Importer(std::move(file), name).graph(); }

Graph read_keras(const std::filesystem::path& file) {
  return keras_graph(read_keras_file(file), file.string());
}

Graph read_keras(std::span<const std::byte> bytes, const std::string& name) {
  return keras_graph(read_keras_file(bytes, name), name);
}

}  // namespace likeness
