#include "serve/searching.h"

#include "serve/api_v1/json.h"

namespace likeness::serve {
namespace {

double probability_about(double threshold, double slope, double similarity) {
  Calibration curve;
  curve.threshold = threshold;
  curve.slope = slope;
  return curve.probability(similarity);
}

}  // namespace

double probability_of_pair(const Contract& contract, double threshold, double similarity) {
  return probability_about(threshold, naming_slope_of(contract), similarity);
}

double probability_of(const NamingRule& rule, double similarity) {
  if (!rule.threshold) return 0;
  return rule.calibration ? rule.calibration->probability(similarity)
                          : probability_about(*rule.threshold, rule.slope, similarity);
}

std::size_t tell_searched(Service& service, const ServedGallery& served,
                          const std::optional<std::string>& source, std::span<const SearchedFace> faces,
                          const PhotoFaces* photo) {
  std::size_t named = 0;
  Json names = Json::array();
  Json list = Json::array();
  for (const SearchedFace& face : faces) {
    const bool known = face.match.has_value();
    if (known) ++named;
    const Json name = known ? Json(face.match->name) : Json(nullptr);
    names.push_back(name);
    list.push_back({{"name", name},
                    {"person", known ? Json(face.match->person) : Json(nullptr)},
                    {"similarity", known ? Json(face.match->similarity) : Json(nullptr)},
                    {"confidence", face.confidence},
                    {"box", face.box ? box_json(*face.box) : Json(nullptr)}});
  }
  Json seconds = nullptr;
  if (photo != nullptr) {
    const StageSeconds& took = photo->seconds;
    seconds = took.read + took.detect + took.align + took.embed;
  }
  service.metrics().count_faces(named, faces.size() - named);
  service.events().publish({"searched",
                            served.name,
                            {{"named", named},
                             {"unknown", faces.size() - named},
                             {"names", std::move(names)},
                             {"source", or_null(source)},
                             {"seconds", std::move(seconds)},
                             {"faces", std::move(list)}}});
  return named;
}

FacesFound search_faces(Service& service, ServedGallery& served, const Embeddings& queries,
                        const PhotoFaces* photo, const SearchOptions& options) {
  FacesFound found{.view = served.view()};
  found.rule = service.rule_for(*found.view, options.threshold);
  found.answers = identify(*found.view, found.rule, queries);
  std::vector<SearchedFace> faces;
  for (std::size_t i = 0; i < found.answers.size(); ++i) {
    const Identification& answer = found.answers[i];
    SearchedFace face;
    if (photo != nullptr) face.box = photo->faces[photo->chosen[i]].box;
    if (answer.name) face.match = answer.nearest;
    if (answer.nearest) face.confidence = probability_of(found.rule, answer.nearest->similarity);
    faces.push_back(std::move(face));
  }
  // What is out of reach cannot keep a face; the answer comes all the same.
  if (photo != nullptr && !found.view->stale()) service.remember_unknown(served, *photo, found.answers);
  found.named = tell_searched(service, served, options.source, faces, photo);
  return found;
}

}  // namespace likeness::serve
