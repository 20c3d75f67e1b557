#include "likeness/xmp/sidecar.h"

#include "likeness/core/file.h"

namespace likeness {

namespace fs = std::filesystem;

fs::path sidecar_of(const fs::path& photo) { return photo.string() + ".xmp"; }

fs::path find_sidecar(const fs::path& photo) {
  fs::path adobe = photo;
  adobe.replace_extension(".xmp");
  for (const fs::path& candidate : {sidecar_of(photo), adobe}) {
    std::error_code ignored;
    if (candidate != photo && fs::is_regular_file(candidate, ignored)) return candidate;
  }
  return {};
}

PhotoXmp xmp_of(const fs::path& photo, const PhotoHeader& header) {
  constexpr std::size_t kMostBytes = std::size_t{8} << 20;
  PhotoXmp own{.text = header.xmp, .file = photo};
  const fs::path file = find_sidecar(photo);
  if (file.empty()) return own;
  const auto bytes = read_file_bytes(file, kMostBytes);
  PhotoXmp sidecar{{reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file, true};
  if (sidecar.text.empty()) return own;
  const bool marks = !face_regions(sidecar.text, file.string()).empty();
  return marks || own.text.empty() ? sidecar : own;
}

}  // namespace likeness
