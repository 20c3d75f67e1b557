// CompreFace's routes, errors and what its clients stumble over.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "serve/compat/compat_testing.h"
#include "serve/compat/people.h"

namespace likeness::serve {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const std::string kFaces = "/api/v1/recognition/faces";
const std::string kSubjects = "/api/v1/recognition/subjects";
const std::string kRecognize = "/api/v1/recognition/recognize";

class CompreFaceTest : public CompatTest {
 protected:
  CompreFaceTest() : CompatTest("compreface") {}
  std::string enrol(const std::string& subject, int person, std::uint32_t number = 0) {
    const Answered added = form(kFaces + "?subject=" + subject, {{"file", photo(person, number), "a.png"}});
    EXPECT_EQ(added.status, 201) << added.text;
    return added.body.value("image_id", "");
  }
  Answered recognize(const std::string& bytes, const std::string& query = "") {
    return form(kRecognize + query, {{"file", bytes}});
  }
  json subjects() { return send("GET", kSubjects + "/").body.at("subjects"); }
};

TEST_F(CompreFaceTest, SubjectsAreMadeListedRenamedMergedAndDeleted) {
  EXPECT_EQ(json_to("POST", kSubjects, {{"subject", "Ann"}}).status, 201);
  const Answered again = json_to("POST", kSubjects, {{"subject", "Ann"}});
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.body, (json{{"message", "Subject Ann already exists"}, {"code", 43}}));
  EXPECT_EQ(subjects(), json({"Ann"}));
  enrol("Ann", 0);
  enrol("Ben", 1);
  EXPECT_EQ(json_to("PUT", kSubjects + "/Ann", {{"subject", "Anna"}, {"api_endpoint", "x"}}).body,
            (json{{"updated", true}}));
  EXPECT_EQ(subjects(), json({"Anna", "Ben"}));
  EXPECT_EQ(json_to("PUT", kSubjects + "/Anna", {{"subject", " Anna"}}).body.at("updated"), true);
  EXPECT_EQ(json_to("PUT", kSubjects + "/Anna", {{"subject", "Ben"}}).body.at("updated"), true);
  EXPECT_EQ(subjects(), json({"Ben"}));
  EXPECT_EQ(send("GET", kFaces + "?subject=Ben").body.at("total_elements"), 2);
  EXPECT_EQ(json_to("PUT", kSubjects + "/Nobody", {{"subject", "Ben"}}).body.at("code"), 42);
  EXPECT_EQ(send("DELETE", kSubjects + "/Ben").body, (json{{"subject", "Ben"}}));
  EXPECT_EQ(send("DELETE", kSubjects + "/Ben").status, 404);
  json_to("POST", kSubjects, {{"subject", "Cyd"}});
  json_to("PUT", kSubjects + "/Cyd", {{"subject", "Cid"}});
  EXPECT_EQ(subjects(), json({"Cid"}));
  EXPECT_EQ(send("DELETE", kSubjects).body, (json{{"deleted", 1}}));
  EXPECT_EQ(subjects(), json::array());
  EXPECT_EQ(json_to("POST", kSubjects, {{"subject", ""}}).body.at("code"), 33);
  EXPECT_EQ(json_to("POST", kSubjects, {{"subject", "unknown"}}).status, 400);
}

TEST_F(CompreFaceTest, ANameWithASlashIsOneName) {
  enrol("A/B", 0);
  EXPECT_EQ(json_to("PUT", kSubjects + "/A/B?c", {{"subject", "A/C"}}).status, 200);
  EXPECT_EQ(send("DELETE", kSubjects + "/A%2FC").body.at("subject"), "A/C");
}

TEST_F(CompreFaceTest, ExactlyOneFaceIsEnrolled) {
  const auto code = [&](const std::string& bytes) {
    const Answered answer = form(kFaces + "?subject=Ann", {{"file", bytes, "a.png"}});
    EXPECT_EQ(answer.status, 400) << answer.text;
    return answer.body.at("code").get<int>();
  };
  EXPECT_EQ(code(nobody()), 28);
  EXPECT_EQ(code(two_people()), 31);
  EXPECT_EQ(code("no picture"), 21);
  EXPECT_EQ(code(""), 34);
  EXPECT_EQ(form(kFaces, {{"file", photo(0)}}).body.at("code"), 33);
  EXPECT_EQ(form(kFaces + "?subject=Ann&det_prob_threshold=2", {{"file", photo(0)}}).body.at("code"), 26);
  EXPECT_EQ(
      send("POST", kFaces + "?subject=Ann", "{", {{"content-type", "application/json"}}).body.at("code"), 36);
  EXPECT_EQ(subjects(), json::array());
  // The same photo twice is one face.
  EXPECT_EQ(enrol("Ann", 0), enrol("Ann", 0));
}

TEST_F(CompreFaceTest, GivesThePictureOfAFaceWhereTheyAreKept) {
  options_.keep_crops = true;
  const std::string face = enrol("Ann", 0);
  for (const std::string& path : {kFaces + "/" + face + "/img", "/api/v1/static/any/images/" + face}) {
    EXPECT_EQ(send("GET", path).type, "image/jpeg");
    EXPECT_EQ(send("GET", path).text.substr(0, 3), "\xFF\xD8\xFF");
  }
  EXPECT_EQ(send("GET", "/api/v1/consistence/status").body.at("saveImagesToDB"), true);
}

TEST_F(CompreFaceTest, FacesAreListedInPagesAndDeleted) {
  const std::string first = enrol("Ann", 0);
  const std::string second = enrol("Ann", 0, 1);
  const std::string third = enrol("Ben", 1);
  ASSERT_EQ(first.size(), 36U);
  EXPECT_EQ(first[14], '8') << "no UUID of version 8: " << first;
  const json page = send("GET", kFaces + "?page=1&size=2").body;
  EXPECT_EQ(page, (json{{"faces", {{{"image_id", third}, {"subject", "Ben"}}}},
                        {"page_number", 1},
                        {"page_size", 2},
                        {"total_pages", 2},
                        {"total_elements", 3}}));
  EXPECT_EQ(send("GET", kFaces + "/" + first + "/img").text, "");
  EXPECT_EQ(send("GET", kFaces + "/" + first + "/img").type, "image/jpeg");
  EXPECT_EQ(send("GET", "/api/v1/static/any/images/" + first).status, 200);
  EXPECT_EQ(json_to("POST", kFaces + "/delete", {first, "nonsense", first, 7}).body,
            json({{{"image_id", first}, {"subject", "Ann"}}}));
  EXPECT_EQ(send("DELETE", kFaces + "/" + second).body, (json{{"image_id", second}, {"subject", "Ann"}}));
  EXPECT_EQ(send("DELETE", kFaces + "/" + second).body.at("code"), 44);
  EXPECT_EQ(subjects(), json({"Ben"}));
  EXPECT_EQ(send("DELETE", kFaces + "?subject=Nobody").body, (json{{"deleted", 0}}));
  EXPECT_EQ(send("DELETE", kFaces + "?subject=Ben").body, (json{{"deleted", 1}}));
  enrol("Cyd", 2);
  EXPECT_EQ(send("DELETE", kFaces, "", {{"content-type", "application/json"}}).body, (json{{"deleted", 1}}));
}

TEST_F(CompreFaceTest, TheNearestIsAlwaysToldAndAStrangerIsBelowEveryThreshold) {
  const json empty = recognize(photo(0)).body.at("result").at(0);
  EXPECT_EQ(empty.at("subjects"), (json{{{"subject", "unknown"}, {"similarity", 0.0}}}));
  enrol("Ann", 0);
  enrol("Ben", 1);
  const json known = recognize(photo(0, 5), "?&limit=0&prediction_count=2&status=True").body;
  EXPECT_EQ(known.at("result").at(0).at("subjects").size(), 2U);
  EXPECT_EQ(known.at("result").at(0).at("subjects").at(0).at("subject"), "Ann");
  EXPECT_TRUE(known.contains("plugins_versions"));
  const json stranger = recognize(photo(40, 5)).body.at("result").at(0).at("subjects").at(0);
  EXPECT_LT(stranger.at("similarity").get<double>(), 0.4);
  // The naming rule decides: what /v1/search names has one half at least, and nothing else.
  for (const int person : {0, 1, 2, 40}) {
    const json v1 = form("/v1/search?gallery=people", {{"photo", photo(person, 6)}}).body.at("faces").at(0);
    const json ours = recognize(photo(person, 6)).body.at("result").at(0).at("subjects").at(0);
    EXPECT_EQ(ours.at("similarity").get<double>() >= 0.5, !v1.at("name").is_null()) << ours << v1;
    EXPECT_EQ(ours.at("subject"), v1.at("nearest").at("name"));
  }
}

TEST_F(CompreFaceTest, WhatClientsSendBesideIsPassedOver) {
  enrol("Ann", 0);
  // Empty values, a name of another client's for det_prob_threshold, plugins that nobody has, "undefined".
  const Answered answer = recognize(
      photo(0, 1), "?threshold=&face_plugins=undefined,landmarks,age&detect_faces=true&det_prob_threshold=");
  ASSERT_EQ(answer.status, 200) << answer.text;
  const json& face = answer.body.at("result").at(0);
  EXPECT_EQ(face.at("landmarks").size(), 5U);
  EXPECT_FALSE(face.contains("age") || face.contains("embedding") || face.contains("execution_time"));
  EXPECT_EQ(recognize(nobody()).body,
            (json{{"message", "No face is found in the given image"}, {"code", 28}}));
  EXPECT_EQ(recognize(two_people(), "?limit=1").body.at("result").size(), 1U);
  EXPECT_EQ(recognize(two_people(), "?det_prob_threshold=1").body.at("code"), 28);
}

TEST_F(CompreFaceTest, FacesAndEmbeddingsAreVerified) {
  const std::string id = enrol("Ann", 0);
  const auto similarity = [](const Answered& answer) {
    return answer.body.at("result").at(0).at("similarity").get<double>();
  };
  const double same = similarity(form(kFaces + "/" + id + "/verify", {{"file", photo(0, 1)}}));
  const double other = similarity(form(kFaces + "/" + id + "/verify", {{"file", photo(2)}}));
  EXPECT_GT(same, other);
  EXPECT_EQ(form(kFaces + "/none/verify", {{"file", photo(0)}}).body.at("code"), 44);
  const json both =
      form("/api/v1/verification/verify", {{"source_image", photo(0)}, {"target_image", two_people()}}).body;
  EXPECT_EQ(both.at("result").at(0).at("face_matches").size(), 2U);
  EXPECT_TRUE(both.at("result").at(0).at("source_image_face").contains("box"));
  EXPECT_EQ(form("/api/v1/verification/verify", {{"source_image", two_people()}, {"target_image", photo(0)}})
                .body.at("code"),
            31);
  const json detected = form("/api/v1/detection/detect?face_plugins=calculator", {{"file", photo(0, 1)}})
                            .body.at("result")
                            .at(0);
  const json& embedding = detected.at("embedding");
  const Answered found =
      json_to("POST", "/api/v1/recognition/embeddings/recognize", {{"embeddings", {embedding}}});
  EXPECT_EQ(found.body.at("result").at(0).at("similarities").at(0).at("subject"), "Ann") << found.text;
  EXPECT_NEAR(similarity(json_to("POST", "/api/v1/recognition/embeddings/faces/" + id + "/verify",
                                 {{"embeddings", {embedding}}})),
              same, 1e-6);
  EXPECT_GT(similarity(json_to("POST", "/api/v1/verification/embeddings/verify",
                               {{"source", embedding}, {"targets", {embedding}}})),
            same);
  EXPECT_EQ(json_to("POST", "/api/v1/verification/embeddings/verify",
                    {{"source", {1, 2}}, {"targets", json::array()}})
                .body.at("code"),
            37);
  json zeros = embedding;
  for (json& value : zeros) value = 0;
  EXPECT_EQ(
      json_to("POST", "/api/v1/recognition/embeddings/recognize", {{"embeddings", {zeros}}}).body.at("code"),
      26);
}

/// CompreFace's curve over the distance of unit vectors (docs/moving.md), for the model that it was made for
/// alone; by `calibrated`, and for other models, one half is where names begin.
TEST_F(CompreFaceTest, TheScaleIsThePublishedOneOrTheGallerysOwn) {
  const auto unit = [&](int person, std::uint32_t number) {
    const json found =
        form("/api/v1/detection/detect?face_plugins=calculator", {{"file", photo(person, number)}}).body;
    return found.at("result").at(0).at("embedding").get<std::vector<double>>();
  };
  const auto similarity = [&](const std::vector<double>& a, const std::vector<double>& b) {
    return json_to("POST", "/api/v1/verification/embeddings/verify", {{"source", a}, {"targets", {b}}})
        .body.at("result")
        .at(0)
        .at("similarity")
        .get<double>();
  };
  const auto published = [](const std::vector<double>& a, const std::vector<double>& b) {
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
    return (std::tanh((1.1362496 - std::sqrt(squares)) * 5.803152427) + 1) / 2;
  };
  // The drawn people's model under the name of CompreFace's.
  const std::string name = "20180408-102900";
  const fs::path renamed = folder_ / "packs";
  fs::create_directories(renamed);
  fs::copy(tiny::packs() / "mtcnn", renamed / "mtcnn");
  fs::copy(tiny::packs() / "tiny", renamed / name);
  std::stringstream text;
  text << std::ifstream(renamed / name / "model.json").rdbuf();
  json pack = json::parse(text.str());
  pack["contract"]["name"] = name;
  std::ofstream(renamed / name / "model.json") << pack;

  struct Case {
    std::string model;
    CompreFaceScale scale;
    bool is_published;
  };
  double calibrated = 0;
  for (const Case& one :
       {Case{name, CompreFaceScale::kPublished, true}, Case{name, CompreFaceScale::kCalibrated, false},
        Case{tiny::kEmbedder, CompreFaceScale::kPublished, false}}) {
    service_.reset();
    packs_ = one.model == name ? renamed : tiny::packs();
    model_ = one.model;
    options_.galleries = {{"people", folder_ / (one.model + ".gallery")}};
    options_.compat.compreface_scale = one.scale;
    const auto a = unit(0, 1);
    const auto b = unit(0, 2);
    const auto stranger = unit(40, 1);
    EXPECT_LT(similarity(a, stranger), 0.4);
    const double same = similarity(a, b);
    if (one.is_published) {
      EXPECT_NEAR(same, std::max(0.5, published(a, b)), 1e-4);
      EXPECT_NEAR(similarity(a, stranger), std::min(0.39, published(a, stranger)), 1e-4);
    } else {
      EXPECT_GE(same, 0.5);
      EXPECT_GT(std::abs(same - published(a, b)), 1e-3) << same;
      if (calibrated != 0) {
        EXPECT_NEAR(same, calibrated, 1e-4);
      }
      calibrated = same;
    }
  }
}

TEST_F(CompreFaceTest, TheServerTellsItsLimitsToAnybody) {
  with_key(Right::kSearch);
  key_ = "";
  EXPECT_TRUE(send("GET", "/api/v1/config").body.contains("clientMaxFileSize"));
  EXPECT_EQ(send("GET", "/api/v1/consistence/status").body.at("saveImagesToDB"), false);
  EXPECT_EQ(send("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(send("DELETE", kRecognize).status, 405);
}

TEST_F(CompreFaceTest, KeysGoInTheHeaderOrAPicturesAddress) {
  options_.galleries = {{"staff", folder_ / "staff.gallery"}, {"guests", folder_ / "guests.gallery"}};
  const std::string guests = with_key(Right::kEnrol, {"guests"});
  const std::string id = enrol("Ann", 0);
  EXPECT_EQ(json_to("PUT", kSubjects + "/Ann", {{"subject", "Anna"}}).status, 200);
  EXPECT_EQ(send("DELETE", kSubjects).body.at("code"), 10);  // needs a key that may administer
  key_ = "";
  EXPECT_EQ(send("GET", kSubjects).body,
            (json{{"message", "Missing request header 'x-api-key'"}, {"code", 20}}));
  EXPECT_EQ(send("GET", "/api/v1/static/" + guests + "/images/" + id).status, 200);
  EXPECT_EQ(send("GET", "/api/v1/static/wrong/images/" + id).status, 404);
  key_ = "00000000-0000-0000-0000-000000000002";
  EXPECT_EQ(send("GET", kSubjects).status, 404);
  EXPECT_EQ(send("GET", kSubjects).body.at("code"), 10);
  key_ = add_key(folder_ / "keys.json", "all", Right::kSearch, {}).text;  // the first gallery
  EXPECT_EQ(subjects(), json::array());
}

TEST_F(CompreFaceTest, AuditAndMetricsKnowTheRoutes) {
  enrol("Ann", 0);
  recognize(photo(0, 1));
  const json entries = send("GET", "/v1/audit").body.at("entries");
  EXPECT_EQ(entries.at(0).at("action"), "compreface.recognize");
  EXPECT_EQ(entries.at(0).at("named"), 1);
  EXPECT_EQ(entries.at(0).at("gallery"), "people");
  EXPECT_NE(send("GET", "/metrics").text.find("operation=\"compreface.addFace\""), std::string::npos);
}

TEST_F(CompreFaceTest, FacesHaveUuidsOfTheirGallery) {
  const GalleryStore& store = service().galleries().front()->gallery->store();
  for (const std::int64_t face : {std::int64_t{1}, std::int64_t{77}, std::int64_t{1} << 40}) {
    const std::string uuid = uuid_of_face(store, face);
    EXPECT_EQ(face_of_uuid(store, uuid), face) << uuid;
  }
  std::string other = uuid_of_face(store, 1);
  other[0] = other[0] == '0' ? '1' : '0';
  EXPECT_EQ(face_of_uuid(store, other), std::nullopt);
  EXPECT_EQ(face_of_uuid(store, "1"), std::nullopt);
  EXPECT_EQ(face_of_uuid(store, std::string(36, 'x')), std::nullopt);
}

// ---- requests as other programs send them ----

/// Viseron 3's compreface component and Double Take 1.13's detector, by their sources (docs/moving.md).
TEST_F(CompreFaceTest, ViseronAndDoubleTakeGetWhatTheyRead) {
  enrol("Ann", 0);
  const Answered viseron =
      recognize(photo(40, 2), "?&limit=0&det_prob_threshold=0.5&prediction_count=1&status=False");
  // result[*]["subjects"][0]["similarity"] without looking whether there is one.
  EXPECT_LT(viseron.body.at("result").at(0).at("subjects").at(0).at("similarity").get<double>(), 0.5);
  const Answered double_take =
      recognize(photo(0, 2), "?det_prob_threshold=0.8&face_plugins=undefined&status=false");
  EXPECT_EQ(double_take.body.at("result").at(0).at("subjects").at(0).at("subject"), "Ann");
  EXPECT_TRUE(double_take.body.at("result").at(0).at("box").at("x_min").is_number_integer());
  EXPECT_EQ(recognize(nobody(), "?det_prob_threshold=0.8&face_plugins=undefined").body.at("code"), 28);
  EXPECT_EQ(send("DELETE", kFaces + "?subject=Ann").body.at("deleted"), 1);
}

}  // namespace
}  // namespace likeness::serve
