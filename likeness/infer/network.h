#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "likeness/infer/precision.h"

namespace likeness {

/// One input or output of a network. Free dimensions are -1; the first one is the batch.
struct Port {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// Numbers somebody else owns, the last dimension running fastest.
struct TensorView {
  std::vector<std::size_t> shape;
  std::span<const float> values;  ///< As many as the product of `shape`.
};

/// The same, owned.
struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<float> values;
  [[nodiscard]] TensorView view() const { return {shape, values}; }
};

struct NetworkOptions {
  Precision precision = Precision::kF32;
  int threads = 1;       ///< Threads for all runs together, >= 1.
  int runs = 1;          ///< Runs that may go on at once, each with its share of the threads; >= 1.
  std::string output{};  ///< Give this node's numbers instead of the network's own outputs; empty: own.
  /// Keep compiled networks here for a quicker start, where that is quicker; empty: do not. What is kept
  /// there is used only for the same file, precision, output, processor and OpenVINO, and made again where it
  /// is damaged; a folder that cannot be written is no error.
  std::filesystem::path cache_folder{};
  /// Of a network whose input is one picture in planes, 1 x 3 x height x width: any height and width,
  /// whatever the file says. They should be few, as each new size takes a moment to prepare for.
  bool any_size = false;
  /// Of a network that rounds (kInt8): round, but multiply in f32. Slow, and the same on every CPU; 8-bit
  /// products saturate on CPUs without VNNI.
  bool exact = false;
};

/// A neural network read from a TensorFlow frozen graph (.pb), ONNX or OpenVINO IR (.xml with .bin), computed
/// by OpenVINO on the CPU. Where a batch of 1 is baked into the network's input and reshapes it is freed on
/// loading. Slow to make (reads, checks and compiles), cheap to move. Any number of threads may run one
/// network.
class Network {
 public:
  /// @throws Error kModelNotFound (no such file), kModelInvalid (not understood), kUnsupported (a precision
  /// this CPU does not have), each with the file; std::invalid_argument for options out of range.
  explicit Network(const std::filesystem::path& file, NetworkOptions options = {});
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  [[nodiscard]] const std::vector<Port>& inputs() const;
  [[nodiscard]] const std::vector<Port>& outputs() const;

  /// Runs a network of one input; one tensor for each of outputs(), in their order.
  /// @throws std::invalid_argument where the shape does not fit inputs(), Error kModelInvalid where running
  /// fails.
  [[nodiscard]] std::vector<Tensor> run(const TensorView& input);

  /// All that the numbers depend on beside the file and the options: OpenVINO's build, the CPU, what it
  /// computes, and what the environment holds back of that (ONEDNN_MAX_CPU_ISA).
  [[nodiscard]] std::string identity() const;

  /// A weight by its name in the file, and all such names. For code that computes a network by itself.
  /// @throws Error kModelInvalid where there is no such constant, or it holds no floats.
  [[nodiscard]] Tensor constant(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> constant_names() const;

 private:
  struct Compiled;  // keeps OpenVINO out of this header
  std::unique_ptr<Compiled> compiled_;
};

/// Why `precision` cannot be computed on this CPU or with this installation; empty where it can.
[[nodiscard]] std::string missing_for(Precision precision);
/// The same for a CPU with these capabilities, in OpenVINO's words ("FP32", "BF16", "INT8").
[[nodiscard]] std::string missing_for(Precision precision, std::span<const std::string> capabilities);

}  // namespace likeness
