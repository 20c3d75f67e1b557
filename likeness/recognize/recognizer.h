#pragma once

#include <filesystem>
#include <vector>

#include "likeness/classify/classifier.h"
#include "likeness/detect/face_detector.h"
#include "likeness/image/image.h"
#include "likeness/recognize/photo_stream.h"
#include "likeness/recognize/setup.h"

namespace likeness {

/// One face of a photo and who it is.
struct Recognition {
  Face face;
  std::vector<float> embedding;  ///< Unit length.
  Prediction prediction;         ///< Label, probability where there is one, nearest known face.
};

/// The whole road for one photo: bytes in, names out. Slow to make (loads the models), cheap to run; make one
/// and keep it. Use one per thread.
class Recognizer {
 public:
  /// `people` is a classifier that `likeness train` wrote.
  /// @throws Error kInputUnreadable, kDataInvalid (the classifier), kModelNotFound, kModelInvalid, and
  /// kModelMismatch where the classifier was trained on another model's embeddings.
  explicit Recognizer(const std::filesystem::path& people, const Setup& setup);

  /// Everybody in the photo, best detection score first; nobody is an empty result.
  /// @throws Error kImageUnreadable for a file that is not a readable photo.
  [[nodiscard]] std::vector<Recognition> recognize(const std::filesystem::path& photo);
  [[nodiscard]] std::vector<Recognition> recognize(ImageView photo);

 private:
  Classifier people_;
  PhotoStream stream_;
};

}  // namespace likeness
