#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/protobuf.h"
#include "likeness/model/graph_order.h"
#include "likeness/model/network_file.h"
#include "likeness/model/onnx_meaning.h"

namespace likeness {
namespace {

// Fields are told by their numbers in onnx.proto3.

constexpr std::size_t kMostNodes = 65536;
constexpr std::size_t kMostNames = std::size_t{1} << 20;  // inputs and outputs of all nodes together
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

std::uint64_t bytes_of(std::uint64_t data_type) {
  static const std::map<std::uint64_t, std::uint64_t> kBytes{{1, 4},  {2, 1},  {3, 1}, {4, 2},  {5, 2},
                                                             {6, 4},  {7, 8},  {9, 1}, {10, 2}, {11, 8},
                                                             {12, 4}, {13, 8}, {16, 2}};
  const auto found = kBytes.find(data_type);
  return found == kBytes.end() ? 0 : found->second;
}

void multiply(std::uint64_t& count, std::uint64_t size) {
  if (size > kMostBytes || (size != 0 && count > kMostBytes / size)) {
    throw std::runtime_error("holds a tensor of an impossible size");
  }
  count *= size;
}

std::uint64_t number_from(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::runtime_error("keeps weights in another file, at a place that is no number");
  return value;
}

/// Where a tensor of `bytes` lies, from its external_data. Only a bare name is taken: a file beside the
/// model.
OnnxWeights place_of(const std::vector<std::string_view>& entries, std::uint64_t bytes) {
  OnnxWeights place{.file = {}, .offset = 0, .bytes = bytes};
  for (const std::string_view entry : entries) {
    std::string_view key, value;
    ProtoReader fields(entry);
    for (ProtoField field; fields.next(field);) {
      if (field.number == 1 && field.is_bytes) key = field.bytes;
      if (field.number == 2 && field.is_bytes) value = field.bytes;
    }
    if (key == "location") place.file = value;
    if (key == "offset") place.offset = number_from(value);
    if (key == "length" && number_from(value) != bytes) {
      throw std::runtime_error("keeps a tensor of " + std::string(value) + " bytes instead of " +
                               std::to_string(bytes) + " in another file");
    }
  }
  if (place.file.empty() || place.file == "." || place.file == ".." ||
      place.file.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
    throw std::runtime_error("keeps weights in a file that does not lie beside it (" + place.file + ")");
  }
  return place;
}

/// Bytes of a TensorProto, and in `outside` where they lie if not in it.
/// @throws std::runtime_error where it is not what it says.
std::uint64_t check_tensor(std::string_view tensor, std::vector<OnnxWeights>& outside) {
  std::uint64_t count = 1;
  std::uint64_t type = 0;
  bool has_raw = false;
  std::size_t raw = 0;
  bool is_outside = false;
  std::vector<std::string_view> entries;
  ProtoReader fields(tensor);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1 && !field.is_bytes) multiply(count, field.value);
    if (field.number == 1 && field.is_bytes) {
      for (ProtoReader sizes(field.bytes); !sizes.done();) multiply(count, sizes.varint());
    }
    if (field.number == 2 && !field.is_bytes) type = field.value;
    if (field.number == 9 && field.is_bytes) has_raw = true, raw = field.bytes.size();
    if (field.number == 13 && field.is_bytes) entries.push_back(field.bytes);
    if (field.number == 14) is_outside = field.value != 0;
  }
  const std::uint64_t bytes = count * (bytes_of(type) == 0 ? 1 : bytes_of(type));
  if (bytes > kMostBytes) throw std::runtime_error("holds a tensor of an impossible size");
  if (has_raw && bytes_of(type) != 0 && raw != bytes) {
    throw std::runtime_error("holds a tensor of " + std::to_string(raw) + " bytes instead of " +
                             std::to_string(bytes));
  }
  if (!is_outside) return bytes;
  if (bytes_of(type) == 0) throw std::runtime_error("keeps weights of an unknown type in another file");
  if (has_raw) throw std::runtime_error("keeps a tensor both in itself and in another file");
  outside.push_back(place_of(entries, bytes));
  return bytes;
}

struct Node {
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

Node read_node(std::string_view message, std::uint64_t& bytes, std::vector<OnnxWeights>& outside) {
  Node node;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (!field.is_bytes) continue;
    if (field.number == 1) node.inputs.emplace_back(field.bytes);
    if (field.number == 2) node.outputs.emplace_back(field.bytes);
    if (field.number != 5) continue;
    ProtoReader attribute(field.bytes);
    for (ProtoField part; attribute.next(part);) {
      if ((part.number == 5 || part.number == 10) && part.is_bytes)
        bytes += check_tensor(part.bytes, outside);
      if (part.number == 6 || part.number == 11)
        throw std::runtime_error("holds a subgraph, which is not read");
      if (part.number == 22 || part.number == 23)
        throw std::runtime_error("holds sparse tensors, which are not read");
      if (bytes > kMostBytes) throw std::runtime_error("holds tensors over 1 GiB");
    }
  }
  return node;
}

void check_order(const std::vector<Node>& nodes) {
  std::unordered_map<std::string, std::size_t> makers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& output : nodes[i].outputs) {
      if (!output.empty() && !makers.emplace(output, i).second)
        throw std::runtime_error("makes " + output + " twice");
    }
  }
  std::vector<std::vector<std::size_t>> reads(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& input : nodes[i].inputs) {
      if (const auto maker = makers.find(input); maker != makers.end()) reads[i].push_back(maker->second);
    }
  }
  if (order_of(reads).size() != nodes.size())
    throw std::runtime_error("has nodes that read each other in a circle");
}

void check_graph(std::string_view message, std::vector<OnnxWeights>& outside) {
  std::vector<Node> nodes;
  OnnxMeaning meaning;
  std::uint64_t bytes = 0;
  std::size_t names = 0;
  ProtoReader graph(message);
  for (ProtoField field; graph.next(field);) {
    if (field.number == 1 && field.is_bytes) {
      nodes.push_back(read_node(field.bytes, bytes, outside));
      names += nodes.back().inputs.size() + nodes.back().outputs.size();
      meaning.add_node(field.bytes);
    }
    if (field.number == 5 && field.is_bytes) {
      bytes += check_tensor(field.bytes, outside);
      meaning.add_tensor(field.bytes);
    }
    if (field.number == 15) throw std::runtime_error("holds sparse tensors, which are not read");
    if (names > kMostNames) throw std::runtime_error("has nodes with too many inputs");
    if (nodes.size() > kMostNodes) throw std::runtime_error("has too many nodes");
    if (bytes > kMostBytes) throw std::runtime_error("holds tensors over 1 GiB");
  }
  if (nodes.empty()) throw std::runtime_error("has no nodes");
  check_order(nodes);
  meaning.check();
}

/// Up to this one tools/make_network_files.py's networks are computed as their exporters compute them.
constexpr std::uint64_t kLatestOpset = 23;

/// An opset_import. What operators mean is fixed by the version of their set.
void check_opset(std::string_view message) {
  std::string_view domain;
  std::uint64_t version = 0;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1 && field.is_bytes) domain = field.bytes;
    if (field.number == 2 && !field.is_bytes) version = field.value;
  }
  if ((domain.empty() || domain == "ai.onnx") && version > kLatestOpset)
    throw std::runtime_error("is of ONNX opset " + std::to_string(version) + "; up to " +
                             std::to_string(kLatestOpset) + " is understood, which its exporter can be told");
}

}  // namespace

std::vector<OnnxWeights> check_onnx(std::string_view bytes, const std::string& file) {
  std::vector<OnnxWeights> outside;
  try {
    bool found = false;
    ProtoReader model(bytes);
    for (ProtoField field; model.next(field);) {
      if (field.number == 25) throw std::runtime_error("holds functions, which are not read");
      if (field.number == 8 && field.is_bytes) check_opset(field.bytes);
      if (field.number != 7 || !field.is_bytes) continue;
      found = true;
      check_graph(field.bytes, outside);
    }
    if (!found) throw std::runtime_error("has no graph");
  } catch (const std::runtime_error& e) {
    throw Error(ErrorCode::kModelInvalid,
                file + ": it is not an ONNX model that is understood: it " + e.what());
  }
  return outside;
}

std::vector<std::filesystem::path> weight_files(const std::vector<OnnxWeights>& outside,
                                                const std::filesystem::path& model) {
  std::map<std::filesystem::path, std::uint64_t> sizes;
  for (const OnnxWeights& weights : outside) {
    const std::filesystem::path file = model.parent_path() / weights.file;
    std::error_code error;
    if (!sizes.contains(file)) {
      const auto kind = std::filesystem::symlink_status(file, error).type();
      if (kind == std::filesystem::file_type::not_found)
        throw Error(ErrorCode::kModelNotFound, "no weights " + file.string() + " beside " + model.string());
      // A link may lead anywhere.
      if (kind != std::filesystem::file_type::regular)
        throw Error(ErrorCode::kModelInvalid,
                    file.string() + ": the weights of a model must be a plain file");
      const auto size = std::filesystem::file_size(file, error);
      if (error || size > kMostBytes) throw Error(ErrorCode::kModelInvalid, file.string() + ": over 1 GiB");
      sizes[file] = size;
    }
    if (weights.bytes > sizes[file] || weights.offset > sizes[file] - weights.bytes)
      throw Error(ErrorCode::kModelInvalid,
                  file.string() + ": it ends before the weights that " + model.string() + " says it holds");
  }
  std::vector<std::filesystem::path> files;
  for (const auto& [file, size] : sizes) files.push_back(file);
  return files;
}

}  // namespace likeness
