#include "likeness/gallery/layer.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <stdexcept>
#include <tuple>

namespace likeness {
namespace {

bool by_person(const FaceOwner& a, const FaceOwner& b) {
  return std::tie(a.person, a.face) < std::tie(b.person, b.face);
}

/// A person's part of a list that is sorted by person. Not std::ranges::equal_range(), whose result clang 14
/// cannot read.
std::span<const FaceOwner> faces_of(std::span<const FaceOwner> sorted, std::int64_t person) {
  const auto first = std::ranges::lower_bound(sorted, person, {}, &FaceOwner::person);
  const auto last = std::ranges::upper_bound(sorted, person, {}, &FaceOwner::person);
  return {first, last};
}

/// Owners of faces that both lists name are taken from `newer`.
std::vector<FaceOwner> overlaid(std::span<const FaceOwner> older, std::span<const FaceOwner> newer) {
  std::vector<FaceOwner> both;
  both.reserve(older.size() + newer.size());
  std::ranges::set_union(newer, older, std::back_inserter(both), {}, &FaceOwner::face, &FaceOwner::face);
  return both;
}

}  // namespace

std::shared_ptr<const Layer::Owners> Layer::sorted(std::vector<FaceOwner> by_face) {
  Owners owners{std::move(by_face), {}};
  owners.by_person = owners.by_face;
  std::ranges::sort(owners.by_person, likeness::by_person);
  return std::make_shared<const Owners>(std::move(owners));
}

Layer::Layer(std::shared_ptr<const SearchIndex> index, std::vector<FaceOwner> owners)
    : index_(std::move(index)) {
  const std::vector<std::int64_t> faces = index_->faces();
  auto owner = owners.begin();
  for (const std::int64_t face : faces) {
    if (owner != owners.end() && owner->face == face) {
      ++owner;
    } else {
      removed_.push_back(face);
    }
  }
  if (owner != owners.end()) throw std::invalid_argument("an owner of a face that the index lacks");
  owners_ = sorted(std::move(owners));
}

std::optional<std::int64_t> Layer::owner(std::int64_t face) const {
  if (std::ranges::binary_search(removed_, face)) return std::nullopt;
  for (const std::vector<FaceOwner>* owners : {&moved_, &owners_->by_face}) {
    const auto found = std::ranges::lower_bound(*owners, face, {}, &FaceOwner::face);
    if (found != owners->end() && found->face == face) return found->person;
  }
  return std::nullopt;
}

void Layer::append_faces_of(std::int64_t person, std::size_t most, std::vector<std::int64_t>& faces) const {
  const auto first = static_cast<std::ptrdiff_t>(faces.size());
  const auto moved = faces_of(moved_to_, person);
  for (std::size_t i = 0; i < std::min(most, moved.size()); ++i) faces.push_back(moved[i].face);
  std::size_t left = most;
  for (const FaceOwner& one : faces_of(owners_->by_person, person)) {
    if (left == 0) break;
    if (std::ranges::binary_search(removed_, one.face) ||
        std::ranges::binary_search(moved_, one.face, {}, &FaceOwner::face))
      continue;
    faces.push_back(one.face);
    --left;
  }
  if (!moved.empty()) std::sort(faces.begin() + first, faces.end());
}

std::vector<FaceOwner> Layer::owners() const {
  std::vector<FaceOwner> owners = moved_.empty() ? owners_->by_face : overlaid(owners_->by_face, moved_);
  if (!removed_.empty()) {
    std::erase_if(owners,
                  [&](const FaceOwner& one) { return std::ranges::binary_search(removed_, one.face); });
  }
  return owners;
}

Layer Layer::with(std::span<const FaceChange> changes) const {
  Layer next = *this;
  std::vector<std::int64_t> gone;
  std::vector<FaceOwner> moved;
  for (const FaceChange& change : changes) {
    if (change.person) {
      moved.push_back({change.face, *change.person});
    } else {
      gone.push_back(change.face);
    }
  }
  if (!gone.empty()) {
    next.removed_.clear();
    std::ranges::set_union(removed_, gone, std::back_inserter(next.removed_));
  }
  next.moved_ = overlaid(moved_, moved);
  std::erase_if(next.moved_,
                [&](const FaceOwner& one) { return std::ranges::binary_search(gone, one.face); });
  // Many: the lists are made anew, so that a copy stays cheap.
  if (next.moved_.size() * 4 > owners_->by_face.size()) {
    next.owners_ = sorted(next.owners());
    next.moved_.clear();
  }
  next.moved_to_ = next.moved_;
  std::ranges::sort(next.moved_to_, by_person);
  return next;
}

}  // namespace likeness
