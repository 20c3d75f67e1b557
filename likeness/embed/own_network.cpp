#include "likeness/embed/own_network.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "likeness/core/cache_folder.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/finisher.h"
#include "likeness/model/ir_graph.h"
#include "likeness/model/onnx_graph.h"
#include "likeness/model/self_test.h"
#include "likeness/model/trainable.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestOnnx = std::size_t{1} << 30;

/// Whether the engine, in f32, gives the embedding that the pack's network must give.
bool passes(const GraphEngine& engine, const ModelPack& pack) {
  const SelfTest test = read_self_test(pack);
  std::vector<float> input(static_cast<std::size_t>(test.chip.width()) *
                           static_cast<std::size_t>(test.chip.height()) * 3);
  standardize(test.chip, pack.contract, /*planes=*/false, input);
  Embeddings output{engine.outputs(), std::vector<float>(engine.outputs())};
  engine.run(input, 1, output.values);
  const Embeddings embedding = Finisher(pack)(std::move(output));
  if (embedding.values.size() != test.embedding.size()) return false;
  // Rounding differs by 3e-7; bytes may fall to the next step.
  if (pack.contract.compact()) return dot(embedding[0], test.embedding) > 0.9999;
  for (std::size_t i = 0; i < test.embedding.size(); ++i) {
    if (!(std::abs(embedding.values[i] - test.embedding[i]) < 1e-5F)) return false;
  }
  return true;
}

/// The network before its scaling to length 1, where one of our readers knows it; else empty.
std::optional<Graph> graph_of(const fs::path& network, const Contract& contract) {
  if (network.extension() == ".xml") {
    auto read = read_ir_graph(network);
    if (!read || read->unit_length != contract.unit_length) return std::nullopt;
    return std::move(read->graph);
  }
  if (network.extension() == ".onnx") {
    if (contract.unit_length) return std::nullopt;
    const auto bytes = read_file_bytes(network, kLargestOnnx, ErrorCode::kModelInvalid);
    return read_onnx_graph({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, network.string());
  }
  if (network.extension() != ".pb" || !contract.unit_length) return std::nullopt;
  try {
    return read_trainable(network);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kUnsupported) throw;
    return std::nullopt;  // another architecture
  }
}

bool takes_chips(const GraphEngine& engine, const Contract& contract) {
  return engine.input() == std::vector<std::size_t>{static_cast<std::size_t>(contract.crop.height),
                                                    static_cast<std::size_t>(contract.crop.width), 3} &&
         engine.outputs() == static_cast<std::size_t>(contract.network_dimension());
}

std::optional<GraphEngine> made(const fs::path& network, const ModelPack& pack, Precision precision) {
  std::optional<Graph> graph = graph_of(network, pack.contract);
  if (!graph) return std::nullopt;
  if (precision == Precision::kF32) {
    std::optional<GraphEngine> engine = GraphEngine::make(std::move(*graph), precision);
    if (!engine || !takes_chips(*engine, pack.contract) || !passes(*engine, pack)) return std::nullopt;
    return engine;
  }
  {
    const auto plain = GraphEngine::make(*graph, Precision::kF32);
    if (!plain || !takes_chips(*plain, pack.contract) || !passes(*plain, pack)) return std::nullopt;
  }
  return GraphEngine::make(std::move(*graph), precision);
}

/// The int8 network that `model quantize` made; empty where that one is OpenVINO's.
std::optional<GraphEngine> kept_int8(const ModelPack& pack) {
  const fs::path network = pack.network(Precision::kInt8);
  if (network.extension() != kPackedEnding) return std::nullopt;
  auto kept = GraphEngine::load(network, int8_key(pack));
  if (!kept || kept->precision() != Precision::kInt8 || !takes_chips(*kept, pack.contract)) {
    throw Error(ErrorCode::kModelInvalid,
                network.string() + " is damaged, or was made by another version of this program",
                Remedy::kQuantize);
  }
  return kept;
}

}  // namespace

std::optional<GraphEngine> own_int8_network(const ModelPack& pack, std::span<const float> chips,
                                            std::size_t count) {
  if (pack.self_test.empty()) return std::nullopt;
  std::optional<Graph> graph = graph_of(pack.network(Precision::kF32), pack.contract);
  if (!graph) return std::nullopt;
  {
    const auto plain = GraphEngine::make(*graph, Precision::kF32);
    if (!plain || !takes_chips(*plain, pack.contract) || !passes(*plain, pack)) return std::nullopt;
  }
  return GraphEngine::make_bytes(std::move(*graph), chips, count);
}

std::string int8_key(const ModelPack& pack) {
  const auto file = std::ranges::find(pack.files, pack.contract.network, &PackFile::name);
  return "int8 of " + (file == pack.files.end() ? pack.contract.sha256 : file->sha256);
}

std::optional<GraphEngine> own_network(const ModelPack& pack, Precision precision,
                                       const fs::path& cache_folder) {
  if (pack.kind == PackKind::kEmbedder && precision == Precision::kInt8) return kept_int8(pack);
  if (pack.kind != PackKind::kEmbedder || pack.self_test.empty() || !GraphEngine::pays_off(precision) ||
      !fs::exists(pack.folder / pack.self_test)) {
    return std::nullopt;
  }
  const fs::path network = pack.network(precision);
  CachePlace cache = cache_place(cache_folder, network, std::string(to_string(precision)) + "\n", ".packed");
  if (!cache.file.empty()) {
    cache.key += file_identity(fs::path(cache.source).replace_extension(".bin"));  // of IR
    auto kept = GraphEngine::load(cache.file, cache.key);
    if (kept && takes_chips(*kept, pack.contract)) return kept;
  }
  auto engine = made(network, pack, precision);
  if (engine && !cache.file.empty()) (void)engine->store(cache.file, cache.key);
  return engine;
}

}  // namespace likeness
