#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/eval/verification_report.h"
#include "likeness/recognize/setup.h"

namespace likeness {

/// What to verify: pairs of photos in files, as LFW has them.
struct PairsProtocol {
  std::vector<std::filesystem::path> pairs;           ///< Tested; read_pairs_files().
  std::vector<std::filesystem::path> training_pairs;  ///< Give the threshold (view 1); may be none.
  std::filesystem::path images;                       ///< Folder of the photos; find_photos().
  std::filesystem::path cache;                        ///< Of embeddings, for embed_photos(); empty: nowhere.
  std::uint64_t seed = 0;
};

/// Embeds the photos, each once, and verifies the pairs (verify_pairs(); also all pairs of the tested photos,
/// where their folders are people and there are at most kMostFacesInPairs of them). `facts` say what it was
/// measured with. @param baseline another model for the same pairs.
/// @throws as read_pairs_files() and embed_photos(); Error kInputUnreadable where no photo can be used.
[[nodiscard]] VerificationStory verify_photos(const PairsProtocol& protocol, const Setup& setup,
                                              const std::optional<Setup>& baseline = {},
                                              const Progress& progress = {});

/// The figures in lines of plain text.
[[nodiscard]] std::vector<std::string> text_of(const VerificationStory& story);
/// The same as one object; null, with a "reason", for what is not measured.
[[nodiscard]] nlohmann::ordered_json json_of(const VerificationStory& story);

}  // namespace likeness
