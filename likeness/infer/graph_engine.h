#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/infer/graph.h"
#include "likeness/infer/precision.h"

namespace likeness {

struct PreparedGraph;

/// A Graph computed by kernels of our own, in f32, bf16 or bytes, one thread a call. It takes any graph of
/// convolutions (3x3 ones of stride 1 by Winograd's F(4x4, 3x3) or F(6x6, 3x3), whichever makes fewer
/// products; depthwise ones; transposed ones whose blocks do not overlap), max pools, joined channels, sums,
/// enlarged maps, sigmoids at the end and dense layers, not one network: planning is little work beside the
/// kernels, and every network that shares the shape of Inception-ResNet or MobileNet is taken along. Biases,
/// normalisations, scales, residuals, ReLUs and PReLUs are part of the convolution before them, parts of
/// joined values are written where they end up, products with padding are not made, and with depthwise layers
/// large maps go through the network by bands of rows that stay near the core. Results equal OpenVINO's but
/// for rounding, whatever the batch, the number of threads and the instruction set. Cheap to move; any number
/// of threads may run one engine.
class GraphEngine {
 public:
  /// Packs the weights. Empty where the engine cannot compute such a graph, or not in this precision on this
  /// CPU; then it is OpenVINO's. @throws std::runtime_error where the graph does not fit together.
  [[nodiscard]] static std::optional<GraphEngine> make(Graph graph, Precision precision);

  /// The same in bytes (Precision::kInt8), on every CPU: weights are rounded for each output, maps to 256
  /// steps over the range seen on `count` pictures, which lie one after the other; sums are whole numbers.
  /// The first layer and what follows an average stay f32. @throws std::runtime_error as make();
  /// std::invalid_argument without pictures or with some of another size.
  [[nodiscard]] static std::optional<GraphEngine> make_bytes(Graph graph, std::span<const float> pictures,
                                                             std::size_t count);
  /// In f32, of a graph that was prepared before (graph_prepare.h), with all of its outputs.
  [[nodiscard]] static std::optional<GraphEngine> make_prepared(Graph graph);

  /// What store() kept in `file` under the same `key`, mapped instead of read; empty where there is no such
  /// file, where it is damaged, or of another key or version.
  [[nodiscard]] static std::optional<GraphEngine> load(const std::filesystem::path& file,
                                                       const std::string& key);
  /// Keeps the packed weights and the graph's structure. That it cannot be written is no error: the next
  /// start is slow again. @returns whether the file is there.
  bool store(const std::filesystem::path& file, const std::string& key) const;

  /// Moves weights that load() mapped into large pages of memory, about 0.03 s for 90 MB: for programs that
  /// run long, whose runs over few pictures are mostly reading weights. Other threads may run the engine
  /// meanwhile.
  void to_large_pages() const noexcept;

  ~GraphEngine();
  GraphEngine(GraphEngine&&) noexcept;
  GraphEngine& operator=(GraphEngine&&) noexcept;

  [[nodiscard]] Precision precision() const;
  [[nodiscard]] const std::vector<std::size_t>& input() const;  ///< height, width, channels
  [[nodiscard]] std::size_t outputs() const;                    ///< Numbers a picture, of all outputs.
  /// Of each output, in the order of Graph::all_outputs(): height, width, channels, or just channels.
  [[nodiscard]] const std::vector<std::vector<std::size_t>>& output_shapes() const;

  /// The same network, with the same packed weights in memory, for pictures of another size: microseconds. Of
  /// a network whose weights suit one size only (a dense layer), or whose sums do not fit together at this
  /// size, it is empty.
  [[nodiscard]] std::optional<GraphEngine> for_size(std::size_t height, std::size_t width) const;

  /// Computes `count` pictures, height x width x channels floats each, one after the other; `out` holds
  /// count * outputs() floats: of each picture its outputs one after the other, each row by row with channels
  /// side by side. Memory of earlier calls is used again.
  /// @throws std::invalid_argument where the sizes do not fit.
  void run(std::span<const float> pictures, std::size_t count, std::span<float> out) const;

  /// All that the numbers depend on beside the graph: the instruction sets of the kernels in use.
  [[nodiscard]] static std::string identity();

  /// Whether this CPU has what make() needs for `precision`, and computes quicker so than through OpenVINO:
  /// measured with AVX-512, AVX2 and SSE4; bf16 needs AVX512-BF16, and is OpenVINO's where there is AMX.
  [[nodiscard]] static bool pays_off(Precision precision);

 private:
  struct Parts;
  static std::optional<GraphEngine> packed(PreparedGraph graph, Precision precision);
  explicit GraphEngine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace likeness
