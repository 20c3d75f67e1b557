#include "likeness/embed/embedder.h"

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/embed/finisher.h"
#include "likeness/embed/first_use.h"
#include "likeness/embed/own_network.h"
#include "likeness/embed/quality.h"
#include "likeness/infer/network.h"

namespace likeness {
namespace {

/// Subtract the first, multiply by the second.
std::pair<double, double> shift_and_factor(const Chip& chip, const Contract& contract) {
  if (contract.standardization == Standardization::kFixed) return {contract.mean, 1.0 / contract.scale};
  // Sums of 8-bit numbers and of their squares are exact in 64 bits.
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
  for (const std::uint8_t value : chip.pixels()) {
    sum += value;
    squares += static_cast<std::uint64_t>(value) * value;
  }
  const auto count = static_cast<double>(chip.pixels().size());
  const double mean = static_cast<double>(sum) / count;
  const double variance = std::max(0.0, static_cast<double>(squares) / count - mean * mean);
  return {mean, 1.0 / std::max(std::sqrt(variance), 1.0 / std::sqrt(count))};
}

/// Whether the network takes planes (NCHW), and that it takes chips of the contract at all.
bool takes_planes(const Network& network, const Contract& contract) {
  const auto fits = [](std::int64_t has, int wanted) { return has == wanted || has == -1; };
  if (network.inputs().size() == 1 && network.inputs()[0].shape.size() == 4) {
    const auto& shape = network.inputs()[0].shape;
    if (shape[3] == 3 && fits(shape[1], contract.crop.height) && fits(shape[2], contract.crop.width))
      return false;
    if (shape[1] == 3 && fits(shape[2], contract.crop.height) && fits(shape[3], contract.crop.width))
      return true;
  }
  throw Error(ErrorCode::kModelInvalid, "the network " + contract.network + " of " + contract.name +
                                            " does not take pictures of " +
                                            std::to_string(contract.crop.width) + " x " +
                                            std::to_string(contract.crop.height) + " as its contract says");
}

}  // namespace

struct Embedder::Parts {
  Contract contract;
  EmbedderOptions options;
  std::optional<GraphEngine> own;  ///< Either this
  std::optional<Network> network;  ///< or this.
  bool planes = false;
  Finisher finish;

  /// Standardised chips to the network's outputs.
  std::vector<float> run(const std::vector<float>& input, std::size_t count);
  void run_own(std::span<const float> input, std::size_t count, std::span<float> out) const;
};

/// Calls that go on at once have a thread each; a thread more is a piece of the chips.
void Embedder::Parts::run_own(std::span<const float> input, std::size_t count, std::span<float> out) const {
  const auto share = static_cast<std::size_t>(std::max(1, options.threads / options.calls));
  const std::size_t threads = std::min(share, count);
  const std::size_t in_size = input.size() / count;
  const std::size_t out_size = out.size() / count;
  const auto piece = [&](std::size_t t) {
    const std::size_t first = count * t / threads;
    const std::size_t last = count * (t + 1) / threads;
    own->run(input.subspan(first * in_size, (last - first) * in_size), last - first,
             out.subspan(first * out_size, (last - first) * out_size));
  };
  if (threads == 1) return piece(0);
  tbb::task_arena arena(static_cast<int>(threads));
  arena.execute([&] { tbb::parallel_for(std::size_t{0}, threads, piece, tbb::simple_partitioner()); });
}

std::vector<float> Embedder::Parts::run(const std::vector<float>& input, std::size_t count) {
  const auto width = static_cast<std::size_t>(contract.crop.width);
  const auto height = static_cast<std::size_t>(contract.crop.height);
  if (own) {
    Embeddings outputs{own->outputs(), std::vector<float>(count * own->outputs())};
    run_own(input, count, outputs.values);
    if (contract.unit_length) l2_normalize(outputs);  // the network's last step
    return std::move(outputs.values);
  }
  const auto shape = planes ? std::vector<std::size_t>{count, 3, height, width}
                            : std::vector<std::size_t>{count, height, width, 3};
  return std::move(network->run({shape, input}).front().values);
}

Embedder::Embedder(const ModelPack& pack, EmbedderOptions options) {
  if (options.batch < 1) throw std::invalid_argument("a batch needs at least one chip");
  if (options.threads < 1 || options.calls < 1) {
    throw std::invalid_argument("a network needs at least one thread and one run");
  }
  if (pack.kind != PackKind::kEmbedder) {
    throw Error(ErrorCode::kModelInvalid, "the model pack " + pack.contract.name + " at " +
                                              pack.folder.string() +
                                              " finds faces; it does not make embeddings");
  }
  auto own = own_network(pack, options.precision, options.cache_folder);
  std::optional<Network> network;
  bool planes = false;
  if (!own) {
    network.emplace(pack.network(options.precision), NetworkOptions{.precision = options.precision,
                                                                    .threads = options.threads,
                                                                    .runs = options.calls,
                                                                    .cache_folder = options.cache_folder,
                                                                    .exact = options.exact});
    planes = takes_planes(*network, pack.contract);
  }
  parts_ = std::make_unique<Parts>(
      Parts{pack.contract, std::move(options), std::move(own), std::move(network), planes, Finisher(pack)});
  if (parts_->options.precision == Precision::kF32 || parts_->options.exact) return;
  require_self_test(pack, *this, parts_->own ? GraphEngine::identity() : parts_->network->identity(),
                    parts_->options.cache_folder);
}

void Embedder::to_large_pages() const noexcept {
  if (parts_->own) parts_->own->to_large_pages();
}

Embedder::~Embedder() = default;
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;

const Contract& Embedder::contract() const { return parts_->contract; }
Precision Embedder::precision() const { return parts_->options.precision; }

Embeddings Embedder::embed(std::span<const Chip> chips, const Progress& progress) {
  return parts_->finish(embed_raw(chips, progress));
}

ViewEmbeddings Embedder::embed_views(std::span<const Chip> chips, std::size_t each,
                                     const Progress& progress) {
  Embeddings outputs = embed_raw(chips, progress);
  if (each == 1) {
    Embeddings only = parts_->finish(std::move(outputs));
    return {only, only};
  }
  Embeddings first{outputs.dimension, {}};
  for (std::size_t row = 0; row < outputs.size(); row += std::max<std::size_t>(each, 1)) {
    first.values.insert(first.values.end(), outputs[row].begin(), outputs[row].end());
  }
  l2_normalize(outputs);
  Embeddings mean = average_groups(outputs, each);
  return {parts_->finish(std::move(first)), parts_->finish(std::move(mean))};
}

Embeddings Embedder::embed_raw(std::span<const Chip> chips, const Progress& progress) {
  Parts& p = *parts_;
  const CropSpec& crop = p.contract.crop;
  const auto width = static_cast<std::size_t>(crop.width);
  const auto height = static_cast<std::size_t>(crop.height);
  const std::size_t chip_size = width * height * 3;
  const auto dimension = static_cast<std::size_t>(p.contract.network_dimension());
  Embeddings embeddings{dimension, {}};
  embeddings.values.reserve(chips.size() * dimension);
  std::vector<float> input;  // of one batch

  for (std::size_t first = 0; first < chips.size();) {
    const std::size_t count = std::min(chips.size() - first, static_cast<std::size_t>(p.options.batch));
    input.resize(count * chip_size);
    for (std::size_t i = 0; i < count; ++i) {
      standardize(chips[first + i], p.contract, p.planes, std::span(input).subspan(i * chip_size, chip_size));
    }
    const std::vector<float> output = p.run(input, count);
    if (output.size() != count * dimension) {
      throw Error(ErrorCode::kModelInvalid, "the network " + p.contract.network + " of " + p.contract.name +
                                                " gives " + std::to_string(output.size() / count) +
                                                " values a face instead of " + std::to_string(dimension));
    }
    embeddings.values.insert(embeddings.values.end(), output.begin(), output.end());
    first += count;
    report_progress(progress, first, chips.size());
  }
  return embeddings;
}

void standardize(const Chip& chip, const Contract& contract, bool planes, std::span<float> out) {
  if (chip.width() != contract.crop.width || chip.height() != contract.crop.height ||
      out.size() != chip.pixels().size()) {
    throw std::invalid_argument(contract.name + " takes chips of " + std::to_string(contract.crop.width) +
                                " x " + std::to_string(contract.crop.height));
  }
  const auto [shift, factor] = shift_and_factor(chip, contract);
  // 256 possible values: a table does each subtraction and multiplication once, in double.
  float table[256];
  for (int value = 0; value < 256; ++value) table[value] = static_cast<float>((value - shift) * factor);

  const std::size_t area = out.size() / 3;
  const bool bgr = contract.channels == ChannelOrder::kBgr;
  const std::uint8_t* pixels = chip.pixels().data();
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const std::size_t place = bgr ? 2 - channel : channel;
      out[planes ? place * area + i : i * 3 + place] = table[pixels[i * 3 + channel]];
    }
  }
}

}  // namespace likeness
