#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "likeness/classify/classifier.h"
#include "likeness/detect/face_detector.h"
#include "likeness/image/image.h"
#include "likeness/infer/precision.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness {

struct RecognizerOptions {
  std::filesystem::path models;           ///< Folder of packs to search first; empty: the usual places.
  std::string model = "20180408-102900";  ///< The pack's name, or its folder.
  DetectorOptions detector;
  Precision precision = Precision::kF32;
  int threads = 1;
  std::filesystem::path cache_folder{};  ///< NetworkOptions::cache_folder.
};

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
  explicit Recognizer(const std::filesystem::path& people, const RecognizerOptions& options = {});

  /// Everybody in the photo, best detection score first; nobody is an empty result.
  /// @throws Error kImageUnreadable for a file that is not a readable photo.
  [[nodiscard]] std::vector<Recognition> recognize(const std::filesystem::path& photo);
  [[nodiscard]] std::vector<Recognition> recognize(ImageView photo);

 private:
  Classifier people_;
  PhotoStream stream_;
};

}  // namespace likeness
