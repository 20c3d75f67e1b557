#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "likeness/gallery/synthetic.h"

// Drawn faces and settings of the programs here that search among them.

namespace likeness {

inline constexpr std::size_t kFacesEach = 5;

struct FaceSettings {
  std::size_t people = 200000;  ///< kFacesEach faces each.
  std::size_t dimension = 512;
  double cosine = 0.6;  ///< Between two faces of a person.
  /// Values that strangers' faces spread over, as real ones do not fill their space; 0: all.
  std::size_t effective = 0;
  std::filesystem::path folder = ".";  ///< For the gallery's file.
  int rounds = 3;

  /// False for another name.
  bool take(const std::string& name, const std::string& value) {
    if (name == "people") {
      people = std::stoul(value);
    } else if (name == "dimension") {
      dimension = std::stoul(value);
    } else if (name == "cosine") {
      cosine = std::stod(value);
    } else if (name == "effective") {
      effective = std::stoul(value);
    } else if (name == "folder") {
      folder = value;
    } else if (name == "rounds") {
      rounds = std::stoi(value);
    } else {
      return false;
    }
    return true;
  }
};

/// From name=value; of `Settings` take() is asked. @throws std::invalid_argument for what it does not know.
template <typename Settings>
Settings settings_from(std::span<char*> words) {
  Settings settings;
  for (const std::string word : words) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string name = word.substr(0, equals);
    if (!settings.take(name, equals < word.size() ? word.substr(equals + 1) : ""))
      throw std::invalid_argument("no setting called " + name);
  }
  return settings;
}

/// Of all threads together: what a machine shared with others does not blur.
inline double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Faces as synthetic_faces() makes them, or the same within a plane of few dimensions, laid at random into
/// the space.
class FaceMaker {
 public:
  explicit FaceMaker(FaceSettings settings) : settings_(std::move(settings)) {
    if (settings.effective == 0) return;
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    plane_.resize(settings.effective * settings.dimension);
    for (float& value : plane_) value = normal(random);
  }
  [[nodiscard]] Embeddings make(std::size_t people, std::size_t each, std::uint32_t seed) const {
    if (plane_.empty()) return synthetic_faces(people, each, settings_.dimension, seed, settings_.cosine);
    const Embeddings flat = synthetic_faces(people, each, settings_.effective, seed, settings_.cosine);
    Embeddings faces{settings_.dimension, std::vector<float>(flat.size() * settings_.dimension)};
    for (std::size_t i = 0; i < flat.size(); ++i) {
      float* face = &faces.values[i * settings_.dimension];
      for (std::size_t k = 0; k < settings_.effective; ++k) {
        const float* row = &plane_[k * settings_.dimension];
        for (std::size_t j = 0; j < settings_.dimension; ++j) face[j] += flat[i][k] * row[j];
      }
    }
    l2_normalize(faces);
    return faces;
  }

 private:
  FaceSettings settings_;
  std::vector<float> plane_;
};

}  // namespace likeness
