// The fuzzer's bytes are orders for a Keras file: a model_config and weights that mostly fit, here and there
// bent. libhdf5 writes it into memory, and our reader, with everything behind it, reads it: attributes of any
// type, missing and misshapen weights, links, unknown layers, circles. What is fuzzed is thus all that we do
// with what libhdf5 tells us, and not libhdf5's own decoding: 1.10.8 reads past its heap on damaged files
// (H5HG_read), which is why the product reads .h5 files in a child process, and import_test.cpp damages files
// for that.
#include <fuzzer/FuzzedDataProvider.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/model/keras_import.h"

namespace {

using nlohmann::json;
using Sizes = std::vector<hsize_t>;

struct Weight {
  std::string role;
  Sizes shape;
};

struct Layer {
  json description;
  std::vector<Weight> weights;
};

/// What a layer gives: its channels, and whether they are a picture's.
struct Value {
  std::string name;
  hsize_t channels = 0;
  bool picture = false;
};

class FileWriter {
 public:
  explicit FileWriter(FuzzedDataProvider& orders) : orders_(orders) {}
  std::vector<std::byte> written();

 private:
  /// Seldom true, and never once the orders have run out.
  bool bent() { return orders_.ConsumeIntegralInRange(0, 31) == 31; }
  hsize_t few() { return orders_.ConsumeIntegralInRange<hsize_t>(1, 4); }
  json strange();
  json config_of(const std::vector<Layer>& layers, const std::string& output);
  std::vector<Layer> layers();
  Layer layer(std::size_t number, std::vector<Value>& values);
  void write_texts(hid_t object, const std::string& name, const std::vector<std::string>& texts);
  void write_one_list(hid_t object, const std::string& name, const std::vector<std::string>& texts);
  void write_weight(hid_t group, const std::string& path, Sizes shape);

  FuzzedDataProvider& orders_;
};

json FileWriter::strange() {
  const std::array<json, 20> values{-1,
                                    0,
                                    1,
                                    2,
                                    1024,
                                    1025,
                                    1U << 31,
                                    INT64_MAX,
                                    UINT64_MAX,
                                    INT64_MIN,
                                    0.5,
                                    1e308,
                                    -1e-308,
                                    nullptr,
                                    true,
                                    "relu",
                                    "same",
                                    json::array(),
                                    json::array({2, 2}),
                                    json::object()};
  return values[orders_.ConsumeIntegralInRange<std::size_t>(0, values.size() - 1)];
}

Layer FileWriter::layer(std::size_t number, std::vector<Value>& values) {
  const Value in = values[orders_.ConsumeIntegralInRange<std::size_t>(0, values.size() - 1)];
  Value out{"l" + std::to_string(number), in.channels, in.picture};
  constexpr std::array kClasses{
      "Activation", "Conv2D",  "BatchNormalization",     "MaxPooling2D", "Concatenate", "Add",
      "Lambda",     "Dropout", "GlobalAveragePooling2D", "Dense"};
  std::string kind = orders_.PickValueInArray(kClasses);
  if (!in.picture && (kind == "Conv2D" || kind == "MaxPooling2D" || kind == "GlobalAveragePooling2D"))
    kind = "Dense";
  if (in.picture && kind == "Dense") kind = "GlobalAveragePooling2D";
  json config{{"name", out.name}};
  json inputs = json::array({json::array({in.name, 0, 0, json::object()})});
  std::vector<Weight> weights;
  if (kind == "Conv2D" || kind == "Dense") {
    out.channels = few();
    const hsize_t window = orders_.ConsumeIntegralInRange<hsize_t>(1, 3);
    const bool bias = orders_.ConsumeBool();
    config.update({{"filters", out.channels},
                   {"units", out.channels},
                   {"kernel_size", {window, window}},
                   {"strides", {few(), 1}},
                   {"padding", orders_.ConsumeBool() ? "same" : "valid"},
                   {"use_bias", bias},
                   {"activation", orders_.ConsumeBool() ? "relu" : "linear"},
                   {"dilation_rate", {few(), few()}}});
    weights.push_back({"kernel", in.picture ? Sizes{window, window, in.channels, out.channels}
                                            : Sizes{in.channels, out.channels}});
    if (bias) weights.push_back({"bias", {out.channels}});
  } else if (kind == "BatchNormalization") {
    const bool gamma = orders_.ConsumeBool();
    config.update({{"axis", orders_.ConsumeBool() ? json(-1) : json::array({in.picture ? 3 : 1})},
                   {"epsilon", 0.001},
                   {"center", true},
                   {"scale", gamma}});
    for (const char* role : {"beta", "moving_mean", "moving_variance"})
      weights.push_back({role, {in.channels}});
    if (gamma) weights.push_back({"gamma", {in.channels}});
  } else if (kind == "MaxPooling2D") {
    config.update(
        {{"pool_size", few()}, {"strides", few()}, {"padding", orders_.ConsumeBool() ? "same" : "valid"}});
  } else if (kind == "Concatenate" || kind == "Add") {
    config["axis"] = -1;
    inputs.push_back(inputs[0]);
    if (kind == "Concatenate") out.channels *= 2;
  } else if (kind == "GlobalAveragePooling2D") {
    out.picture = false;
  } else if (kind == "Lambda") {
    config.update({{"function", {"c2NhbGluZw==", nullptr, nullptr}}, {"arguments", {{"scale", 0.25}}}});
  } else {
    config["activation"] = "relu";
  }
  if (bent()) kind = orders_.ConsumeRandomLengthString(8);
  if (bent() && !config.empty()) {
    auto field = config.begin();
    std::advance(field, orders_.ConsumeIntegralInRange<std::size_t>(0, config.size() - 1));
    field.value() = strange();
  }
  if (bent()) inputs[0][orders_.ConsumeIntegralInRange<std::size_t>(0, 2)] = strange();
  if (bent()) inputs[0][0] = "l" + std::to_string(orders_.ConsumeIntegralInRange(0, 8));
  values.push_back(out);
  return {{{"class_name", kind},
           {"name", out.name},
           {"config", config},
           {"inbound_nodes", json::array({inputs})}},
          std::move(weights)};
}

std::vector<Layer> FileWriter::layers() {
  std::vector<Layer> result;
  std::vector<Value> values{{"picture", 3, true}};
  result.push_back(
      {{{"class_name", "InputLayer"},
        {"name", "picture"},
        {"inbound_nodes", json::array()},
        {"config", {{"name", "picture"}, {"batch_input_shape", {nullptr, few(), few() + 3, 3}}}}},
       {}});
  const auto count = orders_.ConsumeIntegralInRange<std::size_t>(1, 7);
  for (std::size_t i = 0; i < count; ++i) result.push_back(layer(i, values));
  if (values.back().picture) {
    result.push_back({{{"class_name", "GlobalAveragePooling2D"},
                       {"name", "average"},
                       {"config", json::object()},
                       {"inbound_nodes", {{{values.back().name, 0, 0}}}}},
                      {}});
  }
  return result;
}

json FileWriter::config_of(const std::vector<Layer>& layers, const std::string& output) {
  json list = json::array();
  for (const Layer& one : layers) list.push_back(one.description);
  if (bent()) std::reverse(list.begin(), list.end());
  if (orders_.ConsumeIntegralInRange(0, 7) == 7) return {{"class_name", "Sequential"}, {"config", list}};
  json config{
      {"class_name", "Model"},
      {"config",
       {{"layers", list}, {"input_layers", {{"picture", 0, 0}}}, {"output_layers", {{output, 0, 0}}}}}};
  if (bent()) config["config"]["output_layers"] = strange();
  return config;
}

void FileWriter::write_one_list(hid_t object, const std::string& name,
                                const std::vector<std::string>& texts) {
  const hsize_t count = texts.size();
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  const hid_t type = H5Tcopy(H5T_C_S1);
  const bool fixed = orders_.ConsumeBool();
  std::size_t longest = 1;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  H5Tset_size(type, fixed ? longest : H5T_VARIABLE);
  const hid_t stored = bent() ? H5T_STD_I32LE : type;
  const hid_t attribute = H5Acreate2(object, name.c_str(), stored, space, H5P_DEFAULT, H5P_DEFAULT);
  std::vector<char> bytes(longest * texts.size() + 1);
  std::vector<const char*> pointers;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::copy(texts[i].begin(), texts[i].end(), bytes.begin() + static_cast<long>(i * longest));
    pointers.push_back(texts[i].c_str());
  }
  if (stored == type) {
    H5Awrite(attribute, type,
             fixed ? static_cast<const void*>(bytes.data()) : static_cast<const void*>(pointers.data()));
  }
  H5Aclose(attribute);
  H5Tclose(type);
  H5Sclose(space);
}

void FileWriter::write_texts(hid_t object, const std::string& name, const std::vector<std::string>& texts) {
  if (bent()) return;
  if (orders_.ConsumeBool()) return write_one_list(object, name, texts);
  const auto half = static_cast<long>(texts.size() / 2);
  write_one_list(object, name + "0", {texts.begin(), texts.begin() + half});
  write_one_list(object, name + "1", {texts.begin() + half, texts.end()});
}

void FileWriter::write_weight(hid_t group, const std::string& path, Sizes shape) {
  const hid_t make_groups = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(make_groups, 1);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  hid_t type = H5T_IEEE_F32LE;
  bool stored = true;
  if (bent()) shape[0] = orders_.ConsumeIntegralInRange<hsize_t>(0, 8);
  if (bent()) shape.push_back(few());
  if (bent()) type = orders_.ConsumeBool() ? H5T_IEEE_F64BE : H5T_STD_I64LE;
  if (bent()) {  // a huge array of which nothing is there
    shape[0] = orders_.ConsumeIntegralInRange<hsize_t>(0, UINT64_MAX >> 8);
    stored = false;
  }
  if (shape[0] != 0 && orders_.ConsumeIntegralInRange(0, 7) == 7) {
    const Sizes chunk(shape.size(), 1);
    H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data());
    if (orders_.ConsumeBool()) H5Pset_deflate(creation, 1);
  }
  if (bent()) {
    H5Lcreate_soft("/model_weights", group, path.c_str(), make_groups, H5P_DEFAULT);
  } else if (bent()) {
    H5Lcreate_external("/etc/passwd", "/x", group, path.c_str(), make_groups, H5P_DEFAULT);
  } else {
    if (bent()) H5Pset_external(creation, "/etc/passwd", 0, H5F_UNLIMITED), stored = false;
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t dataset = H5Dcreate2(group, path.c_str(), type, space, make_groups, creation, H5P_DEFAULT);
    std::size_t count = 1;
    for (const hsize_t side : shape) count *= stored ? static_cast<std::size_t>(side) : 1;
    if (dataset >= 0 && stored && type != H5T_STD_I64LE) {
      std::vector<float> values(count, bent() ? orders_.ConsumeFloatingPoint<float>() : 0.5F);
      H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
    if (dataset >= 0) H5Dclose(dataset);
    if (space >= 0) H5Sclose(space);
  }
  H5Pclose(creation);
  H5Pclose(make_groups);
}

std::vector<std::byte> FileWriter::written() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, 1UL << 16, /*backing_store=*/false);
  const hid_t file = H5Fcreate("fuzzed.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  const std::vector<Layer> all = layers();
  const std::string output = all.back().description["name"];
  const std::string config =
      bent() ? orders_.ConsumeRandomLengthString(64)
             : config_of(all, output).dump(-1, ' ', false, json::error_handler_t::replace);
  if (!bent()) write_one_list(file, "model_config", {config});

  const bool whole = !bent();
  const hid_t root = whole ? H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) : file;
  std::vector<std::string> names;
  for (const Layer& one : all) {
    names.push_back(bent() ? orders_.ConsumeRandomLengthString(8)
                           : one.description["name"].get<std::string>());
    const hid_t group = H5Gcreate2(root, names.back().c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) continue;
    std::vector<std::string> paths;
    for (const Weight& weight : one.weights) {
      paths.push_back(names.back() + "/" + weight.role + (orders_.ConsumeBool() ? "_1:0" : ":0"));
      if (bent()) paths.back() = orders_.ConsumeRandomLengthString(12);
      write_weight(group, paths.back(), weight.shape);
    }
    if (!paths.empty() || bent()) write_texts(group, "weight_names", paths);
    H5Gclose(group);
  }
  write_texts(root, "layer_names", names);
  if (whole) H5Gclose(root);

  H5Fflush(file, H5F_SCOPE_GLOBAL);
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  std::vector<std::byte> bytes(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (!bytes.empty()) H5Fget_file_image(file, bytes.data(), bytes.size());
  H5Fclose(file);
  H5Pclose(access);
  return bytes;
}

}  // namespace

// libhdf5 keeps memory between files. libFuzzer takes that for a leak and searches the heap after every
// input: 20 inputs a second instead of hundreds. Left-over handles are looked for below.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A file is slow to write, and libFuzzer starts with inputs of a few bytes: where they end, random orders
  // follow, so that every input is a whole file. (FuzzedDataProvider takes numbers from the end.)
  std::minstd_rand random(
      std::accumulate(data, data + size, 1U, [](unsigned sum, unsigned byte) { return sum * 31 + byte; }));
  std::vector<std::uint8_t> all(512 + size);
  std::generate(all.begin(), all.end(), [&] { return static_cast<std::uint8_t>(random() >> 8); });
  std::copy(data, data + size, all.begin() + 512);
  FuzzedDataProvider orders(all.data(), all.size());
  const std::vector<std::byte> file = FileWriter(orders).written();
  if (file.empty()) return 0;
  try {
    likeness::Graph graph = likeness::read_keras(file, "fuzzed.h5");
    likeness::fold(graph);
    // What was accepted, and folded since, fits together.
    std::vector<std::vector<std::size_t>> shapes;
    for (std::size_t i = 0; i < graph.layers.size(); ++i) {
      for (const std::size_t input : graph.layers[i].inputs) {
        if (input >= i) std::abort();
      }
      shapes.push_back(likeness::output_shape(graph, i, shapes));
    }
    if (shapes.at(graph.output).size() != 1) std::abort();
  } catch (const likeness::Error&) {
    // The expected answer to almost everything.
  }
  if (H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL) != 0) std::abort();  // somebody forgot to close one
  return 0;
}
