// Quantised weights become plain ones. testdata/onnx_folds.npz: tools/make_onnx_folds.py.
#include "likeness/infer/onnx_fold.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/protobuf.h"
#include "likeness/infer/onnx_constants.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const fs::path kFolds = fs::path(__FILE__).parent_path() / "testdata" / "onnx_folds.npz";

OnnxConstants constants_of(const std::string& bytes) {
  return {std::as_bytes(std::span<const char>(bytes)), "folded.onnx"};
}

std::string bytes_of(const NpzFile& npz, const std::string& member) {
  const auto bytes = npz.get<std::uint8_t>(member);
  return {bytes.values.begin(), bytes.values.end()};
}

std::vector<std::string> names_in(const NpzFile& npz) { return npz.strings("names"); }

TEST(OnnxFold, GivesTheReferencesWeightsForEveryForm) {
  const NpzFile npz(kFolds);
  const auto names = names_in(npz);
  EXPECT_EQ(names.size(), 34U);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const std::string folded = fold_onnx(bytes_of(npz, name), name);
    ASSERT_FALSE(folded.empty());
    const auto want = npz.get<float>(name + "_weights");
    const std::vector<std::int64_t> shape(want.shape.begin(), want.shape.end());
    const std::vector<float>& got = constants_of(folded).get("weights", shape);
    ASSERT_EQ(got.size(), want.values.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (std::isnan(want.values[i])) {
        EXPECT_TRUE(std::isnan(got[i])) << i;
      } else {
        EXPECT_EQ(got[i], want.values[i]) << i;
      }
    }
    EXPECT_EQ(fold_onnx(folded, name), "") << "folded twice";
  }
}

std::string node(const std::string& type, const std::vector<std::string>& inputs, const std::string& output,
                 const std::string& attributes = "") {
  std::string message;
  for (const std::string& input : inputs) append_proto(message, 1, input);
  append_proto(message, 2, output);
  append_proto(message, 4, type);
  return message + attributes;
}

std::string number(const std::string& name, std::uint64_t value) {
  std::string attribute, field;
  append_proto(attribute, 1, name);
  append_proto(attribute, 3, value);
  append_proto(field, 5, attribute);
  return field;
}

std::string tensor(const std::string& name, std::uint64_t type, const std::vector<std::uint64_t>& sizes,
                   const std::string& raw) {
  std::string message;
  for (const std::uint64_t size : sizes) append_proto(message, 1, size);
  append_proto(message, 2, type);
  append_proto(message, 8, name);
  append_proto(message, 9, raw);
  return message;
}

std::string one_float(float value) {
  std::string raw(sizeof(value), '\0');
  std::memcpy(raw.data(), &value, sizeof(value));
  return raw;
}

/// A model with these nodes and constants, the inputs `inputs`, and the output "out".
std::string model(const std::vector<std::string>& nodes, const std::vector<std::string>& tensors,
                  const std::vector<std::string>& inputs = {}) {
  const auto value = [](const std::string& name) {
    std::string message;
    append_proto(message, 1, name);
    return message;
  };
  std::string graph, message;
  for (const std::string& one : nodes) append_proto(graph, 1, one);
  for (const std::string& one : tensors) append_proto(graph, 5, one);
  for (const std::string& one : inputs) append_proto(graph, 11, value(one));
  append_proto(graph, 12, value("out"));
  append_proto(message, 1, std::uint64_t{10});
  append_proto(message, 7, graph);
  return message;
}

const std::uint64_t kFloat = 1, kInt8 = 3;

std::string refusal(const std::string& bytes) {
  try {
    (void)fold_onnx(bytes, "net.onnx");
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelInvalid);
    return e.what();
  }
}

TEST(OnnxFold, LeavesWhatNeedsNothing) {
  const std::string plain =
      model({node("Add", {"in", "w"}, "out")}, {tensor("w", kFloat, {1}, one_float(2))}, {"in"});
  EXPECT_EQ(fold_onnx(plain, "net.onnx"), "");
  // Weights that somebody computes are nobody's constants.
  const std::string computed = model({node("DequantizeLinear", {"in", "s"}, "w"), node("Relu", {"w"}, "out")},
                                     {tensor("s", kFloat, {}, one_float(2))}, {"in"});
  EXPECT_EQ(fold_onnx(computed, "net.onnx"), "");
}

TEST(OnnxFold, LeavesOutInputsThatNobodyReads) {
  const std::string folded =
      fold_onnx(model({node("Add", {"in", "w"}, "out")},
                      {tensor("w", kFloat, {1}, one_float(2)), tensor("left", kFloat, {1}, one_float(3))},
                      {"in", "old"}),
                "net.onnx");
  EXPECT_EQ(folded,
            model({node("Add", {"in", "w"}, "out")}, {tensor("w", kFloat, {1}, one_float(2))}, {"in"}));
}

TEST(OnnxFold, RefusesScalesThatDoNotFit) {
  const auto with = [](const std::vector<std::uint64_t>& scale, std::size_t scales,
                       const std::string& attributes) {
    std::string raw;
    for (std::size_t i = 0; i < scales; ++i) raw += one_float(1);
    return model({node("DequantizeLinear", {"q", "s"}, "w", attributes), node("Add", {"in", "w"}, "out")},
                 {tensor("q", kInt8, {2, 3}, "abcdef"), tensor("s", kFloat, scale, raw)}, {"in"});
  };
  EXPECT_EQ(refusal(with({3}, 3, "")), "");
  EXPECT_EQ(refusal(with({2}, 2, number("axis", 0))), "");
  EXPECT_EQ(refusal(with({2, 2}, 4, number("block_size", 2))), "");
  for (const std::string& bytes :
       {with({2}, 2, ""), with({3}, 3, number("axis", 2)), with({2, 2}, 4, number("block_size", 3)),
        with({3, 2}, 6, number("block_size", 2)), with({1, 3}, 3, "")}) {
    EXPECT_NE(refusal(bytes).find(
                  "net.onnx: it is not an ONNX model that is understood: it has a DequantizeLinear (w) "
                  "whose scale"),
              std::string::npos)
        << refusal(bytes);
  }
  EXPECT_NE(refusal(with({3}, 2, "")).find("holds a tensor (s) of more or fewer values"), std::string::npos);
}

TEST(OnnxFold, RefusesSizesBeforeMemoryIsTaken) {
  const auto with = [](const std::vector<std::uint64_t>& sizes) {
    return model({node("DequantizeLinear", {"q", "s"}, "w"), node("Add", {"in", "w"}, "out")},
                 {tensor("q", kInt8, sizes, "abcdef"), tensor("s", kFloat, {}, one_float(1))}, {"in"});
  };
  const std::uint64_t large = std::uint64_t{1} << 28;
  EXPECT_NE(refusal(with({large})).find("more or fewer values"), std::string::npos);
  EXPECT_NE(refusal(with({large, large})).find("an impossible size"), std::string::npos);
  EXPECT_NE(refusal(with({~std::uint64_t{0}})).find("an impossible size"), std::string::npos);
}

TEST(OnnxFold, EveryTruncationIsAnErrorOrAnotherModel) {
  const std::string whole =
      model({node("DequantizeLinear", {"q", "s"}, "w"), node("Add", {"in", "w"}, "out")},
            {tensor("q", kInt8, {6}, "abcdef"), tensor("s", kFloat, {}, one_float(1))}, {"in"});
  for (std::size_t size = 3; size < whole.size(); ++size) {
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
  }
}

}  // namespace
}  // namespace likeness
