#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness::train {

/// embedding = matrix * input + bias, then scaled to unit length.
struct Projection {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> matrix;  ///< outputs x inputs, row by row.
  std::vector<float> bias;    ///< outputs.
};

/// A random projection: normal values of deviation 1/sqrt(outputs), and a bias that takes `centre` to zero.
/// Lengths and angles about `centre` are kept on average (Johnson and Lindenstrauss).
[[nodiscard]] Projection random_projection(const std::vector<float>& centre, std::size_t outputs,
                                           std::uint64_t seed);

/// Principal components of `rows`: the `outputs` directions of most variance, and a bias that takes the mean
/// to zero. @throws std::invalid_argument for more outputs than inputs, or fewer than two rows.
[[nodiscard]] Projection principal_projection(const Embeddings& rows, std::size_t outputs);

/// Mean of the rows.
[[nodiscard]] std::vector<float> centre_of(const Embeddings& rows, const std::vector<std::size_t>& chosen);

/// The rows as `projection` gives them: unit length.
[[nodiscard]] Embeddings project(const Projection& projection, const Embeddings& rows);

/// What is trained: a function with weights from rows of data to unit vectors, on libtorch. The data belong
/// to it. Made by one of the functions below or in facenet_learner.h.
class Learner {
 public:
  struct Torch;  // keeps libtorch out of this header; learner_torch.h
  explicit Learner(std::unique_ptr<Torch> torch);
  ~Learner();
  Learner(Learner&&) noexcept;
  Learner& operator=(Learner&&) noexcept;

  [[nodiscard]] std::size_t rows() const;
  /// What checkpoints must agree on, e.g. "head 512-128".
  [[nodiscard]] const std::string& architecture() const;
  /// Embeddings of these rows with the current weights, without augmentation.
  [[nodiscard]] Embeddings embed(const std::vector<std::size_t>& rows);
  [[nodiscard]] Torch& torch() { return *torch_; }

 private:
  std::unique_ptr<Torch> torch_;
};

/// Trains a projection on `vectors` that stay as they are, beginning with `start`. Each time a vector is
/// learned from it gets normal noise of the length `noise` (on average, in all directions alike), drawn with
/// `seed`: that takes weight away from directions in which faces hardly differ, and a few people from being
/// learned by heart.
[[nodiscard]] Learner head_learner(const Embeddings& vectors, const Projection& start, double noise = 0,
                                   std::uint64_t seed = 1);

/// The projection at the end of a learner. @throws std::invalid_argument where it has none.
[[nodiscard]] Projection projection_of(Learner& learner);

}  // namespace likeness::train
