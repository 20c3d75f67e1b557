#include "likeness/core/output.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <exception>
#include <sstream>
#include <utility>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHead = "Results of likeness, not photos to read: all files (*), or those named.";
constexpr std::size_t kMostMarkBytes = std::size_t{64} << 20;

void write_mark(const fs::path& folder, const OutputMark& mark) {
  std::string text = std::string(kHead) + "\n";
  if (mark.whole) text += "*\n";
  for (const std::string& file : mark.files) text += file + "\n";
  write_file(folder / kOutputMark, std::string_view(text));
}

}  // namespace

std::optional<OutputMark> read_output_mark(const fs::path& folder) {
  const fs::path file = folder / kOutputMark;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  OutputMark mark;
  try {
    const auto bytes = read_file_bytes(file, kMostMarkBytes);
    std::istringstream text(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    std::string line;
    std::getline(text, line);
    while (std::getline(text, line)) {
      if (line == "*") mark.whole = true;
      if (!line.empty()) mark.files.insert(line);
    }
  } catch (const Error&) {
    mark.whole = true;
  }
  return mark;
}

OutputFolder::OutputFolder(fs::path folder)
    : path_(std::move(folder)), exceptions_(std::uncaught_exceptions()) {
  std::error_code ignored;  // a slash behind a new folder's name is called an error, though it was made
  const fs::path name = path_.has_filename() ? path_ : path_.parent_path();
  for (fs::path one = name; !one.empty() && !fs::exists(one, ignored); one = one.parent_path())
    made_.push_back(one);
  std::error_code error;
  fs::create_directories(path_, error);
  if (error && !fs::is_directory(path_, ignored)) {
    throw Error(ErrorCode::kOutputUnwritable,
                "cannot make folder " + path_.string() + ": " + error.message());
  }
  if (auto known = read_output_mark(path_)) {
    mark_ = *std::move(known);
    likeness::require_writable(path_ / kOutputMark);
  } else {
    mark_.whole = fs::is_empty(path_, ignored);
    write_mark(path_, mark_);
  }
}

OutputFolder::~OutputFolder() {
  if (std::uncaught_exceptions() > exceptions_) remove_what_was_made();
}

void OutputFolder::require_writable(const fs::path& folder) { OutputFolder(folder).remove_what_was_made(); }

void OutputFolder::remove_what_was_made() noexcept {
  if (made_.empty()) return;
  std::error_code ignored;
  for (fs::directory_iterator entry(path_, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    if (entry->path().filename() != kOutputMark) return;  // there are results
  }
  fs::remove(path_ / kOutputMark, ignored);
  for (const fs::path& folder : made_) fs::remove(folder, ignored);  // but for those that are not empty
}

fs::path OutputFolder::file(const std::string& name) {
  if (!mark_.whole && mark_.files.insert(name).second) write_mark(path_, mark_);
  return path_ / name;
}

fs::path OutputFolder::file_of(const std::string& stem, const std::string& ending) {
  for (std::size_t number = 1;; ++number) {
    const std::string name = stem + (number == 1 ? "" : "_" + std::to_string(number)) + ending;
    std::string small = name;
    std::ranges::transform(small, small.begin(), [](unsigned char c) { return std::tolower(c); });
    if (given_.insert(small).second) return file(name);
  }
}

fs::path output_picture(const fs::path& file) {
  require_writable(file);
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  OutputMark mark = read_output_mark(folder).value_or(OutputMark());
  if (!mark.whole && mark.files.insert(file.filename().string()).second) write_mark(folder, mark);
  return file;
}

void require_writable(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorCode::kOutputUnwritable, "cannot write " + file.string() + ": " + why);
  };
  if (file.empty() || !file.has_filename()) fail("the name of a file is missing");
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::is_directory(status)) fail("it is a folder");
  if (error && status.type() != fs::file_type::not_found) fail(error.message());
  // A result is renamed into its place: a device or pipe of that name would be gone.
  if (fs::exists(status) && !fs::is_regular_file(status)) fail("it is no ordinary file");
  if (fs::exists(status) && ::access(file.c_str(), W_OK) != 0) fail(std::strerror(errno));
  if (!fs::is_directory(folder, error)) {
    fail(error && error != std::errc::no_such_file_or_directory
             ? folder.string() + ": " + error.message()
             : (fs::exists(folder, error) ? folder.string() + " is no folder"
                                          : "there is no folder " + folder.string()));
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) fail(folder.string() + ": " + std::strerror(errno));
  AtomicFile tried(file);  // never committed: read-only disks and names too long show themselves
}

}  // namespace likeness
