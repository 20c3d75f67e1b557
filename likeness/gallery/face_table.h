#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "likeness/gallery/search_index.h"

namespace likeness {

/// Which row of an index holds which face. Removed rows stay, marked by kGone. Ids come rising, so that the
/// table by id is sorted by itself.
class FaceTable {
 public:
  static constexpr std::int64_t kGone = -1;

  /// Row number `rows()` before the call belongs to `face` from now on.
  void append(std::int64_t face) {
    if (face < 0 || (!by_face_.empty() && face <= by_face_.back().face)) {
      throw std::invalid_argument("faces must be added with rising ids");
    }
    by_face_.push_back({face, static_cast<std::uint32_t>(by_row_.size())});
    by_row_.push_back(face);
  }
  bool remove(std::int64_t face) {
    const auto gone = row(face);
    if (!gone) return false;
    by_row_[*gone] = kGone;
    ++gone_;
    return true;
  }
  /// Takes rows as they were saved, which must rise but for removed ones.
  void restore(std::vector<std::int64_t> by_row) {
    by_row_ = std::move(by_row);
    by_face_.clear();
    by_face_.reserve(by_row_.size());
    gone_ = 0;
    for (std::size_t row = 0; row < by_row_.size(); ++row) {
      if (by_row_[row] == kGone) {
        ++gone_;
      } else {
        by_face_.push_back({by_row_[row], static_cast<std::uint32_t>(row)});
      }
    }
  }
  [[nodiscard]] std::int64_t face(std::size_t row) const { return by_row_[row]; }
  /// The row of a face; empty where it is gone or never was.
  [[nodiscard]] std::optional<std::uint32_t> row(std::int64_t face) const {
    const auto found = std::ranges::lower_bound(by_face_, face, {}, &Entry::face);
    const bool here = found != by_face_.end() && found->face == face && by_row_[found->row] != kGone;
    return here ? std::optional(found->row) : std::nullopt;
  }
  [[nodiscard]] std::size_t rows() const { return by_row_.size(); }
  [[nodiscard]] std::size_t size() const { return by_row_.size() - gone_; }
  [[nodiscard]] std::span<const std::int64_t> by_row() const { return by_row_; }
  [[nodiscard]] std::vector<std::int64_t> faces() const {
    std::vector<std::int64_t> faces;
    faces.reserve(size());
    for (const Entry& entry : by_face_) {
      if (by_row_[entry.row] != kGone) faces.push_back(entry.face);
    }
    return faces;
  }
  [[nodiscard]] std::size_t bytes() const {
    return by_row_.capacity() * sizeof(std::int64_t) + by_face_.capacity() * sizeof(Entry);
  }

 private:
  struct Entry {
    std::int64_t face;
    std::uint32_t row;
  };
  std::vector<std::int64_t> by_row_;
  std::vector<Entry> by_face_;
  std::size_t gone_ = 0;
};

/// The best `count` neighbours seen so far.
class BestNeighbours {
 public:
  explicit BestNeighbours(std::size_t count) : count_(count) {}

  /// Only a cosine above this, or equal to it with an older face, can still change the answer.
  [[nodiscard]] float limit() const { return best_.size() < count_ ? -2.0F : best_.front().cosine; }
  void offer(Neighbour candidate) {
    if (count_ == 0) return;
    if (best_.size() == count_) {
      if (!better(candidate, best_.front())) return;
      std::ranges::pop_heap(best_, better);
      best_.pop_back();
    }
    best_.push_back(candidate);
    std::ranges::push_heap(best_, better);
  }
  /// Nearest first.
  [[nodiscard]] std::vector<Neighbour> take() {
    std::ranges::sort(best_, better);
    return std::move(best_);
  }
  void merge(const BestNeighbours& other) {
    for (const Neighbour& neighbour : other.best_) offer(neighbour);
  }

 private:
  static bool better(const Neighbour& a, const Neighbour& b) {
    return a.cosine != b.cosine ? a.cosine > b.cosine : a.face < b.face;
  }
  std::size_t count_;
  std::vector<Neighbour> best_;  // a heap, the worst in front
};

}  // namespace likeness
