#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "likeness/embed/comparison.h"
#include "likeness/gallery/seen.h"

namespace likeness {

/// SeenStore that is gone with the program.
class MemorySeen final : public SeenStore {
 public:
  MemorySeen(const EmbeddingSpace& space, EmbeddingFormat format)
      : space_(space), format_(format), centres_(space.dimension) {}

  AddedSeenFace add(const NewSeenFace& face, double link_threshold) override;
  std::int64_t put(const SeenGroup& as, std::span<const NewSeenFace> faces, std::int64_t into) override;
  std::vector<SeenGroup> groups(std::optional<SeenShelf> shelf) const override;
  std::optional<SeenGroup> find_group(std::int64_t group) const override;
  std::vector<SeenFace> faces(std::int64_t group) const override;
  Embeddings embeddings(std::int64_t group) const override;
  std::optional<SeenFace> find_face(std::int64_t face) const override;
  std::vector<std::byte> crop(std::int64_t face) const override;
  Embeddings centres(std::span<const std::int64_t> groups) const override;
  bool remove_group(std::int64_t group) override;
  bool remove_face(std::int64_t face) override;
  bool set_shelf(std::int64_t group, SeenShelf shelf) override;
  std::size_t remove_older_than(std::int64_t time_ms, std::optional<SeenShelf> shelf) override;

 private:
  using Lock = std::lock_guard<std::recursive_mutex>;
  struct Entry {
    SeenFace face;
    std::vector<float> embedding;
    std::vector<std::byte> crop;
  };
  struct Group {
    SeenGroup group;  // without `faces` and `exemplar`
    std::map<std::int64_t, Entry> faces;
  };

  [[nodiscard]] std::vector<float> compared(std::span<const float> embedding) const;
  [[nodiscard]] static SeenGroup told(const Group& group);
  [[nodiscard]] Group& make_group(std::int64_t time_ms);
  [[nodiscard]] std::optional<SeenFace> find_known(const std::string& hash, const Box& box) const;
  std::int64_t insert(Group& group, const NewSeenFace& face, const std::string& hash);
  /// @returns the one that went; 0: none.
  static std::int64_t drop_smallest(Group& group);
  void settle(std::int64_t group);

  mutable std::recursive_mutex mutex_;  // some members are made of others
  EmbeddingSpace space_;
  EmbeddingFormat format_;
  mutable std::optional<Comparison> comparison_;
  SeenCentres centres_;
  std::map<std::int64_t, Group> groups_;
  std::int64_t last_group_ = 0;
  std::int64_t last_face_ = 0;
};

}  // namespace likeness
