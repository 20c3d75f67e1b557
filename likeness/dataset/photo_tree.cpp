#include "likeness/dataset/photo_tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "likeness/core/error.h"
#include "likeness/core/output.h"
#include "likeness/core/person_name.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 19> kImageEndings = {
    ".jpg",  ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif", ".tif",
    ".tiff", ".gif",  ".bmp", ".ico",  ".ppm", ".pgm",  ".pnm",  ".jp2",  ".jxl"};

/// Raw files of cameras: Adobe, Canon, Nikon, Sony, Fujifilm, Panasonic, Olympus, Pentax, Samsung, Leica,
/// Hasselblad, Phase One, Sigma, Epson, Kodak, Minolta.
constexpr std::array<std::string_view, 22> kRawEndings = {
    ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".raf", ".rw2",
    ".orf", ".pef", ".srw", ".rwl", ".3fr", ".iiq", ".x3f", ".erf", ".dcr", ".kdc", ".mrw"};

/// Folders that other programs keep their own copies in: Synology, QNAP, macOS' archives, Windows.
constexpr std::array<std::string_view, 6> kHousekeeping = {"@eaDir",   "@Recycle",     "#recycle",
                                                           "__MACOSX", "$RECYCLE.BIN", "lost+found"};

/// Files that systems leave in every folder; nobody wants to hear of them.
constexpr std::array<std::string_view, 3> kSystemFiles = {"thumbs.db", "desktop.ini", "ehthumbs.db"};

bool hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

std::string in_small_letters(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

template <std::size_t n>
bool among(const std::array<std::string_view, n>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

std::string counted_kinds(const std::map<std::string, std::size_t>& kinds, std::size_t& total) {
  constexpr std::size_t kShown = 8;
  std::string text;
  std::size_t shown = 0;
  for (const auto& [ending, count] : kinds) {
    total += count;
    if (shown++ >= kShown) continue;
    text +=
        (text.empty() ? "" : ", ") + (ending.empty() ? "no ending" : ending) + " " + std::to_string(count);
  }
  return shown > kShown ? text + ", ..." : text;
}

class Walk {
 public:
  explicit Walk(fs::path root) : root_(std::move(root)) {}

  PhotoTree read() {
    std::error_code error;
    if (!fs::is_directory(root_, error)) {
      const bool unknown = !error || error == std::errc::no_such_file_or_directory;
      fail(unknown ? "no folder " + root_.string() : cannot_read(root_, error));
    }
    const auto mark = read_output_mark(root_);
    if (mark && mark->whole) {
      fail(root_.string() + " holds results of this program (" + std::string(kOutputMark) +
           "), no photos to read");
    }
    look_into(root_, "", true);
    // Links come last, so that what lies in the tree itself is read where it lies.
    for (; !links_.empty(); links_.pop_front()) {
      const Link link = links_.front();
      look_into(link.folder, link.label, false);
    }
    finish();
    return std::move(tree_);
  }

 private:
  struct Link {
    fs::path folder;
    std::string label;
  };

  [[noreturn]] static void fail(const std::string& message) {
    throw Error(ErrorCode::kInputUnreadable, message);
  }
  static std::string cannot_read(const fs::path& path, const std::error_code& error) {
    return "cannot read " + path.string() + ": " + error.message();
  }

  void leave_out(const fs::path& folder, const char* why) {
    tree_.left_out.folders.emplace_back(folder.lexically_relative(root_), why);
    ++tree_.ignored;
  }

  /// Whether a folder has not been read yet, by whatever name; it counts as read from now on.
  bool is_new(const fs::path& folder, bool is_root) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
      const std::error_code error(errno, std::generic_category());
      if (is_root) fail(cannot_read(folder, error));
      tree_.problems.push_back(cannot_read(folder, error));
      return false;
    }
    if (seen_.emplace(status.st_dev, status.st_ino).second) return true;
    leave_out(folder, "a link to a folder that is read already");
    return false;
  }

  void look_into(const fs::path& folder, const std::string& label, bool is_root) {
    if (!is_new(folder, is_root)) return;
    if (!is_root && !label.empty()) people_.insert(label);
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
      entries.push_back(*it);
    if (error && is_root) fail(cannot_read(folder, error));
    if (error) tree_.problems.push_back(cannot_read(folder, error));
    std::ranges::sort(entries, {}, [](const auto& entry) { return entry.path().filename().native(); });
    const std::optional<OutputMark> mark = read_output_mark(folder);
    for (const fs::directory_entry& entry : entries) take(entry, label, is_root, mark);
  }

  void take(const fs::directory_entry& entry, const std::string& label, bool in_root,
            const std::optional<OutputMark>& mark) {
    const fs::path& path = entry.path();
    std::error_code error;
    const fs::file_status status = entry.status(error);
    if (fs::is_directory(status)) {
      const std::string name = in_root ? tidy_name(path.filename().string()) : label;
      if (in_root && name.empty()) tree_.blank_people.push_back(path);
      take_folder(entry, name);
    } else if (hidden(path)) {
      ++tree_.ignored;
    } else if (error && status.type() != fs::file_type::not_found) {
      tree_.problems.push_back(cannot_read(path, error));
    } else if (status.type() == fs::file_type::not_found && named_as_image(path)) {
      tree_.problems.push_back("cannot read " + path.string() + ": a link to a file that is not there");
    } else if (mark && mark->files.contains(path.filename().string())) {
      ++tree_.left_out.results;
      ++tree_.ignored;
    } else if (fs::is_regular_file(status) && named_as_image(path)) {
      tree_.photos.push_back({path, label});
    } else {
      pass_over(path);
    }
  }

  void take_folder(const fs::directory_entry& entry, const std::string& label) {
    const fs::path& path = entry.path();
    std::error_code ignored;
    if (hidden(path)) return leave_out(path, "hidden");
    if (among(kHousekeeping, path.filename().native())) return leave_out(path, "another program's");
    if (fs::exists(path / ".nomedia", ignored)) return leave_out(path, "marked by .nomedia");
    const auto mark = read_output_mark(path);
    if (mark && mark->whole) return leave_out(path, "results of this program");
    if (entry.is_symlink(ignored)) {
      links_.push_back({path, label});
    } else {
      look_into(path, label, false);
    }
  }

  void pass_over(const fs::path& path) {
    ++tree_.ignored;
    const std::string ending = in_small_letters(path.extension().string());
    if (among(kRawEndings, ending)) {
      ++tree_.left_out.raw[ending];
    } else if (ending != ".xmp" && !among(kSystemFiles, in_small_letters(path.filename().string()))) {
      // Sidecars (.xmp) belong to their photos.
      ++tree_.left_out.others[ending];
    }
  }

  void finish() {
    std::ranges::sort(tree_.photos, {}, [](const auto& photo) { return photo.file.native(); });
    for (const LabelledPhoto& photo : tree_.photos) people_.erase(photo.label);
    tree_.empty_people.assign(people_.begin(), people_.end());
  }

  fs::path root_;
  PhotoTree tree_;
  std::deque<Link> links_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::set<std::string> people_;
};

}  // namespace

std::string PassedOver::text() const {
  constexpr std::size_t kShown = 5;
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  // Of every reason some folders, so that many of one kind do not hide the only one of another.
  std::string names;
  std::map<std::string, std::size_t> count;
  for (const auto& [folder, why] : folders) {
    if (count[why]++ < kShown)
      names += (names.empty() ? "" : ", ") + folder.generic_string() + " (" + why + ")";
  }
  for (const auto& [why, all] : count) {
    if (all > kShown) names += " and " + std::to_string(all - kShown) + " more (" + why + ")";
  }
  if (!folders.empty()) add((folders.size() == 1 ? "the folder " : "the folders ") + names);
  if (results > 0) add(std::to_string(results) + " pictures that are results of this program");
  std::size_t total = 0;
  std::string kinds = counted_kinds(raw, total);
  if (total > 0) add(std::to_string(total) + " raw photos, which are not read (" + kinds + ")");
  total = 0;
  kinds = counted_kinds(others, total);
  if (total > 0) add(std::to_string(total) + " files that are not photos (" + kinds + ")");
  return text;
}

PhotoTree read_photo_tree(const fs::path& folder) { return Walk(folder).read(); }

bool named_as_image(const fs::path& file) {
  return !hidden(file) && among(kImageEndings, in_small_letters(file.extension().string()));
}

}  // namespace likeness
