#include "likeness/embed/embeddings.h"

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

}  // namespace likeness
