#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "likeness/model/model_pack.h"

namespace likeness::cli {

/// The parts of `model` that make packs or weigh them against each other; each has a file of its own.
void add_model_centre(CLI::App& command, Exit& exit);
void add_model_import(CLI::App& command, Exit& exit);
void add_model_measure(CLI::App& command, Exit& exit);
void add_model_quantize(CLI::App& command, Exit& exit);
void add_model_compare(CLI::App& command, Exit& exit);

/// "f32 bf16 int8", as far as this CPU and the pack go.
[[nodiscard]] std::string precisions_of(const ModelPack& pack);
/// Those that were measured in a precision.
[[nodiscard]] std::vector<KnownThreshold> thresholds_in(const Contract& contract, Precision precision);
/// The command that measures a pack's thresholds in a precision, as a sentence's end.
[[nodiscard]] std::string how_to_measure(const std::string& name, std::string_view precision);
/// "160 x 160".
[[nodiscard]] std::string size_of(const CropSpec& crop);
/// What a pack expects and gives, a property a line, on stdout.
void print_embedder(const ModelPack& pack);
void print_detector(const ModelPack& pack);

}  // namespace likeness::cli
