#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/core/notice.h"
#include "likeness/core/progress.h"
#include "likeness/gallery/gallery_view.h"
#include "likeness/gallery/search_index.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// Sends one request to every process that holds a shard of a gallery, at once, and gives their answers (at
/// most so many bytes each) in the order of the shards: that of 0/n, of 1/n and so on. Threads call it at
/// once.
/// @throws Error kUnavailable naming the shard that did not answer.
using AskShards = std::function<std::vector<std::string>(const std::string& request, std::size_t most_bytes)>;

struct GalleryOptions {
  bool read_only = false;
  bool may_be_read_only = false;               ///< See OpenOptions.
  int lock_timeout_ms = 5000;                  ///< How long to wait for another process that is writing.
  std::optional<std::string> passphrase = {};  ///< For encrypted galleries; see vault.h.
  /// Empty: exact in floats up to 50,000 faces, int8 up to 200,000, above that sketches.
  std::optional<IndexKind> index = {};
  int threads = 1;  ///< One search may use.
  /// Where an int8 or sketch index lies between runs. Empty: beside a gallery that is a file, see
  /// index_file.h; an empty path: nowhere. Of an encrypted gallery none is kept.
  std::optional<std::filesystem::path> index_file = {};
  /// Where nothing is said of that: a folder for the indexes of galleries at servers, each named by its
  /// gallery's identity, for this user alone. Empty: none is kept.
  std::filesystem::path index_folder = {};
  NoticeSink notice = {};  ///< Is told of an index that cannot be read or saved, and of `may_be_read_only`.
  /// The faces that this process holds and searches. Of a part of them an index is kept only where the
  /// gallery is at a server.
  Shard shard = {};
  /// Where given no face is held here: others have all of them, a shard each, and views ask these. What the
  /// store tells is read as ever.
  AskShards shards = {};
};

/// A store and what is known of it now: the current view. Threads may share one; searching goes on in a view
/// while the next one is made. Made by open_gallery() (open.h). The view is made by the first view() or
/// refresh(), so that a program that only enrols builds no index.
class Gallery {
 public:
  /// Of the options those for opening are the store's. `index`, if any, takes the place of our own: faces
  /// that it holds already are not read again, and more of its kind are made by make_empty(). It is not
  /// saved.
  /// @throws Error kDataInvalid where the store's contract is damaged.
  explicit Gallery(std::unique_ptr<GalleryStore> store, GalleryOptions options = {},
                   std::unique_ptr<SearchIndex> index = {});
  ~Gallery();
  Gallery(Gallery&&) noexcept;
  Gallery& operator=(Gallery&&) noexcept;

  [[nodiscard]] GalleryStore& store();
  [[nodiscard]] const GalleryStore& store() const;

  /// The current view, never null. What was changed through this gallery before the call is in it; changes by
  /// others are in it after refresh(). @throws as refresh() where that has to be done first.
  [[nodiscard]] std::shared_ptr<const GalleryView> view() const;
  /// Follows changes of the store by anybody; costs next to nothing where there are none, else as much as
  /// they are many. The first one reads everything, or the index file and what that lacks. Where it throws
  /// the old view stays, and the next refresh tries again.
  /// @throws Error as the store does; kStopped.
  void refresh(const Progress& progress = {}) const;

  /// As refresh() and view(); where the store is out of reach (kUnavailable) the view that is there, and that
  /// is stale() then. @throws Error as refresh() otherwise, and where there is no view yet.
  [[nodiscard]] std::shared_ptr<const GalleryView> view_or_last() const;
  /// As view_or_last(), once it has `version`: that of one's own write, made through another process. Waits
  /// at most so long for a store that is out of reach, or behind (GalleryStore::may_lag()). @throws Error
  /// kUnavailable where it still is; std::invalid_argument for a version that nobody has made.
  [[nodiscard]] std::shared_ptr<const GalleryView> view_with(std::uint64_t version,
                                                             std::chrono::milliseconds most) const;

  /// Which faces it holds.
  [[nodiscard]] Shard shard() const;
  /// Whether others hold its faces (GalleryOptions::shards).
  [[nodiscard]] bool holds_none() const;
  /// The answer to what another process's view asks this one (AskShards), from a view of the version that it
  /// wants at least; waits at most so long for that. @throws std::invalid_argument for what is no request, or
  /// is about another gallery; Error kUnavailable where the version does not come; as view_or_last().
  [[nodiscard]] std::string answer_as_shard(std::string_view request, std::chrono::milliseconds most) const;

  // Changes, as GalleryStore has them.
  std::vector<AddedFace> add_faces(const std::string& person, std::span<const NewFace> faces);
  std::vector<AddedFace> add_many(std::span<const Enrolment> faces);
  bool remove_person(const std::string& name);
  bool remove_face(std::int64_t face);
  bool rename_person(const std::string& from, const std::string& to);
  bool merge_people(const std::string& from, const std::string& into);
  std::vector<std::int64_t> move_faces(std::span<const std::int64_t> faces, const std::string& person);
  bool reject(std::int64_t person, std::span<const float> embedding, const std::string& photo_hash,
              const Box& box);
  bool remove_rejection(std::int64_t rejection);
  /// GalleryStore::purge() or, unless it is `whole`, purge_removed(); and the index file is written anew
  /// without removed faces, or removed where this gallery keeps no such index. Of a remote gallery that is
  /// only where a face is gone since: the file is removed, and written by keep_index() or, where there was no
  /// view yet, at once; what cannot be written is a notice then, and there is no file. @throws as
  /// GalleryStore::purge(); Error kOutputUnwritable; kStopped.
  void purge(const Progress& progress = {}, bool whole = false);
  /// Where others removed a face of a remote gallery, the refresh that follows takes the index file away at
  /// once. This writes it anew, without such faces, from the view that is there; else it does nothing. It may
  /// take as long as writing the index does, and nobody waits for it.
  void keep_index() const;
  /// Kept as a note of the store; the next view has it.
  void set_calibration(const Calibration& calibration);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A face of somebody who should not be enrolled.
struct Stranger {
  std::span<const float> embedding;
  std::string person;  ///< Folder or name; faces of one person are resampled together.
  std::string photo;
  std::string photo_hash;  ///< May be empty.
};

/// A stranger and the enrolled person he or she is taken for most easily: perhaps the same person.
struct LookAlike {
  std::string person;
  std::string photo;
  PersonMatch enrolled;
};

struct CalibrationReport {
  Calibration calibration;
  std::vector<LookAlike> look_alikes;  ///< Most alike first, at most ten.
  std::size_t same_name = 0;           ///< Strangers left out because somebody of that name is enrolled.
  std::size_t same_photo = 0;          ///< Because the photo itself is enrolled.
};

/// Calibrates against `strangers`; mates are the gallery's own faces, each against the others of its person.
/// Names are compared without case, '_' as a space. @throws Error kDataInvalid as calibrate() does; kStopped.
[[nodiscard]] CalibrationReport calibrate_with(const GalleryView& gallery,
                                               std::span<const Stranger> strangers,
                                               const CalibrationOptions& options,
                                               const Progress& progress = {});

/// Calibrates with the gallery alone: each person's faces are strangers to all the others.
[[nodiscard]] CalibrationReport calibrate_by_leaving_out(const GalleryView& gallery,
                                                         const CalibrationOptions& options,
                                                         const Progress& progress = {});

}  // namespace likeness
