#include "train/head_pack.h"

#include "likeness/core/sha256.h"
#include "likeness/embed/new_pack.h"
#include "likeness/infer/append_projection.h"

namespace likeness::train {

ModelPack write_head_pack(const ModelPack& base, const Projection& head, const std::string& words,
                          const std::filesystem::path& place, bool replace) {
  const std::string name = place.filename().string();
  check_pack_name(name);
  NewPack pack(place);
  append_projection(base.network(Precision::kF32), pack.folder() / "network.xml",
                    {{head.outputs, head.inputs}, head.matrix}, head.bias);
  Contract contract = base.contract;
  contract.name = name;
  contract.source = words + "; on top of " + base.contract.name + ": " + base.contract.source;
  contract.network = "network.xml";
  // The .xml of two heads is the same text; the numbers lie in the .bin.
  contract.sha256 = sha256_file(pack.folder() / "network.bin");
  contract.dimension = static_cast<int>(head.outputs);
  contract.unit_length = true;
  contract.thresholds.clear();  // measured on other embeddings
  return pack.publish(contract, {"network.xml", "network.bin"}, replace);
}

}  // namespace likeness::train
