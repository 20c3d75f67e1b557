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
#include "likeness/recognize/recognizer.h"

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
  std::optional<std::filesystem::path> new_key_file;  ///< Of a copy under another passphrase.
  std::string engine;  ///< Whose import the exported file is for; empty: our own.
  bool xmp = false;    ///< Names stand in, or go into, photos' XMP.
  bool repair = false;

  /// How a gallery that is not there is made. @throws std::invalid_argument for encryption without a key.
  [[nodiscard]] CreateOptions create_options() const;
};

/// Where faces are to be enrolled, and how they are made: as those that are there already.
struct EnrolPlace {
  std::optional<Gallery> gallery;  ///< Empty: there is none yet.
  Setup setup;
};
/// @throws Error kOutputUnwritable; kModelMismatch where --quality says otherwise than the gallery.
[[nodiscard]] EnrolPlace enrol_place(const GalleryCommandArgs& args);
/// @throws Error kModelMismatch where the gallery's faces are of another space than the recogniser's.
void require_place(const EnrolPlace& place, const Recognizer& recognizer);

void add_review_option(CLI::App& command, GalleryCommandArgs& args);        ///< --review
void add_photo_options(CLI::App& command, GalleryCommandArgs& args);        ///< Detector, model, threads.
void add_new_gallery_options(CLI::App& command, GalleryCommandArgs& args);  ///< --encrypt --store

Exit gallery_add(const GalleryCommandArgs& args);
Exit gallery_add_tagged(const GalleryCommandArgs& args);
Exit gallery_export_xmp(const GalleryCommandArgs& args);
Exit gallery_search(const GalleryCommandArgs& args);
Exit gallery_calibrate(const GalleryCommandArgs& args);
Exit gallery_check(const GalleryCommandArgs& args);
Exit gallery_copy(const GalleryCommandArgs& args);
Exit gallery_migrate(const GalleryCommandArgs& args);

}  // namespace likeness::cli
