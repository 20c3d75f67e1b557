#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// Where a group of seen faces lies.
enum class SeenShelf {
  kUnknown = 0,  ///< Somebody may want to name it.
  kIgnored = 1,  ///< Nobody wants to; the same face, seen again, goes here too.
};

/// A face that was looked for and stayed without a name.
struct NewSeenFace {
  std::span<const float>
      embedding;  ///< As the model gives it: unit length, EmbeddingSpace::dimension values.
  Box box;
  FaceQuality quality;
  std::string photo_hash;                ///< As NewFace's; may be empty.
  ImageSize photo_size{};                ///< As NewFace's.
  std::int64_t time_ms = 0;              ///< When it was seen: milliseconds since 1970, UTC.
  std::span<const std::byte> crop = {};  ///< A picture of it, encoded, at most kMostCropBytes; may be empty.
};

/// The same as kept, without embedding and picture.
struct SeenFace {
  std::int64_t id = 0;
  std::int64_t group = 0;
  Box box;
  FaceQuality quality;
  std::string photo_hash;
  ImageSize photo_size{};  ///< As StoredFace's.
  std::int64_t time_ms = 0;
  bool has_crop = false;
};

/// Faces that are alike: somebody without a name.
struct SeenGroup {
  std::int64_t id = 0;  ///< Never used twice.
  SeenShelf shelf = SeenShelf::kUnknown;
  std::int64_t sightings = 0;  ///< Faces ever added to it.
  std::int64_t faces = 0;      ///< Of these, kept.
  std::int64_t first_ms = 0;   ///< Of the sightings.
  std::int64_t last_ms = 0;
  std::int64_t exemplar = 0;  ///< The largest of the faces kept.
};

/// What became of a face given to add().
struct AddedSeenFace {
  std::int64_t face = 0;  ///< 0: counted, but not kept: its group has enough larger ones.
  std::int64_t group = 0;
  bool is_new = true;         ///< False: the same photo and box were added before; nothing was changed.
  bool is_new_group = false;  ///< Nobody kept is as alike as the threshold says.
  double cosine = 0;          ///< To the middle of the group; 0 where it is new.
  SeenShelf shelf = SeenShelf::kUnknown;
};

/// Faces kept of a group: of more the smallest go. The middle of so many moves no more.
inline constexpr std::int64_t kMostFacesOfGroup = 50;
/// Groups kept: for a new one the one that was seen longest ago goes, ignored ones last.
inline constexpr std::int64_t kMostGroups = 100'000;

/// Faces that were looked for and stayed without a name, in groups, for somebody to review; in the gallery's
/// file, sealed as the gallery's own values are. Adding compares with the middle of every group, which stay
/// in memory (4 bytes a value). Names and versions of the gallery have nothing to do with it. Threads may
/// share one. Every member throws Error as GalleryStore's; of a gallery of an older format that is opened for
/// reading all is empty.
class SeenStore {
 public:
  virtual ~SeenStore() = default;

  /// Adds the face to the likest group where the cosine to its middle, as the contract compares, is at least
  /// `link_threshold`; else to a new one. @throws std::invalid_argument for an embedding of another dimension
  /// or not of unit length, a picture too large.
  virtual AddedSeenFace add(const NewSeenFace& face, double link_threshold) = 0;
  /// Puts faces that are kept elsewhere there as they are, in one change: into the group `into`, or with 0
  /// into a new one on the shelf of `as`; sightings and times are at least those of `as`. Faces whose photo
  /// and box are known are left out. @returns the group; 0 where none is left for a new one, or there is no
  /// `into`. @throws std::invalid_argument as add().
  virtual std::int64_t put(const SeenGroup& as, std::span<const NewSeenFace> faces, std::int64_t into) = 0;
  /// The one seen last first; `shelf` empty: all.
  [[nodiscard]] virtual std::vector<SeenGroup> groups(std::optional<SeenShelf> shelf = {}) const = 0;
  [[nodiscard]] virtual std::optional<SeenGroup> find_group(std::int64_t group) const = 0;
  /// In the order they were added.
  [[nodiscard]] virtual std::vector<SeenFace> faces(std::int64_t group) const = 0;
  /// Row i is that of faces(group)[i].
  [[nodiscard]] virtual Embeddings embeddings(std::int64_t group) const = 0;
  /// Row i is the middle of the faces of groups[i]: of unit length, zeros where there is no such group.
  [[nodiscard]] virtual Embeddings centres(std::span<const std::int64_t> groups) const = 0;
  [[nodiscard]] virtual std::optional<SeenFace> find_face(std::int64_t face) const = 0;
  /// The picture; empty where there is none.
  [[nodiscard]] virtual std::vector<std::byte> crop(std::int64_t face) const = 0;

  /// These are false where there is no such group or face. With its last face a group goes.
  virtual bool remove_group(std::int64_t group) = 0;
  virtual bool remove_face(std::int64_t face) = 0;
  virtual bool set_shelf(std::int64_t group, SeenShelf shelf) = 0;
  /// Removes faces seen before, and groups without any left; of `shelf` only, where given.
  /// @returns how many faces went.
  virtual std::size_t remove_older_than(std::int64_t time_ms, std::optional<SeenShelf> shelf = {}) = 0;
};

/// The middles of groups, to find the likest. Not for sharing between threads.
class SeenCentres {
 public:
  explicit SeenCentres(std::size_t dimension) : compared_{dimension, {}} {}

  struct Likest {
    std::int64_t group = 0;
    double cosine = 0;
  };
  /// `compared`: as comparisons have it. Of groups that are equally alike the first.
  [[nodiscard]] std::optional<Likest> likest(std::span<const float> compared) const;
  [[nodiscard]] std::size_t size() const { return groups_.size(); }
  void set(std::int64_t group, std::span<const float> compared);
  void remove(std::int64_t group);

 private:
  std::vector<std::int64_t> groups_;  // rising; row i of compared_ is of groups_[i]
  Embeddings compared_;
};

/// The middle of a group's faces: their mean, of unit length.
[[nodiscard]] std::vector<float> centre_of(const Embeddings& faces);

/// @throws std::invalid_argument as SeenStore::add().
void require_seen(const NewSeenFace& face, std::size_t dimension);

}  // namespace likeness
