#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "likeness/core/error.h"
#include "likeness/gallery/store.h"
#include "likeness/model/contract.h"

// What tests of stores and galleries share.

namespace likeness {

/// A SHA-256 that looks like one, a number for a photo.
inline std::string hash_of(int number) {
  const std::string digits = std::to_string(number);
  return std::string(64 - digits.size(), '0') + digits;
}

inline NewFace face_of(std::span<const float> embedding, int photo) {
  NewFace face;
  face.photo = "photos/" + std::to_string(photo) + ".jpg";
  face.photo_hash = hash_of(photo);
  face.photo_size = {640, 480};
  face.box = {10, 20, 110, 150.5F};
  face.landmarks[0] = {40, 60};
  face.quality = {.size_px = 100, .sharpness = 250, .brightness = 120, .yaw = 0.1F, .score = 0.99F};
  face.embedding = embedding;
  return face;
}

/// Of a model whose mean face has `first` as its first value and zeros else.
inline Contract centred_contract(int dimension, float first) {
  Contract contract;
  contract.name = "centred";
  contract.network = "net.onnx";
  contract.sha256 = std::string(64, '7');
  contract.dimension = dimension;
  contract.centre.assign(static_cast<std::size_t>(dimension), 0);
  contract.centre[0] = first;
  return contract;
}

template <typename Work>
void expect_error(ErrorCode code, const std::string& words, const Work& work) {
  try {
    work();
    ADD_FAILURE() << "expected an Error with: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

}  // namespace likeness
