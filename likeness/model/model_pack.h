#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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
  kDetector,  ///< Networks that find faces, and how they are used.
};

/// How a detector finds faces.
enum class DetectorMethod {
  kMtcnn,  ///< pnet.onnx, rnet.onnx, onet.onnx, one after the other (Zhang et al. 2016, arXiv:1604.02878).
  kYunet,  ///< One network, three strides (Wu et al. 2023, doi:10.1007/s11633-023-1423-y).
  kCenterface,  ///< One network, a map of face centres (Xu et al. 2019, arXiv:1911.03599).
};

[[nodiscard]] std::string_view to_string(DetectorMethod method);  ///< "mtcnn", "yunet", "centerface"
[[nodiscard]] std::optional<DetectorMethod> detector_method_from(std::string_view name);

/// How a picture gets sides that are multiples of 32 pixels, as networks of one stage want them.
enum class InputFit {
  kPad,      ///< Black to the right and below.
  kStretch,  ///< Each side to the next multiple.
};

[[nodiscard]] std::string_view to_string(InputFit fit);  ///< "pad", "stretch"
[[nodiscard]] std::optional<InputFit> input_fit_from(std::string_view name);

/// How a detector's networks are used. MTCNN's own are fixed by its paper: of them only `method` counts.
struct DetectorContract {
  DetectorMethod method = DetectorMethod::kMtcnn;
  std::string network{};  ///< File of the network inside the pack.
  ChannelOrder channels = ChannelOrder::kRgb;
  float mean = 0;                               ///< The network takes (x - mean) / scale of 8-bit values x.
  float scale = 1;                              ///< Not 0.
  InputFit fit = InputFit::kPad;                ///< As the network's publisher feeds it.
  std::array<int, 5> landmarks{0, 1, 2, 3, 4};  ///< Which of the network's points are the left eye, the right
                                                ///< eye, the nose, the left and the right mouth corner, left
                                                ///< and right as SEEN.
  float min_score = 0.5F;  ///< A face has at least this score, unless DetectorOptions say otherwise.
  float overlap = 0.3F;    ///< Of two boxes with more intersection over union the better one stays.
  int least_face = 20;     ///< Height of a face, in pixels of the network's input, from which on
  int largest_face = 300;  ///< and up to which the network finds it; other sizes are scaled to that.
  bool operator==(const DetectorContract&) const = default;
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
  Contract contract{};          ///< Of a detector only name, source and licence count.
  DetectorContract detector{};  ///< Of a detector alone.
  std::vector<PackFile> files{};
  std::map<Precision, std::string> networks{};  ///< Files of precisions that have a network of their own.
  std::string self_test{};  ///< The .npz with a chip and its embedding, or a picture and its faces; empty:
                            ///< none.
  std::vector<PackFigure> figures{};  ///< In f32, of the contract as it stands; may be empty.

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
