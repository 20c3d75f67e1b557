#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "likeness/gallery/face_source.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/shard_messages.h"

namespace likeness {

/// Asks the shards of a gallery and reads their answers. Threads may share one.
class ShardCaller {
 public:
  ShardCaller(AskShards ask, std::string identity, std::size_t dimension)
      : ask_(std::move(ask)), identity_(std::move(identity)), dimension_(dimension) {}

  /// Every shard's answer, in their order. `request` gets the gallery's identity.
  /// @throws Error as AskShards; kDataInvalid naming the shard whose answer is none.
  [[nodiscard]] std::vector<ShardAnswer> ask(ShardRequest request) const;
  /// Faces of all shards as their last answers said.
  [[nodiscard]] std::size_t faces() const { return faces_; }
  [[nodiscard]] std::size_t dimension() const { return dimension_; }

 private:
  AskShards ask_;
  std::string identity_;
  std::size_t dimension_;
  mutable std::atomic<std::size_t> faces_ = 0;
};

/// The faces of a view that are in other processes: asks all of them, and puts together what one process that
/// held all would answer, to the bit where their indexes are exact.
class ShardedFaces final : public FaceSource {
 public:
  /// Answers are of `version` at least.
  ShardedFaces(std::shared_ptr<const ShardCaller> shards, std::uint64_t version)
      : shards_(std::move(shards)), version_(version) {}

  [[nodiscard]] std::size_t faces() const override { return shards_->faces(); }
  [[nodiscard]] std::size_t index_bytes() const override { return 0; }
  [[nodiscard]] NearFaces near(const Embeddings& queries, std::size_t count) const override;
  void people(std::span<const AskedPerson> asked,
              const std::function<void(std::size_t, const FaceVectors&)>& sink) const override;
  [[nodiscard]] FaceVectors person(std::int64_t person, std::span<const float> query) const override;

 private:
  std::shared_ptr<const ShardCaller> shards_;
  std::uint64_t version_;
};

}  // namespace likeness
