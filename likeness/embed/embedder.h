#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "likeness/core/progress.h"
#include "likeness/embed/embeddings.h"
#include "likeness/image/chip.h"
#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"

namespace likeness {

struct EmbedderOptions {
  Precision precision = Precision::kF32;
  int threads = 1;  ///< Threads for all calls together, >= 1.
  int calls = 1;    ///< Calls of embed() that may go on at once, each with its share of the threads; >= 1.
  int batch = 32;   ///< Chips the network sees at once, >= 1. Changes speed and memory, not results.
  std::filesystem::path cache_folder{};  ///< Keep prepared networks here for a quicker start; see
                                         ///< NetworkOptions::cache_folder. Empty: do not.
  bool exact = false;  ///< kInt8: round as the network says, but multiply in f32; see NetworkOptions::exact.
};

/// Of several views of each face.
struct ViewEmbeddings {
  Embeddings first;  ///< Of the first view alone: what Embedder::embed() makes of it.
  Embeddings mean;   ///< Of all.
};

/// Turns chips into embeddings as a pack's contract says. The network is computed by kernels of our own where
/// they can (embed/own_network.h), else by OpenVINO; the results are the same but for rounding. Slow to make
/// (reads and prepares the network), cheap to move. Any number of threads may call embed().
class Embedder {
 public:
  /// In bf16 and int8 the pack's self-test is computed first: CPUs are known that compute int8 wrongly. That
  /// it passed is remembered in the cache folder, for this network and what it is computed with.
  /// @throws Error kModelNotFound, kModelInvalid, kUnsupported (a precision that the CPU or the pack lacks,
  /// or whose self-test fails); std::invalid_argument for options out of range.
  explicit Embedder(const ModelPack& pack, EmbedderOptions options = {});
  ~Embedder();
  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;

  /// For programs that run long and embed few faces at a time: weights that our kernels have mapped move into
  /// large pages of memory, which takes about 0.03 s and makes such runs quicker (bench/RESULTS.md, "The
  /// service"). Other threads may embed meanwhile.
  void to_large_pages() const noexcept;

  [[nodiscard]] const Contract& contract() const;
  [[nodiscard]] Precision precision() const;

  /// One unit-length embedding for each chip, in their order; no chips, no embeddings. The contract's
  /// projection and value format are applied.
  /// @throws std::invalid_argument where a chip is not of the contract's size.
  [[nodiscard]] Embeddings embed(std::span<const Chip> chips, const Progress& progress = {});

  /// For each `each` chips, several views of one face (embed/quality.h): the embedding of the first, and that
  /// of all, averaged as the network sees them, before a projection or rounding.
  /// @throws std::invalid_argument where the chips do not divide by `each`, or as embed().
  [[nodiscard]] ViewEmbeddings embed_views(std::span<const Chip> chips, std::size_t each,
                                           const Progress& progress = {});

  /// The network's own outputs, before they are brought to unit length, projected or rounded.
  [[nodiscard]] Embeddings embed_raw(std::span<const Chip> chips, const Progress& progress = {});

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Writes a chip's pixels as the network's numbers, standardised as `contract` says: channels in its order,
/// three values a pixel and rows from the top (`planes` false: NHWC), or plane by plane (`planes` true:
/// NCHW). `out` holds width * height * 3 floats.
void standardize(const Chip& chip, const Contract& contract, bool planes, std::span<float> out);

}  // namespace likeness
