#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "likeness/infer/precision.h"
#include "likeness/model/contract.h"

namespace likeness {

/// One file of a pack, as its model.json describes it.
struct PackFile {
  std::string name;         ///< Inside the pack's folder; never a path.
  std::uint64_t bytes = 0;  ///< Its size.
  std::string sha256;       ///< 64 lower-case hexadecimal digits.
};

enum class PackKind {
  kEmbedder,  ///< One network that turns chips into embeddings, and its contract.
  kMtcnn,     ///< pnet.onnx, rnet.onnx and onet.onnx: the face detector.
};

/// What a model was measured to be worth, for whoever chooses between packs.
struct PackFigure {
  std::string name;    ///< "accuracy", "val_at_far_0.001", "fnir_at_fpir_0.01" or "ms_a_face".
  double value = 0;    ///< A share, or milliseconds of one processor.
  std::string origin;  ///< On which data, by which command.
};

/// A model pack: a folder with network files and a `model.json` (docs/model_pack.md). A plain value.
struct ModelPack {
  std::filesystem::path folder;
  PackKind kind = PackKind::kEmbedder;
  Contract contract{};  ///< Of a detector only name, source and licence count.
  std::vector<PackFile> files{};
  std::map<Precision, std::string> networks{};  ///< Files of precisions that have a network of their own.
  std::string self_test{};                      ///< The .npz with a chip and its embedding; empty: none.
  std::vector<PackFigure> figures{};            ///< In f32, of the contract as it stands; may be empty.

  /// The file to load for `precision`: that precision's own where the pack has one, the contract's otherwise.
  /// @throws Error kUnsupported for kInt8 where the pack has no such network.
  [[nodiscard]] std::filesystem::path network(Precision precision) const;
};

/// Reads a pack's model.json and checks that its files are there with the right sizes. Their checksums take
/// 0.1 s per 100 MB and are left to verify_pack().
/// @throws Error kModelNotFound, kModelInvalid, with the folder or file and the field.
[[nodiscard]] ModelPack load_pack(const std::filesystem::path& folder);

/// The pack called `name_or_path`: a folder with a model.json, or a name to find under `search`.
/// @throws Error kModelNotFound, which lists the places looked at; whatever load_pack() throws.
[[nodiscard]] ModelPack find_pack(const std::string& name_or_path,
                                  const std::vector<std::filesystem::path>& search);

/// Every pack under `search`, by name; of two with one name the one find_pack() would take. Damaged ones are
/// left out and described in `problems`, where given.
[[nodiscard]] std::vector<ModelPack> list_packs(const std::vector<std::filesystem::path>& search,
                                                std::vector<std::string>* problems = nullptr);

/// Compares every file with its checksum. @throws Error kModelInvalid naming the first file that differs.
void verify_pack(const ModelPack& pack);

/// The text of a pack's model.json.
[[nodiscard]] std::string to_json(const ModelPack& pack);

}  // namespace likeness
