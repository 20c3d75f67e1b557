#include <algorithm>
#include <iostream>
#include <iterator>
#include <sstream>

#include "cli/model_parts.h"
#include "likeness/infer/network.h"

namespace likeness::cli {
std::string precisions_of(const ModelPack& pack) {
  std::string text = "f32";
  if (missing_for(Precision::kBf16).empty()) text += " bf16";
  if (pack.networks.contains(Precision::kInt8)) text += " int8";
  return text;
}

std::string size_of(const CropSpec& crop) {
  return std::to_string(crop.width) + " x " + std::to_string(crop.height);
}

std::vector<KnownThreshold> thresholds_in(const Contract& contract, Precision precision) {
  std::vector<KnownThreshold> found;
  std::ranges::copy_if(contract.thresholds, std::back_inserter(found),
                       [&](const KnownThreshold& t) { return t.precision == to_string(precision); });
  return found;
}

std::string how_to_measure(const std::string& name, std::string_view precision) {
  return "measure it with `likeness model measure " + name + " --images FOLDER --people FILE" +
         (precision == "f32" ? "" : " --precision " + std::string(precision)) + "`";
}

namespace {

std::string standardization_of(const Contract& contract) {
  if (contract.standardization == Standardization::kPerImage)
    return "(x - its mean) / its standard deviation, each picture";
  if (contract.mean == 0 && contract.scale == 1) return "pixels as they are, 0 to 255";
  std::ostringstream text;
  text << "(x - " << contract.mean << ") / " << contract.scale;
  return text.str();
}

std::string crop_of(const CropSpec& crop) {
  std::ostringstream text;
  text << to_string(crop.profile);
  if (crop.profile == CropProfile::kMargin) {
    text << ": the face's box grown to " << crop.grow << " times" << (crop.square ? ", made square" : "")
         << (crop.upright ? ", turned upright" : "");
  }
  if (crop.places) {
    text << ": landmarks at";
    for (const Point& place : *crop.places) text << ' ' << place.x << ',' << place.y;
  }
  text << "; resampled " << to_string(crop.filter);
  return text.str();
}

}  // namespace

void print_embedder(const ModelPack& pack) {
  const Contract& contract = pack.contract;
  std::cout << "id           " << contract.id() << '\n'
            << "embedding    " << contract.dimension << " values, compared by " << contract.metric()
            << (contract.unit_length ? "; unit length already" : "; brought to unit length after the network")
            << '\n'
            << "input        " << size_of(contract.crop) << ' ' << to_string(contract.channels) << ", "
            << standardization_of(contract) << '\n'
            << "crop         " << crop_of(contract.crop) << '\n'
            << "detector     " << contract.detector << '\n'
            << "precisions   " << precisions_of(pack) << '\n';
  for (const KnownThreshold& threshold : contract.thresholds) {
    std::cout << "threshold    cosine " << threshold.cosine << " for a false-match rate of "
              << threshold.false_match_rate << " (" << threshold.precision << "; " << threshold.origin
              << ")\n";
  }
  for (const Precision precision : {Precision::kF32, Precision::kInt8}) {
    const bool there = precision == Precision::kF32 || pack.networks.contains(precision);
    if (there && thresholds_in(contract, precision).empty()) {
      std::cout << "threshold    none in " << to_string(precision) << "; "
                << how_to_measure(contract.name, to_string(precision)) << '\n';
    }
  }
  if (contract.naming_slope)
    std::cout << "slope        " << *contract.naming_slope
              << " of a name's probability over its similarity\n";
  for (const PackFigure& figure : pack.figures)
    std::cout << "measured     " << figure.name << ' ' << figure.value << " (" << figure.origin << ")\n";
}

void print_detector(const ModelPack& pack) {
  const DetectorContract& detector = pack.detector;
  std::cout << "kind         finds faces, method " << to_string(detector.method) << '\n';
  if (detector.method == DetectorMethod::kMtcnn) return;
  std::cout << "input        " << to_string(detector.channels) << ", (x - " << detector.mean << ") / "
            << detector.scale << ", sides to multiples of 32: " << to_string(detector.fit) << '\n'
            << "faces        " << detector.least_face << " to " << detector.largest_face
            << " pixels high, others are scaled to that\n"
            << "score        at least " << detector.min_score << ", overlap at most " << detector.overlap
            << '\n';
}

}  // namespace likeness::cli
