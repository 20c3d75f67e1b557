#include "likeness/classify/platt.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace likeness {
namespace {

/// Negative log-likelihood of target t at z = slope * f + offset, without overflow on either side.
double loss_of(double z, double target) {
  return z >= 0 ? target * z + std::log1p(std::exp(-z)) : (target - 1) * z + std::log1p(std::exp(z));
}

}  // namespace

double Sigmoid::operator()(double decision_value) const {
  const double z = slope * decision_value + offset;
  return z >= 0 ? std::exp(-z) / (1 + std::exp(-z)) : 1 / (1 + std::exp(z));
}

Sigmoid fit_sigmoid(std::span<const double> decision_values, std::span<const char> positive) {
  if (decision_values.size() != positive.size() || positive.empty()) {
    throw std::invalid_argument("fit_sigmoid needs as many answers as decision values, and at least one");
  }
  const auto right =
      static_cast<double>(std::count_if(positive.begin(), positive.end(), [](char p) { return p; }));
  const double wrong = static_cast<double>(positive.size()) - right;
  std::vector<double> target(positive.size());
  for (std::size_t i = 0; i < target.size(); ++i)
    target[i] = positive[i] ? (right + 1) / (right + 2) : 1 / (wrong + 2);
  const auto loss = [&](const Sigmoid& s) {
    double sum = 0;
    for (std::size_t i = 0; i < target.size(); ++i)
      sum += loss_of(s.slope * decision_values[i] + s.offset, target[i]);
    return sum;
  };

  Sigmoid sigmoid{0, std::log((wrong + 1) / (right + 1))};
  double current = loss(sigmoid);
  for (int round = 0; round < 100; ++round) {
    // The ridge keeps the matrix invertible where all decision values are equal.
    double h11 = 1e-12, h22 = 1e-12, h21 = 0, g1 = 0, g2 = 0;
    for (std::size_t i = 0; i < target.size(); ++i) {
      const double f = decision_values[i];
      const double p = sigmoid(f);
      const double weight = p * (1 - p);
      h11 += f * f * weight;
      h22 += weight;
      h21 += f * weight;
      g1 += f * (target[i] - p);
      g2 += target[i] - p;
    }
    if (std::abs(g1) < 1e-7 && std::abs(g2) < 1e-7) break;
    const double determinant = h11 * h22 - h21 * h21;
    const double d_slope = -(h22 * g1 - h21 * g2) / determinant;
    const double d_offset = -(h11 * g2 - h21 * g1) / determinant;
    const double descent = g1 * d_slope + g2 * d_offset;
    double step = 1;
    for (; step >= 1e-10; step /= 2) {
      const Sigmoid tried{sigmoid.slope + step * d_slope, sigmoid.offset + step * d_offset};
      const double value = loss(tried);
      if (value >= current + 1e-4 * step * descent) continue;
      sigmoid = tried;
      current = value;
      break;
    }
    if (step < 1e-10) break;
  }
  return sigmoid;
}

std::vector<double> couple_pairs(std::span<const double> pairwise, std::size_t n) {
  // Probabilities of exactly 0 or 1 would leave the system singular; libsvm keeps the same distance.
  constexpr double kEdge = 1e-7;
  const auto r = [&](std::size_t i, std::size_t j) {
    return std::clamp(pairwise[i * n + j], kEdge, 1 - kEdge);
  };
  std::vector<double> q(n * n, 0.0);
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t j = 0; j < n; ++j) {
      if (j == t) continue;
      q[t * n + t] += r(j, t) * r(j, t);
      q[t * n + j] = -r(j, t) * r(t, j);
    }
  }
  std::vector<double> p(n, 1.0 / static_cast<double>(n));
  std::vector<double> qp(n);
  for (std::size_t round = 0; round < std::max<std::size_t>(1000, n); ++round) {
    for (std::size_t t = 0; t < n; ++t)
      qp[t] = std::inner_product(p.begin(), p.end(), q.begin() + static_cast<std::ptrdiff_t>(t * n), 0.0);
    double pqp = std::inner_product(p.begin(), p.end(), qp.begin(), 0.0);
    double worst = 0;
    for (const double value : qp) worst = std::max(worst, std::abs(value - pqp));
    if (worst < 1e-9 / static_cast<double>(n)) break;
    // One sweep of the paper's algorithm 2: each p_t set to its optimum, then everything scaled to sum 1.
    for (std::size_t t = 0; t < n; ++t) {
      const double change = (pqp - qp[t]) / q[t * n + t];
      p[t] += change;
      pqp = (pqp + change * (change * q[t * n + t] + 2 * qp[t])) / ((1 + change) * (1 + change));
      for (std::size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + change * q[t * n + j]) / (1 + change);
        p[j] /= 1 + change;
      }
    }
  }
  return p;
}

void put_first(std::vector<double>& probabilities, std::size_t winner) {
  std::vector<std::size_t> above;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (i != winner) above.push_back(i);
  }
  std::sort(above.begin(), above.end(),
            [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
  // Pool the winner with the highest others for as long as one of them is above the pool's mean.
  double sum = probabilities[winner];
  std::size_t pooled = 0;
  while (pooled < above.size() && probabilities[above[pooled]] > sum / static_cast<double>(pooled + 1)) {
    sum += probabilities[above[pooled++]];
  }
  const double mean = sum / static_cast<double>(pooled + 1);
  probabilities[winner] = mean;
  for (std::size_t i = 0; i < pooled; ++i) probabilities[above[i]] = mean;
}

}  // namespace likeness
