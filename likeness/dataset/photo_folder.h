#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace likeness {

struct LabelledPhoto {
  std::filesystem::path file;
  std::string label;  ///< The person: the name of the folder it lies in.
  bool operator==(const LabelledPhoto&) const = default;
};

/// Labelled photos to learn from (`train`) and to test with (`val`), both ordered by label, then name, by
/// bytes.
struct PhotoFolder {
  std::vector<LabelledPhoto> train;
  std::vector<LabelledPhoto> val;
  std::size_t ignored = 0;  ///< Files passed over: hidden, or not named as an image.
  std::vector<std::string>
      notes;  ///< What a user should know, one line each: empty folders, people of one photo.
};

struct ScanOptions {
  double val_share = 0.25;  ///< Of each person's photos, where the folder has no val/ of its own; in [0, 1),
                            ///< 0 tests nothing.
  std::uint64_t seed = 0;   ///< Chooses which ones.
};

/// Looks into `folder`: either train/PERSON/photos and val/PERSON/photos, or PERSON/photos, which is split
/// person by person (at least one photo stays for each side; a person's only photo is learnt from). Without
/// val/, train/ is split in the same way. Same folder and seed, same split. Nothing is decoded.
/// @throws Error kInputUnreadable: no such folder, no people in it, no photos; std::invalid_argument for the
/// share.
[[nodiscard]] PhotoFolder scan_photo_folder(const std::filesystem::path& folder,
                                            const ScanOptions& options = {});

/// @throws Error kInputUnreadable where `train` has fewer than two people, naming what is there.
void require_two_people(const PhotoFolder& photos, const std::filesystem::path& folder);

/// Whether the name ends as image files do (.jpg, .png, .heic, ...) and is not hidden. The content decides
/// later.
[[nodiscard]] bool named_as_image(const std::filesystem::path& file);

/// Every image-named file under `folder`, all levels deep, by bytes. @throws Error kInputUnreadable.
[[nodiscard]] std::vector<std::filesystem::path> list_photos(const std::filesystem::path& folder);

}  // namespace likeness
