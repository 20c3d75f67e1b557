#include "likeness/recognize/tagged_photos.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/gallery/store_checks.h"
#include "likeness/xmp/sidecar.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// People draw looser boxes than detectors do.
constexpr double kSameFace = 0.25;

struct TaggedPhoto {
  fs::path file;
  std::vector<FaceRegion> named;
  int orientation = 1;
};

struct Pair {
  double share = 0;
  std::size_t region = 0;
  std::size_t face = 0;
};

bool holds_middle(const RegionArea& a, const RegionArea& b) {
  const double x = (b.left + b.right) / 2, y = (b.top + b.bottom) / 2;
  return x > a.left && x < a.right && y > a.top && y < a.bottom;
}

/// A photo's header. Of a JPEG it lies at the beginning: a library of photos is not read whole for it.
PhotoHeader header_of(const fs::path& file) {
  constexpr std::size_t kBeginning = std::size_t{1} << 20;
  std::vector<std::byte> bytes(kBeginning);
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (in && bytes[0] == std::byte{0xFF} && bytes[1] == std::byte{0xD8}) {
    try {
      return read_photo_header(bytes, file.string());
    } catch (const Error&) {  // it is longer, or damaged
    }
  }
  bytes = read_file_bytes(file, ReadOptions().max_bytes, ErrorCode::kImageUnreadable);
  return read_photo_header(bytes, file.string());
}

using Found = std::vector<std::optional<std::size_t>>;

/// For each region the face that it marks, each face once, the closest first.
Found matched(const std::vector<std::optional<RegionArea>>& regions, const std::vector<RegionArea>& faces) {
  std::vector<Pair> pairs;
  for (std::size_t r = 0; r < regions.size(); ++r) {
    for (std::size_t f = 0; regions[r] && f < faces.size(); ++f) {
      const double share = overlap(*regions[r], faces[f]);
      if (share >= kSameFace || (holds_middle(*regions[r], faces[f]) && holds_middle(faces[f], *regions[r])))
        pairs.push_back({share, r, f});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.share > b.share; });
  Found found(regions.size());
  std::vector<bool> taken(faces.size());
  for (const Pair& pair : pairs) {
    if (found[pair.region] || taken[pair.face]) continue;
    found[pair.region] = pair.face;
    taken[pair.face] = true;
  }
  return found;
}

Found faces_of(const TaggedPhoto& tagged, const PhotoFaces& photo) {
  std::vector<RegionArea> faces;
  for (const std::size_t i : photo.chosen)
    faces.push_back(area_of(photo.faces[i].box, {photo.width, photo.height}));
  std::vector<std::optional<RegionArea>> turned, as_written;
  for (const FaceRegion& region : tagged.named) {
    as_written.push_back(region.area);
    turned.push_back(region.area ? std::optional(to_upright(*region.area, tagged.orientation))
                                 : std::nullopt);
  }
  Found found = matched(turned, faces);
  const auto has = [](const std::optional<std::size_t>& face) { return face.has_value(); };
  if (tagged.orientation == 1 || std::ranges::any_of(found, has)) return found;
  Found upright = matched(as_written, faces);
  return std::ranges::all_of(upright, has) ? upright : found;
}

class Tagging {
 public:
  Tagging(const Recognizer& recognizer, const std::function<Gallery&()>& gallery, const TagOptions& options)
      : recognizer_(recognizer), gallery_(gallery), options_(options) {}

  TagSummary run(const std::vector<fs::path>& photos) {
    for (const fs::path& photo : photos) {
      read(photo);
      report_progress(options_.reading, ++summary_.photos, photos.size());
    }
    std::vector<fs::path> files;
    for (const TaggedPhoto& photo : tagged_) files.push_back(photo.file);
    summary_.tagged = files.size();
    recognizer_.stream({.faces = FacesWanted::kAll, .hash = true})
        .run(
            PhotoSource::files(std::move(files)),
            [this](PhotoFaces&& photo) { take(tagged_[photo.index], photo); }, nullptr, options_.progress);
    return summary_;
  }

 private:
  void tell(TaggedFace face) {
    summary_.enrolled += face.status == TagStatus::kEnrolled ? 1 : 0;
    summary_.known += face.status == TagStatus::kKnown ? 1 : 0;
    summary_.unreadable += face.status == TagStatus::kUnreadable ? 1 : 0;
    if (options_.each) options_.each(face);
  }

  void read(const fs::path& file) {
    TaggedPhoto photo{.file = file};
    try {
      const PhotoHeader header = header_of(file);
      const PhotoXmp xmp = xmp_of(file, header);
      if (xmp.text.empty()) return;
      photo.orientation = header.orientation;
      photo.named = face_regions(xmp.text, xmp.file.string());
    } catch (const Error& error) {
      return tell({file.string(), "", TagStatus::kUnreadable, error.what()});
    }
    summary_.unnamed += std::erase_if(photo.named, [](const FaceRegion& face) { return face.name.empty(); });
    if (photo.named.empty()) return;
    summary_.named += photo.named.size();
    tagged_.push_back(std::move(photo));
  }

  void take(const TaggedPhoto& tagged, const PhotoFaces& photo) {
    if (!photo.error.empty()) return tell({photo.id, "", TagStatus::kUnreadable, photo.error});
    const Found found = faces_of(tagged, photo);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const FaceRegion& region = tagged.named[i];
      TaggedFace face{photo.id, region.name};
      if (!region.area) {
        face.status = TagStatus::kNoArea;
      } else if (!found[i]) {
        face.status = TagStatus::kNoFaceThere;
      } else {
        enrol(face, photo, *found[i]);
      }
      tell(std::move(face));
    }
  }

  void enrol(TaggedFace& told, const PhotoFaces& photo, std::size_t position) {
    try {
      told.person = checked_name(told.person);
    } catch (const std::invalid_argument& error) {  // costs no other face
      told.status = TagStatus::kRefused;
      told.why = error.what();
      return;
    }
    const Face& face = photo.faces[photo.chosen[position]];
    const FaceQuality quality = measure_quality(face, photo.chips[position]);
    for (const ReviewFinding& finding : review_face(quality, 1, options_.review)) {
      if (!finding.refuse) continue;
      told.status = TagStatus::kRefused;
      told.why += (told.why.empty() ? "" : "; ") + finding.what;
    }
    if (told.status == TagStatus::kRefused) return;
    const NewFace fresh{.photo = photo.id,
                        .photo_hash = photo.sha256,
                        .photo_size = {photo.width, photo.height},
                        .box = face.box,
                        .landmarks = face.landmarks,
                        .quality = quality,
                        .embedding = photo.averaged[position]};
    const AddedFace added = opened().add_faces(told.person, {&fresh, 1}).front();
    if (!added.is_new) {
      told.status = TagStatus::kKnown;
      if (added.person != told.person) told.why = "the same face is enrolled already, as " + added.person;
    }
    told.person = added.person;
    told.face = added.id;
  }

  Gallery& opened() {
    if (open_ == nullptr) {
      open_ = &gallery_();
      require_same_space(open_->store().space(), open_->store().name(), recognizer_.space(),
                         "the model " + recognizer_.setup().model);
    }
    return *open_;
  }

  const Recognizer& recognizer_;
  const std::function<Gallery&()>& gallery_;
  const TagOptions& options_;
  Gallery* open_ = nullptr;
  std::vector<TaggedPhoto> tagged_;
  TagSummary summary_;
};

}  // namespace

std::string_view to_string(TagStatus status) {
  switch (status) {
    case TagStatus::kEnrolled:
      return "enrolled";
    case TagStatus::kKnown:
      return "known";
    case TagStatus::kRefused:
      return "refused";
    case TagStatus::kNoFaceThere:
      return "no face there";
    case TagStatus::kNoArea:
      return "no area";
    case TagStatus::kUnreadable:
      return "unreadable";
  }
  return "";
}

TagSummary enrol_tagged(const Recognizer& recognizer, const std::function<Gallery&()>& gallery,
                        const std::vector<fs::path>& photos, const TagOptions& options) {
  return Tagging(recognizer, gallery, options).run(photos);
}

}  // namespace likeness
