#include "train/checkpoint.h"

#include <fstream>
#include <iterator>
#include <span>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/sha256.h"

namespace likeness::train {
namespace {

constexpr std::string_view kMagic = "likeness-checkpoint 1\n";
constexpr std::size_t kDigits = 64;  // of a SHA-256 in hexadecimal

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& problem) {
  throw Error(ErrorCode::kDataInvalid, path.string() + " " + problem + "; train again without --resume");
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  const std::string body = checkpoint.json + "\n" + checkpoint.archive;
  const std::string head = std::string(kMagic) + sha256(bytes_of(body)) + "\n";
  AtomicFile file(path);
  file.write(bytes_of(head));
  file.write(bytes_of(body));
  file.commit();
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorCode::kInputUnreadable, "no checkpoint " + path.string() + " to resume from");
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t body = kMagic.size() + kDigits + 1;
  if (text.size() < body || !text.starts_with(kMagic)) damaged(path, "is no checkpoint of likeness-train");
  const std::string content = text.substr(body);
  if (sha256(bytes_of(content)) != text.substr(kMagic.size(), kDigits)) {
    damaged(path, "is damaged: its checksum does not fit");
  }
  const std::size_t line = content.find('\n');
  if (line == std::string::npos) damaged(path, "is damaged: it has no first line");
  return {content.substr(0, line), content.substr(line + 1)};
}

}  // namespace likeness::train
