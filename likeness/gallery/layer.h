#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "likeness/gallery/search_index.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// Some of a view's faces: an index over them that never changes, whose they are, and what has become of them
/// since the index was made. Threads may share one; copying one costs what has become of its faces.
class Layer {
 public:
  /// `owners`, rising by face: the faces of the index that are still there.
  /// @throws std::invalid_argument where the index lacks one of them.
  Layer(std::shared_ptr<const SearchIndex> index, std::vector<FaceOwner> owners);

  [[nodiscard]] const SearchIndex& index() const { return *index_; }
  /// Rising: what a search in the index passes over.
  [[nodiscard]] std::span<const std::int64_t> removed() const { return removed_; }
  /// Faces that can be found.
  [[nodiscard]] std::size_t size() const { return index_->size() - removed_.size(); }
  /// Of the faces it was made of, the one with the highest id.
  [[nodiscard]] std::int64_t last() const {
    return owners_->by_face.empty() ? -1 : owners_->by_face.back().face;
  }

  /// Empty where the face is not here, or gone.
  [[nodiscard]] std::optional<std::int64_t> owner(std::int64_t face) const;
  /// Adds to `faces` those that a person has here, rising; not all where there are more than `most`.
  void append_faces_of(std::int64_t person, std::size_t most, std::vector<std::int64_t>& faces) const;
  /// All faces, rising.
  [[nodiscard]] std::vector<FaceOwner> owners() const;

  /// The same with these faces gone or given to somebody else. They are here, rise, and each comes once.
  [[nodiscard]] Layer with(std::span<const FaceChange> changes) const;

 private:
  struct Owners {
    std::vector<FaceOwner> by_face;
    std::vector<FaceOwner> by_person;  // and by face
  };
  static std::shared_ptr<const Owners> sorted(std::vector<FaceOwner> by_face);

  std::shared_ptr<const SearchIndex> index_;
  std::shared_ptr<const Owners> owners_;  // as they once were
  std::vector<std::int64_t> removed_;
  std::vector<FaceOwner> moved_;     // by face: who has it now
  std::vector<FaceOwner> moved_to_;  // the same by person
};

}  // namespace likeness
