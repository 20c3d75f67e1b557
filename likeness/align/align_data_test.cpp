#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "likeness/align/align.h"
#include "likeness/image/read_image.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

using nlohmann::json;
const std::filesystem::path kPhotos = LIKENESS_SHARED "/data/five-celebrity";

json parsed(const std::filesystem::path& path) {
  std::ifstream file(path);
  return json::parse(file);
}

// mtcnn 0.1.1's faces (reference/detections_five_celebrity.json), so this proves reading and cutting, not
// detection.
TEST(CutChip, TutorialChipsOfRealPhotosEqualTheStoredOnes) {
  if (!std::filesystem::exists(kPhotos)) GTEST_SKIP() << "no folder " << kPhotos;
  const NpzFile dataset(kPhotos / "5-celebrity-faces-dataset.npz");  // as a user of the tutorial made it
  const std::map<std::string, std::vector<std::uint8_t>> stored{
      {"train", dataset.get<std::uint8_t>("arr_0").values},
      {"val", dataset.get<std::uint8_t>("arr_2").values}};
  const CropSpec spec{.profile = CropProfile::kTutorial, .filter = Filter::kNearest};
  int equal = 0, photos = 0;
  const json reference = parsed(LIKENESS_SHARED "/reference/detections_five_celebrity.json");
  for (const json& photo : reference["photos"]) {
    const std::string file = photo["file"];
    const json& found = photo["faces"].at(photo["stored_face"].get<std::size_t>());
    const auto& box = found["box"];
    const Image image = read_image(kPhotos / file);
    EXPECT_EQ(json({image.width(), image.height()}), photo["size"]) << file;
    const Chip chip = cut_chip(image.view(), {{box[0], box[1], box[2], box[3]}, found["score"], {}}, spec);
    const auto& rows = stored.at(file.substr(0, file.find('/')));
    const std::size_t row = photo["stored_row"].get<std::size_t>() * chip.pixels().size();
    ASSERT_LE(row + chip.pixels().size(), rows.size());
    const bool same =
        std::equal(chip.pixels().begin(), chip.pixels().end(), rows.begin() + static_cast<long>(row));
    EXPECT_EQ(same, photo["crop_mean_abs_error"] == 0.0) << file;
    equal += same ? 1 : 0;
    ++photos;
  }
  EXPECT_EQ(photos, 118);
  EXPECT_EQ(equal, 116);  // the other two are ties among mtcnn's candidates, not matters of cutting
}

}  // namespace
}  // namespace likeness
