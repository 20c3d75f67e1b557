#pragma once

#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "likeness/embed/comparison.h"
#include "likeness/gallery/row_values.h"
#include "likeness/gallery/seen.h"
#include "likeness/gallery/sql.h"

namespace likeness {

/// SeenStore in the tables of a gallery; shares the connection of its store.
class SqlSeen final : public SeenStore {
 public:
  /// What it shares with the store, which outlives it. `there`: whether there are such tables.
  struct Shared {
    std::recursive_mutex& mutex;
    sql::Database& database;
    sql::Statements& statement;
    const RowValues& values;
    const EmbeddingSpace& space;
    bool there;
    bool sizes;  ///< Whether they have photos' sizes.
  };
  explicit SqlSeen(const Shared& shared) : shared_(shared) {}

  AddedSeenFace add(const NewSeenFace& face, double link_threshold) override;
  std::int64_t put(const SeenGroup& as, std::span<const NewSeenFace> faces, std::int64_t into) override;
  std::vector<SeenGroup> groups(std::optional<SeenShelf> shelf) const override;
  std::optional<SeenGroup> find_group(std::int64_t group) const override;
  std::vector<SeenFace> faces(std::int64_t group) const override;
  Embeddings embeddings(std::int64_t group) const override;
  Embeddings centres(std::span<const std::int64_t> groups) const override;
  std::optional<SeenFace> find_face(std::int64_t face) const override;
  std::vector<std::byte> crop(std::int64_t face) const override;
  bool remove_group(std::int64_t group) override;
  bool remove_face(std::int64_t face) override;
  bool set_shelf(std::int64_t group, SeenShelf shelf) override;
  std::size_t remove_older_than(std::int64_t time_ms, std::optional<SeenShelf> shelf) override;
  /// Reads everything: what is wrong, a line each.
  void check(std::vector<std::string>& wrong) const;

 private:
  using Lock = std::lock_guard<std::recursive_mutex>;

  void require_tables() const;
  [[nodiscard]] std::vector<float> compared(std::span<const float> embedding) const;
  [[nodiscard]] const SeenCentres& centres();
  [[nodiscard]] std::optional<AddedSeenFace> find_known(const Bytes& hash, const Box& box) const;
  [[nodiscard]] std::int64_t new_group(std::int64_t time_ms);
  /// Beyond those that a group keeps; @returns them.
  std::vector<std::int64_t> drop_smallest(std::int64_t group);
  [[nodiscard]] std::int64_t insert(std::int64_t group, const NewSeenFace& face, const Bytes& hash);
  [[nodiscard]] std::vector<std::int64_t> ids(const char* sql,
                                              std::initializer_list<std::int64_t> bound) const;
  /// By the faces that are left; @returns the middle, empty where the group went with its last face.
  std::vector<float> settle(std::int64_t group);

  Shared shared_;
  mutable std::optional<Comparison> comparison_;
  std::optional<SeenCentres> centres_;  // empty: to be read
  std::int64_t others_commits_ = 0;     // when they were read
};

}  // namespace likeness
