#include "likeness/infer/graph_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/cache_folder.h"
#include "likeness/core/xxh64.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

// The number rises with every change of the plan or of the packing.
constexpr std::string_view kMagic = "likeness packed network 006\n";
constexpr std::size_t kLargest = std::size_t{1} << 30;
constexpr std::size_t kMostLayers = 16384;
constexpr std::size_t kMostChannels = 1U << 16;
constexpr std::size_t kPage = 4096;

/// The first bytes of a file, in this machine's byte order.
struct Header {
  std::array<char, 32> magic{};
  std::uint64_t checksum = 0;      // XXH64 of everything from here to the weights
  std::uint64_t weight_sum = 0;    // checksum of the weights
  std::uint64_t key = 0;           // bytes, after the header
  std::uint64_t structure = 0;     // bytes, after the key
  std::uint64_t first_weight = 0;  // from the file's start
  std::uint64_t weights = 0;       // bytes
};

/// Where the checked part of the front begins.
constexpr std::size_t kChecked = offsetof(Header, weight_sum);

Header header_with_magic() {
  Header header;
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  return header;
}

/// Whole numbers of eight bytes, and back.
void put(std::string& to, std::uint64_t value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

class NumberReader {
 public:
  explicit NumberReader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t next() {
    std::uint64_t value = 0;
    if (rest_.size() < sizeof(value)) throw std::runtime_error("is cut short");
    std::memcpy(&value, rest_.data(), sizeof(value));
    rest_.remove_prefix(sizeof(value));
    return value;
  }
  std::size_t next_below(std::size_t limit) {
    const std::uint64_t value = next();
    if (value >= limit) throw std::runtime_error("has a number that is too large");
    return static_cast<std::size_t>(value);
  }
  std::vector<std::size_t> list(std::size_t longest) {
    std::vector<std::size_t> values(next_below(longest + 1));
    for (std::size_t& value : values) value = next_below(std::size_t{1} << 28);
    return values;
  }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

void put_list(std::string& to, std::span<const std::size_t> values) {
  put(to, values.size());
  for (const std::size_t value : values) put(to, value);
}

std::string structure_of(const PreparedGraph& prepared, Precision precision) {
  std::string bytes;
  put(bytes, static_cast<std::uint64_t>(precision));
  put(bytes, prepared.graph.layers.size());
  for (const GraphLayer& layer : prepared.graph.layers) {
    put(bytes, static_cast<std::uint64_t>(layer.kind));
    put(bytes, layer.same ? 1 : 0);
    put(bytes, layer.groups);
    for (const auto& pair : {layer.window, layer.strides, layer.dilation}) put_list(bytes, pair);
    put_list(bytes, layer.borders);
    put_list(bytes, layer.inputs);
    put_list(bytes, layer.shape);
    put_list(bytes, layer.kernel.shape);
    for (const auto* values : {&layer.factor, &layer.shift, &layer.slope}) put(bytes, values->size());
  }
  put(bytes, prepared.outputs.size());
  for (const OutputSlice& output : prepared.outputs) {
    const std::array<std::size_t, 4> numbers{output.layer, output.first, output.channels,
                                             output.sigmoid ? 1U : 0U};
    put_list(bytes, numbers);
  }
  put(bytes, prepared.ranges.size());
  for (const ValueRange& range : prepared.ranges) {
    put(bytes, std::bit_cast<std::uint32_t>(range.low));
    put(bytes, std::bit_cast<std::uint32_t>(range.high));
  }
  return bytes;
}

/// As many numbers as a list shall have.
template <std::size_t kCount>
std::array<std::size_t, kCount> exactly(NumberReader& reader) {
  const auto values = reader.list(kCount);
  if (values.size() != kCount) throw std::runtime_error("has too few numbers");
  std::array<std::size_t, kCount> all{};
  std::copy(values.begin(), values.end(), all.begin());
  return all;
}

void read_layer(NumberReader& reader, GraphLayer& layer) {
  layer.kind = static_cast<LayerKind>(reader.next_below(static_cast<std::size_t>(LayerKind::kSigmoid) + 1));
  layer.same = reader.next_below(2) == 1;
  layer.groups = reader.next_below(kMostChannels);
  for (auto* pair : {&layer.window, &layer.strides, &layer.dilation}) *pair = exactly<2>(reader);
  layer.borders = exactly<4>(reader);
  layer.inputs = reader.list(kMostLayers);
  layer.shape = reader.list(3);
  layer.kernel.shape = reader.list(4);
  for (auto* values : {&layer.factor, &layer.shift, &layer.slope})
    values->resize(reader.next_below(kMostChannels));
}

void read_structure(std::string_view bytes, GraphFile& into) {
  NumberReader reader(bytes);
  into.precision = static_cast<Precision>(reader.next_below(3));
  auto& layers = into.graph.graph.layers;
  layers.resize(reader.next_below(kMostLayers));
  for (GraphLayer& layer : layers) read_layer(reader, layer);
  into.graph.outputs.resize(reader.next_below(kMostLayers));
  for (OutputSlice& output : into.graph.outputs) {
    const auto numbers = exactly<4>(reader);
    output = {numbers[0], numbers[1], numbers[2], numbers[3] == 1};
    if (output.layer >= layers.size()) throw std::runtime_error("has an output of no layer");
  }
  into.graph.ranges.resize(reader.next_below(kMostLayers));
  for (ValueRange& range : into.graph.ranges) {
    for (float* end : {&range.low, &range.high}) {
      *end = std::bit_cast<float>(static_cast<std::uint32_t>(reader.next_below(std::size_t{1} << 32)));
      if (!std::isfinite(*end)) throw std::runtime_error("has a range without an end");
    }
    if (range.low > 0 || range.high < 0) throw std::runtime_error("has a range without 0");
  }
  const bool bytes_wanted = into.precision == Precision::kInt8;
  if (into.graph.ranges.size() != (bytes_wanted ? layers.size() : 0))
    throw std::runtime_error("has ranges of no layer");
  if (!reader.done()) throw std::runtime_error("has bytes too many");
}

}  // namespace

std::optional<GraphFile> load_graph_file(const fs::path& file, const std::string& key) {
  GraphFile kept{.memory = GraphMemory(file, kLargest)};
  const auto bytes = std::as_const(kept.memory).bytes();
  Header header;
  if (bytes.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  // Every number is at most the file's size before it is added to another.
  if (header.magic != header_with_magic().magic || header.key != key.size() || header.key > bytes.size() ||
      header.structure > bytes.size() || header.first_weight > bytes.size() ||
      sizeof(header) + header.key + header.structure > header.first_weight ||
      header.first_weight % kPage != 0 || header.weights != bytes.size() - header.first_weight) {
    return std::nullopt;
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(sizeof(header), key.size()) != key) return std::nullopt;
  if (Xxh64::of(bytes.subspan(kChecked, header.first_weight - kChecked)) != header.checksum ||
      Xxh64::of(bytes.subspan(header.first_weight)) != header.weight_sum) {
    return std::nullopt;
  }
  try {
    read_structure(text.substr(sizeof(header) + key.size(), header.structure), kept);
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  kept.first_weight = header.first_weight;
  kept.weights = header.weights;
  return kept;
}

bool store_graph_file(const fs::path& file, const std::string& key, const PreparedGraph& graph,
                      Precision precision, std::span<const std::byte> weights) {
  const std::string structure = structure_of(graph, precision);
  Header header = header_with_magic();
  header.key = key.size();
  header.structure = structure.size();
  header.first_weight = (sizeof(header) + key.size() + structure.size() + kPage - 1) / kPage * kPage;
  header.weights = weights.size();
  header.weight_sum = Xxh64::of(weights);
  std::string front(header.first_weight, '\0');
  const auto write_header = [&] { std::memcpy(front.data(), &header, sizeof(header)); };
  write_header();
  std::memcpy(front.data() + sizeof(header), key.data(), key.size());
  std::memcpy(front.data() + sizeof(header) + key.size(), structure.data(), structure.size());
  header.checksum = Xxh64::of(std::as_bytes(std::span(front)).subspan(kChecked));
  write_header();
  try {
    make_cache_folder(file.parent_path());
    AtomicFile out(file);
    out.write(std::as_bytes(std::span(front)));
    out.write(weights);
    out.commit();
    return true;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return false;  // no room or no permission
  }
}

}  // namespace likeness
