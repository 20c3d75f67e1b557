#include "likeness/recognize/photo_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <thread>

#include "likeness/align/align.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/core/sha256.h"
#include "likeness/image/read_image.h"
#include "likeness/recognize/photo_stream_testing.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const fs::path kPhotos = LIKENESS_SHARED "/data/five-celebrity/val";

const fs::path kModels = LIKENESS_MODELS;

void expect_near(const Embeddings& found, const Embeddings& expected) {
  ASSERT_EQ(found.values.size(), expected.values.size());
  for (std::size_t i = 0; i < found.values.size(); ++i)
    ASSERT_NEAR(found.values[i], expected.values[i], 1e-4);
}

class PhotoStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kPhotos)) GTEST_SKIP() << "the photos of " << kPhotos << " are not here";
    photos_ = first_photos(kPhotos, 10);
    photos_.insert(photos_.begin() + 3, "no_such_photo.jpg");
  }

  [[nodiscard]] std::vector<PhotoFaces> run(const StreamOptions& options) const {
    PhotoStream stream(load_pack(kModels / "mtcnn"), load_pack(kModels / "20180408-102900"), options);
    std::vector<PhotoFaces> results;
    stream.run(PhotoSource::files(photos_), [&](PhotoFaces&& photo) { results.push_back(std::move(photo)); });
    return results;
  }
  [[nodiscard]] std::vector<fs::path> readable() const {
    std::vector<fs::path> files = photos_;
    std::erase(files, "no_such_photo.jpg");
    return files;
  }

  std::vector<fs::path> photos_;
};

TEST_F(PhotoStreamTest, ChipsAndTheirOrderDoNotDependOnThreads) {
  const auto expected = run({.until = Stage::kAlign, .threads = 1});
  const auto results = run({.until = Stage::kAlign, .threads = 3});
  ASSERT_EQ(results.size(), photos_.size());
  ASSERT_EQ(expected.size(), photos_.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].index, i);
    EXPECT_EQ(results[i].file, photos_[i]);
    EXPECT_EQ(results[i].chips, expected[i].chips);
  }
}

TEST_F(PhotoStreamTest, AveragesTheViewsOfAQualityBesideTheContractsOwn) {
  const auto single = run({.threads = 2});
  const auto two = run({.quality = Quality::kTwoViews, .threads = 2});
  const auto again = run({.quality = Quality::kTwoViews, .threads = 1, .batch = 3});
  ASSERT_EQ(two.size(), photos_.size());
  std::size_t faces = 0;
  for (std::size_t i = 0; i < two.size(); ++i) {
    EXPECT_EQ(single[i].averaged.values, single[i].embeddings.values);
    ASSERT_EQ(two[i].averaged.size(), two[i].chosen.size());
    EXPECT_EQ(two[i].chips, single[i].chips);
    for (std::size_t face = 0; face < two[i].chosen.size(); ++face, ++faces) {
      EXPECT_GT(dot(two[i].embeddings[face], single[i].embeddings[face]), 1 - 1e-5);
      EXPECT_GT(dot(two[i].averaged[face], again[i].averaged[face]), 1 - 1e-5);
      const double moved = dot(two[i].averaged[face], two[i].embeddings[face]);
      EXPECT_GT(moved, 0.8);
      EXPECT_LT(moved, 0.999);
    }
  }
  EXPECT_GE(faces, 10U);
}

// A decode that is shrunk, though it would do for large faces, moves boxes and loses faces (bench/RESULTS.md,
// "Shrinking while decoding").
TEST_F(PhotoStreamTest, PhotosAreDecodedInFullWhateverTheLeastFace) {
  for (const int min_face : {20, 48, 96}) {
    const DetectorOptions detector{.min_face_px = min_face};
    FaceDetector alone(kModels / "mtcnn", detector);
    std::size_t faces = 0;
    for (const PhotoFaces& photo : run({.until = Stage::kDetect, .detector = detector, .threads = 2})) {
      if (!photo.error.empty()) continue;
      const Image image = read_image(photo.file);
      EXPECT_EQ(photo.width, image.width());
      EXPECT_EQ(photo.height, image.height());
      const std::vector<Face> expected = alone.detect(image.view());
      ASSERT_EQ(photo.faces.size(), expected.size()) << photo.file;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(photo.faces[i].box, expected[i].box) << photo.file;
        EXPECT_EQ(photo.faces[i].score, expected[i].score) << photo.file;
      }
      faces += expected.size();
    }
    EXPECT_GE(faces, 5U);  // else nothing was compared
  }
}

TEST_F(PhotoStreamTest, EmbeddingsDoNotDependOnThreadsOrBatches) {
  const auto expected = run({.threads = 1, .batch = 32});
  const auto results = run({.threads = 3, .batch = 2});
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].embeddings.values.size(), expected[i].embeddings.values.size());
    ASSERT_EQ(results[i].embeddings.size(), results[i].chosen.size());
    for (std::size_t j = 0; j < expected[i].embeddings.values.size(); ++j) {
      ASSERT_NEAR(results[i].embeddings.values[j], expected[i].embeddings.values[j], 1e-4);
    }
  }
}

TEST_F(PhotoStreamTest, AnUnreadablePhotoArrivesInItsPlaceWithItsError) {
  const auto results = run({.until = Stage::kDetect, .threads = 2});
  ASSERT_EQ(results.size(), photos_.size());
  EXPECT_NE(results[3].error.find("no_such_photo.jpg"), std::string::npos) << results[3].error;
  EXPECT_TRUE(results[3].faces.empty());
  EXPECT_TRUE(results[4].error.empty());
  EXPECT_FALSE(results[4].faces.empty());
  EXPECT_TRUE(results[4].chips.empty());
}

// A portrait each: there is one main face, cut as by hand, and it need not be the first.
TEST_F(PhotoStreamTest, MainFacesAreOneAPhotoAndHashesAreOfTheBytes) {
  const ModelPack embedder = load_pack(kModels / "20180408-102900");
  FaceDetector detector(kModels / "mtcnn");
  const auto results = run({.until = Stage::kAlign, .faces = FacesWanted::kMain, .threads = 2, .hash = true});
  ASSERT_EQ(results.size(), photos_.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const PhotoFaces& photo = results[i];
    if (i == 3) {
      EXPECT_EQ(photo.sha256, "");
      EXPECT_TRUE(photo.chips.empty());
      continue;
    }
    EXPECT_EQ(photo.sha256, sha256_file(photos_[i]));
    const Image image = read_image(photos_[i]);
    const std::vector<Face> faces = detector.detect(image.view());
    const auto main = main_face(faces, image.width(), image.height(), embedder.contract.crop);
    ASSERT_TRUE(main) << photos_[i];
    EXPECT_EQ(photo.chosen, std::vector<std::size_t>{*main});
    ASSERT_EQ(photo.chips.size(), 1U);
    EXPECT_EQ(photo.chips[0], cut_chip(image.view(), faces[*main], embedder.contract.crop));
  }
}

TEST_F(PhotoStreamTest, FilesBytesAndPixelsGiveTheSame) {
  const auto files = readable();
  std::vector<Photo> photos;
  std::vector<std::uint8_t> bgra;  // of the last photo, rows from the bottom
  int width = 0, height = 0;
  for (const fs::path& file : files) {
    const bool last = photos.size() + 1 == files.size();
    if (photos.size() % 2 == 0 && !last) {
      photos.push_back(photo_of_bytes(file.string(), read_file_bytes(file, 1 << 28)));
    } else {
      photos.push_back(photo_of_image(file.string(), read_image(file)));
    }
    photos.back().time = std::chrono::milliseconds(40 * photos.size());
    if (!last) continue;
    const Image image = read_image(file);
    width = image.width();
    height = image.height();
    for (int y = height - 1; y >= 0; --y) {
      for (const std::uint8_t* p = image.view().row(y); p < image.view().row(y) + 3 * width; p += 3)
        bgra.insert(bgra.end(), {p[2], p[1], p[0], 77});
    }
    const std::ptrdiff_t row = 4 * std::ptrdiff_t{width};
    photos.back().content =
        PixelView(bgra.data() + (height - 1) * row, width, height, -row, 4, PixelOrder::kBgra);
  }
  PhotoStream stream(load_pack(kModels / "mtcnn"), load_pack(kModels / "20180408-102900"),
                     {.threads = 2, .hash = true, .keep_pixels = true});
  const auto expected = stream.many(PhotoSource::files(files));
  auto next = photos.begin();
  const auto given = [&] { return next == photos.end() ? std::nullopt : std::optional(*next++); };
  const auto found = stream.many(PhotoSource(given));
  ASSERT_EQ(found.size(), files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(found[i].id, files[i].string());
    EXPECT_EQ(found[i].file, "");
    EXPECT_EQ(found[i].time, std::chrono::milliseconds(40 * (i + 1)));
    EXPECT_EQ(expected[i].id, files[i].string());
    EXPECT_EQ(expected[i].file, files[i]);
    EXPECT_EQ(found[i].chips, expected[i].chips);
    EXPECT_EQ(found[i].pixels, read_image(files[i]));
    EXPECT_EQ(expected[i].pixels, found[i].pixels);
    const bool bytes = i % 2 == 0 && i + 1 < files.size();
    EXPECT_EQ(found[i].sha256, bytes ? expected[i].sha256 : "");
    EXPECT_GE(found[i].embeddings.size(), 1U);
    expect_near(found[i].embeddings, expected[i].embeddings);
  }
}

/// Keeps everything in memory, and how often it was asked.
class Memory : public KnownPhotos {
 public:
  bool find(const std::string& sha256, PhotoFaces& photo) override {
    const Alone alone(busy_);
    ++asked;
    const auto entry = kept.find(sha256);
    if (entry != kept.end()) photo.averaged = entry->second;
    return entry != kept.end();
  }
  void add(const PhotoFaces& photo) override {
    const Alone alone(busy_);
    kept[photo.sha256] = photo.averaged;
  }

  /// Fails where two threads are in at once.
  class Alone {
   public:
    explicit Alone(std::atomic<int>& busy) : busy_(busy) { EXPECT_EQ(busy_++, 0); }
    ~Alone() { --busy_; }
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;

   private:
    std::atomic<int>& busy_;
  };

  std::map<std::string, Embeddings> kept;
  int asked = 0;

 private:
  std::atomic<int> busy_ = 0;
};

TEST_F(PhotoStreamTest, KnownPhotosAreNotLookedAtAgain) {
  const ModelPack detector = load_pack(kModels / "mtcnn");
  ModelPack embedder = load_pack(kModels / "20180408-102900");
  const StreamOptions options{.faces = FacesWanted::kMain, .threads = 3};
  Memory known;
  std::vector<PhotoFaces> first;
  PhotoStream(detector, embedder, options)
      .run(
          PhotoSource::files(photos_), [&](PhotoFaces&& photo) { first.push_back(std::move(photo)); },
          &known);
  ASSERT_EQ(first.size(), photos_.size());
  EXPECT_EQ(known.asked, 10);  // not for the one that cannot be read
  EXPECT_EQ(known.kept.size(), 10U);

  embedder.folder = "/no/such/pack";  // nobody asks for a network that nobody needs
  PhotoStream stream(detector, embedder, options);
  std::size_t count = 0;
  std::atomic<int> busy = 0;
  std::vector<std::size_t> totals;
  const auto sink = [&](PhotoFaces&& photo) {
    const Memory::Alone alone(busy);
    EXPECT_EQ(photo.index, count);
    const PhotoFaces& before = first[count++];
    EXPECT_EQ(photo.error, before.error);
    EXPECT_FALSE(before.known);
    EXPECT_EQ(photo.known, before.error.empty());
    EXPECT_TRUE(photo.faces.empty());
    EXPECT_EQ(photo.averaged.values, before.averaged.values);
  };
  const auto progress = [&](std::size_t done, std::size_t total) {
    const Memory::Alone alone(busy);
    EXPECT_EQ(done, count);
    totals.push_back(total);
    return true;
  };
  stream.run(PhotoSource::files(photos_), sink, &known, progress);
  EXPECT_EQ(count, photos_.size());
  EXPECT_EQ(totals, std::vector<std::size_t>(photos_.size(), photos_.size()));
  EXPECT_EQ(stream.seconds().detect, 0);
  EXPECT_EQ(stream.seconds().embed, 0);
}

TEST_F(PhotoStreamTest, ManyThreadsShareAStream) {
  const auto files = readable();
  PhotoStream stream(load_pack(kModels / "mtcnn"), load_pack(kModels / "20180408-102900"), {.threads = 2});
  const auto expected = stream.many(PhotoSource::files(files));
  std::vector<Image> pictures;
  for (const fs::path& file : files) pictures.push_back(read_image(file));
  const auto same = [&](const PhotoFaces& found, std::size_t i) {
    EXPECT_EQ(found.chips, expected[i].chips);
    EXPECT_GE(found.embeddings.size(), 1U);
    expect_near(found.embeddings, expected[i].embeddings);
  };
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      if (t == 3) {
        std::size_t count = 0;
        stream.run(PhotoSource::files(files), [&](PhotoFaces&& photo) {
          same(photo, count++);
          same(stream.one(pictures[0].view()), 0);  // a sink may look at a picture of its own
        });
        EXPECT_EQ(count, files.size());
        return;
      }
      for (std::size_t k = 0; k < 4; ++k) {
        const std::size_t i = (2 * t + k) % files.size();
        same(k % 2 == 0 ? stream.one(pictures[i].view()) : stream.one(photo_of_file(files[i])), i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(PhotoStreamTest, OnePhotoThatCannotBeReadIsAnError) {
  PhotoStream stream(load_pack(kModels / "mtcnn"), {}, {.until = Stage::kDetect});
  EXPECT_THROW((void)stream.one(photo_of_file("no_such_photo.jpg")), Error);
  EXPECT_THROW((void)stream.one(photo_of_bytes("noise", std::vector<std::byte>(100))), Error);
  const std::uint8_t pixel = 0;
  // The sides are told to be too large before a byte is read.
  EXPECT_THROW((void)stream.one(PixelView(&pixel, 20'000, 5'001, PixelOrder::kGrey)), Error);
  EXPECT_THROW((void)stream.one(PixelView(&pixel, 2, 1, 1, 0, PixelOrder::kGrey)), std::invalid_argument);
  EXPECT_TRUE(stream.one(PixelView()).faces.empty());
}

TEST_F(PhotoStreamTest, ProgressStopsARun) {
  PhotoStream stream(load_pack(kModels / "mtcnn"), {}, {.until = Stage::kDetect, .threads = 2});
  std::size_t count = 0;
  try {
    stream.run(
        PhotoSource::files(photos_), [&](PhotoFaces&&) { ++count; }, nullptr,
        [](std::size_t done, std::size_t) { return done < 2; });
    ADD_FAILURE() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStopped);
  }
  EXPECT_EQ(count, 2U);
}

TEST_F(PhotoStreamTest, AnExceptionOfTheSourceComesOut) {
  PhotoStream stream(load_pack(kModels / "mtcnn"), {}, {.until = Stage::kDetect, .threads = 2});
  int left = 3;
  PhotoSource source([&]() -> std::optional<Photo> {
    if (left-- == 0) throw std::runtime_error("the camera is gone");
    return photo_of_file(photos_[0]);
  });
  EXPECT_THROW(stream.run(std::move(source), [](PhotoFaces&&) {}), std::runtime_error);
}

TEST_F(PhotoStreamTest, ADamagedNetworkIsToldByRunAndByLoad) {
  ModelPack embedder = load_pack(kModels / "20180408-102900");
  embedder.folder = "/no/such/pack";
  PhotoStream stream(load_pack(kModels / "mtcnn"), embedder, {.threads = 2});
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      if (attempt == 0) {
        stream.run(PhotoSource::files(photos_), [](PhotoFaces&&) {});
      } else {
        stream.load();
      }
      ADD_FAILURE() << "a network that is not there was loaded";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kModelNotFound);
      EXPECT_NE(std::string(e.what()).find("/no/such/pack"), std::string::npos) << e.what();
    }
  }
}

TEST_F(PhotoStreamTest, AnExceptionOfTheSinkComesOut) {
  PhotoStream stream(load_pack(kModels / "mtcnn"), {}, {.until = Stage::kDetect, .threads = 2});
  EXPECT_THROW(
      stream.run(PhotoSource::files(photos_), [](PhotoFaces&&) { throw std::runtime_error("stop"); }),
      std::runtime_error);
}

}  // namespace
}  // namespace likeness
