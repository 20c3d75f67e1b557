#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/gallery_options.h"
#include "cli/options.h"
#include "likeness/gallery/calibration.h"
#include "likeness/gallery/face_review.h"

namespace likeness::cli {

/// What the parts of `likeness gallery` take.
struct GalleryCommandArgs {
  GalleryArgs gallery;
  std::vector<std::filesystem::path> inputs;
  std::string name;
  std::string other_name;
  std::int64_t face = 0;
  std::string review = "standard";
  bool encrypt = false;
  std::string store_as = "f32";
  std::string quality;
  std::string index;
  ModelOptions models;
  bool json = false;
  bool verbose = false;
  CalibrationOptions calibration;
  std::filesystem::path impostors;
  bool leave_one_out = false;
  std::optional<std::filesystem::path> exclude;
  std::filesystem::path file;
  bool repair = false;

  /// How a gallery that is not there is made. @throws std::invalid_argument for encryption without a key.
  [[nodiscard]] CreateOptions create_options() const;
};

Exit gallery_add(const GalleryCommandArgs& args);
Exit gallery_search(const GalleryCommandArgs& args);
Exit gallery_calibrate(const GalleryCommandArgs& args);
Exit gallery_check(const GalleryCommandArgs& args);
Exit gallery_copy(const GalleryCommandArgs& args);
Exit gallery_migrate(const GalleryCommandArgs& args);

}  // namespace likeness::cli
