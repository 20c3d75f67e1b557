#include "likeness/detect/one_stage_decode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "likeness/core/error.h"

namespace likeness {
namespace {

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

Tensor zeros(std::size_t count) { return {{count}, std::vector<float>(count)}; }

/// YuNet's twelve outputs for 64 x 32 pixels: 8 x 4, 4 x 2 and 2 x 1 cells.
std::vector<Tensor> yunet_outputs() {
  std::vector<Tensor> outputs;
  for (const std::size_t channels : {1, 1, 4, 10})
    for (const std::size_t cells : {32, 8, 2}) outputs.push_back(zeros(cells * channels));
  return outputs;
}

/// CenterFace's four for 64 x 32 pixels: 16 x 8 cells.
std::vector<Tensor> centerface_outputs() { return {zeros(128), zeros(256), zeros(256), zeros(1280)}; }

TEST(Decode, YunetsCellGivesBoxPointsAndTheRootOfBothScores) {
  const DetectorContract yunet{.method = DetectorMethod::kYunet};
  auto outputs = yunet_outputs();
  // Stride 16: cell 5 of 4 columns is column 1, row 1.
  outputs[1].values[5] = .64F;
  outputs[4].values[5] = 1.5F;             // counts as 1
  outputs[7].values[20] = .5F;             // middle at (1 + .5) * 16 = 24
  outputs[7].values[21] = .25F;            // and (1 + .25) * 16 = 20
  outputs[7].values[22] = std::log(.5F);   // 8 wide
  outputs[7].values[23] = std::log(2.0F);  // 32 high
  outputs[10].values[54] = .5F;            // the nose, at ((1 + .5) * 16, 16)
  const auto faces = decode(yunet, outputs, 64, 32, .7F, "yunet.onnx");
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_FLOAT_EQ(faces[0].score, .8F);
  EXPECT_FLOAT_EQ(faces[0].box.left, 20);
  EXPECT_FLOAT_EQ(faces[0].box.top, 4);
  EXPECT_FLOAT_EQ(faces[0].box.right, 28);
  EXPECT_FLOAT_EQ(faces[0].box.bottom, 36);
  EXPECT_EQ(faces[0].landmarks[2], (Point{24, 16}));
  EXPECT_EQ(faces[0].landmarks[0], (Point{16, 16}));
  EXPECT_TRUE(decode(yunet, outputs, 64, 32, .81F, "yunet.onnx").empty());
}

TEST(Decode, CenterfacesPlanesAreDownBeforeRight) {
  DetectorContract centerface{.method = DetectorMethod::kCenterface};
  auto outputs = centerface_outputs();
  const std::size_t cell = 2 * 16 + 3;  // row 2, column 3
  outputs[0].values[cell] = .9F;
  outputs[1].values[cell] = std::log(5.0F);        // 20 high
  outputs[1].values[128 + cell] = std::log(4.0F);  // 16 wide
  outputs[2].values[cell] = .5F;                   // middle at (2 + .5 + .5) * 4 = 12 down
  outputs[2].values[128 + cell] = .25F;            // and (3 + .25 + .5) * 4 = 15 right
  outputs[3].values[4 * 128 + cell] = .5F;         // third point: 10 below the box's top
  outputs[3].values[5 * 128 + cell] = .25F;        // 4 right of its left side
  auto faces = decode(centerface, outputs, 64, 32, .5F, "centerface.onnx");
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_FLOAT_EQ(faces[0].box.left, 7);
  EXPECT_FLOAT_EQ(faces[0].box.top, 2);
  EXPECT_FLOAT_EQ(faces[0].box.right, 23);
  EXPECT_FLOAT_EQ(faces[0].box.bottom, 22);
  EXPECT_FLOAT_EQ(faces[0].landmarks[2].x, 11);
  EXPECT_FLOAT_EQ(faces[0].landmarks[2].y, 12);
  // A network whose third point is the left eye.
  centerface.landmarks = {2, 1, 0, 3, 4};
  faces = decode(centerface, outputs, 64, 32, .5F, "centerface.onnx");
  EXPECT_FLOAT_EQ(faces[0].landmarks[0].x, 11);
}

TEST(Decode, WhatIsNoBoxIsLeftOut) {
  const DetectorContract yunet{.method = DetectorMethod::kYunet};
  for (const float size : {kNotANumber, 1000.0F}) {
    auto outputs = yunet_outputs();
    outputs[0].values[0] = outputs[3].values[0] = 1;
    outputs[6].values[2] = size;
    EXPECT_TRUE(decode(yunet, outputs, 64, 32, .5F, "yunet.onnx").empty()) << size;
  }
}

TEST(Decode, OutputsOfAnotherNetworkAreRefused) {
  const DetectorContract yunet{.method = DetectorMethod::kYunet};
  const auto refused = [&](const std::vector<Tensor>& outputs) {
    try {
      (void)decode(yunet, outputs, 64, 32, .5F, "some.onnx");
      ADD_FAILURE() << "taken";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kModelInvalid);
      EXPECT_NE(std::string(e.what()).find("some.onnx"), std::string::npos);
    }
  };
  refused(centerface_outputs());
  auto outputs = yunet_outputs();
  outputs[9].values.pop_back();
  refused(outputs);
}

Face face_at(float left, float top, float size, float score) {
  return {.box = {.left = left, .top = top, .right = left + size, .bottom = top + size}, .score = score};
}

TEST(SuppressOneStage, DroppedFacesSuppressNothingAndTheBestComesFirst) {
  // Neighbours share 6 of 10 columns: 60 / 140 = .43. The second goes, so the third stays.
  std::vector<Face> faces{face_at(4, 0, 10, .8F), face_at(8, 0, 10, .7F), face_at(0, 0, 10, .9F)};
  suppress({.method = DetectorMethod::kCenterface, .overlap = .3F}, faces);
  ASSERT_EQ(faces.size(), 2U);
  EXPECT_FLOAT_EQ(faces[0].score, .9F);
  EXPECT_FLOAT_EQ(faces[1].score, .7F);
}

TEST(SuppressOneStage, YunetsBoxesCountAsWholeNumbers) {
  // From 0 and from 5.9, 10 wide: they share 4.1 of 15.9 columns (.26), cut to whole numbers 5 of 15 (.33).
  std::vector<Face> faces{face_at(0, 0, 10, .9F), face_at(5.9F, 0, 10, .8F)};
  std::vector<Face> same = faces;
  suppress({.method = DetectorMethod::kCenterface, .overlap = .3F}, faces);
  EXPECT_EQ(faces.size(), 2U);
  suppress({.method = DetectorMethod::kYunet, .overlap = .3F}, same);
  EXPECT_EQ(same.size(), 1U);
}

}  // namespace
}  // namespace likeness
