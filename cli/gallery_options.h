#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/options.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/store.h"

namespace likeness::cli {

/// Which gallery, and the key to it.
struct GalleryArgs {
  std::filesystem::path path;
  std::optional<std::filesystem::path> key_file;

  [[nodiscard]] std::unique_ptr<GalleryStore> open(bool read_only) const;
  /// The same with its search index, for reading; `kind` empty: as fits the size.
  [[nodiscard]] Gallery open_index(int threads, std::optional<IndexKind> kind = {}) const;
};

/// The commands that know people without training.
void add_verify_command(CLI::App& app, Exit& exit);
void add_cluster_command(CLI::App& app, Exit& exit);
void add_gallery_command(CLI::App& app, Exit& exit);

void add_gallery_option(CLI::App& command, GalleryArgs& args);  ///< --gallery --key-file

/// The cosine from which two faces count as one person by the model's own measurements: that of the false
/// match rate nearest to `fmr` among those measured in `precision`. Empty where none was measured.
[[nodiscard]] std::optional<KnownThreshold> known_threshold(const Contract& contract, Precision precision,
                                                            double fmr);

/// From which cosine on faces get a name: the calibration's, else the model's own for a false match rate of
/// .001, else none. `remark` is for stderr where the gallery is not calibrated; else empty.
struct NameThreshold {
  double similarity = 2;  ///< To a person; 2: nobody gets a name.
  std::string remark;
};
[[nodiscard]] NameThreshold name_threshold(const Gallery& gallery, const Contract& contract,
                                           Precision precision);

/// A match as the commands' JSON has it; null where there is none.
[[nodiscard]] nlohmann::ordered_json match_json(const std::optional<PersonMatch>& match);

}  // namespace likeness::cli
