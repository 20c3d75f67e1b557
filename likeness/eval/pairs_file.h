#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace likeness {

/// Two photos and whether they show one person, by a line of LFW's pairs files.
struct PhotoPair {
  std::size_t first = 0;   ///< Index into PairsFile::photos.
  std::size_t second = 0;  ///< The same.
  bool mated = false;
  bool operator==(const PhotoPair&) const = default;
};

/// One of LFW's pairs files: pairsDevTrain.txt and pairsDevTest.txt of view 1 (one set), or pairs.txt of view
/// 2 (ten).
struct PairsFile {
  std::vector<std::string> photos;            ///< "Name/Name_0001.jpg", each once, in order of appearance.
  std::vector<std::vector<PhotoPair>> folds;  ///< Sets of pairs, mated ones first, as in the file.
};

/// Reads LFW's format (lfw/README.txt 3c): a line with N, or with the number of sets and N; then for each set
/// N lines `name n1 n2` and N lines `name1 n1 name2 n2`, separated by tabs or spaces.
/// @throws Error kInputUnreadable; kDataInvalid with the line's number.
[[nodiscard]] PairsFile read_pairs_file(const std::filesystem::path& path);

/// The names in one of LFW's people files (3d: numbers of sets and people, then `name count` a line; the
/// numbers are passed over), or in a list of one name a line. @throws Error kInputUnreadable; kDataInvalid
/// where it names nobody.
[[nodiscard]] std::vector<std::string> read_people_file(const std::filesystem::path& path);

}  // namespace likeness
