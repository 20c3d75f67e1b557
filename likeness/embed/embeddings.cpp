#include "likeness/embed/embeddings.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace likeness {

void l2_normalize(Embeddings& embeddings) {
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    // Divided in single precision as NumPy does: an SVM's path to its solution, though hardly the solution,
    // hangs on the last bit.
    const auto length = static_cast<float>(std::sqrt(dot(embeddings[i], embeddings[i])));
    if (length == 0) continue;
    for (std::size_t j = 0; j < embeddings.dimension; ++j) {
      float& value = embeddings.values[i * embeddings.dimension + j];
      value /= length;
    }
  }
}

double dot(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += static_cast<double>(a[j]) * b[j];
  return sum;
}

void dots(const Embeddings& rows, std::span<const float> other, std::span<double> products) {
  assert(rows.dimension == other.size() && rows.size() == products.size());
  constexpr std::size_t kTogether = 8;  // sums that do not wait for each other
  const std::size_t whole = rows.size() / kTogether * kTogether;
  for (std::size_t i = 0; i < whole; i += kTogether) {
    const float* first = rows[i].data();
    double sums[kTogether] = {};
    for (std::size_t j = 0; j < other.size(); ++j) {
      const double value = other[j];
      for (std::size_t k = 0; k < kTogether; ++k) sums[k] += value * first[k * rows.dimension + j];
    }
    std::copy_n(sums, kTogether, products.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (std::size_t i = whole; i < rows.size(); ++i) products[i] = dot(rows[i], other);
}

}  // namespace likeness
