#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "likeness/gallery/change_log.h"
#include "likeness/gallery/known_faces.h"
#include "likeness/gallery/row_values.h"
#include "likeness/gallery/sql.h"
#include "likeness/gallery/sql_meta.h"
#include "likeness/gallery/sql_seen.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// A gallery in a database's tables (docs/gallery_format.md): what changes it is in sql_store.cpp, what reads
/// it in sql_queries.cpp. What concerns it as a whole depends on where the tables are: sqlite_store.cpp,
/// postgres_store.cpp.
class SqlStore : public GalleryStore {
 public:
  /// `format`: of the tables; older ones, opened for reading, have fewer.
  SqlStore(std::unique_ptr<sql::Database> database, int format, const OpenOptions& options)
      : database_(std::move(database)),
        options_{.read_only = options.read_only, .lock_timeout_ms = options.lock_timeout_ms},
        has_rejections_(format >= 3),
        has_sizes_(format >= 5),
        statement_(*database_),
        meta_(*database_, statement_, options),
        values_(*meta_.values) {
    // An older format, opened for reading: no face has a picture.
    if (format < 4)
      database_->execute("CREATE TEMP TABLE face_crop (face_id INTEGER PRIMARY KEY, crop BLOB)");
    if (format >= 2) log_.emplace(*database_, statement_);
    seen_.emplace(
        SqlSeen::Shared{mutex_, *database_, statement_, values_, meta_.space, format >= 3, has_sizes_});
  }

  const EmbeddingSpace& space() const override { return meta_.space; }
  EmbeddingFormat format() const override { return values_.format(); }
  bool encrypted() const override { return values_.encrypted(); }
  std::string identity() const override { return values_.identity(); }
  std::string name() const override { return database_->name(); }

  std::vector<AddedFace> add_faces(const std::string& person, std::span<const NewFace> faces) override;
  std::vector<AddedFace> add_many(std::span<const Enrolment> faces) override;
  bool remove_person(const std::string& name) override;
  bool remove_face(std::int64_t face) override;
  bool rename_person(const std::string& from, const std::string& to) override;
  bool merge_people(const std::string& from, const std::string& into) override;
  std::vector<std::int64_t> move_faces(std::span<const std::int64_t> faces,
                                       const std::string& person) override;
  bool reject(std::int64_t person, std::span<const float> embedding, const std::string& photo_hash,
              const Box& box) override;
  bool remove_rejection(std::int64_t rejection) override;
  Rejections rejections(std::optional<std::int64_t> person) const override;
  SeenStore& seen() override { return *seen_; }
  const SeenStore& seen() const override { return *seen_; }

  std::vector<Person> people() const override;
  std::vector<Person> people(std::span<const std::int64_t> ids) const override;
  std::optional<Person> find_person(const std::string& name) const override;
  std::optional<Person> find_person(std::int64_t id) const override;
  std::int64_t face_count() const override;
  std::vector<StoredFace> faces(std::optional<std::int64_t> person) const override;
  std::optional<StoredFace> find_face(std::int64_t id) const override;
  std::vector<StoredFace> faces_of_photo(const std::string& photo_hash) const override;
  std::vector<FaceOwner> owners(Shard shard) const override;
  std::vector<FaceEvidence> evidence(std::span<const std::int64_t> faces) const override;
  void read_embeddings(std::int64_t after,
                       const std::function<void(FaceOwner, std::span<const float>)>& sink) const override;
  std::vector<float> embedding(std::int64_t face) const override;
  std::vector<std::byte> crop(std::int64_t face) const override;
  FaceEmbeddings embeddings(std::span<const std::int64_t> faces) const override;
  std::optional<std::string> note(const std::string& key) const override;
  void set_note(const std::string& key, const std::string& text) override;
  std::uint64_t note_version() const override;
  std::optional<std::string> private_note(const std::string& key) const override;
  void set_private_note(const std::string& key, const std::string& text) override;
  std::uint64_t version() const override;
  std::optional<Changes> changes_since(std::uint64_t version) const override;
  std::vector<std::string> check() const override;

 protected:
  using Lock = std::lock_guard<std::recursive_mutex>;

  /// Within a change that is counted: adds all the faces at once, where none of them can be known already;
  /// else nothing, and gives nothing.
  virtual std::vector<AddedFace> add_rows(std::span<const std::string> /*people*/,
                                          std::span<const Enrolment> /*faces*/) {
    return {};
  }
  /// Names are read anew: others may be there.
  void forget_names() {
    const Lock lock(mutex_);
    untidy_.reset();
  }

 private:
  using Statement = sql::Statement;
  /// By the photo's hash, what a change that adds faces finds out.
  struct PhotoSizes {
    std::set<std::vector<std::byte>> lacking;          // photos with a face that does not know it
    std::map<std::vector<std::byte>, ImageSize> told;  // of photos that were known and came again
  };

  std::optional<std::int64_t> find_exactly(const std::string& name) const;
  KnownFaces known_faces(std::int64_t person, bool all) const;
  std::optional<std::int64_t> find_known(const NewFace& face, const KnownFaces& own,
                                         std::span<const float> embedding, bool& photo_known,
                                         bool& lacks_size) const;
  std::vector<StoredFace> find_faces(std::span<const std::int64_t> ids) const;
  std::vector<std::int64_t> drop_doubles(std::vector<StoredFace> given, std::int64_t target);
  void remove_if_without_face(std::int64_t person);
  void take_back_rejections(std::int64_t person, std::span<const std::int64_t> faces);
  std::vector<AddedFace> add_to_person(const std::string& person, std::span<const NewFace* const> faces,
                                       PhotoSizes& sizes);
  AddedFace add_face(std::int64_t person, const std::string& name, const NewFace& face, KnownFaces& own,
                     PhotoSizes& sizes);
  std::vector<AddedFace> counted(const std::function<std::vector<AddedFace>(PhotoSizes&)>& add);
  void learn_sizes(const PhotoSizes& sizes);
  StoredFace face_from(const Statement& row) const;
  std::vector<StoredFace> faces_from(Statement& rows) const;
  Person person_from(const Statement& row) const;
  FaceEmbeddings embeddings_from(Statement& rows) const;
  std::uint64_t connection_version() const;

 protected:
  [[nodiscard]] const RowValues& values() const { return values_; }
  [[nodiscard]] ChangeLog& log() { return *log_; }
  std::optional<std::int64_t> find_id(const std::string& name) const;
  std::int64_t person_id(const std::string& name);

  // One connection: calls wait for each other. Recursive, for some members are made of others.
  mutable std::recursive_mutex mutex_;
  const std::unique_ptr<sql::Database> database_;
  const OpenOptions options_;  // for further connections; without the passphrase

 private:
  const bool has_rejections_;  // else of an older format and opened for reading
  const bool has_sizes_;       // the same
  mutable sql::Statements statement_;
  SqlMeta meta_;
  const RowValues& values_;
  mutable std::optional<std::map<std::string, std::int64_t>> untidy_;  // people by what they should be called
  mutable std::optional<ChangeLog> log_;                               // empty: format 1, opened for reading
  std::optional<SqlSeen> seen_;                                        // always there
};

/// For SqlStore::embeddings_from().
inline constexpr const char* kEmbeddingColumns =
    "SELECT id, person_id, photo_hash, box_left, box_top, box_right, box_bottom, embedding FROM face ";

}  // namespace likeness
