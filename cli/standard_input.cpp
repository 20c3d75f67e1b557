#include "cli/standard_input.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "likeness/core/error.h"

namespace likeness::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{2} << 30;

/// Options and arguments that are files to read, in whatever command: photos, lists, .npz files.
constexpr std::array<std::string_view, 21> kInputs = {
    "photos",        "inputs",  "a",        "b",         "embeddings", "faces",      "file",
    "folder",        "people",  "data",     "--exclude", "--only",     "--faces",    "--impostors",
    "--train-pairs", "--pairs", "--update", "--marks",   "--compare",  "--baseline", "--train-people"};

[[noreturn]] void fail(const std::string& why) {
  throw Error(ErrorCode::kInputUnreadable, "cannot read standard input: " + why);
}

/// A pipe can be read once, and from its beginning only: its bytes go where a file's would be.
void hold_standard_input() {
  struct stat status {};
  if (::fstat(STDIN_FILENO, &status) != 0) fail(std::strerror(errno));
  if (S_ISREG(status.st_mode) && ::lseek(STDIN_FILENO, 0, SEEK_CUR) == 0) return;
  if (S_ISDIR(status.st_mode)) fail("it is a folder");
  const int held = ::memfd_create("standard input", MFD_CLOEXEC);
  if (held < 0) fail(std::strerror(errno));
  std::vector<char> piece(std::size_t{1} << 20);
  std::size_t total = 0;
  for (;;) {
    const ::ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::strerror(errno));
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
    if (total > kMostBytes) fail("it is larger than the limit of " + std::to_string(kMostBytes) + " bytes");
    for (::ssize_t written = 0; written < got;) {
      const ::ssize_t more = ::write(held, piece.data() + written, static_cast<std::size_t>(got - written));
      if (more < 0 && errno != EINTR) fail(std::strerror(errno));
      written += std::max<::ssize_t>(more, 0);
    }
  }
  if (::dup2(held, STDIN_FILENO) < 0) fail(std::strerror(errno));
  ::close(held);
  ::lseek(STDIN_FILENO, 0, SEEK_SET);
}

}  // namespace

void take_standard_input(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string name = option->get_positional() ? option->get_name(true) : option->get_name();
    if (std::ranges::find(kInputs, name) == kInputs.end()) continue;
    option->transform([](std::string text) {
      if (text != "-") return text;
      hold_standard_input();
      return std::string(kStandardInput);
    });
  }
  for (CLI::App* command : app.get_subcommands({})) take_standard_input(*command);
}

std::string called(const std::filesystem::path& file) { return file == kStandardInput ? "-" : file.string(); }

}  // namespace likeness::cli
