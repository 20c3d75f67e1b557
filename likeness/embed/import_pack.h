#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "likeness/align/align.h"
#include "likeness/image/chip.h"
#include "likeness/infer/convert.h"
#include "likeness/model/contract.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// What the person who imports a model says about it. Models that are known need only the name; of others
/// every property must be said, because a wrong one costs accuracy silently.
struct ImportOptions {
  std::string name;  ///< Of the new pack: letters, digits, '.', '_' and '-'.
  std::optional<Standardization> standardization{};
  std::optional<float> mean{};   ///< Standardization::kFixed only.
  std::optional<float> scale{};  ///< Standardization::kFixed only.
  std::optional<ChannelOrder> channels{};
  std::optional<CropProfile> profile{};
  std::optional<Filter> filter{};  ///< Not said: nearest for kTutorial, bilinear otherwise.
  std::optional<float> grow{};     ///< Not said: CropSpec's.
  /// Where the model expects the landmarks, kAligned only: a template that is known, or places on its chips
  /// (read_places()). Neither said: ArcFace's.
  std::optional<LandmarkTemplate> landmarks{};
  std::optional<std::array<Point, 5>> places{};
  std::string source{};   ///< Not said: the file's name.
  std::string licence{};  ///< Not said: "not stated".
  ConvertOptions network{};
  bool replace = false;  ///< Take the place of a pack of that name.
  /// The program likeness-reader, which reads the file: installed in libexec/likeness.
  std::filesystem::path reader{};
};

/// Makes a model pack of a Keras .h5 or .keras, a frozen graph (.pb), an ONNX file (with the files of its
/// weights beside it) or OpenVINO IR, of any floating-point precision: reads it in a process of its
/// own with limits, rewrites it as IR with a free batch, proposes the contract, computes the self-test. The
/// pack appears as models/NAME complete or not at all.
/// @throws Error kModelNotFound, kModelInvalid with one line that names the file and the place in it;
/// kOutputUnwritable; kUnsupported without `reader`; std::invalid_argument naming every property that must be
/// said.
ModelPack import_pack(const std::filesystem::path& file, const std::filesystem::path& models,
                      const ImportOptions& options);

/// Rewrites `file` as IR at `xml` in this process, with all that a damaged file may do to it.
/// @throws as import_pack().
void rewrite_as_ir(const std::filesystem::path& file, const std::filesystem::path& xml,
                   const ConvertOptions& options);

/// The same in a process of the program `reader`, which may take as much memory as the file warrants.
/// @throws as rewrite_as_ir(), kUnsupported where there is no such program.
void rewrite_as_ir_apart(const std::filesystem::path& reader, const std::filesystem::path& file,
                         const std::filesystem::path& xml, const ConvertOptions& options);

/// The main() of likeness-reader.
[[nodiscard]] int reader_main(int argc, char** argv);

}  // namespace likeness
