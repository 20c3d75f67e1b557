#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "likeness/dataset/photo_tree.h"

namespace likeness {

/// Labelled photos as a folder has them: PERSON/photos, or train/PERSON/photos and perhaps val/PERSON/photos.
/// Every command that wants to know who is in photos reads folders through this. A person's deeper folders
/// are his or hers.
struct PeopleFolder {
  std::vector<LabelledPhoto> train;  ///< By the bytes of their paths; everything where there is no train/.
  std::vector<LabelledPhoto> val;    ///< The same of val/.
  bool has_val = false;              ///< Whether there is a val/ beside train/.
  std::vector<std::filesystem::path> loose;  ///< Photos in no person's folder.
  std::vector<std::string> problems;         ///< "cannot read X: why", of names that cannot be looked at.
  std::vector<std::string> notes;  ///< People without photos, folders beside train/ that are not read: a line
                                   ///< each.
  std::string left_out;            ///< What else was passed over, in one line; or empty.
  std::size_t ignored = 0;         ///< Files and folders of any kind that were passed over.

  /// `train` and `val` together.
  [[nodiscard]] std::vector<LabelledPhoto> all() const;
};

/// Reads train/ (also Train/, training/ and so on) and what lies beside it: the first there is of val/,
/// valid/, validation/, test/, testing/, whatever the size of the letters. Without a train/ all folders are
/// people. Nothing is decoded. @throws Error kInputUnreadable as read_photo_tree().
[[nodiscard]] PeopleFolder read_people_folder(const std::filesystem::path& folder);

/// Labelled photos to learn from (`train`) and to test with (`val`), both ordered by label, then path, by
/// bytes.
struct PhotoFolder {
  std::vector<LabelledPhoto> train;
  std::vector<LabelledPhoto> val;
  std::size_t ignored = 0;  ///< Files passed over: hidden, or not named as an image.
  std::vector<std::string>
      notes;  ///< What a user should know, one line each: empty folders, people of one photo.
  std::vector<std::string> problems;  ///< As PeopleFolder's.
  std::string left_out;               ///< As PeopleFolder's.
};

struct ScanOptions {
  double val_share = 0.25;  ///< Of each person's photos, where the folder has no val/ of its own; in [0, 1),
                            ///< 0 tests nothing.
  std::uint64_t seed = 0;   ///< Chooses which ones.
};

/// Looks into `folder` (read_people_folder()). Without val/, the photos are split person by person (at least
/// one stays for each side; a person's only photo is learnt from). Same folder and seed, same split.
/// @throws Error kInputUnreadable: no such folder, no people in it, no photos; std::invalid_argument for the
/// share.
[[nodiscard]] PhotoFolder scan_photo_folder(const std::filesystem::path& folder,
                                            const ScanOptions& options = {});

/// @throws Error kInputUnreadable where `train` has fewer than two people, naming what is there.
void require_two_people(const PhotoFolder& photos, const std::filesystem::path& folder);

/// Labels for photos of nobody known, each its own: the file's name without its ending, or the path where
/// another photo would be called the same.
[[nodiscard]] std::vector<std::string> labels_of(std::span<const std::filesystem::path> photos);

/// The files of read_photo_tree(). @throws as that.
[[nodiscard]] std::vector<std::filesystem::path> list_photos(const std::filesystem::path& folder);

}  // namespace likeness
