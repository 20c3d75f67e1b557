// Every kernel against plain loops over the network as its file has it, on every instruction set of this CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "likeness/core/on_every_target.h"
#include "likeness/detect/area_resample.h"
#include "likeness/detect/face_detector.h"
#include "likeness/detect/pnet.h"
#include "likeness/detect/refine_net.h"
#include "likeness/image/read_image.h"
#include "likeness/infer/products.h"

namespace likeness {
namespace {

const std::filesystem::path kPack = std::filesystem::path(LIKENESS_MODELS) / "mtcnn";

// Values [row][column][channel], in the network's own orientation: row is x of the photo.
struct Map {
  Map(int r, int c, int d) : rows(r), columns(c), depth(d), values(static_cast<std::size_t>(r) * c * d) {}
  float& at(int r, int c, int d) { return values[(static_cast<std::size_t>(r) * columns + c) * depth + d]; }
  [[nodiscard]] float at(int r, int c, int d) const {
    return values[(static_cast<std::size_t>(r) * columns + c) * depth + d];
  }
  int rows, columns, depth;
  std::vector<float> values;
};

Map convolved(const Map& in, const OnnxConstants& constants, const std::string& name,
              const std::string& slope_name) {
  const FloatTensor& kernel = constants.all().at(name + "/kernel:0");
  const auto out = static_cast<int>(kernel.shape[0]);
  const auto side = static_cast<int>(kernel.shape[2]);
  const auto& bias = constants.all().at(name + "/bias:0").values;
  Map map(in.rows - side + 1, in.columns - side + 1, out);
  for (int r = 0; r < map.rows; ++r) {
    for (int c = 0; c < map.columns; ++c) {
      for (int o = 0; o < out; ++o) {
        double sum = bias[o];
        std::size_t w = static_cast<std::size_t>(o) * in.depth * side * side;
        for (int i = 0; i < in.depth; ++i) {
          for (int y = 0; y < side; ++y) {
            for (int x = 0; x < side; ++x) sum += double{kernel.values[w++]} * in.at(r + y, c + x, i);
          }
        }
        const double slope = slope_name.empty() ? 1 : constants.all().at(slope_name).values[o];
        map.at(r, c, o) = static_cast<float>(sum < 0 ? sum * slope : sum);
      }
    }
  }
  return map;
}

// Max pooling with stride 2; `cut` keeps windows that reach over the end.
Map pooled(const Map& in, int side, bool cut) {
  const auto size = [&](int n) { return cut ? (n + 1) / 2 : (n - side) / 2 + 1; };
  Map map(size(in.rows), size(in.columns), in.depth);
  for (int r = 0; r < map.rows; ++r) {
    for (int c = 0; c < map.columns; ++c) {
      for (int d = 0; d < in.depth; ++d) {
        float best = in.at(2 * r, 2 * c, d);
        for (int y = 2 * r; y < std::min(in.rows, 2 * r + side); ++y) {
          for (int x = 2 * c; x < std::min(in.columns, 2 * c + side); ++x)
            best = std::max(best, in.at(y, x, d));
        }
        map.at(r, c, d) = best;
      }
    }
  }
  return map;
}

std::vector<float> connected(const std::vector<float>& in, const OnnxConstants& constants,
                             const std::string& name, bool has_slope) {
  const auto& weights = constants.all().at(name + "/kernel:0").values;
  std::vector<float> out = constants.all().at(name + "/bias:0").values;
  for (std::size_t o = 0; o < out.size(); ++o) {
    double sum = out[o];
    for (std::size_t i = 0; i < in.size(); ++i) sum += double{in[i]} * weights[i * out.size() + o];
    if (has_slope && sum < 0) sum *= constants.all().at("slope").values[o];
    out[o] = static_cast<float>(sum);
  }
  return out;
}

float face_probability(float no, float yes) {
  return static_cast<float>(1 / (1 + std::exp(double{no} - yes)));
}

// RGB bytes with edges and texture, so that all of a network's maps are busy.
std::vector<std::uint8_t> picture(int width, int height, std::size_t stride, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> bytes(stride * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave =
            60 * std::sin(x * .31 + c) * std::cos(y * .23) + ((x / 7 + y / 5) % 2 != 0 ? 50 : 0);
        bytes[static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(x) * 3 + c] =
            static_cast<std::uint8_t>(
                std::clamp(110 + wave + static_cast<double>(random() % 32), 0.0, 255.0));
      }
    }
  }
  return bytes;
}

void expect_pnet(const OnnxConstants& constants, int width, int height) {
  SCOPED_TRACE(std::to_string(width) + " x " + std::to_string(height));
  const std::size_t stride = static_cast<std::size_t>(width) * 3 + PNet::kPadding;
  const auto bytes = picture(width, height, stride, 7);
  Map input(width, height, 3);
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < height; ++y) {
      for (int c = 0; c < 3; ++c) {
        input.at(x, y, c) =
            (static_cast<float>(bytes[static_cast<std::size_t>(y) * stride + x * 3 + c]) - 127.5F) / 128;
      }
    }
  }
  const Map map1 = pooled(convolved(input, constants, "conv2d", "p_re_lu_initializer_8"), 2, true);
  const Map map2 = convolved(map1, constants, "conv2d_1", "p_re_lu_1_initializer_6");
  const Map map3 = convolved(map2, constants, "conv2d_2", "p_re_lu_2_initializer_3");
  const Map score = convolved(map3, constants, "conv2d_3", "");
  const Map shift = convolved(map3, constants, "conv2d_4", "");
  ASSERT_EQ(score.rows, PNet::map_size(width));
  ASSERT_EQ(score.columns, PNet::map_size(height));

  const PNet net(constants);
  PNetScratch scratch;
  std::vector<Cell> cells;
  // In two bands, so that the seam is seen too.
  const int seam = (score.columns + 1) / 2;
  const Level level{.data = bytes.data(), .width = width, .height = height, .stride = stride};
  net.run(level, 0, seam, 0, scratch, cells);
  net.run(level, seam, score.columns, 0, scratch, cells);
  ASSERT_EQ(cells.size(), static_cast<std::size_t>(score.rows) * static_cast<std::size_t>(score.columns));
  double worst = 0;
  for (const Cell& cell : cells) {
    const float expected = face_probability(score.at(cell.x, cell.y, 0), score.at(cell.x, cell.y, 1));
    worst = std::max(worst, std::abs(double{cell.score} - expected));
    for (int k = 0; k < 4; ++k)
      worst = std::max(worst, std::abs(double{cell.shift[k]} - shift.at(cell.x, cell.y, k)));
  }
  EXPECT_LT(worst, 1e-5);
}

TEST(PNetModels, EqualsPlainLoopsOnEveryTarget) {
  const OnnxConstants constants(kPack / "pnet.onnx");
  on_every_target([&] {
    for (const auto& [width, height] :
         {std::pair{12, 12}, {13, 12}, {12, 13}, {15, 14}, {46, 33}, {79, 20}}) {
      expect_pnet(constants, width, height);
    }
    expect_pnet(constants, 391, 17);  // Two strips, the second narrow; odd both ways.
    expect_pnet(constants, 780, 14);  // Three strips, the last one half a vector and more.
  });
}

TEST(PNetModels, FindsAllCellsAboveTheThresholdAndNoOthers) {
  const PNet net(OnnxConstants(kPack / "pnet.onnx"));
  const int width = 421;
  const int height = 65;
  const std::size_t stride = static_cast<std::size_t>(width) * 3 + PNet::kPadding;
  const auto bytes = picture(width, height, stride, 3);
  const Level level{.data = bytes.data(), .width = width, .height = height, .stride = stride};
  on_every_target([&] {
    PNetScratch scratch;
    std::vector<Cell> all;
    net.run(level, 0, height, 0, scratch, all);
    std::vector<float> scores;
    for (const Cell& cell : all) scores.push_back(cell.score);
    std::sort(scores.begin(), scores.end());
    for (std::size_t tenth = 1; tenth < 10; ++tenth) {
      const float threshold = scores[scores.size() * tenth / 10];
      std::vector<Cell> some;
      net.run(level, 0, height, threshold, scratch, some);
      EXPECT_EQ(static_cast<std::ptrdiff_t>(some.size()),
                std::count_if(scores.begin(), scores.end(), [&](float score) { return score >= threshold; }))
          << threshold;
    }
  });
}

// What the 24x24 or 48x48 network says, by plain loops: probability, regression, landmarks.
std::vector<float> plain_result(const OnnxConstants& constants, const float* patch, int side) {
  Map map(side, side, 3);
  for (int x = 0; x < side; ++x) {
    for (int y = 0; y < side; ++y) {
      for (int c = 0; c < 3; ++c) map.at(x, y, c) = patch[(y * side + x) * 3 + c];
    }
  }
  std::vector<float> logits;
  std::vector<float> result;
  if (side == 24) {
    map = pooled(convolved(map, constants, "conv2d_5", "p_re_lu_3_initializer_14"), 3, true);
    map = pooled(convolved(map, constants, "conv2d_6", "p_re_lu_4_initializer_12"), 3, false);
    map = convolved(map, constants, "conv2d_7", "p_re_lu_5_initializer_10");
    const auto hidden = connected(map.values, constants, "dense", true);
    logits = connected(hidden, constants, "dense_1", false);
    result = connected(hidden, constants, "dense_2", false);
  } else {
    map = pooled(convolved(map, constants, "conv2d_8", "p_re_lu_7_initializer_22"), 3, true);
    map = pooled(convolved(map, constants, "conv2d_9", "p_re_lu_8_initializer_20"), 3, false);
    map = pooled(convolved(map, constants, "conv2d_10", "p_re_lu_9_initializer_18"), 2, true);
    map = convolved(map, constants, "conv2d_11", "p_re_lu_10_initializer_16");
    const auto hidden = connected(map.values, constants, "dense_3", true);
    logits = connected(hidden, constants, "dense_4", false);
    result = connected(hidden, constants, "dense_5", false);
    const auto landmarks = connected(hidden, constants, "dense_6", false);
    result.insert(result.end(), landmarks.begin(), landmarks.end());
  }
  result.insert(result.begin(), face_probability(logits[0], logits[1]));
  return result;
}

void expect_refine_net(const RefineNet& net, const OnnxConstants& constants) {
  constexpr std::size_t kPatches = 27;  // More than go through together, and no multiple of a block.
  const int side = net.side();
  std::vector<float> patches(kPatches * net.patch_floats());
  for (std::size_t n = 0; n < kPatches; ++n) {
    const auto bytes = picture(side, side, static_cast<std::size_t>(side) * 3, static_cast<unsigned>(n));
    std::transform(bytes.begin(), bytes.end(),
                   patches.begin() + static_cast<std::ptrdiff_t>(n * net.patch_floats()),
                   [](std::uint8_t v) { return (static_cast<float>(v) - 127.5F) / 128; });
  }
  std::vector<std::vector<float>> expected;
  for (const std::size_t n : {std::size_t{0}, std::size_t{5}, std::size_t{25}, kPatches - 1}) {
    expected.push_back(plain_result(constants, patches.data() + n * net.patch_floats(), side));
  }
  on_every_target([&] {
    RefineScratch scratch;
    std::vector<float> results(kPatches * RefineNet::kResult);
    net.run(patches.data(), kPatches, results.data(), scratch);
    std::size_t row = 0;
    for (const std::size_t n : {std::size_t{0}, std::size_t{5}, std::size_t{25}, kPatches - 1}) {
      for (std::size_t k = 0; k < expected[row].size(); ++k) {
        EXPECT_NEAR(results[n * RefineNet::kResult + k], expected[row][k], 1e-5)
            << "patch " << n << " value " << k;
      }
      ++row;
    }
    // Alone a patch gives what it gives among others.
    std::vector<float> alone(RefineNet::kResult);
    net.run(patches.data() + 5 * net.patch_floats(), 1, alone.data(), scratch);
    EXPECT_TRUE(std::equal(alone.begin(), alone.begin() + 5, results.begin() + 5 * RefineNet::kResult));
  });
}

TEST(RefineNetModels, RNetEqualsPlainLoopsOnEveryTarget) {
  const OnnxConstants constants(kPack / "rnet.onnx");
  expect_refine_net(RefineNet::rnet(constants), constants);
}

TEST(RefineNetModels, ONetEqualsPlainLoopsOnEveryTarget) {
  const OnnxConstants constants(kPack / "onet.onnx");
  expect_refine_net(RefineNet::onet(constants), constants);
}

TEST(RefineNetModels, ProductsAreThoseOfTheNetworksAsOpenvinoReadsThem) {
  // The heads are made as one layer of 16 outputs; R-Net's file has 6.
  EXPECT_EQ(RefineNet::rnet(OnnxConstants(kPack / "rnet.onnx")).products(),
            products_a_row(kPack / "rnet.onnx") + 10 * 128);
  EXPECT_EQ(RefineNet::onet(OnnxConstants(kPack / "onet.onnx")).products(),
            products_a_row(kPack / "onet.onnx"));
}

TEST(FaceDetectorData, ThreadsAndTargetsDoNotChangeTheResult) {
  const auto photo = std::filesystem::path(LIKENESS_SHARED) / "data/photos/compreface/016_8.jpg";
  if (!std::filesystem::exists(photo)) GTEST_SKIP() << "no " << photo;
  const Image image = read_image(photo);
  const auto expected = FaceDetector(kPack, {.min_face_px = 40}).detect(image.view());
  ASSERT_EQ(expected.size(), 8U);
  const auto expect_same = [&](const std::vector<Face>& faces, double tolerance) {
    ASSERT_EQ(faces.size(), expected.size());
    for (std::size_t i = 0; i < faces.size(); ++i) {
      EXPECT_NEAR(faces[i].score, expected[i].score, tolerance);
      // 1e-4 of the face's width, as the networks' outputs are in widths.
      const double pixels = tolerance * expected[i].box.width();
      EXPECT_NEAR(faces[i].box.left, expected[i].box.left, pixels);
      EXPECT_NEAR(faces[i].box.bottom, expected[i].box.bottom, pixels);
      for (int k = 0; k < 5; ++k) EXPECT_NEAR(faces[i].landmarks[k].x, expected[i].landmarks[k].x, pixels);
    }
  };
  for (const int threads : {2, 3, 8}) {
    FaceDetector detector(kPack, {.min_face_px = 40, .threads = threads});
    expect_same(detector.detect(image.view()), 0);
    expect_same(detector.detect(image.view()), 0);
  }
  on_every_target([&] { expect_same(FaceDetector(kPack, {.min_face_px = 40}).detect(image.view()), 1e-4); });
}

TEST(FaceDetectorData, ShrunkPhotoGivesBoxesInOriginalPixels) {
  const auto photo = std::filesystem::path(LIKENESS_SHARED) / "data/photos/compreface/016_8.jpg";
  if (!std::filesystem::exists(photo)) GTEST_SKIP() << "no " << photo;
  const Image image = read_image(photo);
  const auto full = FaceDetector(kPack, {.min_face_px = 60}).detect(image.view());
  const int longer = std::max(image.width(), image.height());
  const auto shrunk =
      FaceDetector(kPack, {.min_face_px = 30, .max_side_px = longer / 2}).detect(image.view());
  ASSERT_EQ(shrunk.size(), full.size());
  for (const Face& face : full) {
    const bool found = std::any_of(shrunk.begin(), shrunk.end(), [&](const Face& other) {
      return std::abs(other.box.left - face.box.left) < .1 * face.box.width() &&
             std::abs(other.box.bottom - face.box.bottom) < .1 * face.box.width();
    });
    EXPECT_TRUE(found) << face.box.left;
  }
}

}  // namespace
}  // namespace likeness
