// CompreFace: who is in photos, and what is compared.
#include <algorithm>
#include <cmath>

#include "likeness/embed/comparison.h"
#include "serve/compat/compreface.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

constexpr double kUnnamedAtMost = 0.39;  ///< Below every threshold that clients ship with (.4 and more).

/// CompreFace's similarity of two faces of 20180408-102900: a curve over the distance of their unit vectors,
/// with the coefficients of its facenet.py and the formula of its EuclideanDistanceClassifier.java.
double published_similarity(double cosine) {
  const double distance = std::sqrt(std::max(0.0, 2 - 2 * cosine));
  return (std::tanh((1.1362496 - distance) * 5.803152427) + 1) / 2;
}

Json with_status(Json json, double seconds, bool status) {
  if (status) json["execution_time"] = {{"detector", seconds * 1000}, {"calculator", 0.0}};
  return json;
}

Json plugins_json(const Visit& visit) {
  const Contract& contract = visit.service.recognizer().contract();
  return {{"detector", contract.detector}, {"calculator", contract.name}};
}

/// The faces that are wanted of a photo. @throws Refusal where there is none.
std::vector<std::size_t> faces_wanted(const PhotoFaces& photo, double min_score, std::size_t limit) {
  auto faces = largest_first(photo, min_score);
  if (faces.empty()) throw Refusal(400, "no_face", "No face is found in the given image");
  if (limit > 0 && faces.size() > limit) faces.resize(limit);
  return faces;
}

Done result_of(const Visit& visit, Json result, bool status, std::size_t faces) {
  Json json{{"result", std::move(result)}};
  if (status) json["plugins_versions"] = plugins_json(visit);
  Done done = json_done(json);
  done.faces = static_cast<std::int64_t>(faces);
  return done;
}

/// One embedding of a JSON body. @throws Refusal where it is none of this model's.
std::vector<float> embedding_from(const Visit& visit, const nlohmann::json& json) {
  const std::size_t dimension = visit.service.recognizer().space().dimension;
  if (!json.is_array()) throw Refusal(400, "bad_value", "an embedding is to be a list of numbers");
  if (json.size() != dimension)
    throw Refusal(400, "bad_embedding",
                  "an embedding is to have " + std::to_string(dimension) + " values, not " +
                      std::to_string(json.size()));
  Embeddings row{dimension, {}};
  for (const nlohmann::json& value : json) {
    if (!value.is_number() || !std::isfinite(value.get<float>()))
      throw Refusal(400, "bad_value", "an embedding is to be a list of numbers");
    row.values.push_back(value.get<float>());
  }
  l2_normalize(row);
  const double length = dot(row.values, row.values);
  if (!(std::abs(length - 1) < 1e-3)) throw Refusal(400, "bad_value", "an embedding must not be all zero");
  return std::move(row.values);
}

Embeddings embeddings_in(const Visit& visit, const char* field) {
  const nlohmann::json& body = visit.input.json();
  if (!body.is_object() || !body.contains(field) || !body.at(field).is_array() ||
      body.at(field).size() > 1000)
    throw Refusal(400, "no_parameter", std::string("'") + field + "' is to be a list of embeddings", field);
  Embeddings all{visit.service.recognizer().space().dimension, {}};
  for (const nlohmann::json& one : body.at(field)) {
    const auto row = embedding_from(visit, one);
    all.values.insert(all.values.end(), row.begin(), row.end());
  }
  return all;
}

Json compared(const Embeddings& rows, const std::function<double(std::span<const float>)>& similarity) {
  Json result = Json::array();
  for (std::size_t i = 0; i < rows.size(); ++i)
    result.push_back({{"embedding", rows[i]}, {"similarity", similarity(rows[i])}});
  return {{"result", std::move(result)}};
}

}  // namespace

/// What a request asks of photos.
struct CompreFace::Wanted {
  double min_score = 0;
  std::size_t limit = 0;  ///< 0: all
  std::size_t predictions = 1;
  bool landmarks = false;
  bool embedding = false;
  bool status = false;

  explicit Wanted(const Input& input)
      : min_score(input.number("det_prob_threshold", 0, 1).value_or(0)),
        limit(input.whole("limit", 0, 1'000'000)),
        predictions(std::max<std::size_t>(1, input.whole("prediction_count", 1, 1000))),
        status(input.flag("status", false)) {
    // Other plugins, and words such as "undefined", are passed over, as CompreFace does.
    const std::string plugins = "," + input.text("face_plugins").value_or("") + ",";
    landmarks = plugins.find(",landmarks,") != std::string::npos;
    embedding = plugins.find(",calculator,") != std::string::npos;
  }
};

// ---- what a face's similarity is ----

bool CompreFace::published(const Visit& visit) const {
  const Contract& contract = visit.service.recognizer().contract();
  return scale_ == CompreFaceScale::kPublished && contract.name == "20180408-102900" && !contract.compact();
}

/// `cosine`: of the vectors as they are, for the published curve. The naming rule has the last word in either
/// scale: a named face has at least one half, and one without a name less than what any client takes for one.
double CompreFace::scaled(bool named, double probability, std::optional<double> cosine) const {
  const double value = cosine ? published_similarity(*cosine) : probability;
  return named ? std::max(0.5, value) : std::min(kUnnamedAtMost, value);
}

double CompreFace::pair_similarity(const Visit& visit, std::span<const float> a,
                                   std::span<const float> b) const {
  const Recognizer& recognizer = visit.service.recognizer();
  const Comparison comparison(recognizer.contract());
  const double similarity = dot(comparison.comparable(a), comparison.comparable(b));
  const double threshold = recognizer.verification_rule().threshold;
  return scaled(similarity >= threshold, probability_of_pair(recognizer.contract(), threshold, similarity),
                published(visit) ? std::optional(dot(a, b)) : std::nullopt);
}

std::vector<Json> CompreFace::subjects_json(const Visit& visit, const GalleryView& view,
                                            const std::vector<std::vector<Candidate>>& found,
                                            const Embeddings& queries) const {
  std::map<std::int64_t, std::vector<float>> vectors;  // of the nearest faces, for the published curve
  if (published(visit)) {
    std::set<std::int64_t> ids;
    for (const auto& people : found) {
      for (const Candidate& one : people) ids.insert(one.match.face);
    }
    const FaceEmbeddings stored = view.store().embeddings(std::vector(ids.begin(), ids.end()));
    for (std::size_t i = 0; i < stored.faces.size(); ++i) {
      const auto row = stored.embeddings[i];
      vectors[stored.faces[i].face] = {row.begin(), row.end()};
    }
  }
  std::vector<Json> all;
  for (std::size_t i = 0; i < found.size(); ++i) {
    Json list = Json::array();
    double most = 1;
    for (const Candidate& one : found[i]) {
      const auto vector = vectors.find(one.match.face);
      const std::optional<double> cosine =
          vector == vectors.end() ? std::nullopt : std::optional(dot(queries[i], vector->second));
      // The order is the gallery's; the curve knows one face of each, and must not turn it.
      most = std::min(most, scaled(one.named, one.probability, cosine));
      list.push_back({{"subject", one.match.name}, {"similarity", most}});
    }
    // Clients read subjects[0] without looking whether there is one.
    if (list.empty()) list.push_back({{"subject", "unknown"}, {"similarity", 0.0}});
    all.push_back(std::move(list));
  }
  return all;
}

Json CompreFace::face_json(const Visit&, const PhotoFaces& photo, std::size_t i, const Wanted& wanted) const {
  const Face& face = photo.faces[photo.chosen[i]];
  const auto whole = [](float value) { return static_cast<int>(std::lround(value)); };
  Json json{{"box",
             {{"probability", face.score},
              {"x_max", whole(face.box.right)},
              {"y_max", whole(face.box.bottom)},
              {"x_min", whole(face.box.left)},
              {"y_min", whole(face.box.top)}}}};
  if (wanted.landmarks) {
    json["landmarks"] = Json::array();
    for (const Point& point : face.landmarks) json["landmarks"].push_back({whole(point.x), whole(point.y)});
  }
  if (wanted.embedding && !photo.averaged.values.empty()) json["embedding"] = photo.averaged[i];
  return with_status(std::move(json), photo.seconds.read + photo.seconds.detect, wanted.status);
}

// ---- photos ----

void CompreFace::add_photo_routes() {
  route("compreface.recognize", "POST", "/api/v1/recognition/recognize", Right::kSearch,
        bound(&CompreFace::recognize));
  route("compreface.verifyFace", "POST", "/api/v1/recognition/faces/{image}/verify", Right::kSearch,
        bound(&CompreFace::verify_face));
  route("compreface.detect", "POST", "/api/v1/detection/detect", Right::kSearch, bound(&CompreFace::detect));
  route("compreface.verify", "POST", "/api/v1/verification/verify", Right::kSearch,
        bound(&CompreFace::verify));
  route("compreface.recognizeEmbeddings", "POST", "/api/v1/recognition/embeddings/recognize", Right::kSearch,
        bound(&CompreFace::recognize_embeddings));
  route("compreface.verifyEmbeddings", "POST", "/api/v1/recognition/embeddings/faces/{image}/verify",
        Right::kSearch, bound(&CompreFace::verify_embeddings));
  route("compreface.verifyTwoEmbeddings", "POST", "/api/v1/verification/embeddings/verify", Right::kSearch,
        bound(&CompreFace::verify_two_embeddings));
}

Done CompreFace::recognize(const Visit& visit) const {
  const Wanted wanted(visit.input);
  const PhotoFaces photo = look_at(visit.service, visit.input.photo("file"));
  const auto faces = faces_wanted(photo, wanted.min_score, wanted.limit);
  const auto view = visit.served.view();
  const NamingRule rule = visit.service.rule_for(*view);
  const auto found = candidates(*view, rule, photo.averaged, wanted.predictions);
  const auto subjects = subjects_json(visit, *view, found, photo.averaged);
  Json result = Json::array();
  for (const std::size_t i : faces) {
    Json json = face_json(visit, photo, i, wanted);
    json["subjects"] = subjects[i];
    result.push_back(std::move(json));
  }
  Done done = result_of(visit, std::move(result), wanted.status, faces.size());
  done.named = static_cast<std::int64_t>(tell_searched(visit, &photo, found, photo.averaged, *view, rule));
  return done;
}

Done CompreFace::verify_face(const Visit& visit) const {
  const StoredFace stored = compreface_face(visit);
  const std::vector<float> vector = visit.served.gallery->store().embedding(stored.id);
  const Wanted wanted(visit.input);
  const PhotoFaces photo = look_at(visit.service, visit.input.photo("file"));
  const auto faces = faces_wanted(photo, wanted.min_score, wanted.limit);
  Json result = Json::array();
  for (const std::size_t i : faces) {
    Json json = face_json(visit, photo, i, wanted);
    json["subject"] = visit.served.gallery->store().find_person(stored.person).value_or(Person{}).name;
    json["similarity"] = pair_similarity(visit, photo.averaged[i], vector);
    result.push_back(std::move(json));
  }
  Done done = result_of(visit, std::move(result), wanted.status, faces.size());
  done.person = stored.person;
  return done;
}

Done CompreFace::detect(const Visit& visit) const {
  const Wanted wanted(visit.input);
  PhotoFaces photo;
  if (wanted.embedding) {
    photo = look_at(visit.service, visit.input.photo("file"));
  } else {
    PhotoStream stream = visit.service.recognizer().stream({.until = Stage::kDetect});
    photo = look_at(visit.service, stream, visit.input.photo("file"));
    photo.chosen.resize(photo.faces.size());
    for (std::size_t i = 0; i < photo.chosen.size(); ++i) photo.chosen[i] = i;
  }
  const auto faces = faces_wanted(photo, wanted.min_score, wanted.limit);
  Json result = Json::array();
  for (const std::size_t i : faces) result.push_back(face_json(visit, photo, i, wanted));
  return result_of(visit, std::move(result), wanted.status, faces.size());
}

Done CompreFace::verify(const Visit& visit) const {
  const Wanted wanted(visit.input);
  const PhotoFaces source = look_at(visit.service, visit.input.photo("source_image"));
  const PhotoFaces target = look_at(visit.service, visit.input.photo("target_image"));
  const auto sources = main_faces(source, wanted.min_score);
  if (sources.empty()) throw Refusal(400, "no_face", "No face is found in the given image");
  if (sources.size() > 1)
    throw Refusal(400, "many_faces",
                  "More than one face in the source image: " + std::to_string(sources.size()));
  const auto targets = faces_wanted(target, wanted.min_score, wanted.limit);
  Json matches = Json::array();
  for (const std::size_t i : targets) {
    Json json = face_json(visit, target, i, wanted);
    json["similarity"] = pair_similarity(visit, source.averaged[sources.front()], target.averaged[i]);
    matches.push_back(std::move(json));
  }
  std::stable_sort(matches.begin(), matches.end(), [](const Json& a, const Json& b) {
    return a.at("similarity").get<double>() > b.at("similarity").get<double>();
  });
  Json one{{"source_image_face", face_json(visit, source, sources.front(), wanted)},
           {"face_matches", std::move(matches)}};
  if (wanted.status) one["plugins_versions"] = plugins_json(visit);
  Done done = json_done({{"result", Json::array({std::move(one)})}});
  done.faces = static_cast<std::int64_t>(1 + targets.size());
  return done;
}

// ---- embeddings ----

Done CompreFace::recognize_embeddings(const Visit& visit) const {
  const Embeddings queries = embeddings_in(visit, "embeddings");
  const auto view = visit.served.view();
  const NamingRule rule = visit.service.rule_for(*view);
  const auto found = candidates(*view, rule, queries, Wanted(visit.input).predictions);
  const auto subjects = subjects_json(visit, *view, found, queries);
  Json result = Json::array();
  for (std::size_t i = 0; i < found.size(); ++i)
    result.push_back({{"embedding", queries[i]}, {"similarities", subjects[i]}});
  Done done = json_done({{"result", std::move(result)}});
  done.faces = static_cast<std::int64_t>(found.size());
  done.named = static_cast<std::int64_t>(tell_searched(visit, nullptr, found, queries, *view, rule));
  return done;
}

Done CompreFace::verify_embeddings(const Visit& visit) const {
  const StoredFace stored = compreface_face(visit);
  const std::vector<float> vector = visit.served.gallery->store().embedding(stored.id);
  return json_done(compared(embeddings_in(visit, "embeddings"),
                            [&](std::span<const float> row) { return pair_similarity(visit, row, vector); }));
}

Done CompreFace::verify_two_embeddings(const Visit& visit) const {
  const nlohmann::json& body = visit.input.json();
  if (!body.is_object() || !body.contains("source"))
    throw Refusal(400, "no_parameter", "Required parameter 'source' is not present", "source");
  const std::vector<float> source = embedding_from(visit, body.at("source"));
  return json_done(compared(embeddings_in(visit, "targets"),
                            [&](std::span<const float> row) { return pair_similarity(visit, source, row); }));
}

}  // namespace likeness::serve
