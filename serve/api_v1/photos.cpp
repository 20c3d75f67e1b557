// What is in a photo: faces, embeddings, whether two are one person, who it is.
#include <cmath>
#include <span>

#include "serve/api_v1/json.h"
#include "serve/refusal.h"
#include "serve/searching.h"

namespace likeness::serve {
namespace {

Json found_json(const Face& face) {
  return {{"box", box_json(face.box)}, {"score", face.score}, {"landmarks", landmarks_json(face.landmarks)}};
}

Done detect(Service& service, const Call& call) {
  // A stream of its own work: no chips are cut, nothing is embedded.
  PhotoStream stream = service.recognizer().stream({.until = Stage::kDetect});
  const PhotoFaces photo = look_at(service, stream, call.upload("photo"));
  Json faces = Json::array();
  for (const Face& face : photo.faces) faces.push_back(found_json(face));
  return {json_response({{"width", photo.width}, {"height", photo.height}, {"faces", std::move(faces)}}),
          {},
          static_cast<std::int64_t>(photo.faces.size())};
}

Done embed(Service& service, const Call& call) {
  const PhotoFaces photo = look_at(service, call.upload("photo"));
  Json faces = Json::array();
  for (std::size_t i = 0; i < photo.chosen.size(); ++i) {
    const Face& face = photo.faces[photo.chosen[i]];
    Json json = found_json(face);
    json["quality"] = quality_json(measure_quality(face, photo.chips[i]));
    json["embedding"] = photo.averaged[i];
    faces.push_back(std::move(json));
  }
  return {json_response({{"width", photo.width},
                         {"height", photo.height},
                         {"model", service.recognizer().space().id()},
                         {"faces", std::move(faces)}}),
          {},
          static_cast<std::int64_t>(photo.chosen.size())};
}

Done verify(Service& service, const Call& call) {
  const auto source = [&](const char* field) {
    const Upload& upload = call.upload(field);
    return PhotoSource::list(
        {Photo{.id = name_of(upload), .content = std::as_bytes(std::span(upload.bytes))}});
  };
  VerifyOptions options{.threshold = call.find<double>("threshold")};
  if (const auto rate = call.find<double>("false_match_rate")) options.false_match_rate = *rate;
  const VerificationResult result = service.recognizer().verify(source("a"), source("b"), options);
  for (const auto& [side, field] : {std::pair(&result.a, "a"), std::pair(&result.b, "b")}) {
    if (!side->errors.empty()) throw Refusal(422, "image_unreadable", side->errors.front(), field);
  }
  return {json_response({{"same", or_null(result.same())},
                         {"similarity", or_null(result.similarity)},
                         {"threshold", result.rule.threshold},
                         {"false_match_rate", or_null(result.rule.false_match_rate)},
                         {"faces", {result.a.faces, result.b.faces}}}),
          {},
          static_cast<std::int64_t>(result.a.faces + result.b.faces)};
}

Json searched_json(const Identification& answer, const Face* face) {
  const bool named = answer.name.has_value();
  return {{"box", face != nullptr ? box_json(face->box) : Json(nullptr)},
          {"score", face != nullptr ? Json(face->score) : Json(nullptr)},
          {"name", or_null(answer.name)},
          {"person", named ? Json(answer.nearest->person) : Json(nullptr)},
          {"similarity", answer.nearest ? Json(answer.nearest->similarity) : Json(nullptr)},
          {"probability", or_null(answer.probability)},
          {"nearest", match_json(answer.nearest)},
          {"runner_up", match_json(answer.runner_up)}};
}

/// An embedding from outside: of the model's dimension, and of length 1 within what rounding to text does.
Embeddings embedding_of(const Call& call, const EmbeddingSpace& space) {
  Embeddings query{space.dimension, call.get<std::vector<float>>("embedding")};
  if (query.values.size() != space.dimension)
    throw Refusal(400, "invalid",
                  "embedding has " + std::to_string(query.values.size()) + " values; those of " + space.id() +
                      " have " + std::to_string(space.dimension),
                  "embedding");
  double sum = 0;
  for (const float value : query.values) sum += static_cast<double>(value) * value;
  if (!(std::abs(std::sqrt(sum) - 1) < 0.01))
    throw Refusal(400, "invalid", "embedding is not of length 1", "embedding");
  l2_normalize(query);
  return query;
}

Done search(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const bool by_embedding = call.find<nlohmann::json>("embedding").has_value();
  if (by_embedding == !call.uploads().empty())
    throw Refusal(400, "invalid", by_embedding ? "give photo or embedding, not both" : "photo is missing",
                  "photo");
  PhotoFaces photo;
  Embeddings queries;
  if (by_embedding) {
    queries = embedding_of(call, service.recognizer().space());
  } else {
    photo = look_at(service, call.upload("photo"));
    queries = photo.averaged;
  }
  const PhotoFaces* from = by_embedding ? nullptr : &photo;
  const FacesFound found =
      search_faces(service, served, queries, from,
                   {.threshold = call.find<double>("threshold"), .source = call.find<std::string>("source")});
  Json faces = Json::array();
  for (std::size_t i = 0; i < found.answers.size(); ++i)
    faces.push_back(searched_json(found.answers[i], by_embedding ? nullptr : &photo.faces[photo.chosen[i]]));
  Json answer = {{"gallery", served.name},
                 {"version", found.view->version()},
                 {"rule", rule_json(found.rule)},
                 {"width", by_embedding ? Json(nullptr) : Json(photo.width)},
                 {"height", by_embedding ? Json(nullptr) : Json(photo.height)},
                 {"faces", std::move(faces)}};
  if (found.view->stale()) answer["stale"] = true;
  return {json_response(answer),
          {},
          static_cast<std::int64_t>(found.answers.size()),
          static_cast<std::int64_t>(found.named)};
}

}  // namespace

void add_photo_operations(Operations& table) {
  table["detectFaces"] = detect;
  table["embedFaces"] = embed;
  table["verifyFaces"] = verify;
  table["searchFaces"] = search;
}

}  // namespace likeness::serve
