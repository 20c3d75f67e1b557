#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/protobuf.h"
#include "likeness/model/graph_order.h"
#include "likeness/model/network_file.h"

namespace likeness {
namespace {

// Field numbers of TensorFlow's graph.proto, node_def.proto, attr_value.proto, tensor.proto,
// tensor_shape.proto.
constexpr std::size_t kMostNodes = 65536;
constexpr std::size_t kMostInputs = std::size_t{1} << 20;  // of all nodes together
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kBool = 10;  // DT_BOOL in types.proto

struct Node {
  std::string_view message;
  std::string name;
  std::string op;
  std::vector<std::string> inputs;  // "name", "name:1"; without "^name"
  std::uint64_t dtype = 0;          // of a placeholder
};

/// Bytes a value of this DataType takes; 0 for those without a fixed size, which nothing is known about here.
std::uint64_t bytes_of(std::uint64_t dtype) {
  static const std::map<std::uint64_t, std::uint64_t> kBytes{{1, 4}, {2, 8}, {3, 4},  {4, 1},  {5, 2},
                                                             {6, 1}, {9, 8}, {10, 1}, {14, 2}, {19, 2}};
  const auto found = kBytes.find(dtype);
  return found == kBytes.end() ? 0 : found->second;
}

/// The product of a TensorShapeProto's sizes. @throws std::runtime_error.
std::uint64_t elements_of(std::string_view shape) {
  std::uint64_t count = 1;
  ProtoReader dims(shape);
  for (ProtoField dim; dims.next(dim);) {
    if (dim.number != 2 || !dim.is_bytes) continue;
    ProtoReader sizes(dim.bytes);
    for (ProtoField size; sizes.next(size);) {
      if (size.number != 1 || size.is_bytes) continue;
      if (size.value > kMostBytes || (size.value != 0 && count > kMostBytes / size.value)) {
        throw std::runtime_error("holds a tensor of an impossible size");
      }
      count *= size.value;
    }
  }
  return count;
}

/// Bytes that the tensor takes when unpacked. @throws std::runtime_error where it is not what it says.
std::uint64_t check_tensor(std::string_view tensor) {
  std::uint64_t dtype = 0;
  std::uint64_t count = 1;
  std::optional<std::size_t> content;
  ProtoReader fields(tensor);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 1 && !field.is_bytes) dtype = field.value;
    if (field.number == 2 && field.is_bytes) count = elements_of(field.bytes);
    if (field.number == 4 && field.is_bytes) content = field.bytes.size();
  }
  const std::uint64_t bytes = count * (bytes_of(dtype) == 0 ? 1 : bytes_of(dtype));
  if (bytes > kMostBytes) throw std::runtime_error("holds a tensor of an impossible size");
  if (content.value_or(0) != 0 && bytes_of(dtype) != 0 && *content != bytes) {
    throw std::runtime_error("holds a tensor of " + std::to_string(*content) + " bytes instead of " +
                             std::to_string(bytes));
  }
  return bytes;
}

/// Bytes of the tensors in a list {tensor = 8}.
std::uint64_t check_list(std::string_view list) {
  std::uint64_t bytes = 0;
  ProtoReader fields(list);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 8 && field.is_bytes) bytes += check_tensor(field.bytes);
    if (bytes > kMostBytes) throw std::runtime_error("holds tensors over 1 GiB");
  }
  return bytes;
}

/// Bytes of the tensors in one attribute {key = 1, value = 2 {list = 1, type = 6, tensor = 8}}.
std::uint64_t check_attribute(std::string_view attribute, Node& node) {
  std::uint64_t bytes = 0;
  std::string_view key;
  ProtoReader entry(attribute);
  for (ProtoField part; entry.next(part);) {
    if (part.number == 1 && part.is_bytes) key = part.bytes;
    if (part.number != 2 || !part.is_bytes) continue;
    ProtoReader value(part.bytes);
    for (ProtoField field; value.next(field);) {
      if (field.number == 8 && field.is_bytes) bytes += check_tensor(field.bytes);
      if (field.number == 1 && field.is_bytes) bytes += check_list(field.bytes);
      if (field.number == 6 && !field.is_bytes && key == "dtype") node.dtype = field.value;
    }
  }
  return bytes;
}

class GraphDef {
 public:
  GraphDef(std::string_view bytes, std::string file);
  /// See prepare_graph_def().
  std::string frozen(const std::string& output) const;

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kModelInvalid, file_ + ": " + problem);
  }
  void read_node(std::string_view message);
  void link();
  [[nodiscard]] bool is_pipeline_end(const Node& node) const;
  [[nodiscard]] bool needs_freezing() const;
  /// For each node what a reader of it reads instead: another value, itself, or nothing (a dead branch).
  [[nodiscard]] std::vector<std::optional<std::string>> aliases() const;
  [[nodiscard]] std::string written(const Node& node, const std::vector<std::string>& inputs) const;
  [[nodiscard]] std::size_t index(const std::string& value) const {
    return places_.at(value.substr(0, value.find(':')));
  }

  std::string file_;
  std::vector<Node> nodes_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<std::size_t> order_;
  std::uint64_t tensor_bytes_ = 0;
  std::size_t inputs_ = 0;
};

GraphDef::GraphDef(std::string_view bytes, std::string file) : file_(std::move(file)) {
  try {
    ProtoReader graph(bytes);
    for (ProtoField field; graph.next(field);) {
      if (field.number == 1 && field.is_bytes) read_node(field.bytes);
      if (field.number == 2 && field.is_bytes && !field.bytes.empty())
        fail("it holds functions, which are not read");
    }
  } catch (const std::runtime_error& e) {
    if (dynamic_cast<const Error*>(&e) != nullptr) throw;
    fail("it is not a frozen graph: it " + std::string(e.what()));
  }
  if (nodes_.empty()) fail("it is not a frozen graph: it has no nodes");
  link();
}

void GraphDef::read_node(std::string_view message) {
  if (nodes_.size() >= kMostNodes) fail("it has over " + std::to_string(kMostNodes) + " nodes");
  Node node{message, {}, {}, {}, 0};
  try {
    ProtoReader fields(message);
    for (ProtoField field; fields.next(field);) {
      if (!field.is_bytes) continue;
      if (field.number == 1) node.name = field.bytes;
      if (field.number == 2) node.op = field.bytes;
      if (field.number == 3 && !field.bytes.starts_with('^')) node.inputs.emplace_back(field.bytes);
      if (field.number == 5) tensor_bytes_ += check_attribute(field.bytes, node);
      if (tensor_bytes_ > kMostBytes) break;
    }
  } catch (const std::runtime_error& e) {
    fail("the node " + node.name + " " + e.what());
  }
  if (tensor_bytes_ > kMostBytes) fail("its tensors are over 1 GiB");
  inputs_ += node.inputs.size();
  if (inputs_ > kMostInputs) fail("its nodes have over " + std::to_string(kMostInputs) + " inputs");
  if (node.name.empty() || node.op.empty()) fail("it has a node without a name or kind");
  static const std::set<std::string> kLoops{"Enter",    "Exit",  "NextIteration",
                                            "LoopCond", "While", "StatelessWhile"};
  if (kLoops.contains(node.op)) fail("the node " + node.name + " is a loop, which is not read");
  if (!places_.emplace(node.name, nodes_.size()).second) fail("two nodes are called " + node.name);
  nodes_.push_back(std::move(node));
}

void GraphDef::link() {
  std::vector<std::vector<std::size_t>> reads(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (const std::string& input : nodes_[i].inputs) {
      const auto place = places_.find(input.substr(0, input.find(':')));
      if (place == places_.end())
        fail("the node " + nodes_[i].name + " reads " + input + ", which is missing");
      reads[i].push_back(place->second);
    }
  }
  order_ = order_of(reads);
  if (order_.size() != nodes_.size()) fail("its nodes read each other in a circle");
}

bool GraphDef::is_pipeline_end(const Node& node) const {
  return (node.name == "input" || node.name == "image_batch") && node.op == "Identity";
}

bool GraphDef::needs_freezing() const {
  for (const Node& node : nodes_) {
    const bool placeholder = node.op == "Placeholder" || node.op == "PlaceholderWithDefault";
    if (node.op == "Switch" || node.op == "Merge" || is_pipeline_end(node) ||
        (placeholder && node.dtype == kBool)) {
      return true;
    }
  }
  return false;
}

std::vector<std::optional<std::string>> GraphDef::aliases() const {
  std::vector<std::optional<std::string>> alias(nodes_.size());
  std::vector<std::optional<bool>> truth(nodes_.size());  // of nodes that tell training from inference
  std::vector<std::optional<bool>> lets(nodes_.size());   // which side of a Switch is alive
  const auto read = [&](const std::string& value) -> std::optional<std::string> {
    const std::size_t from = index(value);
    if (lets[from]) {
      const bool second = value.ends_with(":1");
      if (second != *lets[from]) return std::nullopt;
      return alias[from];
    }
    if (nodes_[from].op == "Merge" || !alias[from]) return alias[from];
    return value;
  };
  for (const std::size_t i : order_) {
    const Node& node = nodes_[i];
    alias[i] = node.name;
    if (is_pipeline_end(node)) continue;
    if (node.dtype == kBool && (node.op == "Placeholder" || node.op == "PlaceholderWithDefault")) {
      truth[i] = false;
      continue;
    }
    if (node.op == "Identity" && node.inputs.size() == 1) truth[i] = truth[index(node.inputs[0])];
    if (node.op == "LogicalNot" && node.inputs.size() == 1 && truth[index(node.inputs[0])]) {
      truth[i] = !*truth[index(node.inputs[0])];
    }
    if (node.op == "Merge") {
      alias[i].reset();
      for (const std::string& input : node.inputs) {
        if (!alias[i]) alias[i] = read(input);
      }
      continue;
    }
    if (node.op == "Switch") {
      if (node.inputs.size() != 2) fail("the node " + node.name + " is a Switch without two inputs");
      lets[i] = truth[index(node.inputs[1])];
      if (!lets[i]) fail("the node " + node.name + " switches on something else than training");
      truth[i] = truth[index(node.inputs[0])];
      alias[i] = read(node.inputs[0]);
      continue;
    }
    for (const std::string& input : node.inputs) {
      if (!read(input)) alias[i].reset();  // what reads a dead branch is dead
    }
  }
  // Readers of a Switch need its side, which the loop above has looked up; leave the rest as names.
  return alias;
}

std::string GraphDef::written(const Node& node, const std::vector<std::string>& inputs) const {
  std::string message;
  append_proto(message, 1, node.name);
  if (is_pipeline_end(node)) {
    append_proto(message, 2, "Placeholder");
    append_proto(message, 5,
                 std::string_view("\x0a\x05"
                                  "dtype\x12\x02\x30\x01",
                                  11));  // {"dtype": DT_FLOAT}
    return message;
  }
  append_proto(message, 2, node.op);
  for (const std::string& input : inputs) append_proto(message, 3, input);
  ProtoReader fields(node.message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == 5 && field.is_bytes) append_proto(message, 5, field.bytes);
  }
  return message;
}

std::string GraphDef::frozen(const std::string& output) const {
  if (!needs_freezing()) return "";
  const auto alias = aliases();
  const std::string wanted = output.empty() ? "embeddings" : output;
  const auto place = places_.find(wanted);
  if (place == places_.end())
    throw Error(ErrorCode::kModelInvalid, file_ + ": it has no node \"" + wanted + "\" to take as output",
                Remedy::kChooseOutput);
  if (!alias[place->second]) fail("the node " + wanted + " is only there in training");

  // From the output backwards, reading past every Switch and Merge.
  std::vector<std::size_t> needed{index(*alias[place->second])};
  std::set<std::size_t> seen(needed.begin(), needed.end());
  std::map<std::size_t, std::string> messages;  // in the file's order
  for (std::size_t next = 0; next < needed.size(); ++next) {
    const Node& node = nodes_[needed[next]];
    std::vector<std::string> inputs;
    for (const std::string& input : is_pipeline_end(node) ? std::vector<std::string>{} : node.inputs) {
      const std::size_t from = index(input);
      const bool skipped = nodes_[from].op == "Switch" || nodes_[from].op == "Merge";
      if (!alias[from]) fail("the node " + node.name + " is only there in training");
      inputs.push_back(skipped ? *alias[from] : input);
      if (seen.insert(index(inputs.back())).second) needed.push_back(index(inputs.back()));
    }
    messages[needed[next]] = written(node, inputs);
  }
  std::string graph;
  for (const auto& [i, message] : messages) append_proto(graph, 1, message);
  if (*alias[place->second] != wanted) {  // a Merge has gone, and what it let through takes its name
    std::string message;
    append_proto(message, 1, wanted);
    append_proto(message, 2, "Identity");
    append_proto(message, 3, *alias[place->second]);
    append_proto(message, 5, std::string_view("\x0a\x01T\x12\x02\x30\x01", 7));  // {"T": DT_FLOAT}
    append_proto(graph, 1, message);
  }
  return graph;
}

}  // namespace

std::string prepare_graph_def(std::string_view bytes, const std::string& file, const std::string& output) {
  return GraphDef(bytes, file).frozen(output);
}

}  // namespace likeness
