#include "likeness/gallery/sketch_index.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "likeness/gallery/in_parts.h"

namespace likeness {

/// Rows whose sketches are near: all up to the least distance within which there are `wanted`, and some
/// beyond it that were seen while it was not yet known.
struct SketchIndex::Candidates {
  Candidates(std::size_t bits, std::size_t how_many, std::uint32_t first_limit,
             std::span<const std::int64_t> passed_over)
      : wanted(how_many), limit(first_limit), counts(bits + 1), without(passed_over) {}

  void take(SketchDistance one) {
    rows.push_back(one);
    ++counts[one.bits];
    ++within;
    while (within - counts[limit] >= wanted) within -= counts[limit--];
  }

  std::size_t wanted;
  std::uint32_t limit;              // farther rows are not taken
  std::size_t within = 0;           // rows taken at `limit` or nearer
  std::vector<std::size_t> counts;  // of rows taken, by distance
  std::span<const std::int64_t> without;
  std::vector<SketchDistance> rows;
};

/// A query and its candidates, of each thread.
struct SketchIndex::Found {
  std::unique_ptr<std::byte[], AlignedFree> encoded;  // the query, as rows are
  float scale = 0;
  std::vector<Candidates> parts;
  std::uint32_t limit = 0;  // rows beyond it do not count
};

void SketchIndex::add(std::int64_t face, std::span<const float> embedding) {
  const std::size_t row = rows_.size();
  ExactIndex::add(face, embedding);
  std::vector<std::uint64_t> sketch(sketcher_.words());
  sketcher_.sketch({reinterpret_cast<const std::int8_t*>(rows_[row]), options_.dimension}, sketch.data());
  const std::size_t place = row % kSketchBlockRows;
  auto* block =
      reinterpret_cast<std::uint64_t*>(place == 0 ? blocks_.append() : blocks_[row / kSketchBlockRows]);
  for (std::size_t w = 0; w < sketch.size(); ++w) block[w * kSketchBlockRows + place] = sketch[w];
}

void SketchIndex::find_candidates(const std::uint64_t* query, std::size_t first_block, std::size_t end_block,
                                  Candidates& found) const {
  constexpr std::size_t kAtOnce = 64;  // blocks between two looks at the limit
  SketchDistance near[kAtOnce * kSketchBlockRows];
  for (std::size_t block = first_block; block < end_block;) {
    const std::size_t left_in_chunk = Rows::kChunkRows - block % Rows::kChunkRows;
    const std::size_t count = std::min({kAtOnce, end_block - block, left_in_chunk});
    const std::size_t hits = sketches_within(query, reinterpret_cast<const std::uint64_t*>(blocks_[block]),
                                             sketcher_.words(), count, found.limit, near);
    for (SketchDistance one : std::span(near, hits)) {
      one.row += static_cast<std::uint32_t>(block * kSketchBlockRows);
      // The last block may be half empty; and the limit falls while this goes on.
      if (one.row >= rows_.size() || one.bits > found.limit) continue;
      const std::int64_t face = table_.face(one.row);
      if (face != FaceTable::kGone && !std::ranges::binary_search(found.without, face)) found.take(one);
    }
    block += count;
  }
}

std::uint32_t SketchIndex::guess_limit(const std::uint64_t* query, std::size_t wanted) const {
  constexpr std::size_t kMostSampled = 1024;
  const auto all = static_cast<std::uint32_t>(sketcher_.bits());
  const std::size_t blocks = rows_.size() / kSketchBlockRows;  // full ones
  if (blocks < 4 * kMostSampled) return all;
  // Each is a wait for memory: a part of a gallery looks at its part of what all of it would.
  const std::size_t sampled = std::clamp(blocks / 128, kMostSampled / 4, kMostSampled);
  std::vector<std::size_t> counts(sketcher_.bits() + 1);
  SketchDistance distances[kSketchBlockRows];
  for (std::size_t i = 0; i < sampled; ++i) {
    const auto* block = reinterpret_cast<const std::uint64_t*>(blocks_[blocks * i / sampled]);
    const std::size_t hits = sketches_within(query, block, sketcher_.words(), 1, all, distances);
    for (const SketchDistance one : std::span(distances, hits)) ++counts[one.bits];
  }
  // Three deviations more than the share that is wanted.
  const double expected = static_cast<double>(wanted * sampled) / static_cast<double>(blocks);
  const double rank = expected + 3 * std::sqrt(expected) + 3;
  std::uint32_t limit = 0;
  for (double within = static_cast<double>(counts[0]); within < rank && limit < all;)
    within += static_cast<double>(counts[++limit]);
  return limit;
}

std::vector<std::vector<Neighbour>> SketchIndex::search(const Embeddings& queries, std::size_t count,
                                                        std::span<const std::int64_t> without) const {
  require_dimension(queries);
  const std::size_t wanted = std::max(count, static_cast<std::size_t>(options_.search_candidates));
  if (count == 0 || wanted >= rows_.size()) return compare_all(queries, count, without);
  std::vector<std::vector<Neighbour>> answers;
  for (std::size_t q = 0; q < queries.size(); ++q)
    answers.push_back(nearest_of(find(queries[q], wanted, without), wanted, count));
  return answers;
}

std::vector<CandidateShare> SketchIndex::search_share(const Embeddings& queries, std::size_t count,
                                                      std::size_t candidates,
                                                      std::span<const std::int64_t> without) const {
  require_dimension(queries);
  const auto usual = static_cast<std::size_t>(options_.search_candidates);
  if (count == 0 || usual >= rows_.size())
    return ExactIndex::search_share(queries, count, candidates, without);
  std::vector<CandidateShare> shares;
  for (std::size_t q = 0; q < queries.size(); ++q)
    shares.push_back(share_of(find(queries[q], candidates > 0 ? candidates : usual, without), count));
  return shares;
}

SketchIndex::Found SketchIndex::find(std::span<const float> query, std::size_t wanted,
                                     std::span<const std::int64_t> without) const {
  const std::size_t total = rows_.size();
  Found all{.encoded = aligned_bytes(rows_.row_bytes())};
  all.scale = encode(query, all.encoded.get());
  const auto* values = reinterpret_cast<const std::int8_t*>(all.encoded.get());
  std::vector<std::uint64_t> bits(sketcher_.words());
  sketcher_.sketch({values, options_.dimension}, bits.data());

  const std::size_t parts =
      std::min(static_cast<std::size_t>(options_.threads), std::max<std::size_t>(1, total / kRowsPerThread));
  std::vector<Candidates>& found = all.parts;
  const auto find_within = [&](std::uint32_t first_limit) {
    found.assign(parts, Candidates(sketcher_.bits(), wanted, first_limit, without));
    in_parts(parts, [&](std::size_t part) {
      find_candidates(bits.data(), blocks_.size() * part / parts, blocks_.size() * (part + 1) / parts,
                      found[part]);
    });
    // Of all threads together: the least distance within which there are enough. None went below it by
    // itself.
    std::size_t within = 0;
    for (std::uint32_t limit = 0; limit <= first_limit; ++limit) {
      for (const Candidates& own : found) within += own.counts[limit];
      if (within >= wanted) return std::optional(limit);
    }
    return std::optional<std::uint32_t>();
  };
  // A guess saves most of the work on rows that do not stay; too low a one, rare, costs a second look.
  const auto most = static_cast<std::uint32_t>(sketcher_.bits());
  const std::uint32_t guess = guess_limit(bits.data(), wanted);
  auto enough = find_within(guess);
  if (!enough && guess < most) enough = find_within(most);
  all.limit = enough.value_or(most);  // fewer than wanted are left where many were removed
  for (Candidates& own : found)
    std::erase_if(own.rows, [&](SketchDistance one) { return one.bits > all.limit; });
  return all;
}

std::vector<Neighbour> SketchIndex::nearest_of(Found found, std::size_t wanted, std::size_t count) const {
  const std::size_t parts = found.parts.size();
  std::vector<BestNeighbours> best(parts, BestNeighbours(count));
  const auto compare_part = [&](std::size_t part) {
    compare(found, found.parts[part].rows, [&](Neighbour one, std::uint32_t) { best[part].offer(one); });
  };
  // A thread is worth starting for some thousand vectors.
  constexpr std::size_t kFewCandidates = 4000;
  if (wanted > kFewCandidates) {
    in_parts(parts, compare_part);
  } else {
    for (std::size_t part = 0; part < parts; ++part) compare_part(part);
  }
  for (std::size_t part = 1; part < parts; ++part) best[0].merge(best[part]);
  return best[0].take();
}

CandidateShare SketchIndex::share_of(const Found& found, std::size_t count) const {
  CandidateShare share{{}, std::vector<std::uint32_t>(found.limit + 1)};
  std::vector<std::size_t> places(found.limit + 2);
  for (const Candidates& own : found.parts) {
    for (std::uint32_t d = 0; d <= found.limit; ++d)
      share.counts[d] += static_cast<std::uint32_t>(own.counts[d]);
  }
  for (std::uint32_t d = 0; d <= found.limit; ++d) places[d + 1] = places[d] + share.counts[d];
  std::vector<SketchDistance> by_distance(places.back());
  for (const Candidates& own : found.parts) {
    for (const SketchDistance one : own.rows) by_distance[places[one.bits]++] = one;
  }
  // Who is not among the nearest of those within the same distance is not within any larger one.
  BestNeighbours best(count);
  compare(found, by_distance, [&](Neighbour one, std::uint32_t distance) {
    if (one.cosine < best.limit()) return;
    best.offer(one);
    share.nearest.push_back({one, distance});
  });
  return share;
}

template <typename Sink>
void SketchIndex::compare(const Found& found, std::span<const SketchDistance> candidates,
                          const Sink& sink) const {
  const auto* query = reinterpret_cast<const std::int8_t*>(found.encoded.get());
  // Vectors lie far apart: some are fetched ahead of the one that is compared.
  constexpr std::size_t kAhead = 8;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i + kAhead < candidates.size()) {
      const std::byte* next = rows_[candidates[i + kAhead].row];
      for (std::size_t byte = 0; byte < rows_.row_bytes(); byte += 64) __builtin_prefetch(next + byte);
    }
    const std::size_t row = candidates[i].row;
    const auto* other = reinterpret_cast<const std::int8_t*>(rows_[row]);
    const auto product = static_cast<float>(dot_int8(query, other, rows_.row_bytes()));
    sink(Neighbour{table_.face(row), found.scale * scales_[row] * product}, candidates[i].bits);
  }
}

int sketch_candidates(std::size_t faces, std::size_t dimension) {
  // How many strangers come before the right face falls with the bits. Among LFW's faces .3 % of all as
  // candidates by 512 bits, 1.2 % by 256 bits hold it in 996 and more of 1,000 searches (bench/RESULTS.md).
  const std::size_t bits = Sketcher(dimension).bits();
  return static_cast<int>(std::clamp<std::size_t>(faces * 768 / (bits * bits), 1000, 1'000'000));
}

}  // namespace likeness
