#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace likeness {

struct LabelledPhoto {
  std::filesystem::path file;
  std::string label;  ///< The person: the name of the folder below the one that was read (tidy_name()).
  bool operator==(const LabelledPhoto&) const = default;
};

/// What lies in a folder and is not read as photos.
struct PassedOver {
  /// Folders, and why: hidden, thumbnails or a bin of some program (@eaDir, .nomedia, ...), results of this
  /// program (kOutputMark), or a link to what is read already.
  std::vector<std::pair<std::filesystem::path, std::string>> folders;
  std::size_t results = 0;                    ///< Files that a mark names as results of this program.
  std::map<std::string, std::size_t> raw;     ///< Cameras' raw files, by ending, in small letters.
  std::map<std::string, std::size_t> others;  ///< Other files, by ending; those of systems are passed over.

  /// All of it in one line, without the folder's name: up to five folders of each reason by name, all others
  /// by number; empty where nothing was left out.
  [[nodiscard]] std::string text() const;
};

/// All photos under a folder.
struct PhotoTree {
  /// By the bytes of their paths. Deeper folders are of the person whose folder they lie in; the label of
  /// photos directly in the folder is empty.
  std::vector<LabelledPhoto> photos;
  std::vector<std::string> empty_people;            ///< Folders below the one read without a photo, by bytes.
  std::vector<std::filesystem::path> blank_people;  ///< Folders whose name is nothing but blanks.
  std::vector<std::string> problems;  ///< "cannot read X: why", of names that cannot be looked at.
  PassedOver left_out;
  std::size_t ignored = 0;  ///< Files and folders of any kind that were passed over.
};

/// Looks through `folder`, all levels deep. Linked folders are followed, each once, and after those that are
/// no links: who is found twice keeps the name of the real folder. Nothing is decoded.
/// @throws Error kInputUnreadable: no such folder, it cannot be read, or it holds results of this program.
[[nodiscard]] PhotoTree read_photo_tree(const std::filesystem::path& folder);

/// Whether the name ends as image files do (.jpg, .png, .heic, ...) and is not hidden. The content decides
/// later.
[[nodiscard]] bool named_as_image(const std::filesystem::path& file);

}  // namespace likeness
