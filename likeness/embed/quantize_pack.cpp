#include "likeness/embed/quantize_pack.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "likeness/embed/check_pack.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/first_use.h"
#include "likeness/embed/own_network.h"
#include "likeness/infer/convert.h"
#include "likeness/infer/quantize.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBatch = 8;

/// Faces as the network takes them, one after the other.
std::vector<float> standardized(const Contract& contract, bool planes, std::span<const Chip> faces) {
  const std::size_t size = 3 * static_cast<std::size_t>(contract.crop.width * contract.crop.height);
  std::vector<float> values(faces.size() * size);
  for (std::size_t i = 0; i < faces.size(); ++i)
    standardize(faces[i], contract, planes, std::span(values).subspan(i * size, size));
  return values;
}

std::vector<Tensor> inputs_of(const Contract& contract, bool planes, std::span<const Chip> faces) {
  const auto width = static_cast<std::size_t>(contract.crop.width);
  const auto height = static_cast<std::size_t>(contract.crop.height);
  std::vector<Tensor> inputs;
  for (std::size_t first = 0; first < faces.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, faces.size() - first);
    inputs.push_back({planes ? std::vector<std::size_t>{count, 3, height, width}
                             : std::vector<std::size_t>{count, height, width, 3},
                      standardized(contract, planes, faces.subspan(first, count))});
  }
  return inputs;
}

/// A file that goes away unless it is moved.
struct Temporary {
  explicit Temporary(fs::path file) : path(std::move(file)) {}
  Temporary(Temporary&& other) noexcept : path(std::exchange(other.path, {})) {}
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary() {
    std::error_code ignored;
    if (!path.empty()) fs::remove(path, ignored);
  }
  fs::path path;
};

/// Puts a file that was written beside it into its place and into the pack's list.
void adopt(ModelPack& pack, const fs::path& temporary, const std::string& name) {
  std::error_code error;
  fs::rename(temporary, pack.folder / name, error);
  if (error) {
    throw Error(ErrorCode::kOutputUnwritable,
                "cannot write " + (pack.folder / name).string() + ": " + error.message());
  }
  std::erase_if(pack.files, [&](const PackFile& file) { return file.name == name; });
  pack.files.push_back({name, fs::file_size(pack.folder / name), sha256_file(pack.folder / name)});
}

/// Files of an int8 network, made beside their places.
struct MadeNetwork {
  std::string name;                ///< As the pack will call it.
  std::vector<std::string> files;  ///< All of it.
  [[nodiscard]] static fs::path beside(const fs::path& file) {
    return file.parent_path() / (file.stem().string() + ".new" + file.extension().string());
  }
};

constexpr const char* kPacked = "network_int8.packed";
constexpr const char* kIr = "network_int8.xml";
constexpr const char* kIrWeights = "network_int8.bin";

/// By our own kernels where they compute this pack, else for OpenVINO.
MadeNetwork make_network(const ModelPack& pack, std::span<const Chip> faces, int threads) {
  const std::vector<float> inputs = standardized(pack.contract, /*planes=*/false, faces);
  if (const auto own = own_int8_network(pack, inputs, faces.size())) {
    const fs::path file = MadeNetwork::beside(pack.folder / kPacked);
    if (!own->store(file, int8_key(pack)))
      throw Error(ErrorCode::kOutputUnwritable, "cannot write " + file.string());
    return {kPacked, {kPacked}};
  }
  if (const std::string missing = missing_for(Precision::kInt8); !missing.empty())
    throw Error(ErrorCode::kUnsupported, missing, Remedy::kUseF32);
  const Network network(pack.network(Precision::kF32));
  const bool planes = network.inputs().at(0).shape.at(3) != 3;
  quantize_network(pack.network(Precision::kF32), MadeNetwork::beside(pack.folder / kIr),
                   inputs_of(pack.contract, planes, faces), threads);
  return {kIr, {kIrWeights, kIr}};
}

}  // namespace

ModelPack quantize_pack(const ModelPack& pack, std::span<const Chip> faces, int threads) {
  if (faces.empty()) throw std::invalid_argument("quantisation needs faces to measure ranges on");
  std::vector<Temporary> temporaries;
  for (const char* name : {kPacked, kIr, kIrWeights})
    temporaries.emplace_back(MadeNetwork::beside(pack.folder / name));
  const Temporary self_test(pack.folder / "selftest.new.npz");
  const MadeNetwork made = make_network(pack, faces, threads);
  ModelPack result = pack;
  result.networks[Precision::kInt8] = MadeNetwork::beside(made.name).string();
  SelfTest test = pack.self_test.empty() ? make_self_test(pack) : read_self_test(pack);
  test.int8_embedding.clear();  // of an int8 network that was there before
  test.int8_embedding = expected_embedding(result, test, Precision::kInt8);
  write_self_test(self_test.path, test);
  result.self_test = self_test.path.filename();
  (void)Embedder(result, {.precision = Precision::kInt8});  // refuses where this CPU computes it wrongly
  result.networks[Precision::kInt8] = made.name;
  result.self_test = "selftest_int8.npz";  // another name: the old one is good until model.json is replaced
  for (const std::string& name : made.files) adopt(result, MadeNetwork::beside(pack.folder / name), name);
  adopt(result, self_test.path, result.self_test);
  std::vector<std::string> left;
  for (const PackFile& file : pack.files) {
    const bool network = file.name == kPacked || file.name == kIr || file.name == kIrWeights;
    if ((network && std::ranges::find(made.files, file.name) == made.files.end()) ||
        (file.name == pack.self_test && file.name != result.self_test)) {
      left.push_back(file.name);
    }
  }
  for (const std::string& name : left)
    std::erase_if(result.files, [&](const PackFile& file) { return file.name == name; });
  write_file(result.folder / "model.json", to_json(result));
  std::error_code ignored;
  for (const std::string& name : left) fs::remove(result.folder / name, ignored);
  return load_pack(result.folder);
}

}  // namespace likeness
