// Rekognition: faces of photos, indexed, searched for and compared.
#include <algorithm>
#include <set>

#include "likeness/embed/comparison.h"
#include "serve/compat/rekognition.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

std::string face_model(const Visit& visit) { return visit.service.recognizer().space().id(); }

[[noreturn]] void no_face() {
  throw Refusal(400, "InvalidParameterException", "There are no faces in the image. Should be at least 1.");
}

Json landmarks_of(const Face& face, int width, int height) {
  static constexpr std::array<const char*, 5> kNames{"eyeLeft", "eyeRight", "nose", "mouthLeft",
                                                     "mouthRight"};
  Json list = Json::array();
  for (std::size_t i = 0; i < kNames.size(); ++i)
    list.push_back({{"Type", kNames[i]},
                    {"X", face.landmarks[i].x / static_cast<float>(width)},
                    {"Y", face.landmarks[i].y / static_cast<float>(height)}});
  return list;
}

Json found_json(const Face& face, int width, int height) {
  return {{"BoundingBox", bounding_box(face.box, width, height)},
          {"Confidence", 100 * face.score},
          {"Landmarks", landmarks_of(face, width, height)}};
}

Review review_in(const Visit& visit) {
  const std::string filter = visit.input.text("QualityFilter").value_or("AUTO");
  if (filter == "NONE") return Review::kOff;
  return filter == "HIGH" ? Review::kStrict : Review::kStandard;
}

/// Our review's findings in Rekognition's words.
Json reasons_of(const std::vector<ReviewFinding>& findings) {
  static const std::map<std::string, const char*> words{{"small", "SMALL_BOUNDING_BOX"},
                                                        {"blurred", "LOW_SHARPNESS"},
                                                        {"dark", "LOW_BRIGHTNESS"},
                                                        {"too bright", "LOW_FACE_QUALITY"},
                                                        {"turned away", "EXTREME_POSE"}};
  std::set<std::string> reasons;
  for (const ReviewFinding& finding : findings) {
    if (!finding.refuse) continue;
    const auto word = words.find(finding.kind);
    reasons.insert(word == words.end() ? "LOW_FACE_QUALITY" : word->second);
  }
  return reasons;
}

Json unindexed_json(const Face& face, int width, int height, Json reasons) {
  return {{"FaceDetail", found_json(face, width, height)}, {"Reasons", std::move(reasons)}};
}

/// The people of a search in Rekognition's scale: those alone whom the naming rule names.
struct Search {
  std::shared_ptr<const GalleryView> view;
  std::vector<Candidate> people;
  Embeddings query;
};

Search search_for(const Visit& visit, Embeddings query, const PhotoFaces* photo, std::size_t row,
                  std::optional<std::int64_t> left_out = {}) {
  Search search{.view = visit.served.view(), .query = std::move(query)};
  const NamingRule rule = visit.service.rule_for(*search.view);
  const auto found = candidates(*search.view, rule, search.query, 64);
  if (photo != nullptr) {
    // The others of the photo were not asked for: they are not remembered either.
    PhotoFaces one;
    one.id = photo->id;
    one.sha256 = photo->sha256;
    one.width = photo->width;
    one.height = photo->height;
    one.faces = {photo->faces[photo->chosen[row]]};
    one.chosen = {0};
    one.chips = {photo->chips[row]};
    one.embeddings = row_of(photo->embeddings, row);
    one.averaged = search.query;
    (void)tell_searched(visit, &one, found, search.query, *search.view, rule);
  }
  for (const Candidate& one : found.front()) {
    if (one.named && one.match.person != left_out) search.people.push_back(one);
  }
  return search;
}

/// The faces of the people who were found, the nearest of each first: none is more alike than its person.
Json face_matches(const Visit& visit, const Search& search, std::optional<std::int64_t> left_out) {
  const std::size_t most = count_in(visit, "MaxFaces", 80, 4096);
  const double threshold = percent_in(visit, "FaceMatchThreshold", 80);
  std::map<std::int64_t, double> sure;
  for (const Candidate& one : search.people) sure[one.match.person] = one.probability;
  const NamingRule rule = visit.service.rule_for(*search.view);
  std::vector<std::pair<double, Json>> matches;
  std::set<std::int64_t> begun;
  for (const Match& near : search.view->nearest(search.query.values, std::max<std::size_t>(64, most))) {
    const auto person = sure.find(near.person);
    if (person == sure.end() || near.face == left_out) continue;
    const bool first = begun.insert(near.person).second;
    const double probability =
        first ? person->second : std::min(person->second, probability_of(rule, near.cosine));
    const double similarity = percent_of(probability);
    if (similarity < threshold) continue;
    const auto face = visit.served.gallery->store().find_face(near.face);
    if (!face) continue;
    matches.emplace_back(similarity,
                         Json{{"Similarity", similarity}, {"Face", stored_json(visit, *face, near.name)}});
  }
  std::stable_sort(matches.begin(), matches.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (matches.size() > most) matches.resize(most);
  Json list = Json::array();
  for (auto& [ignored, json] : matches) list.push_back(std::move(json));
  return list;
}

Json user_matches(const Visit& visit, const Search& search) {
  const std::size_t most = count_in(visit, "MaxUsers", 1, 500);
  const double threshold = percent_in(visit, "UserMatchThreshold", 80);
  Json list = Json::array();
  for (const Candidate& one : search.people) {
    const double similarity = percent_of(one.probability);
    if (similarity < threshold || list.size() == most) continue;
    list.push_back(
        {{"Similarity", similarity}, {"User", {{"UserId", one.match.name}, {"UserStatus", "ACTIVE"}}}});
  }
  return list;
}

/// The largest face of the photo in "Image", which is the one that Rekognition searches for.
std::pair<PhotoFaces, std::size_t> largest_in(const Visit& visit) {
  PhotoFaces photo = photo_in(visit, "Image");
  const auto faces = largest_first(photo, 0);
  if (faces.empty()) no_face();
  return {std::move(photo), faces.front()};
}

StoredFace face_asked_for(const Visit& visit) {
  const std::string uuid = text_in(visit, "FaceId");
  auto face = stored_face(visit, uuid);
  if (!face)
    throw Refusal(400, "InvalidParameterException",
                  "faceId " + uuid.substr(0, 100) + " was not found in the collection");
  return *std::move(face);
}

Done searched(const Visit& visit, Json json, std::size_t named) {
  json["FaceModelVersion"] = face_model(visit);
  Done done = rekognition_done(visit, json);
  done.faces = 1;
  done.named = named > 0 ? 1 : 0;
  return done;
}

}  // namespace

/// The largest face is ExternalImageId's; others of one photo are other people: "ID (2)" and so on. Without
/// an id the photo's UUID takes its place.
Done index_faces(const Visit& visit, FacelessPeople& users) {
  (void)id_in(visit, "CollectionId");
  const bool has_id = visit.input.text("ExternalImageId").has_value();
  const std::size_t most = count_in(visit, "MaxFaces", 100, 1000);
  const Review review = review_in(visit);
  const PhotoFaces photo = photo_in(visit, "Image");
  const std::string external = has_id ? id_in(visit, "ExternalImageId") : uuid_of_photo(photo.sha256);
  Json records = Json::array();
  Json unindexed = Json::array();
  Done done;
  std::int64_t added = 0;
  std::size_t number = 0;
  for (const std::size_t i : largest_first(photo, 0)) {
    const Face& face = photo.faces[photo.chosen[i]];
    if (records.size() == most) {
      unindexed.push_back(unindexed_json(face, photo.width, photo.height, {"EXCEEDS_MAX_FACES"}));
      continue;
    }
    const std::string person = ++number == 1 ? external : external + " (" + std::to_string(number) + ")";
    const EnrolledFace enrolled = enrol_face(visit, person, photo, i, review, has_id ? external : "");
    if (enrolled.refused) {
      unindexed.push_back(unindexed_json(face, photo.width, photo.height, reasons_of(enrolled.findings)));
      continue;
    }
    users.remove(visit.served.name, person);
    const auto stored = visit.served.gallery->store().find_face(enrolled.face);
    if (!stored) continue;
    records.push_back({{"Face", stored_json(visit, *stored, enrolled.person)},
                       {"FaceDetail", found_json(face, photo.width, photo.height)}});
    added += enrolled.is_new ? 1 : 0;
    if (number == 1) done.person = enrolled.person_id;
  }
  const auto person = done.person;
  done = rekognition_done(visit, {{"FaceRecords", std::move(records)},
                                  {"UnindexedFaces", std::move(unindexed)},
                                  {"OrientationCorrection", "ROTATE_0"},
                                  {"FaceModelVersion", face_model(visit)}});
  done.person = person;
  done.faces = added;
  return done;
}

Done search_faces_by_image(const Visit& visit, const FacelessPeople&) {
  (void)id_in(visit, "CollectionId");
  const auto [photo, row] = largest_in(visit);
  const Search search = search_for(visit, row_of(photo.averaged, row), &photo, row);
  const Face& face = photo.faces[photo.chosen[row]];
  return searched(visit,
                  {{"SearchedFaceBoundingBox", bounding_box(face.box, photo.width, photo.height)},
                   {"SearchedFaceConfidence", 100 * face.score},
                   {"FaceMatches", face_matches(visit, search, {})}},
                  search.people.size());
}

Done search_faces(const Visit& visit, const FacelessPeople&) {
  (void)id_in(visit, "CollectionId");
  const StoredFace face = face_asked_for(visit);
  const GalleryStore& store = visit.served.gallery->store();
  const Embeddings query{store.space().dimension, store.embedding(face.id)};
  const Search search = search_for(visit, query, nullptr, 0);
  return searched(visit,
                  {{"SearchedFaceId", uuid_of_face(store, face.id)},
                   {"FaceMatches", face_matches(visit, search, face.id)}},
                  search.people.size());
}

Done search_users_by_image(const Visit& visit, const FacelessPeople&) {
  (void)id_in(visit, "CollectionId");
  const auto [photo, row] = largest_in(visit);
  const Search search = search_for(visit, row_of(photo.averaged, row), &photo, row);
  return searched(visit,
                  {{"UserMatches", user_matches(visit, search)},
                   {"SearchedFace",
                    {{"FaceDetail", found_json(photo.faces[photo.chosen[row]], photo.width, photo.height)}}},
                   {"UnsearchedFaces", Json::array()}},
                  search.people.size());
}

Done search_users(const Visit& visit, const FacelessPeople&) {
  (void)id_in(visit, "CollectionId");
  const GalleryStore& store = visit.served.gallery->store();
  if (const auto user = visit.input.text("UserId")) {
    const auto person = store.find_person(*user);
    if (!person) throw Refusal(400, "ResourceNotFoundException", "The user id: " + *user + " does not exist");
    const auto faces = store.faces(person->id);
    if (faces.empty()) throw Refusal(400, "ResourceNotFoundException", "The user has no faces");
    const Search search = search_for(visit, {store.space().dimension, store.embedding(faces.front().id)},
                                     nullptr, 0, person->id);
    return searched(visit,
                    {{"SearchedUser", {{"UserId", *user}}}, {"UserMatches", user_matches(visit, search)}},
                    search.people.size());
  }
  const StoredFace face = face_asked_for(visit);
  const Search search = search_for(visit, {store.space().dimension, store.embedding(face.id)}, nullptr, 0);
  return searched(visit,
                  {{"SearchedFace", {{"FaceId", uuid_of_face(store, face.id)}}},
                   {"UserMatches", user_matches(visit, search)}},
                  search.people.size());
}

Done compare_faces(const Visit& visit, const FacelessPeople&) {
  const PhotoFaces source = photo_in(visit, "SourceImage");
  const PhotoFaces target = photo_in(visit, "TargetImage");
  const auto sources = largest_first(source, 0);
  if (sources.empty()) no_face();
  const double wanted = percent_in(visit, "SimilarityThreshold", 80);
  const Recognizer& recognizer = visit.service.recognizer();
  const Comparison comparison(recognizer.contract());
  const double threshold = recognizer.verification_rule().threshold;
  const std::vector<float> row = comparison.comparable(source.averaged[sources.front()]);
  std::vector<std::pair<double, Json>> matches;
  Json unmatched = Json::array();
  for (const std::size_t i : largest_first(target, 0)) {
    const double similarity = percent_of(probability_of_pair(
        recognizer.contract(), threshold, dot(row, comparison.comparable(target.averaged[i]))));
    Json face = found_json(target.faces[target.chosen[i]], target.width, target.height);
    if (similarity < wanted) {
      unmatched.push_back(std::move(face));
    } else {
      matches.emplace_back(similarity, Json{{"Similarity", similarity}, {"Face", std::move(face)}});
    }
  }
  std::stable_sort(matches.begin(), matches.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  Json list = Json::array();
  for (auto& [ignored, json] : matches) list.push_back(std::move(json));
  const Face& face = source.faces[source.chosen[sources.front()]];
  Done done = rekognition_done(visit, {{"SourceImageFace",
                                        {{"BoundingBox", bounding_box(face.box, source.width, source.height)},
                                         {"Confidence", 100 * face.score}}},
                                       {"FaceMatches", std::move(list)},
                                       {"UnmatchedFaces", std::move(unmatched)}});
  done.faces = static_cast<std::int64_t>(1 + target.chosen.size());
  return done;
}

Done detect_faces(const Visit& visit, const FacelessPeople&) {
  const PhotoFaces photo = photo_in(visit, "Image", Stage::kDetect);
  Json details = Json::array();
  for (const Face& face : photo.faces) details.push_back(found_json(face, photo.width, photo.height));
  const auto count = static_cast<std::int64_t>(details.size());
  Done done = rekognition_done(visit, {{"FaceDetails", std::move(details)}});
  done.faces = count;
  return done;
}

}  // namespace likeness::serve
