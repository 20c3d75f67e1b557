#include "likeness/core/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

namespace likeness {

std::vector<std::byte> read_file_bytes(const std::filesystem::path& path, std::size_t max_bytes,
                                       ErrorCode code) {
  const auto fail = [&](const std::string& why) -> Error {
    return {code, "cannot read " + path.string() + ": " + why};
  };
  std::error_code status_error;
  if (std::filesystem::is_directory(path, status_error)) throw fail("it is a folder");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) throw fail(std::strerror(errno));

  // The stated size is a hint only: pipes and files that still grow are read to their end all the same.
  const auto stated = std::filesystem::file_size(path, status_error);
  const auto too_large = [&] {
    return fail("it is larger than the limit of " + std::to_string(max_bytes) + " bytes");
  };
  if (!status_error && stated > max_bytes) throw too_large();
  std::vector<std::byte> bytes(status_error ? 4096 : static_cast<std::size_t>(stated) + 1);
  std::size_t used = 0;
  while (const std::size_t got = std::fread(bytes.data() + used, 1, bytes.size() - used, file.get())) {
    used += got;
    if (used > max_bytes) throw too_large();
    if (used == bytes.size()) bytes.resize(2 * used);
  }
  if (std::ferror(file.get()) != 0) throw fail(std::strerror(errno));
  bytes.resize(used);
  return bytes;
}

}  // namespace likeness
