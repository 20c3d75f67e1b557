// The external model of Nextcloud's app Face Recognition: /detect, /compute, /open, /health, /welcome.
#include <algorithm>
#include <cmath>

#include "likeness/embed/comparison.h"
#include "likeness/version.h"
#include "serve/api_v1/json.h"
#include "serve/compat/people.h"
#include "serve/refusal.h"
#include "serve/schema.h"

namespace likeness::serve {
namespace {

/// The app's default sensitivity: faces at most so far apart, by Euclid's distance, are put together
/// (SettingsService.php there, which allows .2 to .6).
constexpr double kSensitivity = 0.4;
/// Pixels that the app makes photos smaller than before it sends them: those of a screen of 3840 x 2160.
constexpr int kMostPixels = 3840 * 2160;

/// Vectors of length 1 whose cosine is c are sqrt(2 - 2 c) apart: so long that at the model's threshold for
/// two faces this is kSensitivity.
double length_for(const Recognizer& recognizer) {
  try {
    return kSensitivity / std::sqrt(2 - 2 * recognizer.verification_rule().threshold);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(std::string("--compat nextcloud: ") + error.what());
  }
}

class Nextcloud : public CompatProtocol {
 public:
  Nextcloud(const std::string& gallery, const Recognizer& recognizer)
      : CompatProtocol(gallery), comparison_(recognizer.contract()) {
    length_ = length_for(recognizer);
    route("nextcloud.detect", "POST", "/detect", Right::kSearch,
          [this](const Visit& visit) { return detect(visit); });
    route("nextcloud.compute", "POST", "/compute", Right::kSearch,
          [this](const Visit& visit) { return compute(visit); });
    route(
        "nextcloud.open", "GET", "/open", Right::kSearch,
        [](const Visit&) {
          return Done{json_response({{"preferred_mimetype", "image/jpeg"}, {"maximum_area", kMostPixels}})};
        },
        Pace::kQuick);
    route(
        "nextcloud.health", "GET", "/health", Right::kNone,
        [](const Visit&) { return Done{json_response("ok")}; }, Pace::kQuick);
    route(
        "nextcloud.welcome", "GET", "/welcome", Right::kNone,
        [](const Visit& visit) {
          return Done{json_response({{"facerecognition-external-model", "welcome"},
                                     {"version", version()},
                                     {"model", visit.service.recognizer().space().id()}})};
        },
        Pace::kQuick);
  }

  [[nodiscard]] Response refuse(const Refusal& refusal, const std::string& request_id) const override {
    Response response = response_for(refusal, request_id);
    if (response.status == 413) response.status = 412;  // what the app knows as "too large"
    response.body = json_response({{"error", refusal.what()}}).body;
    return response;
  }

 private:
  [[nodiscard]] Json face_json(const PhotoFaces& photo, std::size_t i) const;
  [[nodiscard]] Done detect(const Visit& visit) const;
  [[nodiscard]] Done compute(const Visit& visit) const;

  Comparison comparison_;
  double length_ = 1;
};

Json Nextcloud::face_json(const PhotoFaces& photo, std::size_t i) const {
  const Face& face = photo.faces[photo.chosen[i]];
  const auto whole = [](float value) { return std::lround(value); };
  Json landmarks = Json::array();
  for (const Point& point : face.landmarks)
    landmarks.push_back({{"x", whole(point.x)}, {"y", whole(point.y)}});
  std::vector<float> descriptor = comparison_.comparable(photo.averaged[i]);
  for (float& value : descriptor) value = static_cast<float>(value * length_);
  return {{"detection_confidence", face.score}, {"left", whole(face.box.left)},
          {"top", whole(face.box.top)},         {"right", whole(face.box.right)},
          {"bottom", whole(face.box.bottom)},   {"landmarks", std::move(landmarks)},
          {"descriptor", std::move(descriptor)}};
}

Done Nextcloud::detect(const Visit& visit) const {
  const Upload upload = visit.input.photo("file");
  const PhotoFaces photo = look_at(visit.service, upload);
  Json faces = Json::array();
  for (std::size_t i = 0; i < photo.chosen.size(); ++i) faces.push_back(face_json(photo, i));
  const std::size_t count = faces.size();
  return {json_response({{"filename", upload.name}, {"faces-count", count}, {"faces", std::move(faces)}}),
          {},
          static_cast<std::int64_t>(count)};
}

/// How much two boxes share: intersection over union.
double shared(const Box& a, const Box& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (!(width > 0 && height > 0)) return 0;
  const double both = width * height;
  return both / (a.width() * a.height() + b.width() * b.height() - both);
}

/// The face that was found before, found again: the detector's own is the one that shares most with the box.
Done Nextcloud::compute(const Visit& visit) const {
  const Upload upload = visit.input.photo("file");
  nlohmann::json face;
  Box box;
  try {
    face = parse_json(visit.input.text("face").value_or(""));
    box = {face.at("left").get<float>(), face.at("top").get<float>(), face.at("right").get<float>(),
           face.at("bottom").get<float>()};
  } catch (const std::exception&) {
    throw Refusal(400, "invalid", "face is to be JSON with left, top, right and bottom", "face");
  }
  const PhotoFaces photo = look_at(visit.service, upload);
  std::optional<std::size_t> best;
  double most = 0;
  for (std::size_t i = 0; i < photo.chosen.size(); ++i) {
    const double share = shared(photo.faces[photo.chosen[i]].box, box);
    if (share > most) {
      most = share;
      best = i;
    }
  }
  if (!best) throw Refusal(400, "invalid", "there is no face within that box", "face");
  return {json_response({{"filename", upload.name}, {"face", face_json(photo, *best)}}), {}, 1};
}

}  // namespace

std::unique_ptr<Protocol> nextcloud_protocol(const std::string& gallery, const Recognizer& recognizer) {
  return std::make_unique<Nextcloud>(gallery, recognizer);
}

}  // namespace likeness::serve
