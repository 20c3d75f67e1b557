// What each way of cutting a face costs or gains in accuracy: the table of docs/accuracy.md.
//   crop_profiles MODELS PAIRS_DEV_TRAIN PAIRS_DEV_TEST IMAGES [PRECISION] [all]
// For every variant: accuracy on pairsDevTrain at its own best threshold, AUC, and accuracy on pairsDevTest
// at that threshold. Without `all` pairsDevTest is not touched.
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "likeness/align/align.h"
#include "likeness/detect/face_detector.h"
#include "likeness/embed/embedder.h"
#include "likeness/eval/pairs_file.h"
#include "likeness/image/read_image.h"
#include "likeness/stats/error_rates.h"

namespace likeness {
namespace {

struct Variant {
  std::string name;
  CropSpec crop;
  bool mirrored = false;  ///< Averaged with the mirror image's embedding.
};

struct Photo {
  Image image;
  std::vector<Face> faces;
};

Chip mirrored(const Chip& chip) {
  Chip out = chip;
  for (int y = 0; y < chip.height(); ++y) {
    for (int x = 0; x < chip.width(); ++x) {
      std::memcpy(out.row(y) + 3 * x, chip.view().row(y) + 3 * (chip.width() - 1 - x), 3);
    }
  }
  return out;
}

std::vector<Photo> detect_all(const std::vector<std::string>& names, const std::string& images,
                              const std::string& models) {
  std::vector<Photo> photos(names.size());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      FaceDetector detector(models + "/mtcnn");
      for (std::size_t i = t; i < names.size(); i += 2) {
        photos[i].image = read_image(images + "/" + names[i]);
        photos[i].faces = detector.detect(photos[i].image.view());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return photos;
}

/// Unit embeddings of every photo, zero where no face was found.
Embeddings embed_all(const std::vector<Photo>& photos, const Variant& variant, Embedder& embedder) {
  std::vector<Chip> chips;
  std::vector<std::size_t> owner;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const Photo& photo = photos[i];
    const auto face = main_face(photo.faces, photo.image.width(), photo.image.height(), variant.crop);
    if (!face) continue;
    chips.push_back(cut_chip(photo.image.view(), photo.faces[*face], variant.crop));
    owner.push_back(i);
    if (!variant.mirrored) continue;
    chips.push_back(mirrored(chips.back()));
    owner.push_back(i);
  }
  const Embeddings found = embedder.embed(chips);
  Embeddings all{found.dimension, std::vector<float>(photos.size() * found.dimension)};
  for (std::size_t k = 0; k < owner.size(); ++k) {
    for (std::size_t j = 0; j < found.dimension; ++j)
      all.values[owner[k] * found.dimension + j] += found[k][j];
  }
  l2_normalize(all);
  return all;
}

Comparisons compare(const std::vector<PhotoPair>& pairs, const Embeddings& embeddings) {
  Comparisons comparisons;
  for (const PhotoPair& pair : pairs) {
    const double score = dot(embeddings[pair.first], embeddings[pair.second]);
    (pair.mated ? comparisons.mated : comparisons.non_mated).push_back(score);
  }
  return comparisons;
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  const auto add = [&](std::string name, CropSpec crop, bool mirror = false) {
    all.push_back({std::move(name), crop, mirror});
  };
  for (const float grow : {1.2F, 1.25F, 1.15F, 1.3F, 1.1F}) {
    const std::string by = " x" + std::to_string(grow).substr(0, 4);
    add("box" + by, {.grow = grow});
    add("box upright" + by, {.grow = grow, .upright = true});
  }
  for (const float grow : {1.2F, 1.25F}) {
    const std::string by = " x" + std::to_string(grow).substr(0, 4);
    add("box" + by + " + mirror", {.grow = grow}, true);
    add("box upright" + by + " + mirror", {.grow = grow, .upright = true}, true);
  }
  for (const Filter filter : {Filter::kBicubic, Filter::kLanczos, Filter::kBox, Filter::kNearest}) {
    add("box x1.20 " + std::string(to_string(filter)), {.filter = filter});
  }
  add("box x1.00", {.grow = 1});
  add("box x1.50", {.grow = 1.5F});
  add("square x1.20", {.square = true});
  add("square x1.00", {.grow = 1, .square = true});
  add("square upright x1.20", {.square = true, .upright = true});
  add("aligned (ArcFace's places)", {.profile = CropProfile::kAligned});
  add("tutorial", {.profile = CropProfile::kTutorial, .filter = Filter::kNearest});
  return all;
}

int run(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: crop_profiles MODELS PAIRS_DEV_TRAIN PAIRS_DEV_TEST IMAGES [PRECISION] [all]\n");
    return 2;
  }
  const std::string models = argv[1];
  const Precision precision = argc > 5 ? precision_from(argv[5]).value() : Precision::kF32;
  const bool with_test = argc > 6;
  const PairsFile train = read_pairs_file(argv[2]);
  const PairsFile test = with_test ? read_pairs_file(argv[3]) : PairsFile{};
  const std::vector<Photo> train_photos = detect_all(train.photos, argv[4], models);
  const std::vector<Photo> test_photos = detect_all(test.photos, argv[4], models);
  Embedder embedder(load_pack(models + "/20180408-102900"), {.precision = precision, .threads = 2});
  for (const Variant& variant : variants()) {
    const Comparisons scores = compare(train.folds[0], embed_all(train_photos, variant, embedder));
    const double threshold = best_threshold(scores);
    std::printf("%-32s train %.4f auc %.5f eer %.4f at %.3f", variant.name.c_str(),
                accuracy_at(scores, threshold), area_under_roc(scores), equal_error_rate(scores), threshold);
    if (with_test) {
      const Comparisons held = compare(test.folds[0], embed_all(test_photos, variant, embedder));
      std::printf("  test %.4f auc %.5f", accuracy_at(held, threshold), area_under_roc(held));
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace likeness

int main(int argc, char** argv) { return likeness::run(argc, argv); }
