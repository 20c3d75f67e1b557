// Galleries: what is in them, and from which similarity on a face gets a name.
#include <algorithm>

#include "likeness/core/error.h"
#include "serve/api_v1/json.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

Done list(Service& service, const Call& call) {
  Json galleries = Json::array();
  for (const auto& served : service.galleries()) {
    if (Service::may_see(call, served->name)) galleries.push_back(gallery_json(*served));
  }
  return {json_response({{"galleries", std::move(galleries)}})};
}

Done show(Service& service, const Call& call) {
  return {json_response(gallery_json(service.gallery_of(call)))};
}

Json calibration_json(const Calibration& calibration) {
  Json curve = Json::array();
  constexpr int kSteps = 40;
  for (int i = 0; i <= kSteps; ++i) {
    const double similarity = static_cast<double>(i) / kSteps;
    curve.push_back({{"similarity", similarity}, {"probability", calibration.probability(similarity)}});
  }
  return {{"threshold", calibration.threshold},
          {"target", calibration.target_fpir},
          {"strangers_named", calibration.fpir},
          {"strangers_named_low", calibration.fpir_interval.low},
          {"strangers_named_high", calibration.fpir_interval.high},
          {"known_unnamed", calibration.mate_faces == 0 ? Json(nullptr) : Json(calibration.fnir)},
          {"strangers", calibration.impostor_faces},
          {"made_ms", calibration.made_ms},
          {"curve", std::move(curve)}};
}

Json thresholds_json(const Service& service, const ServedGallery& served, const GalleryView& view) {
  Json measured = Json::array();
  const std::string_view precision = to_string(service.recognizer().setup().precision);
  for (const KnownThreshold& known : service.recognizer().contract().thresholds) {
    if (known.precision != precision) continue;  // another network's numbers
    measured.push_back({{"false_match_rate", known.false_match_rate},
                        {"threshold", known.cosine},
                        {"pairs", known.pairs > 0 ? Json(known.pairs) : Json(nullptr)},
                        {"origin", known.origin}});
  }
  return {{"gallery", served.name},
          {"rule", rule_json(service.rule_for(view))},
          {"calibration", view.calibration() ? calibration_json(*view.calibration()) : Json(nullptr)},
          {"measured", std::move(measured)}};
}

Done thresholds(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  return {json_response(thresholds_json(service, served, *served.view()))};
}

Done calibrate(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const std::lock_guard lock(served.changing);
  try {
    const CalibrationReport report =
        calibrate_by_leaving_out(*served.view(), {.target_fpir = call.get<double>("strangers_named")});
    served.gallery->set_calibration(report.calibration);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDataInvalid) throw;
    throw Refusal(409, "too_few_faces", error.what(), "strangers_named");
  }
  return {json_response(thresholds_json(service, served, *served.view()))};
}

}  // namespace

void add_gallery_operations(Operations& table) {
  table["listGalleries"] = list;
  table["getGallery"] = show;
  table["getThresholds"] = thresholds;
  table["calibrateGallery"] = calibrate;
}

}  // namespace likeness::serve
