#include "likeness/embed/embedder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/embed/finisher.h"
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
  Network network;
  bool planes = false;
  Finisher finish;
};

Embedder::Embedder(const ModelPack& pack, EmbedderOptions options) {
  if (options.batch < 1) throw std::invalid_argument("a batch needs at least one chip");
  if (pack.kind != PackKind::kEmbedder) {
    throw Error(ErrorCode::kModelInvalid, "the model pack " + pack.contract.name + " at " +
                                              pack.folder.string() +
                                              " finds faces; it does not make embeddings");
  }
  Network network(pack.network(options.precision), {.precision = options.precision,
                                                    .threads = options.threads,
                                                    .runs = options.calls,
                                                    .cache_folder = options.cache_folder});
  const bool planes = takes_planes(network, pack.contract);
  parts_ = std::make_unique<Parts>(
      Parts{pack.contract, std::move(options), std::move(network), planes, Finisher(pack)});
}

Embedder::~Embedder() = default;
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;

const Contract& Embedder::contract() const { return parts_->contract; }
Precision Embedder::precision() const { return parts_->options.precision; }

Embeddings Embedder::embed(std::span<const Chip> chips, const Progress& progress) {
  return parts_->finish(embed_raw(chips, progress));
}

Embeddings Embedder::embed_averaged(std::span<const Chip> chips, std::size_t each, const Progress& progress) {
  Embeddings outputs = embed_raw(chips, progress);
  l2_normalize(outputs);
  return parts_->finish(average_groups(outputs, each));
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
    const auto shape = p.planes ? std::vector<std::size_t>{count, 3, height, width}
                                : std::vector<std::size_t>{count, height, width, 3};
    const Tensor output = std::move(p.network.run({shape, input}).front());
    if (output.values.size() != count * dimension) {
      throw Error(ErrorCode::kModelInvalid, "the network " + p.contract.network + " of " + p.contract.name +
                                                " gives " + std::to_string(output.values.size() / count) +
                                                " values a face instead of " + std::to_string(dimension));
    }
    embeddings.values.insert(embeddings.values.end(), output.values.begin(), output.values.end());
    first += count;
    if (progress) progress(first, chips.size());
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
