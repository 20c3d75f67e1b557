// Apart from photo_stream_test, which the thread sanitizer runs: here it would find nothing, slowly.
#include <gtest/gtest.h>

#include <filesystem>

#include "likeness/core/on_every_target.h"
#include "likeness/recognize/photo_stream.h"
#include "likeness/recognize/photo_stream_testing.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

TEST(PhotoStreamKernels, FacesAndEmbeddingsDoNotDependOnInstructions) {
  const fs::path folder = LIKENESS_SHARED "/data/five-celebrity/val";
  if (!fs::exists(folder)) GTEST_SKIP() << "the photos of " << folder << " are not here";
  const std::vector<fs::path> photos = first_photos(folder, 3);
  const fs::path models = LIKENESS_MODELS;
  PhotoStream stream(load_pack(models / "mtcnn"), load_pack(models / "20180408-102900"), {.threads = 2});
  const auto results = [&] {
    std::vector<PhotoFaces> found;
    stream.run(PhotoSource::files(photos), [&](PhotoFaces&& photo) { found.push_back(std::move(photo)); });
    return found;
  };
  const auto expected = results();
  on_every_target([&] {
    const auto found = results();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(found[i].faces.size(), expected[i].faces.size());
      for (std::size_t j = 0; j < expected[i].faces.size(); ++j) {
        const Face &face = found[i].faces[j], &known = expected[i].faces[j];
        EXPECT_NEAR(face.score, known.score, 1e-4);
        EXPECT_NEAR(face.box.left, known.box.left, 1e-4 * known.box.width());
        EXPECT_NEAR(face.box.bottom, known.box.bottom, 1e-4 * known.box.width());
      }
      ASSERT_EQ(found[i].embeddings.values.size(), expected[i].embeddings.values.size());
      for (std::size_t j = 0; j < expected[i].embeddings.values.size(); ++j)
        ASSERT_NEAR(found[i].embeddings.values[j], expected[i].embeddings.values[j], 1e-4);
    }
  });
}

}  // namespace
}  // namespace likeness
