#include "likeness/model/keras_layers.h"

#include "likeness/model/json_fields.h"

namespace likeness {
namespace {

constexpr std::size_t kMostLayers = 4096;

/// Keras writes a reference as [layer, use, tensor, {keywords}].
KerasValue value_from(const nlohmann::json& reference, const JsonFields& about) {
  const bool good = reference.is_array() && reference.size() >= 3 && reference[0].is_string() &&
                    reference[1].is_number_unsigned() && reference[2].is_number_unsigned();
  if (!good || reference[1].get<std::size_t>() > kMostLayers)
    about.fail("has an input that is not understood");
  if (reference[2].get<std::size_t>() != 0) about.fail("reads a second output of a layer");
  return {reference[0].get<std::string>(), reference[1].get<std::size_t>()};
}

KerasLayer functional_layer(const nlohmann::json& json, const std::string& file) {
  const JsonFields outer(json, file + ": a layer");
  KerasLayer layer{outer.text("class_name"), outer.text("name"), outer.any("config"), {}};
  const JsonFields fields(json, file + ": the layer " + layer.name);
  for (const auto& use : fields.array("inbound_nodes")) {
    if (!use.is_array()) fields.fail("has inputs that are not a list");
    std::vector<KerasValue> inputs;
    for (const auto& reference : use) inputs.push_back(value_from(reference, fields));
    layer.uses.push_back(std::move(inputs));
  }
  if (layer.uses.empty()) layer.uses.emplace_back();  // an input layer
  return layer;
}

KerasLayers functional(const JsonFields& config, const std::string& file) {
  KerasLayers result;
  for (const auto& json : config.array("layers")) result.layers.push_back(functional_layer(json, file));
  const auto& inputs = config.array("input_layers");
  const auto& outputs = config.array("output_layers");
  if (inputs.size() != 1) config.fail("has " + std::to_string(inputs.size()) + " inputs; one is understood");
  if (outputs.size() != 1)
    config.fail("has " + std::to_string(outputs.size()) + " outputs; one is understood");
  result.output = value_from(outputs[0], config);
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
