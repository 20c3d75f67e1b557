#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace likeness {

/// n embeddings of d floats each, row by row; component j of embedding i is values[i * dimension + j].
/// A plain value. Unit length unless said otherwise.
struct Embeddings {
  std::size_t dimension = 0;
  std::vector<float> values;

  [[nodiscard]] std::size_t size() const { return dimension == 0 ? 0 : values.size() / dimension; }
  [[nodiscard]] std::span<const float> operator[](std::size_t i) const {
    return std::span(values).subspan(i * dimension, dimension);
  }
};

/// Scales every row to length 1 (L2); zero rows are left alone, as scikit-learn's Normalizer does.
void l2_normalize(Embeddings& embeddings);

/// Dot product; for unit vectors the cosine, in [-1, 1]. Sizes must be equal.
[[nodiscard]] double dot(std::span<const float> a, std::span<const float> b);

/// dot() with itself but for the last digits, in a fifth of the time.
[[nodiscard]] double squared_length(std::span<const float> values);

/// dot() of every row with `other`, bit for bit, in a third of the time. `products`: one a row.
void dots(const Embeddings& rows, std::span<const float> other, std::span<double> products);

}  // namespace likeness
