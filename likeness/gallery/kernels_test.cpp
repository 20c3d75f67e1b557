// Every kernel against plain loops, on every instruction set of this CPU.
#include "likeness/gallery/kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>

#include "likeness/core/on_every_target.h"
#include "likeness/gallery/rows.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

TEST(Kernels, ProductsAgreeWithPlainLoops) {
  on_every_target([] {
    std::mt19937 random(5);
    for (const std::size_t bytes : {64U, 128U, 512U, 1024U}) {
      constexpr std::size_t kCount = 7;
      const auto query = aligned_bytes(bytes);
      const auto rows = aligned_bytes(bytes * kCount);
      for (std::size_t j = 0; j < bytes; ++j) query[j] = static_cast<std::byte>(random() % 255 - 127);
      for (std::size_t j = 0; j < bytes * kCount; ++j) rows[j] = static_cast<std::byte>(random() % 255 - 127);
      const auto* q = reinterpret_cast<const std::int8_t*>(query.get());
      const auto* r = reinterpret_cast<const std::int8_t*>(rows.get());
      std::int32_t out[kCount];
      dot_rows_int8(q, r, bytes, kCount, out);
      for (std::size_t i = 0; i < kCount; ++i) {
        std::int32_t expected = 0;
        for (std::size_t j = 0; j < bytes; ++j) expected += q[j] * r[i * bytes + j];
        EXPECT_EQ(out[i], expected) << bytes << " values, row " << i;
        EXPECT_EQ(dot_int8(q, r + i * bytes, bytes), expected);
      }
    }
  });
}

TEST(Kernels, FloatRowsAgreeWithDoubles) {
  const Embeddings faces = synthetic_faces(9, 1, 512, 3);
  Rows rows(512 * sizeof(float));
  for (std::size_t i = 0; i < faces.size(); ++i) std::memcpy(rows.append(), faces[i].data(), 2048);
  on_every_target([&] {
    float out[9];
    const auto* first = reinterpret_cast<const float*>(rows[0]);
    dot_rows_f32(first, first, 512, 9, out);
    for (std::size_t i = 0; i < faces.size(); ++i) EXPECT_NEAR(out[i], dot(faces[0], faces[i]), 1e-6);
  });
}

TEST(Kernels, TheLargestValuesDoNotOverflow) {
  const auto worst = aligned_bytes(1024);
  std::memset(worst.get(), -127, 1024);
  const auto* values = reinterpret_cast<const std::int8_t*>(worst.get());
  on_every_target([&] { EXPECT_EQ(dot_int8(values, values, 1024), 127 * 127 * 1024); });
}

TEST(Kernels, TransformAgreesWithItsDefinition) {
  on_every_target([] {
    std::mt19937 random(6);
    for (const std::size_t count : {4U, 8U, 16U, 64U, 512U}) {
      const auto memory = aligned_bytes(count * sizeof(float));
      auto* values = reinterpret_cast<float*>(memory.get());
      for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(random() % 255) - 127;
      const std::vector<float> before(values, values + count);
      walsh_hadamard(values, count);
      for (std::size_t i = 0; i < count; ++i) {
        float expected = 0;  // whole numbers: exact
        for (std::size_t j = 0; j < count; ++j) expected += std::popcount(i & j) % 2 ? -before[j] : before[j];
        EXPECT_EQ(values[i], expected) << count << " values, result " << i;
      }
    }
  });
}

TEST(Kernels, NegativeBitsAreThoseBelowZero) {
  const auto memory = aligned_bytes(128 * sizeof(float));
  auto* values = reinterpret_cast<float*>(memory.get());
  for (std::size_t i = 0; i < 128; ++i) values[i] = 1;
  values[0] = values[5] = values[31] = values[63] = values[100] = -1e-30F;
  values[1] = -0.0F;  // not below zero
  on_every_target([&] {
    std::uint64_t words[2] = {1, 1};
    negative_bits(values, 128, words);
    EXPECT_EQ(words[0], 1ULL | 1ULL << 5 | 1ULL << 31 | 1ULL << 63);
    EXPECT_EQ(words[1], 1ULL << 36);
  });
}

TEST(Kernels, SketchesWithinADistanceAgreeWithPlainCounts) {
  on_every_target([] {
    std::mt19937_64 random(7);
    for (const std::size_t words : {1U, 2U, 8U, 33U, 70U}) {  // more than 31: sums beyond a byte
      constexpr std::size_t kBlocks = 5;
      constexpr std::size_t kRows = kBlocks * kSketchBlockRows;
      const auto memory = aligned_bytes(kRows * words * sizeof(std::uint64_t));
      auto* blocks = reinterpret_cast<std::uint64_t*>(memory.get());
      std::vector<std::uint64_t> query(words);
      for (std::uint64_t& word : query) word = random();
      std::vector<std::uint32_t> expected(kRows);
      for (std::size_t row = 0; row < kRows; ++row) {
        for (std::size_t w = 0; w < words; ++w) {
          // Row 3 differs in all bits, row 4 in none.
          const std::uint64_t word = row == 3 ? ~query[w] : row == 4 ? query[w] : random();
          blocks[(row / kSketchBlockRows * words + w) * kSketchBlockRows + row % kSketchBlockRows] = word;
          expected[row] += static_cast<std::uint32_t>(std::popcount(word ^ query[w]));
        }
      }
      const auto bits = static_cast<std::uint32_t>(64 * words);
      EXPECT_EQ(expected[3], bits);
      for (const std::uint32_t limit : {0U, bits / 2, bits - 1, bits}) {
        SketchDistance found[kRows];
        const std::size_t hits = sketches_within(query.data(), blocks, words, kBlocks, limit, found);
        std::size_t next = 0;
        for (std::uint32_t row = 0; row < kRows; ++row) {
          if (expected[row] > limit) continue;
          ASSERT_LT(next, hits) << words << " words within " << limit;
          EXPECT_EQ(found[next].row, row);
          EXPECT_EQ(found[next].bits, expected[row]);
          ++next;
        }
        EXPECT_EQ(next, hits);
      }
    }
  });
}

}  // namespace
}  // namespace likeness
