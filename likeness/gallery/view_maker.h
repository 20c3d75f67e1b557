#pragma once

#include <memory>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/gallery/gallery_view.h"
#include "likeness/gallery/layer.h"

namespace likeness {

/// Makes indexes for a gallery's layers: of our own kinds, as fits its size, or of a given one.
class IndexMaker {
 public:
  /// `kind` empty: as fits the size. `given`, if any, is asked for more of its kind. `parts`: of how many the
  /// gallery is one; its parts have the kind that all of it would have.
  IndexMaker(std::optional<IndexKind> kind, std::size_t dimension, int threads,
             std::shared_ptr<const SearchIndex> given, std::size_t parts = 1);
  /// Empty, for a gallery of so many faces.
  [[nodiscard]] std::unique_ptr<SearchIndex> make(std::size_t faces) const;
  [[nodiscard]] IndexOptions options(std::size_t faces) const;

 private:
  std::optional<IndexKind> kind_;
  std::size_t dimension_;
  int threads_;
  std::shared_ptr<const SearchIndex> given_;
  std::size_t parts_;
};

/// Layers after these changes, the oldest first; of one face's changes the last counts. New faces are read
/// from the store and become the youngest layer; layers of about one size become one, so that there are few,
/// and a face is moved into a larger one a few times in its life. One of which a quarter is gone is made
/// anew. `parts` keeps its old layers where this throws.
void change_layers(GalleryView::Parts& parts, std::vector<FaceChange> changes, const IndexMaker& indexes,
                   const Progress& progress);

/// What has to change in the layers for `owners`, rising by face, to be all their faces. Empty where that
/// cannot be had by changes: an older face is missing.
[[nodiscard]] std::optional<std::vector<FaceChange>> difference(const GalleryView::Parts& parts,
                                                                std::span<const FaceOwner> owners);

/// One layer of all, without removed faces.
void merge_layers(GalleryView::Parts& parts, const IndexMaker& indexes, const Progress& progress);

}  // namespace likeness
