#include "likeness/recognize/name_sidecars.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/core/sha256.h"
#include "likeness/dataset/photo_tree.h"
#include "likeness/xmp/region_writer.h"
#include "likeness/xmp/sidecar.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

using Faces = std::vector<StoredFace>;

/// The deepest folder above all photos.
fs::path common_folder(const std::map<std::string, Faces>& photos) {
  std::optional<fs::path> common;
  for (const auto& [photo, faces] : photos) {
    const fs::path folder = fs::absolute(photo).lexically_normal().parent_path();
    if (!common) {
      common = folder;
      continue;
    }
    const auto [same, other] = std::mismatch(common->begin(), common->end(), folder.begin(), folder.end());
    fs::path shorter;
    for (auto part = common->begin(); part != same; ++part) shorter /= *part;
    common = shorter;
  }
  return common.value_or("");
}

/// Whether "a.xmp" may be of another photo than "a.jpg": where there is an "a.png" too.
bool is_anothers(const fs::path& sidecar, const fs::path& photo) {
  if (sidecar == sidecar_of(photo)) return false;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fs::absolute(photo).parent_path(), error)) {
    const fs::path& file = entry.path();
    if (file.stem() == photo.stem() && file.filename() != photo.filename() && named_as_image(file))
      return true;
  }
  return false;
}

class Sidecars {
 public:
  Sidecars(const GalleryStore& store, const SidecarOptions& options) : options_(options) {
    for (const Person& person : store.people()) names_[person.id] = person.name;
    for (StoredFace& face : store.faces()) {
      if (!face.photo.empty()) photos_[face.photo].push_back(std::move(face));
    }
    if (options.folder) common_ = common_folder(photos_);
  }

  SidecarSummary run() {
    for (const auto& [photo, faces] : photos_) {
      NamedPhoto told{.photo = photo, .faces = faces.size()};
      try {
        write(told, faces);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kOutputUnwritable) throw;
        told.sidecar.clear();
        told.status = SidecarStatus::kUnreadable;
        told.why = error.what();
      }
      summary_.written += told.status == SidecarStatus::kWritten ? 1 : 0;
      summary_.unchanged += told.status == SidecarStatus::kUnchanged ? 1 : 0;
      if (options_.each) options_.each(told);
      report_progress(options_.progress, ++summary_.photos, photos_.size());
    }
    return summary_;
  }

 private:
  [[nodiscard]] fs::path place_of(const fs::path& photo) const {
    if (!options_.folder) {
      const fs::path there = find_sidecar(photo);
      return there.empty() || is_anothers(there, photo) ? sidecar_of(photo) : there;
    }
    return sidecar_of(*options_.folder / fs::absolute(photo).lexically_normal().lexically_relative(common_));
  }

  /// What new faces are added to: the file that is to be written, with the faces that the photo's own XMP
  /// marks where that file marks nobody, for it is read instead; else what the photo has.
  static std::string before(const fs::path& place, const fs::path& photo, const PhotoHeader& header) {
    std::error_code ignored;
    if (!fs::exists(place, ignored)) return xmp_of(photo, header).text;
    constexpr std::size_t kMostBytes = std::size_t{8} << 20;
    const auto bytes = read_file_bytes(place, kMostBytes);
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (header.xmp.empty() || (!text.empty() && !face_regions(text, place.string()).empty())) return text;
    std::vector<FaceRegion> own = face_regions(header.xmp, photo.string());
    std::erase_if(own, [](const FaceRegion& face) { return !face.area || face.name.empty(); });
    return mark_faces(text, place.string(), own, header.stored()).text;
  }

  void write(NamedPhoto& told, const Faces& faces) const {
    const fs::path photo = told.photo;
    std::error_code ignored;
    if (!fs::is_regular_file(photo, ignored)) {
      told.status = SidecarStatus::kNoPhoto;
      return;
    }
    const auto bytes = read_file_bytes(photo, ReadOptions().max_bytes, ErrorCode::kImageUnreadable);
    const PhotoHeader header = read_photo_header(bytes, told.photo);
    const std::string hash = sha256(bytes);
    std::vector<FaceRegion> regions;
    for (const StoredFace& face : faces) {
      if (!face.photo_hash.empty() && face.photo_hash != hash) {
        told.status = SidecarStatus::kOtherPhoto;
        return;
      }
      if (!(face.box.width() > 0) || !(face.box.height() > 0)) continue;
      regions.push_back(
          {names_.at(face.person), to_stored(area_of(face.box, header.size), header.orientation)});
    }
    if (regions.empty()) {
      told.status = SidecarStatus::kNoPhoto;
      told.why = "its faces were enrolled without their places in it";
      return;
    }
    told.sidecar = place_of(photo);
    const bool complete = options_.folder && !fs::exists(told.sidecar, ignored);
    const std::string old = before(told.sidecar, photo, header);
    const MarkedXmp marked = mark_faces(old, told.sidecar.string(), regions, header.stored());
    for (const std::string& words : marked.otherwise) told.why += (told.why.empty() ? "" : "; ") + words;
    const bool writes = marked.added > 0 || complete;
    if (writes) {
      if (options_.folder) make_folder(told.sidecar.parent_path());
      write_file(told.sidecar, std::string_view(marked.text));
    }
    told.status = !marked.otherwise.empty() ? SidecarStatus::kOtherwise
                  : writes                  ? SidecarStatus::kWritten
                                            : SidecarStatus::kUnchanged;
  }

  static void make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
      throw Error(ErrorCode::kOutputUnwritable, "cannot make " + folder.string() + ": " + error.message());
  }

  const SidecarOptions& options_;
  std::unordered_map<std::int64_t, std::string> names_;
  std::map<std::string, Faces> photos_;
  fs::path common_;
  SidecarSummary summary_;
};

}  // namespace

std::string_view to_string(SidecarStatus status) {
  switch (status) {
    case SidecarStatus::kWritten:
      return "written";
    case SidecarStatus::kUnchanged:
      return "unchanged";
    case SidecarStatus::kOtherwise:
      return "otherwise";
    case SidecarStatus::kNoPhoto:
      return "no photo";
    case SidecarStatus::kOtherPhoto:
      return "another photo";
    case SidecarStatus::kUnreadable:
      return "unreadable";
  }
  return "";
}

SidecarSummary write_name_sidecars(const GalleryStore& store, const SidecarOptions& options) {
  return Sidecars(store, options).run();
}

}  // namespace likeness
