#include "likeness/gallery/copy_seen.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/gallery/known_faces.h"
#include "likeness/gallery/seen.h"

namespace likeness {
namespace {

/// What a face is found again by.
using Key = std::tuple<std::string, std::int64_t, float, float, float, float>;

Key key_of(const SeenFace& face) {
  const Box& box = face.box;
  return {face.photo_hash, face.time_ms, box.left, box.top, box.right, box.bottom};
}

/// A group's faces with all that belongs to them.
struct GroupCopy {
  std::vector<SeenFace> faces;
  Embeddings embeddings;  // row i of faces[i]
  std::vector<std::vector<std::byte>> crops;
};

GroupCopy read_group(const SeenStore& store, std::int64_t group) {
  GroupCopy read{store.faces(group), store.embeddings(group), {}};
  if (read.faces.size() != read.embeddings.size())
    throw Error(ErrorCode::kUnavailable, "faces without a name changed during the copy; try again");
  for (const SeenFace& face : read.faces)
    read.crops.push_back(face.has_crop ? store.crop(face.id) : std::vector<std::byte>());
  return read;
}

NewSeenFace as_new(const GroupCopy& group, std::size_t i) {
  const SeenFace& face = group.faces[i];
  return {.embedding = group.embeddings[i],
          .box = face.box,
          .quality = face.quality,
          .photo_hash = face.photo_hash,
          .photo_size = face.photo_size,
          .time_ms = face.time_ms,
          .crop = group.crops[i]};
}

bool same(const GroupCopy& a, std::size_t i, const GroupCopy& b, std::size_t j, EmbeddingFormat format) {
  const auto measured = [](const FaceQuality& q) {
    return std::tuple(q.size_px, q.sharpness, q.brightness, q.yaw, q.score);
  };
  const SeenFace& one = a.faces[i];
  const SeenFace& other = b.faces[j];
  const bool sized = one.photo_size.width == 0 || one.photo_size == other.photo_size;
  return sized && key_of(one) == key_of(other) && measured(one.quality) == measured(other.quality) &&
         a.crops[i] == b.crops[j] && same_vector(a.embeddings[i], b.embeddings[j], format);
}

/// How many of a group's faces are among those of others.
std::size_t count_same(const GroupCopy& group, const std::vector<GroupCopy>& others, EmbeddingFormat format) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < group.faces.size(); ++i) {
    found += std::ranges::any_of(others, [&](const GroupCopy& other) {
      for (std::size_t j = 0; j < other.faces.size(); ++j) {
        if (same(group, i, other, j, format)) return true;
      }
      return false;
    });
  }
  return found;
}

}  // namespace

SeenCopyReport copy_seen(const GalleryStore& from, GalleryStore& to, EmbeddingFormat format,
                         const Progress& progress) {
  std::vector<SeenGroup> groups = from.seen().groups();
  std::ranges::sort(groups, {}, &SeenGroup::id);
  std::multimap<Key, std::int64_t> known;  // groups of the copy, by their faces
  if (!groups.empty()) {
    for (const SeenGroup& group : to.seen().groups()) {
      for (const SeenFace& face : to.seen().faces(group.id)) known.emplace(key_of(face), group.id);
    }
  }
  SeenCopyReport report;
  std::size_t done = 0;
  for (const SeenGroup& group : groups) {
    report_progress(progress, ++done, groups.size());
    const GroupCopy original = read_group(from.seen(), group.id);
    std::set<std::int64_t> places;
    std::vector<NewSeenFace> missing;
    for (std::size_t i = 0; i < original.faces.size(); ++i) {
      const auto found = known.find(key_of(original.faces[i]));
      if (found == known.end()) {
        missing.push_back(as_new(original, i));
      } else {  // a face for a face: without a photo two may have the same key
        places.insert(found->second);
        known.erase(found);
      }
    }
    const std::int64_t into = places.empty() ? 0 : *places.begin();
    if (!missing.empty()) places.insert(to.seen().put(group, missing, into));
    std::vector<GroupCopy> copies;
    bool full = false;  // of more the smallest are not kept
    for (const std::int64_t place : places) {
      copies.push_back(read_group(to.seen(), place));
      full = full || copies.back().faces.size() >= static_cast<std::size_t>(kMostFacesOfGroup);
    }
    const std::size_t count = count_same(original, copies, format);
    if (count < original.faces.size() && !full) {
      throw Error(ErrorCode::kDataInvalid, to.name() + ": of a group without a name " +
                                               std::to_string(original.faces.size() - count) +
                                               " faces are not as in " + from.name());
    }
    report.faces += count;
    report.added += std::min(missing.size(), count);
  }
  return report;
}

}  // namespace likeness
