#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace likeness {

/// Two photos and whether they show one person, by a line of a pairs file.
struct PhotoPair {
  std::size_t first = 0;   ///< Index into PairsFile::photos.
  std::size_t second = 0;  ///< The same.
  bool mated = false;
  bool operator==(const PhotoPair&) const = default;
};

/// Pairs of photos in sets: one set, or the ten of LFW's view 2.
struct PairsFile {
  std::vector<std::string> photos;            ///< Paths below the photos' folder, in order of appearance.
  std::vector<std::vector<PhotoPair>> folds;  ///< Sets of pairs, as in the file.
};

/// Reads pairs as people have them (core/text_file.h says which texts and fields):
/// - LFW's (lfw/README.txt 3c): a line with N, or with the number of sets and N; then for each set N lines
///   `name n1 n2` and N lines `name1 n1 name2 n2`;
/// - such lines without numbers before them, in any order, also below a head (`name,imagenum1,imagenum2`) and
///   with an empty last field; these are one set;
/// - lines `path path 0|1` or `0|1 path path`, 1 for one person.
/// A photo's number is 1, 0001, or NAME_0001 with or without an ending; it stands for NAME/NAME_0001.jpg.
/// @throws Error kInputUnreadable; kDataInvalid with the line's number and what was expected there.
[[nodiscard]] PairsFile read_pairs_file(const std::filesystem::path& path);

/// Several files as one: their first sets together, their second ones, and so on (one file of mated pairs,
/// one of the others). @throws as above, and kDataInvalid where the numbers of sets differ.
[[nodiscard]] PairsFile read_pairs_files(std::span<const std::filesystem::path> paths);

/// Where the photos lie below `folder`: NAME/NAME_0001.jpg may be NAME/NAME_1.jpg there, or have another
/// ending (.png). Photos that are not found keep their path.
void find_photos(PairsFile& pairs, const std::filesystem::path& folder);

/// Whether the folders that photos lie in say the same of every pair as the file does: whose photos are one
/// person's. Where not, the folders are not people.
[[nodiscard]] bool folders_are_people(const PairsFile& pairs);

/// The person in "Name/Name_0001.jpg".
[[nodiscard]] std::string person_of(const std::string& photo);

/// The names in a list of people: one a line, with blanks inside or not; or with the number of photos behind
/// it, as in LFW's people files (3d) and in `name,images` tables. Lines of numbers are passed over.
/// @throws Error kInputUnreadable; kDataInvalid where it names nobody.
[[nodiscard]] std::vector<std::string> read_people_file(const std::filesystem::path& path);

}  // namespace likeness
