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
#include "likeness/model/keras_file.h"
#include "likeness/model/keras_graph.h"
#include "likeness/model/keras_layers.h"

namespace likeness {
namespace {

constexpr std::size_t kMostUses = 4096;
constexpr std::size_t kMostWeights = 1UL << 28;  // numbers: 1 GiB; layers used twice are counted twice

/// Two whole numbers, or one for both, as Keras writes sizes.
std::array<std::size_t, 2> pair_of(const JsonFields& config, const char* field) {
  const auto& value = config.any(field);
  std::array<std::size_t, 2> result{};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto* number = value.is_array() && value.size() == 2 ? &value[i] : &value;
    if (!number->is_number_unsigned() || number->get<std::size_t>() == 0 ||
        number->get<std::size_t>() > 1024) {
      config.wrong(field, "one or two whole numbers from 1 to 1024");
    }
    result[i] = number->get<std::size_t>();
  }
  return result;
}

bool same_padding(const JsonFields& config) {
  const std::string padding = config.text("padding");
  if (padding != "same" && padding != "valid") config.wrong("padding", "same or valid");
  return padding == "same";
}

void check_channels_last(const JsonFields& config) {
  if (config.has("data_format") && config.text("data_format") != "channels_last") {
    config.wrong("data_format", "channels_last");
  }
}

/// Keras writes the axis as a number or, since 2.4, as a list of one; it must be the last of `rank` with the
/// batch.
void check_last_axis(const JsonFields& config, std::size_t rank) {
  const auto* axis = &config.any("axis");
  if (axis->is_array() && axis->size() == 1) axis = &axis->front();
  if (!axis->is_number_integer() || (*axis != -1 && *axis != static_cast<int>(rank))) {
    config.wrong("axis", "the last one");
  }
}

std::string from_base64(const std::string& text) {
  std::string bytes;
  unsigned bits = 0;
  int have = 0;
  for (const char c : text) {
    static const std::string kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto digit = kDigits.find(c);
    if (digit == std::string::npos) continue;
    bits = bits << 6 | static_cast<unsigned>(digit);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes += static_cast<char>(bits >> have & 255U);
  }
  return bytes;
}

/// The number of the one Lambda that is known: scaling(x, scale) = x * scale. Its compiled Python, if any, is
/// only searched for the function's name; it is never run.
float scaling_of(const JsonFields& config) {
  const auto& function = config.any("function");
  const bool compiled = function.is_array() && !function.empty() && function[0].is_string();
  const bool known = compiled
                         ? from_base64(function[0].get<std::string>()).find("scaling") != std::string::npos
                         : function.is_string() && function == "scaling";
  const JsonFields arguments = config.object("arguments");
  arguments.only({"scale"});
  if (!known) config.fail("is a Lambda other than `scaling`, and foreign code is not run");
  return static_cast<float>(arguments.number("scale"));
}

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

  /// A weight of a layer, which must be there; `rank` dimensions. Of a layer that is used once it is taken
  /// out of the file.
  Tensor weight(const KerasLayer& layer, const std::string& role, std::size_t rank);
  void check_roles(const KerasLayer& layer, const std::set<std::string>& known) const;
  void check_weights_used(const KerasLayers& layers) const;

  std::string path_;
  KerasFile file_;
  Graph graph_;
  std::vector<std::vector<std::size_t>> shapes_;  // of each layer of graph_
  std::map<KerasValue, std::size_t> places_;      // in graph_
  std::size_t weights_ = 0;
};

KerasLayers Importer::layers() const {
  if (!file_.model_config.empty()) return keras_layers_from(file_.model_config, path_);
  const auto bottleneck = file_.weights.find("Bottleneck");
  if (bottleneck == file_.weights.end() || !bottleneck->second.contains("kernel") ||
      bottleneck->second.at("kernel").shape.size() != 2) {
    fail(
        "it holds weights only, and not those of Inception-ResNet-v1, the one architecture known without a "
        "model_config; save the whole model");
  }
  return inception_resnet_v1(bottleneck->second.at("kernel").shape[1]);
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
    if (config.has("groups")) (void)config.integer("groups", 1, 1);
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

std::size_t Importer::append_layer(const KerasLayer& layer, std::vector<std::size_t> inputs) {
  const JsonFields config(layer.config, about(layer));
  const std::string& kind = layer.class_name;
  const bool joins = kind == "Concatenate" || kind == "Add";
  const std::size_t wanted = kind == "InputLayer" ? 0 : 1;
  if (joins ? inputs.size() < 2 : inputs.size() != wanted) {
    fail("the layer " + layer.name + " has " + std::to_string(inputs.size()) + " inputs");
  }
  GraphLayer step{.kind = LayerKind::kInput, .name = {}, .inputs = std::move(inputs)};
  if (kind == "InputLayer") {
    const auto& shape = config.array("batch_input_shape");
    if (!graph_.layers.empty()) config.fail("is a second input");
    if (shape.size() != 4) config.wrong("batch_input_shape", "batch, height, width and channels");
    for (std::size_t i = 1; i < 4; ++i) {
      if (!shape[i].is_number_unsigned() || shape[i].get<std::size_t>() > 4096) {
        config.wrong("batch_input_shape", "batch, height, width and channels up to 4096");
      }
      step.shape.push_back(shape[i].get<std::size_t>());
    }
    return append(std::move(step), layer.name);
  }
  if (kind == "Conv2D" || kind == "Dense") {
    step.kind = kind == "Dense" ? LayerKind::kDense : LayerKind::kConvolution;
    return append_weighted(layer, std::move(step), config);
  }
  if (kind == "BatchNormalization") {
    step.kind = LayerKind::kAffine;
    return append_batch_norm(layer, std::move(step), config);
  }
  if (kind == "Activation") {
    (void)config.text("activation");
    return append_activation(config, step.inputs[0], layer.name);
  }
  if (kind == "Dropout") return step.inputs[0];  // does nothing after training
  if (kind == "MaxPooling2D") {
    check_channels_last(config);
    step.kind = LayerKind::kMaxPool;
    step.window = pair_of(config, "pool_size");
    step.strides = pair_of(config, "strides");
    step.same = same_padding(config);
  } else if (kind == "Concatenate") {
    check_last_axis(config, shapes_[step.inputs[0]].size());
    step.kind = LayerKind::kConcatenate;
  } else if (kind == "Add") {
    step.kind = LayerKind::kAdd;
  } else if (kind == "GlobalAveragePooling2D") {
    check_channels_last(config);
    step.kind = LayerKind::kGlobalAverage;
  } else if (kind == "Lambda") {
    step.kind = LayerKind::kScale;
    step.scale = scaling_of(config);
  } else {
    fail("the layer " + layer.name + " is of the class " + kind + ", which is not understood");
  }
  return append(std::move(step), layer.name);
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
