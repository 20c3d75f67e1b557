#include "likeness/model/keras_layers.h"

#include "likeness/model/json_fields.h"

namespace likeness {
namespace {

constexpr std::size_t kMostLayers = 4096;

/// A reference is [layer, use, tensor, {keywords}]; Keras 3 leaves the keywords out.
KerasValue value_from(const nlohmann::json& reference, const JsonFields& about) {
  const bool good = reference.is_array() && reference.size() >= 3 && reference[0].is_string() &&
                    reference[1].is_number_unsigned() && reference[2].is_number_unsigned();
  if (!good || reference[1].get<std::size_t>() > kMostLayers)
    about.fail("has an input that is not understood");
  if (reference[2].get<std::size_t>() != 0) about.fail("reads a second output of a layer");
  return {reference[0].get<std::string>(), reference[1].get<std::size_t>()};
}

/// The tensors among a layer's arguments as Keras 3 writes them: objects that hold a reference, alone or in
/// lists.
void collect_tensors(const nlohmann::json& argument, const JsonFields& about,
                     std::vector<KerasValue>& inputs) {
  if (argument.is_array()) {
    for (const auto& part : argument) {
      if (part.is_array()) about.fail("has an input that is not understood");
      collect_tensors(part, about, inputs);
    }
  } else if (argument.is_object() && argument.value("class_name", nlohmann::json()) == "__keras_tensor__") {
    const auto config = argument.find("config");
    if (config == argument.end() || !config->is_object() || !config->contains("keras_history"))
      about.fail("has an input that is not understood");
    inputs.push_back(value_from((*config)["keras_history"], about));
  } else if (!argument.is_null() && !argument.is_boolean()) {
    about.fail("has an input that is not understood");
  }
}

/// The inputs of one use of a layer: a list of references in Keras 2, an object of arguments in Keras 3.
std::vector<KerasValue> inputs_from(const nlohmann::json& use, const JsonFields& about) {
  std::vector<KerasValue> inputs;
  if (use.is_array()) {
    for (const auto& reference : use) inputs.push_back(value_from(reference, about));
    return inputs;
  }
  if (!use.is_object()) about.fail("has inputs that are not a list");
  const auto arguments = use.find("args");
  if (arguments == use.end() || !arguments->is_array()) about.fail("has inputs that are not a list");
  for (const auto& argument : *arguments) collect_tensors(argument, about, inputs);
  if (const auto named = use.find("kwargs"); named != use.end()) {
    if (!named->is_object()) about.fail("has inputs that are not a list");
    for (const auto& [name, argument] : named->items()) {
      const std::size_t before = inputs.size();
      collect_tensors(argument, about, inputs);
      if (inputs.size() != before) about.fail("has an input called " + name + ", which is not understood");
    }
  }
  return inputs;
}

KerasLayer functional_layer(const nlohmann::json& json, const std::string& file) {
  const JsonFields outer(json, file + ": a layer");
  KerasLayer layer{outer.text("class_name"), outer.text("name"), outer.any("config"), {}};
  const JsonFields fields(json, file + ": the layer " + layer.name);
  for (const auto& use : fields.array("inbound_nodes")) layer.uses.push_back(inputs_from(use, fields));
  if (layer.uses.empty()) layer.uses.emplace_back();  // an input layer
  return layer;
}

/// The one reference of input_layers or output_layers, which Keras 3 writes without a list around it.
KerasValue only_value(const JsonFields& config, const char* field, const std::string& things) {
  const auto& values = config.array(field);
  if (!values.empty() && values[0].is_string()) return value_from(values, config);
  if (values.size() != 1)
    config.fail("has " + std::to_string(values.size()) + " " + things + "; one is understood");
  return value_from(values[0], config);
}

KerasLayers functional(const JsonFields& config, const std::string& file) {
  KerasLayers result;
  for (const auto& json : config.array("layers")) result.layers.push_back(functional_layer(json, file));
  (void)only_value(config, "input_layers", "inputs");
  result.output = only_value(config, "output_layers", "outputs");
  return result;
}

/// Each layer reads the one before; the first one's input shape becomes an input layer where it has none.
KerasLayers sequential(const nlohmann::json& list, const std::string& file) {
  KerasLayers result;
  for (const auto& json : list) {
    const JsonFields outer(json, file + ": a layer");
    KerasLayer layer{outer.text("class_name"), outer.object("config").text("name"), outer.any("config"), {}};
    if (result.layers.empty() && layer.class_name != "InputLayer") {
      const JsonFields config(layer.config, file + ": the layer " + layer.name);
      KerasLayer input{"InputLayer", layer.name + "_input", nlohmann::json::object(), {}};
      input.config["batch_input_shape"] = config.array("batch_input_shape");
      input.uses.resize(1);
      result.layers.push_back(std::move(input));
    }
    layer.uses.resize(1);
    if (!result.layers.empty()) layer.uses[0].emplace_back(result.layers.back().name, 0);
    result.layers.push_back(std::move(layer));
  }
  if (result.layers.empty()) throw Error(ErrorCode::kModelInvalid, file + ": its model has no layers");
  result.output = {result.layers.back().name, 0};
  return result;
}

}  // namespace

KerasLayers keras_layers_from(const std::string& model_config, const std::string& file) {
  const nlohmann::json json = parse_json(model_config, file + ": its model_config");
  const JsonFields fields(json, file + ": its model_config");
  const std::string kind = fields.text("class_name");
  KerasLayers result;
  if (kind == "Model" || kind == "Functional") {
    result = functional(fields.object("config"), file);
  } else if (kind == "Sequential") {
    const auto& config = fields.any("config");
    result = sequential(config.is_array() ? config : fields.object("config").array("layers"), file);
  } else {
    fields.wrong("class_name", "Model, Functional or Sequential");
  }
  if (result.layers.size() > kMostLayers) fields.fail("has over " + std::to_string(kMostLayers) + " layers");
  return result;
}

}  // namespace likeness
