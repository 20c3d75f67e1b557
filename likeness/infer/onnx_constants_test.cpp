#include "likeness/infer/onnx_constants.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <string>

#include "likeness/core/error.h"

namespace likeness {
namespace {

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string number(int field, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(field) << 3) + varint(value);
}

std::string block(int field, const std::string& content) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 2) + varint(content.size()) + content;
}

std::string floats(std::initializer_list<float> values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), std::data(values), bytes.size());
  return bytes;
}

// TensorProto: dims 1, data_type 2, float_data 4, name 8, raw_data 9.
std::string tensor(const std::string& name, const std::string& shape, int values_field,
                   const std::string& values) {
  return shape + number(2, 1) + block(values_field, values) + block(8, name);
}

// ModelProto with the graph in field 7, tensors in the graph's field 5.
std::string model(std::initializer_list<std::string> tensors) {
  std::string graph = block(2, "graph");
  for (const std::string& t : tensors) graph += block(5, t);
  return number(1, 7) + block(7, graph) + block(8, "opset");
}

OnnxConstants parse(const std::string& bytes) {
  return {std::as_bytes(std::span<const char>(bytes)), "some.onnx"};
}

void expect_refused(const std::string& bytes, const std::string& part) {
  try {
    (void)parse(bytes);
    FAIL() << "no error, expected one with: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelInvalid);
    EXPECT_NE(std::string(error.what()).find("some.onnx: "), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

const std::string kTwoByOne = number(1, 2) + number(1, 1);

TEST(OnnxConstants, ReadsRawAndTypedFloats) {
  const OnnxConstants constants =
      parse(model({tensor("raw", kTwoByOne, 9, floats({1, 2})),
                   tensor("typed", block(1, varint(1) + varint(2)), 4, floats({3, 4}))}));
  EXPECT_EQ(constants.get("raw", {2, 1}), (std::vector<float>{1, 2}));
  EXPECT_EQ(constants.get("typed", {1, 2}), (std::vector<float>{3, 4}));
  EXPECT_EQ(constants.all().size(), 2U);
}

TEST(OnnxConstants, LeavesOutOtherTypes) {
  const std::string integers =
      number(1, 3) + number(2, 7) + block(9, "123456781234567812345678") + block(8, "shape");
  EXPECT_TRUE(parse(model({integers})).all().empty());
}

TEST(OnnxConstants, NamesWhatIsMissingOrOfAnotherShape) {
  const OnnxConstants constants = parse(model({tensor("w", kTwoByOne, 9, floats({1, 2}))}));
  try {
    (void)constants.get("v", {2, 1});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "some.onnx: holds no constant \"v\"; is it another network?");
  }
  try {
    (void)constants.get("w", {1, 2});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "some.onnx: constant \"w\" has shape [2, 1], not [1, 2]");
  }
}

TEST(OnnxConstants, RefusesWhatIsNoNetwork) {
  expect_refused("", "it holds no network");
  expect_refused("GIF89a", "");
  expect_refused(std::string(11, '\xFF'), "an overlong number");
  expect_refused(varint(7 << 3 | 2) + varint(~std::uint64_t{0}), "it ends too early");
  expect_refused(varint(7 << 3 | 3), "an unknown wire type");
}

TEST(OnnxConstants, RefusesShapesThatDoNotFit) {
  const std::string values = floats({1, 2});
  expect_refused(model({tensor("w", number(1, 3), 9, values)}), "does not fit its shape");
  expect_refused(model({tensor("w", number(1, ~std::uint64_t{0}), 9, values)}), "does not fit its shape");
  const std::string huge = number(1, std::uint64_t{1} << 62) + number(1, std::uint64_t{1} << 62);
  expect_refused(model({tensor("w", huge, 9, values)}), "does not fit its shape");
  expect_refused(model({tensor("w", kTwoByOne, 9, values.substr(1))}), "does not fit its shape");
  expect_refused(model({kTwoByOne + number(2, 1) + number(14, 1) + block(8, "w")}), "in another file");
}

TEST(OnnxConstants, EveryTruncationIsAnErrorOrHoldsLess) {
  const std::string whole = model({tensor("w", kTwoByOne, 9, floats({1, 2}))});
  int errors = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    try {
      (void)parse(whole.substr(0, size));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelInvalid);
      ++errors;
    }
  }
  // Only the cut just behind the graph leaves a whole file.
  EXPECT_EQ(errors, static_cast<int>(whole.size()) - 1);
}

TEST(OnnxConstants, EveryFlippedBitIsAnErrorOrOtherNumbers) {
  const std::string whole = model({tensor("w", kTwoByOne, 9, floats({1, 2}))});
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    try {
      const OnnxConstants constants = parse(damaged);
      for (const auto& [name, found] : constants.all()) {
        std::size_t count = 1;
        for (const std::int64_t side : found.shape) count *= static_cast<std::size_t>(side);
        EXPECT_EQ(found.values.size(), count);
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelInvalid);
    }
  }
}

TEST(OnnxConstants, MissingFileIsNamed) {
  try {
    const OnnxConstants constants(std::filesystem::path("/no/such.onnx"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelNotFound);
    EXPECT_STREQ(error.what(), "no model file /no/such.onnx");
  }
}

}  // namespace
}  // namespace likeness
