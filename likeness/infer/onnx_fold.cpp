#include "likeness/infer/onnx_fold.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/protobuf.h"
#include "likeness/infer/onnx_node.h"
#include "likeness/infer/onnx_values.h"

namespace likeness {
namespace {

using Sizes = std::vector<std::uint64_t>;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;  // of all folded constants together

using Node = OnnxNode;

std::string_view name_in(std::string_view message, std::uint32_t number) {
  std::string_view name;
  ProtoReader fields(message);
  for (ProtoField field; fields.next(field);) {
    if (field.number == number && field.is_bytes) name = field.bytes;
  }
  return name;
}

std::uint64_t product(const Sizes& sizes, std::size_t first, std::size_t last) {
  std::uint64_t count = 1;
  for (std::size_t i = first; i < last; ++i) count *= sizes[i];
  return count;
}

/// Which scale belongs to which value: values lie as [outer][along][inner], scales as [outer][scales][inner],
/// or [scales] alone, each for `block` places along the axis.
struct ScaleLayout {
  std::uint64_t outer = 1;
  std::uint64_t along = 1;
  std::uint64_t inner = 1;
  std::uint64_t scales = 1;
  std::uint64_t block = 1;
  bool blocked = false;
};

std::optional<ScaleLayout> layout_of(const Node& node, const Sizes& values, const Sizes& scale,
                                     std::uint64_t scales) {
  ScaleLayout layout;
  const auto block = node.number("block_size", 0);
  if (block < 0) return std::nullopt;
  if (block == 0 && scales == 1 && scale.size() <= 1) {
    layout.along = layout.block = product(values, 0, values.size());
    return layout;
  }
  const auto rank = static_cast<std::int64_t>(values.size());
  auto axis = node.number("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return std::nullopt;
  const auto at = static_cast<std::size_t>(axis);
  layout.outer = product(values, 0, at);
  layout.along = values[at];
  layout.inner = product(values, at + 1, values.size());
  layout.scales = layout.along;
  if (block == 0) return scale == Sizes{layout.along} ? std::optional(layout) : std::nullopt;
  layout.blocked = true;
  layout.block = static_cast<std::uint64_t>(block);
  layout.scales = layout.along / layout.block + (layout.along % layout.block != 0 ? 1 : 0);
  Sizes expected = values;
  expected[at] = layout.scales;
  return scale == expected ? std::optional(layout) : std::nullopt;
}

void dequantize(std::vector<float>& values, const ScaleLayout& layout, const std::vector<float>& scales,
                const std::vector<float>& zeros) {
  if (values.empty()) return;
  std::size_t i = 0;
  for (std::uint64_t outer = 0; outer < layout.outer; ++outer) {
    for (std::uint64_t along = 0; along < layout.along; ++along) {
      const std::uint64_t scale = along / layout.block;
      for (std::uint64_t inner = 0; inner < layout.inner; ++inner, ++i) {
        const auto at = static_cast<std::size_t>(
            layout.blocked ? (outer * layout.scales + scale) * layout.inner + inner : scale);
        values[i] = (values[i] - (zeros.empty() ? 0.0F : zeros[at])) * scales[at];
      }
    }
  }
}

/// The shape that a Reshape makes of `sizes`; empty optional where it does not fit.
std::optional<Sizes> reshaped(const Sizes& sizes, const std::vector<std::int64_t>& wanted, bool allow_zero) {
  Sizes result;
  std::uint64_t known = 1;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::uint64_t side = 1;
    if (wanted[i] == -1 && !open) {
      open = i;
    } else if (wanted[i] == 0 && !allow_zero && i < sizes.size()) {
      side = sizes[i];
    } else if (wanted[i] >= 0) {
      side = static_cast<std::uint64_t>(wanted[i]);
    } else {
      return std::nullopt;
    }
    if (side > kMostOnnxValues || (side != 0 && known > kMostOnnxValues / side)) return std::nullopt;
    known *= side;
    result.push_back(side);
  }
  const std::uint64_t count = product(sizes, 0, sizes.size());
  if (open && known != 0 && count % known == 0) result[*open] = count / known, known = count;
  if (known != count) return std::nullopt;
  return result;
}

/// A constant that came of folding.
struct Folded {
  OnnxType type = OnnxType::kFloat;
  Sizes sizes;
  std::string raw;
};

std::string tensor_message(std::string_view name, const Folded& folded) {
  std::string message;
  message.reserve(folded.raw.size() + name.size() + 64);
  for (const std::uint64_t size : folded.sizes) append_proto(message, 1, size);
  append_proto(message, 2, static_cast<std::uint64_t>(folded.type));
  append_proto(message, 8, name);
  append_proto(message, 9, folded.raw);
  return message;
}

/// One GraphProto on its way.
class Graph {
 public:
  explicit Graph(std::string_view message);
  /// Folds what can be folded; whether anything is to be written differently.
  [[nodiscard]] bool fold();
  [[nodiscard]] std::string written() const;

 private:
  [[nodiscard]] const OnnxTensor* constant(const Node& node, std::size_t input) const;
  [[nodiscard]] std::optional<Folded> folded(const Node& node) const;
  [[nodiscard]] std::optional<Folded> dequantized(const Node& node) const;
  [[nodiscard]] std::optional<Folded> cast(const Node& node) const;
  [[nodiscard]] std::optional<Folded> given_shape(const Node& node) const;
  [[nodiscard]] bool keeps(const ProtoField& field, std::size_t& node) const;

  std::string_view message_;
  bool has_outside_ = false;  // weights in another file
  std::vector<Node> nodes_;
  std::vector<char> gone_;  // of nodes_: folded, or a Constant that nobody reads any more
  std::vector<std::string_view> inputs_;
  std::unordered_set<std::string_view> outputs_;
  std::unordered_map<std::string_view, OnnxTensor> constants_;
  std::vector<std::pair<std::string_view, Folded>> made_;
  std::unordered_map<std::string_view, std::size_t> made_at_;  // places in made_
  std::unordered_set<std::string_view> used_;                  // names that nodes which stay read
};

Graph::Graph(std::string_view message) : message_(message) {
  ProtoReader graph(message);
  for (ProtoField field; graph.next(field);) {
    if (!field.is_bytes) continue;
    if (field.number == 1) nodes_.push_back(read_onnx_node(field.bytes));
    if (field.number == 5) {
      OnnxTensor tensor = read_onnx_tensor(field.bytes);
      has_outside_ = has_outside_ || tensor.outside;
      constants_.insert_or_assign(tensor.name, std::move(tensor));
    }
    if (field.number == 11) inputs_.push_back(name_in(field.bytes, 1));
    if (field.number == 12) outputs_.insert(name_in(field.bytes, 1));
  }
  for (const Node& node : nodes_) {
    if (node.type == "Constant" && node.outputs.size() == 1 && !node.value.empty())
      constants_.insert_or_assign(node.outputs[0], read_onnx_tensor(node.value));
  }
  gone_.assign(nodes_.size(), 0);
}

bool Graph::fold() {
  if (has_outside_) return false;
  for (const Node& node : nodes_) {
    if (node.has_subgraph) return false;  // what is read in there is not looked at
  }
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (!(node.domain.empty() || node.domain == "ai.onnx") || node.outputs.size() != 1 ||
        outputs_.contains(node.outputs[0]))
      continue;
    auto constant = folded(node);
    if (!constant) continue;
    bytes += constant->raw.size();
    if (bytes > kMostBytes) throw std::runtime_error("holds quantised tensors of over 1 GiB");
    if (!made_at_.emplace(node.outputs[0], made_.size()).second)
      throw std::runtime_error("makes " + std::string(node.outputs[0]) + " twice");
    made_.emplace_back(node.outputs[0], std::move(*constant));
    gone_[i] = 1;
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (gone_[i] == 0) used_.insert(nodes_[i].inputs.begin(), nodes_[i].inputs.end());
  }
  used_.insert(outputs_.begin(), outputs_.end());
  bool changes = !made_.empty();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].type == "Constant" && nodes_[i].outputs.size() == 1 &&
        !used_.contains(nodes_[i].outputs[0]))
      gone_[i] = 1;
  }
  for (const std::string_view input : inputs_) changes = changes || !used_.contains(input);
  return changes;
}

/// The constant of the file that a node reads; null where it is none.
const OnnxTensor* Graph::constant(const Node& node, std::size_t input) const {
  if (input >= node.inputs.size()) return nullptr;
  const auto found = constants_.find(node.inputs[input]);
  return found == constants_.end() ? nullptr : &found->second;
}

std::optional<Folded> Graph::folded(const Node& node) const {
  if (node.type == "DequantizeLinear") return dequantized(node);
  if (node.type == "Cast") return cast(node);
  if (node.type == "Reshape") return given_shape(node);
  return std::nullopt;
}

std::optional<Folded> Graph::dequantized(const Node& node) const {
  const OnnxTensor* values = constant(node, 0);
  const OnnxTensor* scale = constant(node, 1);
  const bool has_zero = node.inputs.size() > 2 && !node.inputs[2].empty();
  const OnnxTensor* zero = has_zero ? constant(node, 2) : nullptr;
  if (values == nullptr || scale == nullptr || (has_zero && zero == nullptr)) return std::nullopt;
  const auto asked = node.number("output_dtype", 0);
  const OnnxType type = asked > 0 && asked <= static_cast<std::int64_t>(OnnxType::kInt2)
                            ? static_cast<OnnxType>(asked)
                            : scale->type;
  if (type != OnnxType::kFloat && type != OnnxType::kFloat16 && type != OnnxType::kBfloat16)
    return std::nullopt;
  const auto layout = layout_of(node, values->sizes, scale->sizes, scale->count);
  // One scale may be a number, and its zero point a row of one.
  const bool fits = !has_zero || ((zero->sizes == scale->sizes || (zero->count == 1 && scale->count == 1)) &&
                                  zero->type == values->type);
  if (!layout || !fits) {
    throw std::runtime_error("has a DequantizeLinear (" + std::string(node.outputs[0]) +
                             ") whose scale or zero point does not fit its weights");
  }
  std::vector<float> numbers = floats_of(*values);
  dequantize(numbers, *layout, floats_of(*scale), has_zero ? floats_of(*zero) : std::vector<float>());
  return Folded{type, values->sizes, raw_of(numbers, type)};
}

std::optional<Folded> Graph::cast(const Node& node) const {
  if (node.number("to", 0) != static_cast<std::int64_t>(OnnxType::kFloat) || node.inputs.size() != 1)
    return std::nullopt;
  if (const auto made = made_at_.find(node.inputs[0]); made != made_at_.end()) {
    const Folded& source = made_[made->second].second;
    OnnxTensor tensor{.name = node.inputs[0], .type = source.type, .sizes = source.sizes, .raw = source.raw};
    tensor.count = product(source.sizes, 0, source.sizes.size());
    return Folded{OnnxType::kFloat, source.sizes, raw_of(floats_of(tensor), OnnxType::kFloat)};
  }
  const OnnxTensor* values = constant(node, 0);
  if (values == nullptr) return std::nullopt;
  switch (values->type) {
    case OnnxType::kFloat16:
    case OnnxType::kBfloat16:
    case OnnxType::kFloat8E4M3Fn:
    case OnnxType::kFloat8E4M3FnUz:
    case OnnxType::kFloat8E5M2:
    case OnnxType::kFloat8E5M2FnUz:
    case OnnxType::kFloat4E2M1:
      return Folded{OnnxType::kFloat, values->sizes, raw_of(floats_of(*values), OnnxType::kFloat)};
    default:
      return std::nullopt;
  }
}

std::optional<Folded> Graph::given_shape(const Node& node) const {
  if (node.inputs.size() != 2) return std::nullopt;
  const auto made = made_at_.find(node.inputs[0]);
  const OnnxTensor* shape = constant(node, 1);
  if (made == made_at_.end() || shape == nullptr || shape->type != OnnxType::kInt64) return std::nullopt;
  const Folded& source = made_[made->second].second;
  auto sizes = reshaped(source.sizes, integers_of(*shape), node.number("allowzero", 0) != 0);
  if (!sizes) return std::nullopt;
  return Folded{source.type, std::move(*sizes), source.raw};
}

/// Whether a field of the graph is written again; `node` counts its nodes.
bool Graph::keeps(const ProtoField& field, std::size_t& node) const {
  if (!field.is_bytes) return true;
  if (field.number == 1) return gone_[node++] == 0;
  if (field.number == 5) return used_.contains(name_in(field.bytes, 8));
  if (field.number == 11) return used_.contains(name_in(field.bytes, 1));
  return true;
}

std::string Graph::written() const {
  std::size_t bytes = message_.size();
  for (const auto& [name, folded] : made_) bytes += used_.contains(name) ? folded.raw.size() + 256 : 0;
  std::string graph;
  graph.reserve(bytes);
  std::size_t node = 0;
  ProtoReader fields(message_);
  for (ProtoField field; fields.next(field);) {
    if (keeps(field, node)) graph += field.whole;
  }
  for (const auto& [name, folded] : made_) {
    if (used_.contains(name)) append_proto(graph, 5, tensor_message(name, folded));
  }
  return graph;
}

}  // namespace

std::string fold_onnx(std::string_view bytes, const std::string& file) {
  try {
    std::string_view message;
    ProtoReader model(bytes);
    for (ProtoField field; model.next(field);) {
      if (field.number != 7 || !field.is_bytes) continue;
      if (!message.empty()) throw std::runtime_error("has two graphs");
      message = field.bytes;
    }
    Graph graph(message);
    if (!graph.fold()) return "";
    const std::string written = graph.written();
    std::string folded;
    folded.reserve(bytes.size() - message.size() + written.size() + 16);
    ProtoReader again(bytes);
    for (ProtoField field; again.next(field);) {
      if (field.number == 7 && field.is_bytes) {
        append_proto(folded, 7, written);
      } else {
        folded += field.whole;
      }
    }
    return folded;
  } catch (const std::runtime_error& e) {
    throw Error(ErrorCode::kModelInvalid,
                file + ": it is not an ONNX model that is understood: it " + e.what());
  }
}

}  // namespace likeness
