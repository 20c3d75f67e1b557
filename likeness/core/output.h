#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

/// The file that marks a folder as one with results in it; readers of photos look for it.
inline constexpr std::string_view kOutputMark = ".likeness-output";

/// What a folder's mark says.
struct OutputMark {
  bool whole = false;           ///< All that lies in it is a result.
  std::set<std::string> files;  ///< Else the names of those that are.
};

/// The mark of `folder`; empty where there is none. One that cannot be read counts as `whole`.
[[nodiscard]] std::optional<OutputMark> read_output_mark(const std::filesystem::path& folder);

/// A folder that results are written into, marked as such before the first: wholly where it is new or empty,
/// else file by file, for it may be somebody's folder of photos. Where an exception ends its life, folders
/// that it made and nobody wrote into go with it. Not for sharing between threads.
class OutputFolder {
 public:
  /// Makes the folder, and those above it, where they are not there. @throws Error kOutputUnwritable.
  explicit OutputFolder(std::filesystem::path folder);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder();

  /// Whether `folder` can be made and written into; for use before long work; leaves nothing behind.
  /// @throws Error kOutputUnwritable with the reason.
  static void require_writable(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// The path of a result called `name`, which the mark knows from now on. @throws Error kOutputUnwritable.
  [[nodiscard]] std::filesystem::path file(const std::string& name);
  /// The same for a result of a photo that is called `stem`: "stem.ending", "stem_2.ending" where this folder
  /// gave that already, and so on; also where only the size of letters differs.
  [[nodiscard]] std::filesystem::path file_of(const std::string& stem, const std::string& ending);

 private:
  void remove_what_was_made() noexcept;

  std::filesystem::path path_;
  std::vector<std::filesystem::path> made_;  ///< Folders that were not there, the innermost first.
  int exceptions_;                           ///< In flight when it was made.
  OutputMark mark_;
  std::set<std::string> given_;  ///< By file_of(), in small letters.
};

/// The path of a single picture that is a result: its folder, which must be there, is marked with its name.
/// @throws Error kOutputUnwritable.
[[nodiscard]] std::filesystem::path output_picture(const std::filesystem::path& file);

/// Whether a file can be written under this name: its folder is there, takes files, and no folder has the
/// name. For use before long work; leaves nothing behind. @throws Error kOutputUnwritable with the reason.
void require_writable(const std::filesystem::path& file);

}  // namespace likeness
