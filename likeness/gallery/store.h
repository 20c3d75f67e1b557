#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/notice.h"
#include "likeness/embed/embedding_space.h"
#include "likeness/embed/embeddings.h"
#include "likeness/image/geometry.h"
#include "likeness/image/read_image.h"

namespace likeness {

/// How embeddings lie in the store: kF32 exact; kInt8 a quarter of the size, cosines within about .005.
enum class EmbeddingFormat { kF32, kInt8 };

/// Measured properties of an enrolled face; see face_review.h for what they mean.
struct FaceQuality {
  float size_px = 0;
  float sharpness = 0;
  float brightness = 0;
  float yaw = 0;
  float score = 0;  ///< The detector's, in [0, 1].
};

/// Most bytes of a face's picture.
inline constexpr std::size_t kMostCropBytes = std::size_t{1} << 20;

/// A face to be enrolled.
struct NewFace {
  std::string photo;       ///< Where it came from, in words; usually a path. May be empty.
  std::string photo_hash;  ///< SHA-256 of the photo's bytes, 64 hexadecimal digits; empty where unknown.
  ImageSize photo_size{};  ///< Of the photo that `box` lies in; zeros where unknown.
  Box box;
  std::array<Point, 5> landmarks{};
  FaceQuality quality;
  std::span<const float> embedding;  ///< Unit length, EmbeddingSpace::dimension values.
  /// A picture of the face, encoded (JPEG as the service keeps it), at most kMostCropBytes; empty: none is
  /// kept.
  std::span<const std::byte> crop = {};
  std::int64_t added_ms = 0;  ///< When it was enrolled, milliseconds since 1970, UTC; 0: now.
};

/// A face and whose it shall be.
struct Enrolment {
  std::string person;
  NewFace face;
};

/// A face as stored, without its embedding.
struct StoredFace {
  std::int64_t id =
      0;  ///< Never used twice; of two faces the one that came with a later version has the higher.
  std::int64_t person = 0;
  std::string photo;
  std::string photo_hash;
  ImageSize photo_size{};  ///< Zeros where unknown: enrolled by an older likeness, or as an embedding alone.
  Box box;
  std::array<Point, 5> landmarks{};
  FaceQuality quality;
  std::int64_t added_ms = 0;  ///< Milliseconds since 1970, UTC.
  bool has_crop = false;      ///< Whether crop() has a picture of it.
};

struct Person {
  std::int64_t id = 0;
  std::string name;
  std::int64_t faces = 0;
};

/// What became of one face given to add_faces().
struct AddedFace {
  std::int64_t id = 0;
  bool is_new = true;        ///< False: this face is enrolled already, as `person`.
  std::string person;        ///< Whom the face belongs to.
  bool photo_known = false;  ///< Another face of the same photo was enrolled before.
};

/// Which face belongs to whom: all that a search index needs to follow the truth.
struct FaceOwner {
  std::int64_t face = 0;
  std::int64_t person = 0;
};

/// One of `of` parts into which a gallery's faces are split by their ids, where one process's memory does not
/// hold all: those whose id modulo `of` is `number`. As it is made: all faces.
struct Shard {
  std::uint32_t number = 0;
  std::uint32_t of = 1;
  [[nodiscard]] bool holds(std::int64_t face) const { return face % of == number; }
};

/// What became of a face: whose it is now.
struct FaceChange {
  std::int64_t face = 0;
  std::optional<std::int64_t> person = {};  ///< Empty: the face is gone.
};

/// All that changed after some version.
struct Changes {
  std::uint64_t version = 0;      ///< Up to which; what changes_since() is asked next time.
  std::vector<FaceChange> faces;  ///< Oldest first; of one face's changes the last counts.
  /// People with another name, and those who are gone; of remote() stores alone, of others names are asked
  /// for when they are wanted.
  std::vector<std::int64_t> renamed = {};
};

/// What an answer tells of a face.
struct FaceEvidence {
  std::int64_t face = 0;
  std::int64_t person = 0;
  std::string name;
  std::string photo;
};

/// Faces with their embeddings: row i of `embeddings` is that of faces[i].
struct FaceEmbeddings {
  std::vector<FaceOwner> faces;
  Embeddings embeddings;
};

/// A face of which somebody said: not this person.
struct Rejection {
  std::int64_t id = 0;
  std::int64_t person = 0;
  std::string photo_hash;
  Box box;
  std::int64_t time_ms = 0;  ///< When it was said: milliseconds since 1970, UTC.
};

/// The same with embeddings: row i of `embeddings` is that of list[i].
struct Rejections {
  std::vector<Rejection> list;
  Embeddings embeddings;
};

class SeenStore;  // seen.h

/// How to make a gallery.
struct CreateOptions {
  EmbeddingFormat format = EmbeddingFormat::kF32;
  /// Encrypts names, photo paths and embeddings with a key derived from this.
  std::optional<std::string> passphrase = {};
};

/// How to open a gallery's store.
struct OpenOptions {
  bool read_only = false;
  /// A gallery at a server that may not be written, for the role's rights or because the server is a standby,
  /// is opened all the same, `notice` is told, and calls that change it throw.
  bool may_be_read_only = false;
  int lock_timeout_ms = 5000;                  ///< How long to wait for another process that is writing.
  std::optional<std::string> passphrase = {};  ///< For encrypted galleries; see vault.h.
  NoticeSink notice = {};
};

/// People and their faces, durably. The one truth: whatever add_faces() and the other changing calls have
/// returned from is there after a crash of the program or the machine. Changes by other processes are seen.
/// sqlite_store.h has the implementation on disk, postgres_store.h one at a server, memory_store.h one that
/// is gone with the program; only open.h knows which is behind a name. Threads may share one: calls wait for
/// each other. Every member throws Error: kDataInvalid (damaged), kUnavailable (locked by somebody else for
/// too long), kOutputUnwritable (disk full, read-only). Versions are made one after another, also by several
/// processes: when version n can be read, n - 1 can, and the faces that came with n have higher ids than all
/// that came before. Who knows the gallery in version n lacks nothing but what changes_since(n) tells. Names
/// of people are kept in composed letters (NFC) and without blanks at their ends, and are found however they
/// are given; galleries of an older likeness may hold others, which are found by their bytes first.
class GalleryStore {
 public:
  virtual ~GalleryStore() = default;

  [[nodiscard]] virtual const EmbeddingSpace& space() const = 0;
  [[nodiscard]] virtual EmbeddingFormat format() const = 0;
  [[nodiscard]] virtual bool encrypted() const = 0;
  /// Names this gallery for files derived from it; made once at random.
  [[nodiscard]] virtual std::string identity() const = 0;
  /// What errors call it: a path, or the like.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Enrols `faces` as one person, who is made where new; all or none. A face is known already where the same
  /// photo has the same box or embedding, whoever it belongs to, and where the person has its embedding and
  /// one of the two came without a photo. Where a photo comes again, its faces whose photo's size is not
  /// known learn it, which is no change that is counted. Cost does not depend on how many faces there are,
  /// but for this person's. @throws std::invalid_argument for an empty or blank name, a wrong dimension,
  /// values not of unit length.
  virtual std::vector<AddedFace> add_faces(const std::string& person, std::span<const NewFace> faces) = 0;
  /// The same for many people at once, as one change; in the order given, one answer each. For thousands of
  /// faces it costs much less than one by one. @throws std::invalid_argument as add_faces(): then nobody is
  /// enrolled.
  virtual std::vector<AddedFace> add_many(std::span<const Enrolment> faces);
  /// False where there is no such person or face.
  virtual bool remove_person(const std::string& name) = 0;
  virtual bool remove_face(std::int64_t face) = 0;
  /// False where there is no `from`. @throws Error kDataInvalid where `to` exists already (merge is meant).
  virtual bool rename_person(const std::string& from, const std::string& to) = 0;
  /// Gives all faces of `from` to `into` and removes `from`; false where one of them does not exist. Of a
  /// face that both have (as add_faces() would know it) the one stays whose photo is known, else the older
  /// one.
  virtual bool merge_people(const std::string& from, const std::string& into) = 0;
  /// Gives faces to `person`, who is made where new; all or none. Faces that are gone, or are the person's
  /// already, are left out; of a face that the person has too one is left, as by merge_people(). Whose last
  /// face goes is gone, as by remove_face(). @returns the faces that moved, rising.
  /// @throws std::invalid_argument for a name as add_faces() does.
  virtual std::vector<std::int64_t> move_faces(std::span<const std::int64_t> faces,
                                               const std::string& person) = 0;

  /// Removed people, faces and names are gone for everybody when the call returns; copies of their bytes stay
  /// in a file until they are overwritten. After this none is in any: the file is made anew and the log of
  /// SQLite emptied. Costs as much as copying the gallery; others read meanwhile and wait to write. Of an
  /// index beside the gallery Gallery::purge() takes care.
  /// @throws Error kUnavailable where somebody reads or writes for too long: then bytes may be left.
  virtual void purge() = 0;
  /// For whoever has just removed somebody while others work: as purge(), but of a large gallery at a server
  /// it keeps nobody waiting, and then bytes stay in its tables until purge() (docs/scale.md).
  virtual void purge_removed() { purge(); }

  /// Everybody, sorted by name.
  [[nodiscard]] virtual std::vector<Person> people() const = 0;
  /// The same without the number of faces, in any order: where there are many, in much less time.
  [[nodiscard]] virtual std::vector<Person> names() const { return people(); }
  /// These people, in the order of their ids; those who are not there are left out.
  [[nodiscard]] virtual std::vector<Person> people(std::span<const std::int64_t> ids) const = 0;
  [[nodiscard]] virtual std::optional<Person> find_person(const std::string& name) const = 0;
  [[nodiscard]] virtual std::optional<Person> find_person(std::int64_t id) const = 0;
  [[nodiscard]] virtual std::int64_t face_count() const = 0;
  /// Faces of one person, or of everybody, in the order they were added.
  [[nodiscard]] virtual std::vector<StoredFace> faces(std::optional<std::int64_t> person = {}) const = 0;
  [[nodiscard]] virtual std::optional<StoredFace> find_face(std::int64_t id) const = 0;
  /// Faces of the photo with this hash.
  [[nodiscard]] virtual std::vector<StoredFace> faces_of_photo(const std::string& photo_hash) const = 0;
  /// Of the faces of a shard; sorted by face.
  [[nodiscard]] virtual std::vector<FaceOwner> owners(Shard shard = {}) const = 0;
  /// Whose these faces are and where they came from, in the order of their ids, by one request; faces that
  /// are gone are left out.
  [[nodiscard]] virtual std::vector<FaceEvidence> evidence(std::span<const std::int64_t> faces) const = 0;
  /// Embeddings of all faces with an id above `after`, rising; unit length. The sink may call this store, and
  /// other threads are served meanwhile: faces that are removed before their turn do not come.
  virtual void read_embeddings(std::int64_t after,
                               const std::function<void(FaceOwner, std::span<const float>)>& sink) const = 0;
  /// One face's embedding; empty where there is no such face.
  [[nodiscard]] virtual std::vector<float> embedding(std::int64_t face) const = 0;
  /// Of many faces, by one request, in the order of their ids; faces that are gone are left out.
  [[nodiscard]] virtual FaceEmbeddings embeddings(std::span<const std::int64_t> faces) const = 0;
  /// Of any number of faces, which rise, a piece at a time: each as in `faces`, or whose it is by now. Other
  /// threads are served meanwhile. Of a remote() store the next piece is on its way while `sink` works.
  virtual void read_pieces(std::span<const FaceOwner> faces,
                           const std::function<void(FaceEmbeddings)>& sink) const;

  /// The picture that a face was enrolled with; empty where none was kept, or there is no such face. It goes
  /// where the face goes. Encrypted where the gallery is.
  [[nodiscard]] virtual std::vector<std::byte> crop(std::int64_t face) const = 0;

  /// "Not this person": naming.h gives a face that is as alike to this one as to the person's own faces no
  /// such name. Said twice, it counts once. Enrolling or moving the same face as the person's takes it back;
  /// merging gives it to the person who is left. It counts as a note. False where there is no such person.
  /// @throws std::invalid_argument for an embedding as add_faces() does.
  virtual bool reject(std::int64_t person, std::span<const float> embedding, const std::string& photo_hash,
                      const Box& box) = 0;
  /// Takes one back; false where it is not there.
  virtual bool remove_rejection(std::int64_t rejection) = 0;
  /// Of one person, or of all, in the order of their ids.
  [[nodiscard]] virtual Rejections rejections(std::optional<std::int64_t> person = {}) const = 0;

  /// Faces that were looked for and stayed without a name.
  [[nodiscard]] virtual SeenStore& seen() = 0;
  [[nodiscard]] virtual const SeenStore& seen() const = 0;

  /// Writes a copy of the gallery as it is at this moment as `path`, complete or not at all, while others
  /// read and write. @throws Error kOutputUnwritable, also where `path` exists; kUnsupported for a gallery
  /// that is no file.
  virtual void backup_to(const std::filesystem::path& path) const = 0;
  /// Makes the gallery what it was when `copy` was made by backup_to(): people, faces, notes, faces without a
  /// name. All or nothing, for everybody, while others read; views follow. Who was removed since is there
  /// again. Ids that were given since are not given again. It takes the copy's size beside the gallery
  /// meanwhile.
  /// @throws Error kInputUnreadable, kDataInvalid where `copy` is no gallery, another's copy, or was changed
  /// since by itself; kUnsupported for a gallery that is no file.
  virtual void restore_from(const std::filesystem::path& copy) = 0;

  /// Small texts that belong to the gallery, such as its calibration.
  [[nodiscard]] virtual std::optional<std::string> note(const std::string& key) const = 0;
  virtual void set_note(const std::string& key, const std::string& text) = 0;
  /// Another number after every set_note() and change of rejections, whoever made it; cheap to ask for.
  [[nodiscard]] virtual std::uint64_t note_version() const = 0;
  /// The same for texts with names in them: encrypted where the gallery is, and no change of note_version().
  [[nodiscard]] virtual std::optional<std::string> private_note(const std::string& key) const = 0;
  virtual void set_private_note(const std::string& key, const std::string& text) = 0;

  /// Counts changes to people and faces, whoever made them: one for each call that changed something. Notes
  /// are apart. Cheap to ask for. Of a file that keeps no count (format 1, opened for reading) it is another
  /// number after every change.
  [[nodiscard]] virtual std::uint64_t version() const = 0;
  /// What changed after `version`. Empty where that is too long ago, or was never a version of this gallery:
  /// then everything has to be compared, owners() with what is known. A renamed person changes no face.
  [[nodiscard]] virtual std::optional<Changes> changes_since(std::uint64_t version) const = 0;

  /// Whether it may be out of reach: then calls throw kUnavailable, and what is known of it goes on being
  /// useful.
  [[nodiscard]] virtual bool remote() const { return false; }
  /// Another number where what is read may be of another history than before, as a server that took another's
  /// place, or was started anew, may have lost changes: then versions say nothing about what was read.
  [[nodiscard]] virtual std::uint64_t history() const { return 0; }
  /// Whether what is read may be older than changes that were acknowledged elsewhere: it is a standby's.
  [[nodiscard]] virtual bool may_lag() const { return false; }
  /// Waits until the version is another than `version`, or `most` is over. True where it is another.
  /// Threads that call other members do not wait for this one.
  [[nodiscard]] virtual bool wait_for_change(std::uint64_t version, std::chrono::milliseconds most) const;

  /// Reads everything and says what is wrong, a line each; empty where all is well.
  [[nodiscard]] virtual std::vector<std::string> check() const = 0;
};

}  // namespace likeness
