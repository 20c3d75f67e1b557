#include "train/generated.h"

#include <cmath>
#include <span>

#include "train/random.h"

namespace likeness::train {
namespace {

double dot_of(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// `count` random directions at right angles, each of length 1 (Gram and Schmidt).
std::vector<std::vector<double>> directions(std::size_t count, std::size_t dimension, std::uint64_t seed) {
  Random random({seed, kGenerated, 0});
  std::vector<std::vector<double>> axes;
  while (axes.size() < count) {
    std::vector<double> axis(dimension);
    for (double& value : axis) value = random.normal();
    for (const auto& other : axes) {
      const double along = dot_of(axis, other);
      for (std::size_t i = 0; i < dimension; ++i) axis[i] -= along * other[i];
    }
    const double length = std::sqrt(dot_of(axis, axis));
    for (double& value : axis) value /= length;
    axes.push_back(std::move(axis));
  }
  return axes;
}

}  // namespace

GeneratedSet generate_people(const GeneratedOptions& options) {
  const auto dimension = static_cast<std::size_t>(options.dimension);
  const auto identity = static_cast<std::size_t>(options.identity);
  // One more direction for what all have in common.
  const auto axes = directions(identity + 1, dimension, options.space);
  Random random({options.seed, kGenerated, 1});
  GeneratedSet set;
  set.vectors.dimension = dimension;
  std::vector<double> who(identity);
  std::vector<double> vector(dimension);
  for (int person = 0; person < options.people; ++person) {
    for (double& value : who) value = random.normal();
    for (int photo = 0; photo < options.photos; ++photo) {
      for (double& value : vector) value = options.nuisance * random.normal();
      for (std::size_t a = 0; a < axes.size(); ++a) {
        const double wanted = a == identity ? options.offset : who[a] + options.jitter * random.normal();
        const double change = wanted - dot_of(vector, axes[a]);
        for (std::size_t i = 0; i < dimension; ++i) vector[i] += change * axes[a][i];
      }
      for (const double value : vector) set.vectors.values.push_back(static_cast<float>(value));
      set.people.push_back(person);
    }
  }
  l2_normalize(set.vectors);
  return set;
}

}  // namespace likeness::train
