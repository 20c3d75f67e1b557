#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "likeness/gallery/face_source.h"
#include "likeness/gallery/layer.h"

namespace likeness {

/// The faces of a view that are in this process, in layers: faces' ids rise from each to the next.
class LayeredFaces final : public FaceSource {
 public:
  explicit LayeredFaces(std::vector<std::shared_ptr<const Layer>> layers) : layers_(std::move(layers)) {}

  [[nodiscard]] std::size_t faces() const override;
  [[nodiscard]] std::size_t index_bytes() const override;
  [[nodiscard]] NearFaces near(const Embeddings& queries, std::size_t count) const override;
  /// For each query what near() of all parts can be made of; `candidates` as SearchIndex::search_share() has
  /// it.
  [[nodiscard]] std::vector<NearShare> near_share(const Embeddings& queries, std::size_t count,
                                                  std::size_t candidates) const;
  void people(std::span<const AskedPerson> asked,
              const std::function<void(std::size_t, const FaceVectors&)>& sink) const override;
  [[nodiscard]] FaceVectors person(std::int64_t person, std::span<const float> query) const override;

  /// The faces that people() and person() give.
  [[nodiscard]] std::vector<std::int64_t> faces_asked(const AskedPerson& asked) const;
  [[nodiscard]] std::vector<std::int64_t> faces_asked(std::int64_t person,
                                                      std::span<const float> query) const;
  /// The index that a face is in, if in any; null for one that is younger than all.
  [[nodiscard]] const SearchIndex* index_of(std::int64_t face) const;

 private:
  [[nodiscard]] std::optional<std::int64_t> owner(std::int64_t face) const;
  [[nodiscard]] std::vector<float> vector(std::int64_t face) const;
  [[nodiscard]] std::vector<std::int64_t> faces_of(std::int64_t person, std::size_t most) const;
  [[nodiscard]] FaceVectors vectors_of(std::vector<std::int64_t> faces) const;

  std::vector<std::shared_ptr<const Layer>> layers_;
};

}  // namespace likeness
