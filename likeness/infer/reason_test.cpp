#include "likeness/infer/openvino/reason.h"

#include <gtest/gtest.h>

#include "likeness/infer/output_kinds.h"

namespace likeness {
namespace {

// As OpenVINO 2026.4.1 says them.
TEST(ReducedReason, IsOperatorNameAndReason) {
  const std::string frame =
      "Exception from src/inference/src/cpp/core.cpp:84:\n"
      "Check 'false' failed at src/frontends/common_translators/src/unconverted_ops_report.cpp:151:\n"
      "FrontEnd API failed with OpConversionFailure:\n"
      "Model wasn't fully converted.";
  EXPECT_EQ(reduced_reason(frame +
                           "\nSummary:\n-- No conversion rule found for operations: QConv-20, a.b.Relu\n\n"),
            "it has operators that are not known: QConv, a.b.Relu");
  EXPECT_EQ(reduced_reason(
                frame + " Failed operations detailed log:\n-- Conv-20 with a message:\n"
                        "While validating ONNX node '<Node(Conv): getitem>': Check 'strides.size() == "
                        "num_spatial' failed at "
                        "src/core/shape_inference/include/convolution_shape_inference_util.hpp:324:\n"
                        "While validating node 'opset1::Convolution Convolution_70 (opset1::Parameter "
                        "input[0]:f32[1,3,16,16]) -> (dynamic[...])' with friendly_name 'Convolution_70':\n"
                        "Strides should be defined for all and only spatial dimensions.\n\n"
                        "Summary:\n-- Conversion is failed for: Conv-20\n"),
            "Conv getitem: Strides should be defined for all and only spatial dimensions.");
  EXPECT_EQ(reduced_reason("Exception from src/inference/src/cpp/core.cpp:84:\nException from "
                           "src/core/xml_util/src/xml_deserialize_util.cpp:1286:\nOpset opset1 doesn't "
                           "contain the operation with type: QReLU\n\n"),
            "Opset opset1 doesn't contain the operation with type: QReLU");
  EXPECT_EQ(reduced_reason("While validating node 'opset1::Add A1 (x) -> (y)' with friendly_name 'sum':\n"
                           "Check 'merged' failed at src/core/a.cpp:1:\n"),
            "Add sum: merged does not hold");
  EXPECT_EQ(reduced_reason(""), "no reason given");
}

TEST(ReducedReason, IsNeverCutInsideAWord) {
  std::string sentences;
  for (int i = 0; i < 20; ++i) sentences += "The sentence of number " + std::to_string(i) + " ends here. ";
  const std::string whole = reduced_reason(sentences);
  EXPECT_LE(whole.size(), 300U);
  EXPECT_TRUE(whole.ends_with("ends here.")) << whole;
  std::string words;
  for (int i = 0; i < 200; ++i) words += "word" + std::to_string(1000 + i) + " ";
  const std::string cut = reduced_reason(words);
  EXPECT_LE(cut.size(), 300U);
  EXPECT_EQ(cut.substr(cut.size() - 4), " ...");
  EXPECT_EQ((cut.size() - 3) % 9, 0U) << cut;
}

TEST(Outputs, AreToldByWhatTheyMayBe) {
  const std::vector<OutputFacts> two{{"fc1", {-1, 128}}, {"quality", {-1, 1}}};
  EXPECT_EQ(
      explained(two),
      "fc1 (? x 128: 128 numbers a picture, may be the embedding); quality (? x 1: one number a picture, "
      "a score or a quality)");
  EXPECT_TRUE(may_be_embedding({"fc1", {1, 512, 1, 1}}));
  EXPECT_FALSE(may_be_embedding({"points", {1, 10}}));
  EXPECT_FALSE(may_be_embedding({"maps", {1, 64, 7, 7}}));
  EXPECT_EQ(detector_by_outputs(two), "");
  // SCRFD's lists, which have no batch, and an embedder that gives maps beside.
  std::vector<OutputFacts> lists;
  for (const std::int64_t columns : {1, 4, 10}) {
    for (const std::int64_t rows : {12800, 3200, 800}) lists.push_back({"o", {rows, columns}});
  }
  EXPECT_NE(detector_by_outputs(lists).find("SCRFD"), std::string::npos) << detector_by_outputs(lists);
  // MTCNN's first network, channels behind.
  EXPECT_NE(detector_by_outputs(
                std::vector<OutputFacts>{{"conv2d_4", {-1, -1, -1, 4}}, {"softmax", {-1, -1, -1, 2}}})
                .find("MTCNN"),
            std::string::npos);
  EXPECT_EQ(detector_by_outputs(std::vector<OutputFacts>{{"fc1", {-1, 128}}, {"boxes", {-1, 4, 8, 8}}}), "");
  EXPECT_EQ(detector_by_outputs(std::vector<OutputFacts>{{"a", {-1, 2}}, {"b", {-1, 3}}}), "");
}

}  // namespace
}  // namespace likeness
