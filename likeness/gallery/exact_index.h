#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <type_traits>

#include "likeness/embed/byte_values.h"
#include "likeness/gallery/face_table.h"
#include "likeness/gallery/in_parts.h"
#include "likeness/gallery/rows.h"
#include "likeness/gallery/search_index.h"

namespace likeness {

/// Rows a thread must have to be worth starting.
inline constexpr std::size_t kRowsPerThread = 20000;
/// Rows whose products are computed before they are looked at: they stay in the first cache.
inline constexpr std::size_t kBlock = 512;
/// The same where several queries look at the rows: those stay in the second cache too.
inline constexpr std::size_t kSharedBlock = 64;

/// Compares a query with every row. Product is float (rows of floats) or std::int32_t (rows of int8, with a
/// scale each).
template <typename Product>
class ExactIndex : public SearchIndex {
 public:
  static constexpr bool kInt8 = std::is_same_v<Product, std::int32_t>;

  explicit ExactIndex(const IndexOptions& options)
      : options_(options), rows_(options.dimension * (kInt8 ? 1 : sizeof(float))) {}

  void add(std::int64_t face, std::span<const float> embedding) override {
    if (embedding.size() != options_.dimension)
      throw std::invalid_argument("an embedding of another dimension");
    table_.append(face);
    scales_.push_back(encode(embedding, rows_.append()));
  }

  bool remove(std::int64_t face) override { return table_.remove(face); }
  std::size_t size() const override { return table_.size(); }
  std::vector<std::int64_t> faces() const override { return table_.faces(); }
  std::size_t bytes() const override {
    return rows_.bytes() + table_.bytes() + scales_.capacity() * sizeof(float);
  }

  std::vector<std::vector<Neighbour>> search(const Embeddings& queries, std::size_t count,
                                             std::span<const std::int64_t> without) const override {
    require_dimension(queries);
    return compare_all(queries, count, without);
  }

  std::vector<float> vector(std::int64_t face) const override {
    const auto row = table_.row(face);
    if (!row) return {};
    std::vector<float> values(options_.dimension);
    if constexpr (kInt8) {
      const auto* bytes = reinterpret_cast<const std::int8_t*>(rows_[*row]);
      for (std::size_t j = 0; j < values.size(); ++j)
        values[j] = scales_[*row] * static_cast<float>(bytes[j]);
    } else {
      std::memcpy(values.data(), rows_[*row], values.size() * sizeof(float));
    }
    return values;
  }

  std::optional<ByteVector> byte_vector(std::int64_t face) const override {
    const auto row = kInt8 ? table_.row(face) : std::nullopt;
    if (!row) return std::nullopt;
    return ByteVector{scales_[*row], {reinterpret_cast<const std::int8_t*>(rows_[*row]), options_.dimension}};
  }

  std::unique_ptr<SearchIndex> make_empty() const override { return make_index(options_); }

 protected:
  friend class IndexFile;

  void require_dimension(const Embeddings& queries) const {
    if (queries.dimension != options_.dimension) throw std::invalid_argument("a query of another dimension");
  }

  /// Every query with every row.
  std::vector<std::vector<Neighbour>> compare_all(const Embeddings& queries, std::size_t count,
                                                  std::span<const std::int64_t> without) const {
    const std::size_t asked = queries.size();
    std::vector<std::vector<Neighbour>> answers(asked);
    if (count == 0 || asked == 0) return answers;
    const auto encoded = aligned_bytes(asked * rows_.row_bytes());
    std::vector<float> scales;
    for (std::size_t q = 0; q < asked; ++q)
      scales.push_back(encode(queries[q], encoded.get() + q * rows_.row_bytes()));
    const std::size_t useful = std::max<std::size_t>(1, rows_.size() * asked / kRowsPerThread);
    const std::size_t threads = std::min(static_cast<std::size_t>(options_.threads), useful);
    std::vector<std::vector<BestNeighbours>> best(threads, std::vector(asked, BestNeighbours(count)));
    in_parts(threads, [&](std::size_t t) {
      // Each thread reads one contiguous share of the rows.
      const std::size_t first = rows_.size() * t / threads;
      scan(encoded.get(), scales, first, rows_.size() * (t + 1) / threads, without, best[t]);
    });
    for (std::size_t q = 0; q < asked; ++q) {
      for (std::size_t t = 1; t < threads; ++t) best[0][q].merge(best[t][q]);
      answers[q] = best[0][q].take();
    }
    return answers;
  }

  static float encode(std::span<const float> values, std::byte* row) {
    if constexpr (kInt8) {
      return quantize(values, {reinterpret_cast<std::int8_t*>(row), values.size()});
    } else {
      std::memcpy(row, values.data(), values.size_bytes());
      return 1;
    }
  }

  IndexOptions options_;
  Rows rows_;
  FaceTable table_;
  std::vector<float> scales_;

 private:
  /// Rows from `row` to `end`, a block of them at a time with all queries while it is in the cache.
  void scan(const std::byte* queries, std::span<const float> query_scales, std::size_t row, std::size_t end,
            std::span<const std::int64_t> without, std::span<BestNeighbours> best) const {
    const std::size_t most = best.size() == 1 ? kBlock : kSharedBlock;
    Product products[kBlock];
    while (row < end) {
      const std::size_t left_in_chunk = Rows::kChunkRows - row % Rows::kChunkRows;
      const std::size_t block = std::min({most, end - row, left_in_chunk});
      for (std::size_t q = 0; q < best.size(); ++q) {
        multiply(queries + q * rows_.row_bytes(), rows_[row], block, products);
        for (std::size_t i = 0; i < block; ++i) {
          const float cosine = query_scales[q] * scales_[row + i] * static_cast<float>(products[i]);
          if (cosine < best[q].limit()) continue;
          const std::int64_t face = table_.face(row + i);
          if (face != FaceTable::kGone && !std::ranges::binary_search(without, face))
            best[q].offer({face, cosine});
        }
      }
      row += block;
    }
  }

  void multiply(const std::byte* query, const std::byte* rows, std::size_t count, Product* products) const {
    if constexpr (kInt8) {
      dot_rows_int8(reinterpret_cast<const std::int8_t*>(query), reinterpret_cast<const std::int8_t*>(rows),
                    rows_.row_bytes(), count, products);
    } else {
      dot_rows_f32(reinterpret_cast<const float*>(query), reinterpret_cast<const float*>(rows),
                   rows_.row_bytes() / sizeof(float), count, products);
    }
  }
};

}  // namespace likeness
