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
#include "likeness/infer/convert.h"
#include "likeness/infer/quantize.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBatch = 8;

std::vector<Tensor> inputs_of(const Contract& contract, bool planes, std::span<const Chip> faces) {
  const auto width = static_cast<std::size_t>(contract.crop.width);
  const auto height = static_cast<std::size_t>(contract.crop.height);
  const std::size_t size = width * height * 3;
  std::vector<Tensor> inputs;
  for (std::size_t first = 0; first < faces.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, faces.size() - first);
    Tensor tensor{planes ? std::vector<std::size_t>{count, 3, height, width}
                         : std::vector<std::size_t>{count, height, width, 3},
                  std::vector<float>(count * size)};
    for (std::size_t i = 0; i < count; ++i) {
      standardize(faces[first + i], contract, planes, std::span(tensor.values).subspan(i * size, size));
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

/// A file that goes away unless it is moved.
struct Temporary {
  explicit Temporary(fs::path file) : path(std::move(file)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    std::error_code ignored;
    fs::remove(path, ignored);
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

}  // namespace

ModelPack quantize_pack(const ModelPack& pack, std::span<const Chip> faces, int threads) {
  if (faces.empty()) throw std::invalid_argument("quantisation needs faces to measure ranges on");
  if (const std::string missing = missing_for(Precision::kInt8); !missing.empty()) {
    throw Error(ErrorCode::kUnsupported, missing, Remedy::kUseF32);
  }
  const Network network(pack.network(Precision::kF32));
  const bool planes = network.inputs().at(0).shape.at(3) != 3;
  const Temporary xml(pack.folder / "network_int8.new.xml");
  const Temporary bin(pack.folder / "network_int8.new.bin");
  const Temporary self_test(pack.folder / "selftest.new.npz");
  quantize_network(pack.network(Precision::kF32), xml.path, inputs_of(pack.contract, planes, faces), threads);
  ModelPack result = pack;
  result.networks[Precision::kInt8] = xml.path.filename();
  SelfTest test = pack.self_test.empty() ? make_self_test(pack) : read_self_test(pack);
  test.int8_embedding.clear();  // of an int8 network that was there before
  test.int8_embedding = expected_embedding(result, test, Precision::kInt8);
  write_self_test(self_test.path, test);
  result.self_test = self_test.path.filename();
  (void)Embedder(result, {.precision = Precision::kInt8});  // refuses where this CPU computes it wrongly
  result.networks[Precision::kInt8] = "network_int8.xml";
  result.self_test = "selftest_int8.npz";  // another name: the old one is good until model.json is replaced
  adopt(result, bin.path, "network_int8.bin");
  adopt(result, xml.path, "network_int8.xml");
  adopt(result, self_test.path, result.self_test);
  const bool left = !pack.self_test.empty() && pack.self_test != result.self_test;
  if (left) std::erase_if(result.files, [&](const PackFile& file) { return file.name == pack.self_test; });
  write_file(result.folder / "model.json", to_json(result));
  std::error_code ignored;
  if (left) fs::remove(result.folder / pack.self_test, ignored);
  return load_pack(result.folder);
}

}  // namespace likeness
