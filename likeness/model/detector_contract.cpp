#include "likeness/model/detector_contract.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

namespace likeness {
namespace {

constexpr std::array<std::pair<DetectorMethod, std::string_view>, 3> kMethods{
    {{DetectorMethod::kMtcnn, "mtcnn"},
     {DetectorMethod::kYunet, "yunet"},
     {DetectorMethod::kCenterface, "centerface"}}};
constexpr std::array<std::pair<InputFit, std::string_view>, 2> kFits{
    {{InputFit::kPad, "pad"}, {InputFit::kStretch, "stretch"}}};
/// In the order of Face::landmarks; left and right as seen.
constexpr std::array<std::string_view, 5> kLandmarks{"left eye", "right eye", "nose", "left mouth corner",
                                                     "right mouth corner"};
constexpr const char* kLandmarkWords =
    "each of left eye, right eye, nose, left mouth corner and right mouth corner once";
constexpr int kLargestFace = 4096;

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name != "." && name != ".." &&
         name.find('\0') == std::string::npos;
}

template <typename Words, typename Value>
std::string_view word_of(const Words& words, Value value) {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return {};
}

template <typename Value, std::size_t N>
std::optional<Value> value_of(const std::array<std::pair<Value, std::string_view>, N>& words,
                              std::string_view name) {
  for (const auto& [value, word] : words) {
    if (word == name) return value;
  }
  return std::nullopt;
}

/// A list of words in the network's order, as the places in it of our order's words.
std::array<int, 5> landmarks_from(const JsonFields& fields) {
  const auto& list = fields.array("landmarks");
  std::array<int, 5> places{};
  for (std::size_t i = 0; i < kLandmarks.size(); ++i) {
    const auto found = std::ranges::find(list, nlohmann::json(kLandmarks[i]));
    if (list.size() != kLandmarks.size() || found == list.end()) fields.wrong("landmarks", kLandmarkWords);
    places[i] = static_cast<int>(found - list.begin());
  }
  return places;
}

float share(const JsonFields& fields, const char* field) {
  const double value = fields.number(field);
  if (!(value > 0 && value < 1)) fields.wrong(field, "above 0 and below 1");
  return static_cast<float>(value);
}

void read_one_stage(const JsonFields& fields, DetectorContract& detector) {
  fields.only({"format", "version", "kind", "name", "source", "licence", "files", "self_test", "method",
               "network", "input", "landmarks", "min_score", "overlap", "face_height"});
  detector.network = file_name(fields, "network");
  const JsonFields input = fields.object("input");
  input.only({"channels", "mean", "scale", "fit"});
  detector.channels = input.word("channels", channels_from, "rgb or bgr");
  detector.mean = static_cast<float>(input.number("mean"));
  detector.scale = static_cast<float>(input.number("scale"));
  if (detector.scale == 0 || !std::isfinite(detector.scale)) input.wrong("scale", "a number other than 0");
  detector.fit = input.word("fit", input_fit_from, "pad or stretch");
  detector.landmarks = landmarks_from(fields);
  detector.min_score = share(fields, "min_score");
  detector.overlap = share(fields, "overlap");
  const JsonFields height = fields.object("face_height");
  height.only({"least", "largest"});
  detector.least_face = static_cast<int>(height.integer("least", 1, kLargestFace));
  // Each scale of a photo is half the one before: what grows too large for one must not be too small yet.
  detector.largest_face = static_cast<int>(
      height.integer("largest", std::min(4 * detector.least_face, kLargestFace), kLargestFace));
}

}  // namespace

std::string_view to_string(DetectorMethod method) { return word_of(kMethods, method); }
std::string_view to_string(InputFit fit) { return word_of(kFits, fit); }
std::optional<DetectorMethod> detector_method_from(std::string_view name) { return value_of(kMethods, name); }
std::optional<InputFit> input_fit_from(std::string_view name) { return value_of(kFits, name); }

std::string file_name(const JsonFields& fields, const char* field) {
  std::string name = fields.text(field);
  if (!is_plain_name(name)) fields.wrong(field, "the name of a file inside the pack");
  return name;
}

DetectorContract detector_from(const JsonFields& fields, bool names_method) {
  DetectorContract detector;
  if (!names_method) {
    fields.only({"format", "version", "kind", "name", "source", "licence", "files"});
    return detector;
  }
  detector.method = fields.word("method", detector_method_from, "mtcnn, yunet or centerface");
  if (detector.method != DetectorMethod::kMtcnn) {
    read_one_stage(fields, detector);
  } else {
    fields.only({"format", "version", "kind", "name", "source", "licence", "files", "self_test", "method"});
  }
  return detector;
}

nlohmann::ordered_json detector_object(const DetectorContract& detector) {
  nlohmann::ordered_json json{{"method", to_string(detector.method)}};
  if (detector.method == DetectorMethod::kMtcnn) return json;
  json["network"] = detector.network;
  json["input"] = {{"channels", to_string(detector.channels)},
                   {"mean", shortest(detector.mean)},
                   {"scale", shortest(detector.scale)},
                   {"fit", to_string(detector.fit)}};
  std::array<std::string_view, 5> order;
  for (std::size_t i = 0; i < order.size(); ++i)
    order[static_cast<std::size_t>(detector.landmarks[i])] = kLandmarks[i];
  json["landmarks"] = order;
  json["min_score"] = shortest(detector.min_score);
  json["overlap"] = shortest(detector.overlap);
  json["face_height"] = {{"least", detector.least_face}, {"largest", detector.largest_face}};
  return json;
}

std::vector<std::string> network_files(const DetectorContract& detector) {
  if (detector.method == DetectorMethod::kMtcnn) return {"pnet.onnx", "rnet.onnx", "onet.onnx"};
  return {detector.network};
}

}  // namespace likeness
