#include "likeness/model/ir_graph.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/model/ir_file.h"
#include "likeness/model/network_file.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using Numbers = std::vector<std::int64_t>;

constexpr std::size_t kLargestFile = 1UL << 30;
constexpr std::int64_t kLongestSide = 4096;
constexpr std::int64_t kMostChannels = 1 << 16;

/// The graph is not one that Graph can say; no fault of the file.
struct NotOurs : std::runtime_error {
  NotOurs() : std::runtime_error("") {}
};

void require(bool condition) {
  if (!condition) throw NotOurs();
}

/// What a layer of the file gives.
struct Value {
  enum class Kind {
    kConstant,
    kPicture,
    kRow,
    kElements,  ///< Made of a row's elements one by one, on the way to a kLength.
    kLength,    ///< A number for each picture made of a row, such as its length.
    kUnit,      ///< The row divided by such a number: the end.
    kShape,     ///< Sizes of another value.
    kShaped,    ///< A constant, as if it had other sides.
  } kind = Kind::kConstant;
  std::size_t layer = 0;  ///< Of the graph; of a constant: place in the file.
  bool planes = false;    ///< Of a picture: batch, channels, height, width; else channels last.
  Numbers sizes{};        ///< Of kShaped.
};

class Reader {
 public:
  Reader(std::vector<IrLayer> layers, std::span<const std::byte> weights)
      : layers_(std::move(layers)), weights_(weights) {}
  IrGraph graph();

 private:
  Value value_of(const IrLayer& layer);
  Value input(const IrLayer& layer);
  Value convolution(const IrLayer& layer, const Value& from);
  Value pool(const IrLayer& layer, const Value& from);
  Value arithmetic(const IrLayer& layer, const Value& a, const Value& b);
  Value scaled(const IrLayer& layer, const Value& from, std::vector<float> factor, std::vector<float> shift);
  Value batch_norm(const IrLayer& layer);
  Value joined(const IrLayer& layer);
  Value dense(const IrLayer& layer);
  Value average(const IrLayer& layer, const Value& from);
  Value on_the_way_to_length(const IrLayer& layer, const Value& from) const;

  Value append(GraphLayer layer, const Value& like);
  [[nodiscard]] const Value& in(const IrLayer& layer, std::size_t i) const {
    require(i < layer.inputs.size() && layer.inputs[i].output == 0);
    return values_[layer.inputs[i].layer];
  }
  [[nodiscard]] const IrLayer& constant(const Value& value) const {
    require(value.kind == Value::Kind::kConstant);
    return layers_[value.layer];
  }
  /// A constant's bytes and the number of its values, which lie in the .bin: check_ir().
  [[nodiscard]] std::pair<const std::byte*, std::size_t> stored(const IrLayer& constant) const;
  [[nodiscard]] std::vector<float> floats(const IrLayer& constant) const;
  [[nodiscard]] Numbers integers(const IrLayer& constant) const;
  [[nodiscard]] std::vector<float> per_channel(const Value& constant, const Value& beside) const;
  [[nodiscard]] std::size_t channels(const Value& value) const { return shapes_[value.layer].back(); }
  /// Whether the padding is TensorFlow's SAME (true) or none (false); any other is not ours.
  [[nodiscard]] bool same_padding(const IrLayer& layer, const Value& from, std::array<std::size_t, 2> window,
                                  std::array<std::size_t, 2> strides) const;
  /// The same of a convolution; zeros that are neither become a layer before it.
  Value padded(const IrLayer& layer, const Value& from, GraphLayer& step, std::array<std::size_t, 2> window);
  Value leaky(const IrLayer& layer, const Value& from);
  Value flattened(const IrLayer& layer, const Value& from);
  [[nodiscard]] Value shaped(const IrLayer& layer, const Value& from) const;

  std::vector<IrLayer> layers_;
  std::span<const std::byte> weights_;
  std::vector<Value> values_;         // of layers_
  std::vector<std::size_t> readers_;  // of layers_
  Graph graph_;
  std::vector<std::vector<std::size_t>> shapes_;  // of graph_
};

std::array<std::size_t, 2> pair_of(const IrLayer& layer, const std::string& key) {
  const Numbers values = layer.numbers(key);
  require(values.size() == 2);
  for (const std::int64_t value : values) require(value >= 1 && value <= 1024);
  return {static_cast<std::size_t>(values[0]), static_cast<std::size_t>(values[1])};
}

std::pair<const std::byte*, std::size_t> Reader::stored(const IrLayer& constant) const {
  const Numbers offset = constant.numbers("offset");
  require(offset.size() == 1);
  std::size_t count = 1;
  for (const std::int64_t side : constant.numbers("shape")) count *= static_cast<std::size_t>(side);
  return {weights_.data() + offset[0], count};
}

std::vector<float> Reader::floats(const IrLayer& constant) const {
  require(constant.text("element_type") == "f32");
  const auto [from, count] = stored(constant);
  std::vector<float> values(count);
  std::memcpy(values.data(), from, count * sizeof(float));
  require(std::ranges::all_of(values, [](float value) { return std::isfinite(value); }));
  return values;
}

Numbers Reader::integers(const IrLayer& constant) const {
  const auto [from, count] = stored(constant);
  const std::string type = constant.text("element_type");
  require((type == "i64" || type == "i32") && count <= 8);
  Numbers values(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::int32_t narrow = 0;
    if (type == "i64") std::memcpy(&values[i], from + i * sizeof(values[i]), sizeof(values[i]));
    if (type == "i32") std::memcpy(&narrow, from + i * sizeof(narrow), sizeof(narrow));
    if (type == "i32") values[i] = narrow;
  }
  return values;
}

/// A constant that a picture or row is added to or multiplied by: a number for each channel.
std::vector<float> Reader::per_channel(const Value& value, const Value& beside) const {
  const IrLayer& of = constant(value);
  const std::size_t count = channels(beside);
  std::vector<float> values = floats(of);
  if (values.size() == 1) values.assign(count, values[0]);
  const Numbers shape = of.numbers("shape");
  // Counted from the end, as shapes are broadcast: channels are the last but two in planes.
  const std::size_t from_end = beside.kind == Value::Kind::kPicture && beside.planes ? 3 : 1;
  const bool stretched = std::ranges::all_of(shape, [](std::int64_t side) { return side == 1; });
  const bool fits = shape.size() >= from_end &&
                    shape[shape.size() - from_end] == static_cast<std::int64_t>(count) &&
                    values.size() == count;
  // A row may still have the sides of the picture it was, 1 x 1.
  const bool row = beside.kind == Value::Kind::kRow && shape.size() == 4 && values.size() == count &&
                   shape[1] == static_cast<std::int64_t>(count);
  require(stretched || fits || row);
  return values;
}

Value Reader::append(GraphLayer layer, const Value& like) {
  graph_.layers.push_back(std::move(layer));
  shapes_.push_back(output_shape(graph_, graph_.layers.size() - 1, shapes_));
  Value value = like;
  value.layer = graph_.layers.size() - 1;
  value.kind = shapes_.back().size() == 3 ? Value::Kind::kPicture : Value::Kind::kRow;
  return value;
}

Value Reader::input(const IrLayer& layer) {
  const Numbers shape = layer.numbers("shape");
  require(graph_.layers.empty() && layer.text("element_type") == "f32" && shape.size() == 4);
  Value value{.planes = shape[3] != 3};
  require(shape[value.planes ? 1 : 3] == 3);
  GraphLayer step{.kind = LayerKind::kInput, .name = layer.name};
  for (const std::size_t axis : {value.planes ? 2 : 1, value.planes ? 3 : 2, value.planes ? 1 : 3}) {
    require(shape[axis] >= 1 && shape[axis] <= kLongestSide);
    step.shape.push_back(static_cast<std::size_t>(shape[axis]));
  }
  return append(std::move(step), value);
}

bool Reader::same_padding(const IrLayer& layer, const Value& from, std::array<std::size_t, 2> window,
                          std::array<std::size_t, 2> strides) const {
  const std::string pad = layer.text("auto_pad");
  if (pad == "valid") return false;
  const Numbers begin = layer.numbers("pads_begin"), end = layer.numbers("pads_end");
  require(begin.size() == 2 && end.size() == 2);
  const bool explicitly = pad.empty() || pad == "explicit" || pad == "notset";
  if (explicitly && begin == Numbers{0, 0} && end == Numbers{0, 0}) return false;
  require(explicitly || pad == "same_upper");
  for (std::size_t axis = 0; axis < 2 && explicitly; ++axis) {
    const std::size_t side = shapes_[from.layer][axis];
    const std::size_t covered = ((side - 1) / strides[axis]) * strides[axis] + window[axis];
    const auto all = static_cast<std::int64_t>(covered > side ? covered - side : 0);
    require(begin[axis] == all / 2 && end[axis] == all - all / 2);
  }
  return true;
}

Value Reader::convolution(const IrLayer& layer, const Value& from) {
  require(from.kind == Value::Kind::kPicture && from.planes);
  const Value& kernel = in(layer, 1);
  const IrLayer& weights =
      constant(kernel.kind == Value::Kind::kShaped ? Value{.layer = kernel.layer} : kernel);
  Numbers shape = kernel.kind == Value::Kind::kShaped ? kernel.sizes : weights.numbers("shape");
  GraphLayer step{.kind = LayerKind::kConvolution, .name = layer.name, .inputs = {from.layer}};
  if (layer.type ==
      "GroupConvolution") {  // groups, out, in, height, width; a group's outputs lie side by side
    require(shape.size() == 5 && shape[0] >= 1 && shape[1] >= 1 && shape[0] <= kMostChannels &&
            shape[1] <= kMostChannels);
    step.groups = static_cast<std::size_t>(shape[0]);
    shape = {shape[0] * shape[1], shape[2], shape[3], shape[4]};
  }
  require(shape.size() == 4 && shape[2] <= 1024 && shape[3] <= 1024);
  std::array<std::size_t, 4> k{};  // out, in, height, width
  std::ranges::transform(shape, k.begin(), [](std::int64_t side) { return static_cast<std::size_t>(side); });
  require(k[2] >= 1 && k[3] >= 1);
  step.strides = pair_of(layer, "strides");
  step.dilation = pair_of(layer, "dilations");
  const Value padded_from =
      padded(layer, from, step, {(k[2] - 1) * step.dilation[0] + 1, (k[3] - 1) * step.dilation[1] + 1});
  const std::vector<float> values = floats(weights);
  step.kernel = {{k[2], k[3], k[1], k[0]}, std::vector<float>(values.size())};
  const std::size_t window = k[2] * k[3];
  for (std::size_t o = 0; o < k[0]; ++o) {
    for (std::size_t i = 0; i < k[1]; ++i) {
      for (std::size_t p = 0; p < window; ++p)
        step.kernel.values[(p * k[1] + i) * k[0] + o] = values[(o * k[1] + i) * window + p];
    }
  }
  return append(std::move(step), padded_from);
}

Value Reader::padded(const IrLayer& layer, const Value& from, GraphLayer& step,
                     std::array<std::size_t, 2> window) {
  const Numbers begin = layer.numbers("pads_begin"), end = layer.numbers("pads_end");
  const std::string pad = layer.text("auto_pad");
  const bool explicitly = pad.empty() || pad == "explicit" || pad == "notset";
  const auto borders = [&] {
    std::array<std::size_t, 4> all{};
    require(begin.size() == 2 && end.size() == 2);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      require(begin[axis] >= 0 && begin[axis] < 1024 && end[axis] >= 0 && end[axis] < 1024);
      all[2 * axis] = static_cast<std::size_t>(begin[axis]);
      all[2 * axis + 1] = static_cast<std::size_t>(end[axis]);
    }
    return all;
  };
  const auto is_same = [&](const std::array<std::size_t, 4>& all) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::size_t side = shapes_[from.layer][axis];
      const std::size_t covered = ((side - 1) / step.strides[axis]) * step.strides[axis] + window[axis];
      const std::size_t zeros = covered > side ? covered - side : 0;
      if (all[2 * axis] != zeros / 2 || all[2 * axis + 1] != zeros - zeros / 2) return false;
    }
    return true;
  };
  if (!explicitly || borders() == std::array<std::size_t, 4>{} || is_same(borders())) {
    step.same = same_padding(layer, from, window, step.strides);
    return from;
  }
  GraphLayer zeros{.kind = LayerKind::kPad, .name = layer.name + "/zeros", .inputs = {from.layer}};
  zeros.borders = borders();
  const Value around = append(std::move(zeros), from);
  step.inputs = {around.layer};
  return around;
}

/// A convolution's kernel may be kept in one shape and read in another.
Value Reader::shaped(const IrLayer& layer, const Value& from) const {
  Value value{.kind = Value::Kind::kShaped, .layer = from.layer, .sizes = integers(constant(in(layer, 1)))};
  std::size_t count = 1;
  for (const std::int64_t side : value.sizes) {
    require(side >= 1 && side <= static_cast<std::int64_t>(kMostChannels));
    count *= static_cast<std::size_t>(side);
    require(count <= stored(constant(from)).second);
  }
  require(count == stored(constant(from)).second);
  return value;
}

Value Reader::leaky(const IrLayer& layer, const Value& from) {
  require(from.kind == Value::Kind::kPicture || from.kind == Value::Kind::kRow);
  const Value& with = in(layer, 1);
  GraphLayer step{.kind = LayerKind::kLeaky, .name = layer.name, .inputs = {from.layer}};
  // One slope for each channel lies as it is, or has the sides of 1 that it is stretched along.
  const IrLayer& slopes = constant(with);
  step.slope = floats(slopes);
  if (step.slope.size() == 1) step.slope.assign(channels(from), step.slope[0]);
  require(step.slope.size() == channels(from));
  const Numbers shape = slopes.numbers("shape");
  if (shape.size() > 1) step.slope = per_channel(with, from);
  return append(std::move(step), from);
}

/// A picture to a row, in the order in which its planes or its pixels lie. Where planes come first the dense
/// layer after it has its rows in another order than ours: see dense().
Value Reader::flattened(const IrLayer& layer, const Value& from) {
  const Numbers to = integers(constant(in(layer, 1)));
  const auto& shape = shapes_[from.layer];
  const auto all = static_cast<std::int64_t>(shape[0] * shape[1] * shape[2]);
  require(to.size() == 2 && (to[1] == all || to[1] == -1) && (to[0] == 1 || to[0] == 0 || to[0] == -1));
  Value row = append({.kind = LayerKind::kFlatten, .name = layer.name, .inputs = {from.layer}}, from);
  return row;
}

Value Reader::pool(const IrLayer& layer, const Value& from) {
  require(from.kind == Value::Kind::kPicture && from.planes);
  GraphLayer step{.kind = LayerKind::kMaxPool, .name = layer.name, .inputs = {from.layer}};
  step.window = pair_of(layer, "kernel");
  step.strides = pair_of(layer, "strides");
  require(layer.text("dilations").empty() ||
          pair_of(layer, "dilations") == (std::array<std::size_t, 2>{1, 1}));
  step.same = same_padding(layer, from, step.window, step.strides);
  // Rounded up, there would be a last window over less than its size.
  for (std::size_t axis = 0; axis < 2 && !step.same && layer.text("rounding_type") != "floor"; ++axis) {
    const std::size_t side = shapes_[from.layer][axis];
    require(side >= step.window[axis] && (side - step.window[axis]) % step.strides[axis] == 0);
  }
  return append(std::move(step), from);
}

Value Reader::scaled(const IrLayer& layer, const Value& from, std::vector<float> factor,
                     std::vector<float> shift) {
  GraphLayer step{.kind = LayerKind::kAffine, .name = layer.name, .inputs = {from.layer}};
  step.factor = std::move(factor);
  step.shift = std::move(shift);
  return append(std::move(step), from);
}

/// A sum, difference, product or quotient of two values, or of one and a constant.
Value Reader::arithmetic(const IrLayer& layer, const Value& a, const Value& b) {
  using Kind = Value::Kind;
  const auto is_data = [](const Value& v) { return v.kind == Kind::kPicture || v.kind == Kind::kRow; };
  const std::string& type = layer.type;
  if (is_data(a) && is_data(b)) {
    if (type == "Multiply" && a.layer == b.layer && a.kind == Kind::kRow) return {Kind::kElements, a.layer};
    require(type == "Add" && a.kind == b.kind && a.planes == b.planes);
    return append({.kind = LayerKind::kAdd, .name = layer.name, .inputs = {a.layer, b.layer}}, a);
  }
  // A row times or over a number of each picture has the row's direction; the self-test tells which way.
  const bool over = type == "Divide" && a.kind == Kind::kRow && b.kind == Kind::kLength;
  const bool times = type == "Multiply" && (a.kind == Kind::kLength || b.kind == Kind::kLength);
  if (over || times) {
    const Value& row = a.kind == Kind::kLength ? b : a;
    if (row.kind == Kind::kConstant) return a.kind == Kind::kLength ? a : b;
    require(row.kind == Kind::kRow && row.layer == (a.kind == Kind::kLength ? a : b).layer);
    return {Kind::kUnit, row.layer};
  }
  const bool first = a.kind != Kind::kConstant;
  const Value& from = first ? a : b;
  const Value& with = first ? b : a;
  require(with.kind == Kind::kConstant &&
          (first || type == "Add" || type == "Multiply" || (type == "Divide" && from.kind == Kind::kLength)));
  if (!is_data(from)) return from.kind == Kind::kLength ? from : throw NotOurs();
  std::vector<float> numbers = per_channel(with, from);
  const std::size_t count = numbers.size();
  if (type == "Add" || type == "Subtract") {
    if (type == "Subtract") std::ranges::transform(numbers, numbers.begin(), std::negate<>());
    // The shift of what is multiplied just before, and a bias, are part of that layer.
    GraphLayer& before = graph_.layers[from.layer];
    const std::size_t maker = layer.inputs[first ? 0 : 1].layer;
    if (readers_[maker] == 1 && from.layer + 1 == graph_.layers.size()) {
      const bool weighted = before.kind == LayerKind::kConvolution || before.kind == LayerKind::kDense;
      const bool unshifted = before.kind == LayerKind::kAffine &&
                             std::ranges::all_of(before.shift, [](float shift) { return shift == 0; });
      if ((weighted && before.bias.empty()) || unshifted) {
        (weighted ? before.bias : before.shift) = std::move(numbers);
        before.name = layer.name;
        return from;
      }
    }
    return scaled(layer, from, std::vector<float>(count, 1.0F), std::move(numbers));
  }
  if (type == "Divide") {
    for (float& number : numbers) number = 1 / number;
    require(std::ranges::all_of(numbers, [](float number) { return std::isfinite(number); }));
  }
  const bool one = std::ranges::all_of(numbers, [&](float number) { return number == numbers[0]; });
  if (!one) return scaled(layer, from, std::move(numbers), std::vector<float>(count, 0.0F));
  return append({.kind = LayerKind::kScale, .name = layer.name, .inputs = {from.layer}, .scale = numbers[0]},
                from);
}

Value Reader::batch_norm(const IrLayer& layer) {
  const Value& from = in(layer, 0);
  require(layer.opset == "opset5" && layer.inputs.size() == 5);
  require(from.kind == Value::Kind::kPicture ? from.planes : from.kind == Value::Kind::kRow);
  std::array<std::vector<float>, 4> numbers;  // gamma, beta, mean, variance
  for (std::size_t i = 0; i < 4; ++i) {
    numbers[i] = floats(constant(in(layer, i + 1)));
    require(numbers[i].size() == channels(from));
  }
  const std::string text = layer.text("epsilon");
  double epsilon = 0;
  require(std::from_chars(text.data(), text.data() + text.size(), epsilon).ec == std::errc());
  std::vector<float> factor, shift;
  for (std::size_t c = 0; c < channels(from); ++c) {
    const double f = numbers[0][c] / std::sqrt(numbers[3][c] + epsilon);
    require(std::isfinite(f));
    factor.push_back(static_cast<float>(f));
    shift.push_back(static_cast<float>(numbers[1][c] - numbers[2][c] * f));
  }
  return scaled(layer, from, std::move(factor), std::move(shift));
}

Value Reader::joined(const IrLayer& layer) {
  const Value& first = in(layer, 0);
  const Numbers axis = layer.numbers("axis");
  const std::int64_t channel_axis = first.planes ? 1 : 3;
  require(first.kind == Value::Kind::kPicture && axis.size() == 1 &&
          (axis[0] == channel_axis || axis[0] == channel_axis - 4));
  GraphLayer step{.kind = LayerKind::kConcatenate, .name = layer.name};
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
    const Value& from = in(layer, i);
    require(from.kind == first.kind && from.planes == first.planes);
    step.inputs.push_back(from.layer);
  }
  return append(std::move(step), first);
}

Value Reader::dense(const IrLayer& layer) {
  const Value& from = in(layer, 0);
  const IrLayer& weights = constant(in(layer, 1));
  const Numbers shape = weights.numbers("shape");
  require(from.kind == Value::Kind::kRow && shape.size() == 2 && layer.text("transpose_a") != "true");
  const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
  GraphLayer step{.kind = LayerKind::kDense, .name = layer.name, .inputs = {from.layer}};
  step.kernel = {{rows, columns}, floats(weights)};
  if (layer.text("transpose_b") == "true") {
    Tensor turned{{columns, rows}, std::vector<float>(step.kernel.values.size())};
    for (std::size_t o = 0; o < rows; ++o) {
      for (std::size_t i = 0; i < columns; ++i)
        turned.values[i * rows + o] = step.kernel.values[o * columns + i];
    }
    step.kernel = std::move(turned);
  }
  const GraphLayer& before = graph_.layers[from.layer];
  if (before.kind == LayerKind::kFlatten && from.planes) {
    // The file's rows are channel, row, column; ours are row, column, channel.
    const auto& sides = shapes_[before.inputs[0]];
    const std::size_t pixels = sides[0] * sides[1], outputs = step.kernel.shape[1];
    require(step.kernel.shape[0] == pixels * sides[2]);
    std::vector<float> turned(step.kernel.values.size());
    for (std::size_t c = 0; c < sides[2]; ++c) {
      for (std::size_t p = 0; p < pixels; ++p) {
        std::copy_n(step.kernel.values.data() + (c * pixels + p) * outputs, outputs,
                    turned.data() + (p * sides[2] + c) * outputs);
      }
    }
    step.kernel.values = std::move(turned);
  }
  return append(std::move(step), from);
}

/// Of a whole picture; of a row it is on the way to a length.
Value Reader::average(const IrLayer& layer, const Value& from) {
  if (from.kind != Value::Kind::kPicture) return on_the_way_to_length(layer, from);
  if (layer.type == "AvgPool") {
    const auto window = pair_of(layer, "kernel");
    const auto& shape = shapes_[from.layer];
    require(from.planes && window[0] == shape[0] && window[1] == shape[1] &&
            layer.numbers("pads_begin") == Numbers{0, 0} && layer.numbers("pads_end") == Numbers{0, 0});
  } else {
    Numbers axes = integers(constant(in(layer, 1)));
    for (std::int64_t& axis : axes) axis += axis < 0 ? 4 : 0;
    std::ranges::sort(axes);
    require(axes == (from.planes ? Numbers{2, 3} : Numbers{1, 2}));
  }
  return append({.kind = LayerKind::kGlobalAverage, .name = layer.name, .inputs = {from.layer}}, from);
}

Value Reader::on_the_way_to_length(const IrLayer& layer, const Value& from) const {
  using Kind = Value::Kind;
  const bool reduces = layer.type.starts_with("Reduce");
  if (from.kind == Kind::kRow || from.kind == Kind::kElements)
    return {reduces ? Kind::kLength : Kind::kElements, from.layer};
  require(from.kind == Kind::kLength && !reduces);
  return from;
}

Value Reader::value_of(const IrLayer& layer) {
  using Kind = Value::Kind;
  const std::string& type = layer.type;
  const auto place = static_cast<std::size_t>(&layer - layers_.data());
  if (type == "Const") return {Kind::kConstant, place};
  if (type == "Parameter") return input(layer);
  const Value& from = in(layer, 0);
  if (type == "Convolution" || type == "GroupConvolution") return convolution(layer, from);
  if (type == "PRelu") return leaky(layer, from);
  if (type == "MaxPool") return pool(layer, from);
  if (type == "Concat") return joined(layer);
  if (type == "MatMul") return dense(layer);
  if (type == "BatchNormInference") return batch_norm(layer);
  if (type == "Add" || type == "Subtract" || type == "Multiply" || type == "Divide")
    return arithmetic(layer, from, in(layer, 1));
  if (type == "ReduceMean" || type == "AvgPool") return average(layer, from);
  if (type == "ReLU") {
    require(from.kind == Kind::kPicture || from.kind == Kind::kRow);
    return append({.kind = LayerKind::kRelu, .name = layer.name, .inputs = {from.layer}}, from);
  }
  if (type == "Transpose") {
    const Numbers order = integers(constant(in(layer, 1)));
    // Of a picture of 1 x 1 that is a row here nothing moves.
    if (from.kind == Kind::kRow && !order.empty() && order[0] == 0) return from;
    require(from.kind == Kind::kPicture &&
            order == (from.planes ? Numbers{0, 2, 3, 1} : Numbers{0, 3, 1, 2}));
    Value turned = from;
    turned.planes = !from.planes;
    return turned;
  }
  if (type == "Reshape" && from.kind == Kind::kConstant) return shaped(layer, from);
  if (type == "Reshape" && from.kind == Kind::kPicture) return flattened(layer, from);
  if (type == "Reshape" || type == "Squeeze" || type == "Unsqueeze" || type == "Broadcast") {
    // A row stays one, whatever sides of 1 it gets or loses; its batch stays apart, or the self-test fails.
    require(from.kind == Kind::kRow || from.kind == Kind::kLength);
    return from;
  }
  if (type == "NormalizeL2") {
    require(from.kind == Kind::kRow);
    return {Kind::kUnit, from.layer};
  }
  if (type == "ShapeOf") return {Kind::kShape, from.layer};
  static constexpr std::string_view kOfLengths[] = {"Power", "Sqrt",      "Maximum",  "Clamp",
                                                    "Abs",   "ReduceSum", "ReduceL2", "ReduceMax"};
  require(std::ranges::find(kOfLengths, type) != std::end(kOfLengths));
  return on_the_way_to_length(layer, from.kind == Kind::kConstant ? in(layer, 1) : from);
}

IrGraph Reader::graph() {
  readers_.assign(layers_.size(), 0);
  for (const IrLayer& layer : layers_) {
    for (const IrInput& input : layer.inputs) ++readers_[input.layer];
  }
  const Value* result = nullptr;
  for (const IrLayer& layer : layers_) {
    if (layer.type != "Result") {
      values_.push_back(value_of(layer));
      continue;
    }
    require(result == nullptr);
    values_.push_back(in(layer, 0));
    result = &values_.back();
    require(result->kind == Value::Kind::kRow || result->kind == Value::Kind::kUnit);
    graph_.output = result->layer;
  }
  require(result != nullptr);
  const bool unit = result->kind == Value::Kind::kUnit;
  return {std::move(graph_), unit};
}

}  // namespace

std::optional<IrGraph> read_ir_graph(const fs::path& xml) {
  const auto text_of = [](std::span<const std::byte> bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const auto structure = read_file_bytes(xml, kLargestFile, ErrorCode::kModelNotFound);
  const auto weights =
      read_file_bytes(fs::path(xml).replace_extension(".bin"), kLargestFile, ErrorCode::kModelNotFound);
  check_ir(text_of(structure), weights.size(), xml.string());
  auto layers = read_ir_layers(text_of(structure), xml.string());
  try {
    return Reader(std::move(layers), weights).graph();
  } catch (const NotOurs&) {
    return std::nullopt;
  } catch (const std::runtime_error&) {  // of output_shape() and odd attributes: OpenVINO's rules are others
    return std::nullopt;
  }
}

}  // namespace likeness
