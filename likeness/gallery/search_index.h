#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness {

struct Neighbour {
  std::int64_t face = 0;
  float cosine = 0;
};

/// A vector that an index keeps in bytes: SearchIndex::vector() is scale * values[j].
struct ByteVector {
  float scale = 0;
  std::span<const std::int8_t> values;  ///< Lives as long as the index, which nobody changes.
};

/// What an index of some of a gallery's faces has to tell, for one query, that the answer of one index of all
/// can be made of it. Where candidates come by a rough distance (sketches) that one takes those within the
/// least distance that gives enough, which no part knows.
struct CandidateShare {
  struct Candidate : Neighbour {
    std::uint32_t distance = 0;
  };
  /// In no order: for any distance the `count` nearest of those within it, and perhaps more.
  std::vector<Candidate> nearest;
  /// counts[d] faces have the distance d; farther ones were not looked at. Empty: every face was compared.
  std::vector<std::uint32_t> counts;
};

/// Exact answers from floats, exact answers from int8 (cosines within .005), or most of the right answers
/// from sketches of int8 vectors, at most 512 bits each. The numbers stand in index files.
enum class IndexKind { kExactF32 = 0, kExactInt8 = 1, kSketch = 3 };

struct IndexOptions {
  IndexKind kind = IndexKind::kExactF32;
  std::size_t dimension = 0;
  int threads = 1;              ///< One search may use.
  int search_candidates = 200;  ///< kSketch: faces compared by their vectors.
};

/// Finds the faces nearest to a query, and keeps their vectors. Derived from the gallery, never the truth: it
/// can be built anew any time. Threads may search together; adding and removing need the index alone. One of
/// another library may take the place of these (Gallery).
class SearchIndex {
 public:
  virtual ~SearchIndex() = default;

  /// `face` ids must rise from call to call; `embedding` is of unit length. Found at once.
  virtual void add(std::int64_t face, std::span<const float> embedding) = 0;
  /// False where it is not there.
  virtual bool remove(std::int64_t face) = 0;
  /// For each query up to `count` faces, nearest first; of equal cosines the older face first. Fewer where
  /// there are not so many faces. Faces in `without`, which rises, are passed over.
  /// @throws std::invalid_argument for queries of another dimension.
  [[nodiscard]] virtual std::vector<std::vector<Neighbour>> search(
      const Embeddings& queries, std::size_t count, std::span<const std::int64_t> without = {}) const = 0;
  /// The same for one query.
  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query, std::size_t count) const;
  /// For each query this index's share of an answer. `candidates`: so many are to be within the distance that
  /// is looked at; 0: as many as search() takes. As it is made for indexes that compare every face.
  [[nodiscard]] virtual std::vector<CandidateShare> search_share(
      const Embeddings& queries, std::size_t count, std::size_t candidates,
      std::span<const std::int64_t> without = {}) const;
  /// A face as the index has it: of unit length, rounded where the index rounds. Empty where it is not there.
  [[nodiscard]] virtual std::vector<float> vector(std::int64_t face) const = 0;
  /// The same in bytes; empty where the index keeps none, or the face is not there.
  [[nodiscard]] virtual std::optional<ByteVector> byte_vector(std::int64_t /*face*/) const { return {}; }
  /// Faces that can be found.
  [[nodiscard]] virtual std::size_t size() const = 0;
  /// Faces in it, rising.
  [[nodiscard]] virtual std::vector<std::int64_t> faces() const = 0;
  /// Memory held, in bytes.
  [[nodiscard]] virtual std::size_t bytes() const = 0;
  /// Another one of the same kind and options, without faces.
  [[nodiscard]] virtual std::unique_ptr<SearchIndex> make_empty() const = 0;
};

/// An empty index. @throws std::invalid_argument for options out of range.
[[nodiscard]] std::unique_ptr<SearchIndex> make_index(const IndexOptions& options);

/// "exact", "int8", "sketch"; and back, empty where there is no such kind.
[[nodiscard]] std::string_view to_string(IndexKind kind);
[[nodiscard]] std::optional<IndexKind> index_kind_from(std::string_view name);

}  // namespace likeness
