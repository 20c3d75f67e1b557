#include "likeness/gallery/store.h"

#include <algorithm>
#include <thread>

#include "likeness/gallery/row_values.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {

std::vector<AddedFace> GalleryStore::add_many(std::span<const Enrolment> faces) {
  for (const Enrolment& one : faces) {
    (void)checked_name(one.person);
    require_faces(std::span(&one.face, 1), space().dimension);
    (void)from_hex(one.face.photo_hash, "photo_hash");
  }
  std::vector<AddedFace> added;
  for (const Enrolment& one : faces) added.push_back(add_faces(one.person, std::span(&one.face, 1)).at(0));
  return added;
}

void GalleryStore::read_pieces(std::span<const FaceOwner> faces,
                               const std::function<void(FaceEmbeddings)>& sink) const {
  constexpr std::size_t kAtOnce = 1000;
  std::vector<std::int64_t> ids;
  for (std::size_t first = 0; first < faces.size(); first += kAtOnce) {
    ids.clear();
    for (const FaceOwner& one : faces.subspan(first, std::min(kAtOnce, faces.size() - first)))
      ids.push_back(one.face);
    sink(embeddings(ids));
  }
}

bool GalleryStore::wait_for_change(std::uint64_t known, std::chrono::milliseconds most) const {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kBetween(50);
  const Clock::time_point end = Clock::now() + most;
  while (version() == known) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    std::this_thread::sleep_for(std::min(left, kBetween));
  }
  return true;
}

}  // namespace likeness
