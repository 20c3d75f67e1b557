#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/gallery/face_source.h"
#include "likeness/gallery/gallery_view.h"
#include "likeness/gallery/store.h"

// What a process without faces asks those that hold a share of them, and what they answer: bytes, numbers
// little-endian, one behind another (docs/scale.md, "Larger than one memory"). Either side believes nothing
// of the other's.

namespace likeness {

enum class ShardAsk : std::uint32_t {
  kCount = 0,   ///< How many faces there are.
  kNear = 1,    ///< FaceSource::near()
  kPeople = 2,  ///< FaceSource::people()
  kPerson = 3,  ///< FaceSource::person()
};

struct ShardRequest {
  /// Most queries and people of one request.
  static constexpr std::size_t kMostQueries = 64;
  static constexpr std::size_t kMostPeople = 256;

  ShardAsk ask = ShardAsk::kCount;
  std::string identity;               ///< GalleryStore::identity()
  std::uint64_t version = 0;          ///< The answer shall have at least.
  std::uint32_t count = 0;            ///< kNear: faces for each query.
  std::uint32_t candidates = 0;       ///< kNear: SearchIndex::search_share()
  Embeddings queries{};               ///< kNear, and one of kPerson: as they are compared.
  std::vector<AskedPerson> people{};  ///< kPeople, and one of kPerson.
};

struct ShardAnswer {
  Shard shard;
  std::string identity;
  std::uint64_t version = 0;
  std::uint64_t faces = 0;            ///< That this shard holds.
  std::vector<NearShare> near{};      ///< kNear: for each query.
  std::vector<FaceVectors> people{};  ///< kPeople, kPerson: for each person asked for.
};

[[nodiscard]] std::string to_bytes(const ShardRequest& request);
/// @throws std::invalid_argument for what is no request about embeddings of this dimension.
[[nodiscard]] ShardRequest shard_request_from(std::string_view bytes, std::size_t dimension);

/// What `view`, which holds the faces of `shard`, answers.
[[nodiscard]] std::string answer_bytes(const ShardRequest& request, const GalleryView& view, Shard shard,
                                       const std::string& identity);
/// Most bytes of an answer to `request`.
[[nodiscard]] std::size_t most_answer_bytes(const ShardRequest& request, std::size_t dimension);
/// Only what can be the answer of `shard` to `request`: its own faces, in their order, numbers that are
/// finite and no larger than those of unit vectors. @throws std::invalid_argument in words.
[[nodiscard]] ShardAnswer shard_answer_from(std::string_view bytes, const ShardRequest& request, Shard shard,
                                            std::size_t dimension);

}  // namespace likeness
