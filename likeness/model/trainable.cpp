#include "likeness/model/trainable.h"

#include <hdf5.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/core/protobuf.h"
#include "likeness/model/ir_graph.h"
#include "likeness/model/keras_file.h"
#include "likeness/model/keras_graph.h"
#include "likeness/model/keras_import.h"
#include "likeness/model/keras_layers.h"
#include "likeness/model/network_file.h"
#include "likeness/model/quiet_hdf5.h"

namespace likeness {
namespace {

/// Of Keras' batch normalisation in this network.
constexpr double kEpsilon = 0.001;
constexpr std::size_t kLargestGraph = 1UL << 30;

/// "Block35_1_Branch_0_Conv2d_1x1" to "InceptionResnetV1/Repeat/block35_1/Branch_0/Conv2d_1x1".
std::string frozen_name(const std::string& layer) {
  std::string rest = layer;
  std::string name = "InceptionResnetV1/";
  const auto block = [&](const std::string& prefix, const std::string& folder, const std::string& lower) {
    if (!rest.starts_with(prefix)) return;
    const auto end = rest.find('_', prefix.size());
    name += folder + lower + rest.substr(prefix.size(), end - prefix.size()) + "/";
    rest = rest.substr(end + 1);
  };
  // The last block, which has no ReLU, stands outside the repeated ones.
  if (rest.starts_with("Block8_6_")) {
    name += "Block8/";
    rest = rest.substr(std::string("Block8_6_").size());
  }
  block("Block35_", "Repeat/", "block35_");
  block("Block17_", "Repeat_1/", "block17_");
  block("Block8_", "Repeat_2/", "block8_");
  for (const std::string mixed : {"Mixed_6a_", "Mixed_7a_"}) {
    if (!rest.starts_with(mixed)) continue;
    name += mixed.substr(0, mixed.size() - 1) + "/";
    rest = rest.substr(mixed.size());
  }
  if (rest.starts_with("Branch_")) {
    name += rest.substr(0, std::string("Branch_0").size()) + "/";
    rest = rest.substr(std::string("Branch_0_").size());
  }
  return name + rest;
}

/// A TensorProto of 32-bit floats stored as raw bytes, as frozen weights are; anything else has no values.
Tensor float_tensor(std::string_view message) {
  Tensor tensor;
  std::uint64_t type = 0;
  std::string_view content;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1 && !field.is_bytes) type = field.value;
    if (field.number == 4 && field.is_bytes) content = field.bytes;
    if (field.number != 2 || !field.is_bytes) continue;
    ProtoReader sizes(field.bytes);
    for (ProtoField size; sizes.next(size);) {
      if (size.number != 2 || !size.is_bytes) continue;
      ProtoReader parts(size.bytes);
      for (ProtoField part; parts.next(part);) {
        if (part.number == 1 && !part.is_bytes) tensor.shape.push_back(static_cast<std::size_t>(part.value));
      }
    }
  }
  constexpr std::uint64_t kFloat = 1;  // DT_FLOAT in types.proto
  if (type != kFloat || content.size() % sizeof(float) != 0) return tensor;
  tensor.values.resize(content.size() / sizeof(float));
  std::memcpy(tensor.values.data(), content.data(), content.size());
  return tensor;
}

/// The weights of a frozen graph by the names of their nodes. OpenVINO would give them turned and renamed.
std::map<std::string, Tensor> frozen_weights(std::string_view bytes) {
  std::map<std::string, Tensor> weights;
  ProtoReader graph(bytes);
  for (ProtoField node; graph.next(node);) {
    if (node.number != 1 || !node.is_bytes) continue;
    std::string name;
    Tensor tensor;
    ProtoReader fields(node.bytes);
    for (ProtoField field; fields.next(field);) {
      if (field.number == 1 && field.is_bytes) name = field.bytes;
      if (field.number != 5 || !field.is_bytes) continue;  // an attribute: key 1, value 2 with a tensor 8
      ProtoReader entry(field.bytes);
      for (ProtoField part; entry.next(part);) {
        if (part.number != 2 || !part.is_bytes) continue;
        ProtoReader value(part.bytes);
        for (ProtoField inner; value.next(inner);) {
          if (inner.number == 8 && inner.is_bytes) tensor = float_tensor(inner.bytes);
        }
      }
    }
    std::size_t count = 1;
    for (const std::size_t size : tensor.shape) count *= size;
    if (!tensor.shape.empty() && count == tensor.values.size())
      weights.emplace(std::move(name), std::move(tensor));
  }
  return weights;
}

[[noreturn]] void other_network(const std::filesystem::path& file) {
  throw Error(ErrorCode::kUnsupported,
              file.string() +
                  " has no weights of Inception-ResNet-v1 with its batch normalisation, the one network that "
                  "can be trained on");
}

KerasFile from_frozen_graph(const std::filesystem::path& file) {
  auto raw = read_file_bytes(file, kLargestGraph, ErrorCode::kModelNotFound);
  const std::string_view bytes(reinterpret_cast<const char*>(raw.data()), raw.size());
  (void)prepare_graph_def(bytes, file.string());  // refuses what is damaged, before any of it is believed
  auto all = frozen_weights(bytes);
  raw = {};  // 94 MB that nobody needs any more
  const auto bottleneck = all.find("InceptionResnetV1/Bottleneck/weights");
  if (bottleneck == all.end() || bottleneck->second.shape.size() != 2) other_network(file);
  KerasFile result;
  for (const KerasLayer& layer : inception_resnet_v1(bottleneck->second.shape[1]).layers) {
    auto& weights = result.weights[layer.name];
    const auto take = [&](const char* role, const std::string& name) {
      const auto found = all.find(name);
      if (found == all.end()) {
        throw Error(ErrorCode::kUnsupported, file.string() + " has no weights called " + name);
      }
      weights[role] = std::move(found->second);
    };
    if (layer.class_name == "Conv2D" || layer.class_name == "Dense") {
      take("kernel", frozen_name(layer.name) + "/weights");
      if (layer.config.value("use_bias", false)) take("bias", frozen_name(layer.name) + "/biases");
    } else if (layer.class_name == "BatchNormalization") {
      const std::string of = layer.name.substr(0, layer.name.size() - std::string("_BatchNorm").size());
      // An optimised graph has the normalisation multiplied into its kernel, and only its offset is left.
      if (const auto offset = all.find(frozen_name(of) + "/Conv2D_bn_offset"); offset != all.end()) {
        const std::vector<std::size_t> shape = offset->second.shape;
        const std::size_t count = offset->second.values.size();
        weights["beta"] = offset->second;
        weights["moving_mean"] = {shape, std::vector<float>(count, 0.0F)};
        weights["moving_variance"] = {shape, std::vector<float>(count, static_cast<float>(1 - kEpsilon))};
        continue;
      }
      for (const char* role : {"beta", "moving_mean", "moving_variance"}) {
        take(role, frozen_name(of) + "/BatchNorm/" + role);
      }
    }
  }
  return result;
}

/// IR whose weights have the names, and so the places, of the architecture's.
Graph from_ir(const std::filesystem::path& file) {
  auto read = read_ir_graph(file);
  if (!read) other_network(file);
  std::map<std::string, std::vector<std::size_t>> kernels;
  std::set<std::string> norms;
  for (const GraphLayer& layer : read->graph.layers) {
    if (!layer.kernel.shape.empty()) kernels[layer.name] = layer.kernel.shape;
    if (layer.kind == LayerKind::kAffine) norms.insert(layer.name);
  }
  const auto bottleneck = kernels.find("Bottleneck");
  if (bottleneck == kernels.end()) other_network(file);
  for (const KerasLayer& layer : inception_resnet_v1(bottleneck->second.back()).layers) {
    const bool weighted = layer.class_name == "Conv2D" || layer.class_name == "Dense";
    if ((weighted && kernels.erase(layer.name) == 0) ||
        (layer.class_name == "BatchNormalization" && norms.erase(layer.name) == 0)) {
      other_network(file);
    }
  }
  if (!kernels.empty() || !norms.empty()) other_network(file);
  return std::move(read->graph);
}

/// HDF5's handles, closed in the end; any failure is a file that cannot be written.
class Writer {
 public:
  explicit Writer(const std::filesystem::path& path) : path_(path.string()) {
    file_ = check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    if (file_ >= 0) H5Fclose(file_);
  }

  /// A group with the weights of one layer.
  void layer(const std::string& name, const std::vector<std::pair<std::string, Tensor>>& weights) {
    const hid_t group = check(H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    std::vector<std::string> names;
    const hid_t inner = check(H5Gcreate2(group, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    for (const auto& [role, tensor] : weights) {
      names.push_back(name + "/" + role + ":0");
      array(inner, role + ":0", tensor);
    }
    texts(group, "weight_names", names);
    check(H5Gclose(inner));
    check(H5Gclose(group));
    layers_.push_back(name);
  }

  void finish() {
    texts(file_, "layer_names", layers_);
    text("backend", "tensorflow");
    text("keras_version", "2.2.4");
    check(H5Fflush(file_, H5F_SCOPE_GLOBAL));
    check(H5Fclose(std::exchange(file_, -1)));
  }

 private:
  template <typename Id>
  Id check(Id id) const {
    if (id < 0)
      throw Error(ErrorCode::kOutputUnwritable, "cannot write " + path_ + ": HDF5 refuses, disk full?");
    return id;
  }
  void array(hid_t group, const std::string& name, const Tensor& tensor) const {
    const std::vector<hsize_t> sizes(tensor.shape.begin(), tensor.shape.end());
    const hid_t space = check(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr));
    const hid_t set =
        check(H5Dcreate2(group, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    check(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.values.data()));
    check(H5Dclose(set));
    check(H5Sclose(space));
  }
  void texts(hid_t object, const char* name, const std::vector<std::string>& values) const {
    std::size_t longest = 1;
    for (const std::string& value : values) longest = std::max(longest, value.size());
    std::string bytes;
    for (std::string value : values) {
      value.resize(longest, '\0');
      bytes += value;
    }
    const hsize_t count = values.size();
    attribute(object, name, check(H5Screate_simple(1, &count, nullptr)), longest, bytes);
  }
  void text(const char* name, const std::string& value) const {
    attribute(file_, name, check(H5Screate(H5S_SCALAR)), value.size(), value);
  }
  void attribute(hid_t object, const char* name, hid_t space, std::size_t size,
                 const std::string& bytes) const {
    const hid_t type = check(H5Tcopy(H5T_C_S1));
    check(H5Tset_size(type, size));
    check(H5Tset_strpad(type, H5T_STR_NULLPAD));
    const hid_t made = check(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
    check(H5Awrite(made, type, bytes.data()));
    check(H5Aclose(made));
    check(H5Tclose(type));
    check(H5Sclose(space));
  }

  QuietHdf5 quiet_;
  std::string path_;
  hid_t file_ = -1;
  std::vector<std::string> layers_;
};

Tensor row(const std::vector<float>& values) { return {{values.size()}, values}; }

/// factor = 1 / sqrt(variance + epsilon), backwards.
Tensor variance_of(const std::vector<float>& factor) {
  Tensor variance{{factor.size()}, {}};
  for (const float f : factor) {
    variance.values.push_back(
        static_cast<float>(std::max(1 / (static_cast<double>(f) * static_cast<double>(f)) - kEpsilon, 0.0)));
  }
  return variance;
}

}  // namespace

Graph read_trainable(const std::filesystem::path& file) {
  const std::string ending = file.extension().string();
  if (ending == ".h5" || ending == ".hdf5") return read_keras(file);
  if (ending == ".pb") return keras_graph(from_frozen_graph(file), file.string());
  if (ending == ".xml") return from_ir(file);
  throw Error(ErrorCode::kUnsupported, file.string() + ": neither a Keras .h5, a frozen .pb nor IR");
}

void write_keras_weights(const Graph& graph, const std::filesystem::path& h5) {
  AtomicFile file(h5);
  Writer writer(file.temporary());
  for (const GraphLayer& layer : graph.layers) {
    if (layer.kind == LayerKind::kConvolution || layer.kind == LayerKind::kDense) {
      std::vector<std::pair<std::string, Tensor>> weights{{"kernel", layer.kernel}};
      if (!layer.bias.empty()) weights.emplace_back("bias", row(layer.bias));
      writer.layer(layer.name, weights);
    } else if (layer.kind == LayerKind::kAffine) {
      writer.layer(layer.name, {{"beta", row(layer.shift)},
                                {"moving_mean", row(std::vector<float>(layer.shift.size(), 0.0F))},
                                {"moving_variance", variance_of(layer.factor)}});
    }
  }
  writer.finish();
  file.commit();
}

}  // namespace likeness
