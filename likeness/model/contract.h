#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/image/chip.h"
#include "likeness/infer/precision.h"

namespace likeness {

/// How pixels become the network's numbers.
enum class Standardization {
  kFixed,     ///< (x - mean) / scale with the contract's two numbers, e.g. (x - 127.5) / 128.
  kPerImage,  ///< (x - mean of the chip) / max(std of the chip, 1/sqrt(N)), all channels together, population
              ///< std.
};

enum class ChannelOrder { kRgb, kBgr };

/// "fixed", "per-image"; "rgb", "bgr"; and back, empty where there is no such word.
[[nodiscard]] std::string_view to_string(Standardization standardization);
[[nodiscard]] std::string_view to_string(ChannelOrder channels);
[[nodiscard]] std::optional<Standardization> standardization_from(std::string_view name);
[[nodiscard]] std::optional<ChannelOrder> channels_from(std::string_view name);

/// How finely an embedding's values are told.
enum class ValueFormat {
  kF32,
  kInt8,  ///< One signed byte each: rounded as embed/byte_values.h says, then of length 1 again.
};

[[nodiscard]] std::string_view to_string(ValueFormat values);  ///< "f32", "int8"
[[nodiscard]] std::optional<ValueFormat> value_format_from(std::string_view name);

/// A linear step after the network, from a file of the pack (model/projection.h).
struct ProjectionFile {
  std::string file;    ///< Inside the pack, e.g. "projection.npz".
  std::string sha256;  ///< Of that file.
  int inputs = 0;      ///< Values that the network gives; it makes Contract::dimension of them.
  bool operator==(const ProjectionFile&) const = default;
};

/// A decision threshold somebody measured, with its evidence.
struct KnownThreshold {
  double cosine = 0;              ///< Same person at this cosine or above.
  double false_match_rate = 0;    ///< Share of pairs of different people at or above it.
  std::string precision = "f32";  ///< What the network ran in when it was measured.
  std::string origin;             ///< On which data, how many pairs, by which command.
  std::int64_t pairs = 0;         ///< Pairs of different people that were compared; 0: not said.
  bool operator==(const KnownThreshold&) const = default;
};

/// Of Contract::naming_slope.
inline constexpr double kSteepestSlope = 1000;

/// Everything needed to repeat what a model was trained to expect, and to know which embeddings may be mixed.
/// A plain value; stored as the `model.json` of a pack and, whole, beside every stored embedding.
struct Contract {
  std::string name;     ///< E.g. "20180408-102900".
  std::string source;   ///< Where the weights come from, in words.
  std::string licence;  ///< E.g. "MIT-licensed, trained on research data".
  std::string network;  ///< File of the network inside the pack, e.g. "graph_final.pb".
  std::string
      sha256;  ///< Of the file the weights came from: `network` itself, or the file that was imported.
  ChannelOrder channels = ChannelOrder::kRgb;
  Standardization standardization = Standardization::kFixed;
  float mean = 127.5F;   ///< kFixed only.
  float scale = 128.0F;  ///< kFixed only, not 0.
  CropSpec crop;
  int dimension = 0;                           ///< Values of an embedding.
  bool unit_length = false;                    ///< Whether the network's own output is already L2-normalised.
  std::optional<ProjectionFile> projection{};  ///< What makes the embedding of the network's output.
  ValueFormat values = ValueFormat::kF32;
  std::string detector = "mtcnn";  ///< Name of the detector pack the crops came from.
  /// What all faces have in common: `dimension` values that are taken from a unit-length embedding, which is
  /// then brought to unit length again, before two are compared (embed/comparison.h). Stored embeddings stay
  /// as the network gives them. Empty: they are compared as they are. Source: docs/accuracy.md, "The mean
  /// face".
  std::vector<float> centre{};
  std::vector<KnownThreshold> thresholds;
  /// How closely faces are linked when they are grouped: links to strangers that a face may have on average
  /// (cluster/cluster.h). Empty: what was chosen for 20180408-102900.
  std::optional<double> strangers_links{};
  /// How fast the probability of a name rises with its similarity, per unit of it (Calibration::slope), where
  /// a gallery's own faces cannot say. Empty: kDefaultSlope (gallery/calibration.h), 20180408-102900's.
  std::optional<double> naming_slope{};

  /// "cosine", or "centred cosine" where there is a centre.
  [[nodiscard]] std::string_view metric() const { return centre.empty() ? "cosine" : "centred cosine"; }

  /// Values that the network gives for a face; `dimension` unless a projection follows.
  [[nodiscard]] int network_dimension() const { return projection ? projection->inputs : dimension; }

  /// Whether anything but unit length follows the network.
  [[nodiscard]] bool compact() const { return projection || values != ValueFormat::kF32; }
  /// The same of the network alone: no projection, plain values, no centre. Thresholds do not hold there and
  /// are left out.
  [[nodiscard]] Contract of_network() const;

  /// Names the embedding space: model name, crop profile and the first 12 digits of a SHA-256 over every
  /// field that changes the numbers (weights, input, crop, dimension, projection, values, centre; not
  /// precision, thresholds, links, slope or words), e.g. "20180408-102900/margin/0123456789ab". Two
  /// embeddings may be compared only where their ids are equal.
  [[nodiscard]] std::string id() const;
  bool operator==(const Contract&) const = default;
};

/// The contract as JSON text, and back. `what` names the source in errors (a file, a member of an .npz).
/// Fields that are not known are refused: a newer version may have given them a meaning.
/// @throws Error kModelInvalid naming the missing or wrong field.
[[nodiscard]] std::string to_json(const Contract& contract);
[[nodiscard]] Contract contract_from_json(std::string_view json, std::string_view what);

}  // namespace likeness
