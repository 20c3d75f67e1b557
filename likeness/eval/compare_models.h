#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "likeness/dataset/dataset_file.h"
#include "likeness/embed/comparison.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/embeddings.h"

namespace likeness {

/// How one model did on labelled faces.
struct ModelScore {
  std::size_t correct = 0;      ///< Faces of `val` that a classifier trained on `train` names rightly.
  std::size_t total = 0;        ///< Faces of `val`; 0 where there are none, and no classifier was trained.
  double area_under_roc = 0;    ///< Over all pairs of all faces.
  double equal_error_rate = 0;  ///< The same.
  double threshold = 0;         ///< The cosine that decides most of those pairs rightly.
  double milliseconds = 0;      ///< For one face, the faster of two runs over all faces.
};

/// Two models, or two precisions of one, on the same faces.
struct ModelComparison {
  ModelScore a;
  ModelScore b;
  std::size_t faces = 0;
  std::size_t pairs = 0;
  std::size_t flipped =
      0;  ///< Pairs that one calls the same person and the other not, at each one's threshold.
  std::optional<double>
      worst_cosine;  ///< Between a face's two embeddings; empty where their dimensions differ.
  std::optional<double> mean_cosine;
};

/// Compares what two models made of the same faces; `milliseconds` stay 0. The first `train` of the labels
/// belong to the training part. Pairs are compared the way of each model; `worst_cosine` is of the embeddings
/// as they are. @throws Error kDataInvalid with fewer than two people or nobody with two
/// faces.
[[nodiscard]] ModelComparison compare_embeddings(std::span<const std::string> labels, std::size_t train,
                                                 const Embeddings& a, const Embeddings& b,
                                                 const Comparison& way_of_a = {},
                                                 const Comparison& way_of_b = {});

/// The same for two models that embed the faces now, and are timed. @throws as compare_embeddings();
/// std::invalid_argument for chips of another size than either model takes.
[[nodiscard]] ModelComparison compare_models(const FaceDataset& faces, Embedder& a, Embedder& b,
                                             const Progress& progress = {});

}  // namespace likeness
