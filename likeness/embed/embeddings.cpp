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

double squared_length(std::span<const float> values) {
  constexpr std::size_t kSums = 8;  // which do not wait for each other
  double sums[kSums] = {};
  std::size_t j = 0;
  for (; j + kSums <= values.size(); j += kSums) {
    for (std::size_t k = 0; k < kSums; ++k)
      sums[k] += static_cast<double>(values[j + k]) * static_cast<double>(values[j + k]);
  }
  for (; j < values.size(); ++j) sums[0] += static_cast<double>(values[j]) * static_cast<double>(values[j]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

void dots(const Embeddings& rows, std::span<const float> other, std::span<double> products) {
  assert(rows.dimension == other.size() && rows.size() == products.size());
  std::size_t done = 0;
  // Sums of several rows do not wait for each other.
  const auto together = [&]<std::size_t kCount>() {
    for (; done + kCount <= rows.size(); done += kCount) {
      const float* first = rows[done].data();
      double sums[kCount] = {};
      for (std::size_t j = 0; j < other.size(); ++j) {
        const double value = other[j];
        for (std::size_t k = 0; k < kCount; ++k) sums[k] += value * first[k * rows.dimension + j];
      }
      std::copy_n(sums, kCount, products.begin() + static_cast<std::ptrdiff_t>(done));
    }
  };
  together.operator()<8>();
  together.operator()<4>();
  together.operator()<2>();
  together.operator()<1>();
}

}  // namespace likeness
