#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/progress_bar.h"
#include "likeness/core/error.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/eval/failed_input.h"
#include "likeness/recognize/photo_stream.h"
#include "likeness/report/numbers.h"

namespace likeness::cli {

/// An error of which `--json` has told already.
struct ToldError : Error {
  explicit ToldError(const Error& error) : Error(error) {}
};

/// Photos named on the command line: files as they are, folders with everything in them that has a photo's
/// extension.
struct PhotoList {
  std::vector<std::filesystem::path> photos;  ///< In the order given; a folder's in the order of their bytes.
  std::size_t failed = 0;                     ///< Folders without photos and names that cannot be looked at.

  [[nodiscard]] PhotoSource source() const;
};

/// Says on stderr what folders hold beside photos, and what failed; with `json` as an object on stdout too.
/// @throws Error kInputUnreadable where there is no photo at all.
[[nodiscard]] PhotoList list_photos(const std::vector<std::filesystem::path>& arguments, bool json = false);

/// Photos of people, from folders of PERSON/photos (read_people_folder()).
struct PeopleList {
  std::vector<LabelledPhoto> photos;
  std::vector<std::filesystem::path> loose;  ///< Photos in no person's folder.
  std::size_t failed = 0;                    ///< As PhotoList's.
  std::vector<FailedInput> problems;         ///< The same, by the folder given.
};

/// Says on stderr what the folders hold beside people's photos, and what failed; of `loose` it says that they
/// are left out unless `keep_loose`. `json` as list_photos(). @throws Error kInputUnreadable where nobody has
/// a photo.
[[nodiscard]] PeopleList list_people(const std::vector<std::filesystem::path>& folders,
                                     bool keep_loose = false, bool json = false);

/// Names unreadable photos on stderr as they come, with `json` by an object on stdout too, and knows the exit
/// code at the end.
class InputCount {
 public:
  explicit InputCount(const PhotoList& list, bool json = false)
      : total_(list.photos.size() + list.failed), failed_(list.failed), json_(json) {}
  explicit InputCount(std::size_t photos, std::size_t failed = 0, bool json = false)
      : total_(photos + failed), failed_(failed), json_(json) {}
  /// Whether the photo could be read.
  bool count(const PhotoFaces& photo, ProgressBar& bar);
  /// One that could not, and why.
  void fail(const std::string& error, ProgressBar& bar);
  [[nodiscard]] std::size_t failed() const { return failed_; }
  [[nodiscard]] Exit exit() const;

 private:
  std::size_t total_;
  std::size_t failed_ = 0;
  bool json_ = false;
};

/// An input of which nothing but this is to be said, as an object on stdout.
void print_json_error(const std::string& input, const std::string& error);
/// A photo in which no face was found.
void print_json_no_face(const std::string& photo);

/// One line of JSON; bytes of a file's name that are not UTF-8 are replaced, not refused.
[[nodiscard]] std::string dump_line(const nlohmann::ordered_json& json);

}  // namespace likeness::cli
