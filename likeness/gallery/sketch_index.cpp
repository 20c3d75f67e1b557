#include "likeness/gallery/sketch_index.h"

#include <algorithm>
#include <stdexcept>

namespace likeness {
namespace {

void sketch(const std::int8_t* values, std::size_t count, std::byte* bits) {
  for (std::size_t first = 0; first < count; first += 8) {
    unsigned eight = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(8, count - first); ++i) {
      eight |= (values[first + i] < 0 ? 1U : 0U) << i;
    }
    bits[first / 8] = static_cast<std::byte>(eight);
  }
}

/// Runs work(part) for every part, one of them on this thread.
template <typename Work>
void in_parts(std::size_t parts, const Work& work) {
  std::vector<std::thread> helpers;
  for (std::size_t part = 1; part < parts; ++part) helpers.emplace_back(work, part);
  work(0);
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace

void SketchIndex::sketch_new_rows() {
  while (sketches_.size() < rows_.size()) {
    const std::size_t row = sketches_.size();
    sketch(reinterpret_cast<const std::int8_t*>(rows_[row]), options_.dimension, sketches_.append());
  }
}

void SketchIndex::add(std::int64_t face, std::span<const float> embedding) {
  ExactIndex::add(face, embedding);
  sketch_new_rows();
}

std::vector<Neighbour> SketchIndex::nearest(std::span<const float> query, std::size_t count) const {
  if (query.size() != options_.dimension) throw std::invalid_argument("a query of another dimension");
  const std::size_t total = rows_.size();
  const std::size_t wanted = std::max(count, static_cast<std::size_t>(options_.search_candidates));
  if (count == 0 || wanted >= total) return nearest_from(0, query, count);
  const auto encoded = aligned_bytes(rows_.row_bytes());
  const float scale = encode(query, encoded.get());
  const auto* values = reinterpret_cast<const std::int8_t*>(encoded.get());
  const auto bits = aligned_bytes(sketches_.row_bytes());
  sketch(values, options_.dimension, bits.get());

  const std::size_t parts =
      std::min(static_cast<std::size_t>(options_.threads), std::max<std::size_t>(1, total / kRowsPerThread));
  const auto first_of = [&](std::size_t part) { return total * part / parts; };
  std::vector<std::uint32_t> distances(total);
  std::vector<std::vector<std::size_t>> counts(parts, std::vector<std::size_t>(options_.dimension + 1));
  in_parts(parts, [&](std::size_t part) {
    for (std::size_t row = first_of(part); row < first_of(part + 1);) {
      const std::size_t left_in_chunk = Rows::kChunkRows - row % Rows::kChunkRows;
      const std::size_t block = std::min({kBlock, first_of(part + 1) - row, left_in_chunk});
      differing_bits(bits.get(), sketches_[row], sketches_.row_bytes(), block, &distances[row]);
      for (std::size_t i = 0; i < block; ++i) ++counts[part][distances[row + i]];
      row += block;
    }
  });
  // The distance within which there are enough candidates; all rows of that distance take part.
  std::size_t within = 0;
  std::uint32_t limit = 0;
  for (;; ++limit) {
    for (const auto& own : counts) within += own[limit];
    if (within >= wanted || limit == options_.dimension) break;
  }
  std::vector<BestNeighbours> best(parts, BestNeighbours(count));
  in_parts(parts, [&](std::size_t part) {
    std::vector<std::size_t> candidates;
    for (std::size_t row = first_of(part); row < first_of(part + 1); ++row) {
      if (distances[row] <= limit && table_.face(row) != FaceTable::kGone) candidates.push_back(row);
    }
    // Vectors lie far apart: some are fetched ahead of the one that is compared.
    constexpr std::size_t kAhead = 8;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (i + kAhead < candidates.size()) {
        const std::byte* next = rows_[candidates[i + kAhead]];
        for (std::size_t byte = 0; byte < rows_.row_bytes(); byte += 64) __builtin_prefetch(next + byte);
      }
      const std::size_t row = candidates[i];
      const auto* other = reinterpret_cast<const std::int8_t*>(rows_[row]);
      const auto product = static_cast<float>(dot_int8(values, other, rows_.row_bytes()));
      best[part].offer({table_.face(row), scale * scales_[row] * product});
    }
  });
  for (std::size_t part = 1; part < parts; ++part) best[0].merge(best[part]);
  return best[0].take();
}

}  // namespace likeness
