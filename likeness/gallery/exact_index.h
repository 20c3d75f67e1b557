#pragma once

#include <algorithm>
#include <cstring>
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

  std::vector<Neighbour> nearest(std::span<const float> query, std::size_t count) const override {
    return nearest_from(0, query, count);
  }

 protected:
  friend class IndexFile;
  /// Looks at the rows from `first_row` on.
  std::vector<Neighbour> nearest_from(std::size_t first_row, std::span<const float> query,
                                      std::size_t count) const {
    if (query.size() != options_.dimension) throw std::invalid_argument("a query of another dimension");
    if (count == 0) return {};
    const auto encoded = aligned_bytes(rows_.row_bytes());
    const float scale = encode(query, encoded.get());
    const std::size_t useful = std::max<std::size_t>(1, (rows_.size() - first_row) / kRowsPerThread);
    const std::size_t threads = std::min(static_cast<std::size_t>(options_.threads), useful);
    std::vector<BestNeighbours> best(threads, BestNeighbours(count));
    in_parts(threads, [&](std::size_t t) { scan(encoded.get(), scale, first_row, t, threads, best[t]); });
    for (std::size_t t = 1; t < threads; ++t) best[0].merge(best[t]);
    return best[0].take();
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
  void scan(const std::byte* query, float query_scale, std::size_t first_row, std::size_t part,
            std::size_t parts, BestNeighbours& best) const {
    // Each thread reads one contiguous share of the rows.
    const std::size_t count = rows_.size() - first_row;
    const std::size_t end = first_row + count * (part + 1) / parts;
    Product products[kBlock];
    for (std::size_t row = first_row + count * part / parts; row < end;) {
      const std::size_t left_in_chunk = Rows::kChunkRows - row % Rows::kChunkRows;
      const std::size_t block = std::min({kBlock, end - row, left_in_chunk});
      if constexpr (kInt8) {
        dot_rows_int8(reinterpret_cast<const std::int8_t*>(query),
                      reinterpret_cast<const std::int8_t*>(rows_[row]), rows_.row_bytes(), block, products);
      } else {
        dot_rows_f32(reinterpret_cast<const float*>(query), reinterpret_cast<const float*>(rows_[row]),
                     rows_.row_bytes() / sizeof(float), block, products);
      }
      for (std::size_t i = 0; i < block; ++i) {
        const float cosine = query_scale * scales_[row + i] * static_cast<float>(products[i]);
        if (cosine < best.limit() || table_.face(row + i) == FaceTable::kGone) continue;
        best.offer({table_.face(row + i), cosine});
      }
      row += block;
    }
  }
};

}  // namespace likeness
