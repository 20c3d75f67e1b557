#include "train/trained_pack.h"

#include <algorithm>
#include <cmath>

#include "likeness/core/sha256.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/new_pack.h"
#include "likeness/infer/append_projection.h"

namespace likeness::train {
namespace {

/// What both kinds of pack say; the network's files must be there.
Contract contract_of(const NewPack& pack, const ModelPack& base, const std::string& name,
                     const std::string& words) {
  Contract contract = base.contract;
  contract.name = name;
  contract.source = words + "; from " + base.contract.name + ": " + base.contract.source;
  contract.network = "network.xml";
  // The .xml of two trainings is the same text; the numbers lie in the .bin.
  contract.sha256 = sha256_file(pack.folder() / "network.bin");
  contract.centre.clear();  // of other embeddings, as the thresholds are
  contract.thresholds.clear();
  return contract;
}

}  // namespace

ModelPack write_head_pack(const ModelPack& base, const Projection& head, const std::string& words,
                          const std::filesystem::path& place, bool replace) {
  const std::string name = place.filename().string();
  check_pack_name(name);
  NewPack pack(place);
  append_projection(base.network(Precision::kF32), pack.folder() / "network.xml",
                    {{head.outputs, head.inputs}, head.matrix}, head.bias);
  Contract contract = contract_of(pack, base, name, words);
  contract.dimension = static_cast<int>(head.outputs);
  contract.unit_length = true;
  return pack.publish(contract, {"network.xml", "network.bin"}, replace);
}

ModelPack write_network_pack(const ModelPack& base, const Graph& network, const std::string& words,
                             const std::filesystem::path& place, bool replace) {
  const std::string name = place.filename().string();
  check_pack_name(name);
  NewPack pack(place);
  write_network(network, pack.folder() / "network.xml");  // batch normalisation and all, to be trained again
  Contract contract = contract_of(pack, base, name, words);
  contract.unit_length = false;  // the graph ends before the scaling
  return pack.publish(contract, {"network.xml", "network.bin"}, replace);
}

double largest_difference(const ModelPack& pack, std::span<const Chip> chips, const Embeddings& expected,
                          int threads) {
  const Embeddings given = Embedder(pack, {.threads = threads}).embed(chips);
  double largest = 0;
  for (std::size_t i = 0; i < given.values.size(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(given.values[i] - expected.values.at(i))));
  }
  return largest;
}

}  // namespace likeness::train
