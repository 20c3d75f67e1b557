#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "likeness/image/geometry.h"
#include "likeness/image/image.h"
#include "likeness/model/model_pack.h"

/// A world for tests in which everything is real but small: people are drawn, not photographed, and two small
/// packs find them and tell them apart (tools/make_tiny_packs.py). Nothing here needs weights or photos.
namespace likeness::tiny {

/// Folder of the packs `mtcnn` and kEmbedder, as --models wants it; unpacked by CMake from
/// tests/tiny/packs.zip.
[[nodiscard]] std::filesystem::path packs();
inline constexpr const char* kEmbedder = "tiny";
[[nodiscard]] ModelPack detector();
[[nodiscard]] ModelPack embedder();

/// A face to draw: person `person` (>= 0; people of different numbers have other colours and proportions),
/// the middle of the face's box in pixels and the box's height, at least 20 for the detector.
struct DrawnFace {
  int person = 0;
  float x = 0;
  float y = 0;
  float height = 60;
};

/// The box that the detector should find, and the landmarks: eyes, nose, mouth corners, left before right.
[[nodiscard]] Box box_of(const DrawnFace& face);
[[nodiscard]] std::array<Point, 5> landmarks_of(const DrawnFace& face);

/// A picture of `faces`. The `seed` gives the background (colours, shapes), each face's light (0.96 to 1.04)
/// and a little noise; equal arguments give equal pixels.
[[nodiscard]] Image draw(std::span<const DrawnFace> faces, int width, int height, std::uint32_t seed);

/// A picture of 160 x 120 pixels with one face, whose place and height (50 to 80) the seed gives.
[[nodiscard]] DrawnFace posed(int person, std::uint32_t seed);
[[nodiscard]] Image portrait(int person, std::uint32_t seed);

/// "person_03"; sorts as the numbers do, below 100.
[[nodiscard]] std::string name_of(int person);

/// Writes FOLDER/person_03/0.png, ...: portraits of people [first, last), `photos` of each, the seeds from
/// `seed` on. What is written is lossless. @returns the files, in their order.
std::vector<std::filesystem::path> write_people(const std::filesystem::path& folder, int first, int last,
                                                int photos, std::uint32_t seed);

/// A folder of the running test's own, empty when made and gone afterwards.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace likeness::tiny
