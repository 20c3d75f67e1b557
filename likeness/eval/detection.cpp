#include "likeness/eval/detection.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <tuple>

#include "likeness/core/error.h"
#include "likeness/core/file.h"

namespace likeness {
namespace {

constexpr std::size_t kMaxMarksBytes = 64U << 20;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& problem) {
  throw Error(ErrorCode::kDataInvalid, path.string() + " " + problem);
}

/// Value of name='...' or name="..." in a tag; empty where it is not there.
std::string_view attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const std::size_t equals = at + name.size();
    if (at == 0 || tag[at - 1] != ' ' || equals + 1 >= tag.size() || tag[equals] != '=') continue;
    const std::size_t end = tag.find(tag[equals + 1], equals + 2);
    if (end != std::string_view::npos) return tag.substr(equals + 2, end - equals - 2);
  }
  return {};
}

/// The subset of XML that dlib's imglab writes: tags with quoted attributes.
std::vector<MarkedPhoto> read_xml(const std::filesystem::path& path, std::string_view text) {
  std::vector<MarkedPhoto> photos;
  for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at + 1)) {
    const std::size_t end = text.find('>', at);
    if (end == std::string_view::npos) fail(path, "ends inside a tag");
    const std::string_view tag = text.substr(at + 1, end - at - 1);
    if (tag.starts_with("image ")) {
      photos.push_back({std::string(attribute(tag, "file")), {}, {}});
      if (photos.back().file.empty()) fail(path, "has an image without a file");
    }
    if (!tag.starts_with("box ") || attribute(tag, "ignore") == "1") continue;
    if (photos.empty()) fail(path, "has a box before the first image");
    const auto number = [&](std::string_view name) {
      const std::string_view word = attribute(tag, name);
      int value = 0;
      const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (error != std::errc() || stop != word.data() + word.size() || std::abs(value) > 1'000'000) {
        fail(path, "has a box of " + photos.back().file + " without a proper " + std::string(name));
      }
      return static_cast<float>(value);
    };
    const float left = number("left");
    const float top = number("top");
    photos.back().boxes.push_back({left, top, left + number("width"), top + number("height")});
  }
  if (photos.empty()) fail(path, "marks no photos");
  return photos;
}

std::vector<MarkedPhoto> read_json(const std::filesystem::path& path, std::string_view text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("noses") || !json["noses"].is_object())
    fail(path, "has no field noses");
  std::vector<MarkedPhoto> photos;
  for (const auto& [file, points] : json["noses"].items()) {
    if (!points.is_array()) continue;  // a remark on the source stands among the photos
    MarkedPhoto& photo = photos.emplace_back(MarkedPhoto{file, {}, {}});
    for (const auto& point : points) {
      if (!point.is_array() || point.size() != 2 || !point[0].is_number() || !point[1].is_number()) {
        fail(path, "has a point in " + file + " that is not [x, y]");
      }
      photo.points.push_back({point[0].get<float>(), point[1].get<float>()});
    }
  }
  if (photos.empty()) fail(path, "marks no photos");
  return photos;
}

}  // namespace

std::vector<MarkedPhoto> read_marks(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file_bytes(path, kMaxMarksBytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return path.extension() == ".xml" ? read_xml(path, text) : read_json(path, text);
}

std::map<std::string, std::vector<Box>> read_boxes(const std::filesystem::path& path) {
  const auto bytes = read_file_bytes(path, kMaxMarksBytes);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const auto json = nlohmann::ordered_json::parse(text, text + bytes.size(), nullptr, false);
  std::map<std::string, std::vector<Box>> boxes;
  try {
    for (const auto& photo : json.at("photos")) {
      auto& own = boxes[std::filesystem::path(photo.at("file").get<std::string>()).filename().string()];
      for (const auto& face : photo.at("faces")) {
        const auto box = face.at("box").get<std::vector<float>>();
        own.push_back({box.at(0), box.at(1), box.at(2), box.at(3)});
      }
    }
  } catch (const std::exception&) {
    fail(path, "does not hold photos with faces and boxes");
  }
  return boxes;
}

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const double shared = width * height;
  return shared /
         (static_cast<double>(a.width()) * a.height() + static_cast<double>(b.width()) * b.height() - shared);
}

DetectionCount& DetectionCount::operator+=(const DetectionCount& other) {
  marked += other.marked;
  detected += other.detected;
  matched += other.matched;
  return *this;
}

DetectionCount match_detections(const MarkedPhoto& marks, std::span<const Box> detections,
                                double least_overlap) {
  // How badly a detection fits a mark, the mark, the detection.
  std::vector<std::tuple<double, std::size_t, std::size_t>> fits;
  for (std::size_t d = 0; d < detections.size(); ++d) {
    const Box& box = detections[d];
    for (std::size_t m = 0; m < marks.boxes.size(); ++m) {
      const double shared = overlap(marks.boxes[m], box);
      if (shared >= least_overlap) fits.emplace_back(1 - shared, m, d);
    }
    for (std::size_t m = 0; m < marks.points.size(); ++m) {
      const Point& p = marks.points[m];
      if (p.x < box.left || p.x > box.right || p.y < box.top || p.y > box.bottom) continue;
      fits.emplace_back(
          std::hypot(p.x - (box.left + box.right) / 2, p.y - (box.top + box.bottom) / 2) / box.width(),
          marks.boxes.size() + m, d);
    }
  }
  std::sort(fits.begin(), fits.end());
  DetectionCount count{marks.faces(), detections.size(), 0};
  std::vector<char> mark_taken(marks.faces());
  std::vector<char> detection_taken(detections.size());
  for (const auto& [badness, mark, detection] : fits) {
    if (mark_taken[mark] || detection_taken[detection]) continue;
    mark_taken[mark] = detection_taken[detection] = 1;
    ++count.matched;
  }
  return count;
}

}  // namespace likeness
