#pragma once

#include <optional>
#include <span>

#include "likeness/classify/classifier.h"
#include "likeness/gallery/naming.h"

namespace likeness {

/// Who a face is where people were trained: the classifier says which person, the gallery whether.
struct TrainedIdentification {
  Identification answer;                 ///< `nearest` is the person meant, `runner_up` anybody else.
  bool by_classifier = false;            ///< The SVM chose the person; else the nearest face did.
  std::optional<Prediction> prediction;  ///< What the classifier said; empty where it was not asked.
};

/// A face as the classifier's model gives it, and as the gallery's faces were enrolled: the same, or averaged
/// over several views (embed/quality.h).
struct AskedFace {
  AskedFace(std::span<const float> both) : for_classifier(both), for_gallery(both) {}  // NOLINT: implicit
  AskedFace(std::span<const float> classifier, std::span<const float> gallery)
      : for_classifier(classifier), for_gallery(gallery) {}
  std::span<const float> for_classifier;
  std::span<const float> for_gallery;
};

/// Takes the enrolled person most alike. Where that person was trained too, the classifier's label takes its
/// place; the label gets its name only if the similarity to that very person reaches the threshold, so that
/// every name has evidence of its own. At most as many strangers get a name as by identify(): no
/// similarity here is above the one that decides there. People who were enrolled but not trained are the
/// gallery's alone; a label that nobody enrolled has, or for which the face is rejected
/// (is_rejected()), is left aside. Names are compared as tidy_name() has
/// them.
/// @throws Error kModelMismatch where the classifier's embeddings have another dimension.
[[nodiscard]] TrainedIdentification identify_trained(const GalleryView& gallery, const Classifier& people,
                                                     AskedFace query, const NamingRule& rule);

}  // namespace likeness
