// DeepStack's, Immich's and Nextcloud's routes, and what all protocols share.
#include <cmath>
#include <functional>
#include <map>

#include "serve/compat/compat_protocol.h"
#include "serve/compat/compat_testing.h"

namespace likeness::serve {
namespace {

using nlohmann::json;

// ---- DeepStack ----

class DeepStackTest : public CompatTest {
 protected:
  DeepStackTest() : CompatTest("deepstack") {}
  Answered face(const std::string& path, const std::vector<Field>& fields) {
    return form("/v1/vision/face" + path, fields);
  }

  /// Viseron 3's components "deepstack" and "codeprojectai", by their sources and those of the clients they
  /// use, deepstack-python and codeproject-ai-api: only the first sends a key. For each folder of photos they
  /// remove the person, look whether there is one face in a photo, and send it. Names go as a plain form,
  /// photos as parts "image" whose file is called "image"; a status other than 200 is a failure. Of what is
  /// found they read userid, confidence and the box.
  void viseron();
  Answered viseron_names(const std::string& path, std::string body);
  json viseron_photo(const std::string& path, const std::string& bytes, std::vector<Field> fields = {});

  std::string secret_;  ///< Empty: none is sent.
};

DeepStackTest::Answered DeepStackTest::viseron_names(const std::string& path, std::string body) {
  if (!secret_.empty()) body += (body.empty() ? "api_key=" : "&api_key=") + secret_;
  Fields headers;
  if (!body.empty()) headers = {{"content-type", "application/x-www-form-urlencoded"}};
  Answered answer = send("POST", "/v1/vision/face" + path, body, headers);
  EXPECT_EQ(answer.status, 200) << answer.text;
  EXPECT_TRUE(answer.body.contains("success")) << answer.text;  // they remove the field
  return answer;
}

json DeepStackTest::viseron_photo(const std::string& path, const std::string& bytes,
                                  std::vector<Field> fields) {
  if (!secret_.empty()) fields.push_back({"api_key", secret_});
  fields.push_back({"min_confidence", "0.8"});
  fields.push_back({"image", bytes, "image"});
  const Answered answer = face(path, fields);
  EXPECT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.body.at("success"), true) << answer.text;
  return answer.body;
}

void DeepStackTest::viseron() {
  viseron_names("/delete", "userid=Ann");  // nobody is there yet
  ASSERT_EQ(viseron_photo("", photo(0)).at("predictions").size(), 1U);
  EXPECT_EQ(viseron_photo("", two_people()).at("predictions").size(), 2U);  // such a photo is left out
  EXPECT_TRUE(viseron_photo("/register", photo(0), {{"userid", "Ann"}}).at("message").is_string());
  EXPECT_EQ(viseron_names("/list", "").body.at("faces"), json({"Ann"}));

  const json found = viseron_photo("/recognize", photo(0, 2)).at("predictions");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.at(0).at("userid"), "Ann");
  EXPECT_GE(found.at(0).at("confidence").get<double>(), 0.8);
  for (const char* side : {"x_min", "y_min", "x_max", "y_max"})
    EXPECT_TRUE(found.at(0).at(side).is_number_integer()) << side;
  EXPECT_EQ(viseron_photo("/recognize", photo(40)).at("predictions").at(0).at("userid"), "unknown");
  EXPECT_EQ(viseron_photo("/recognize", nobody()).at("predictions"), json::array());
  viseron_names("/delete", "userid=Ann");  // as it starts again
  EXPECT_EQ(viseron_names("/list", "").body.at("faces"), json::array());
}

TEST_F(DeepStackTest, FacesAreRegisteredRecognizedListedAndDeleted) {
  const Answered added =
      face("/register", {{"userid", "Ann"}, {"one", photo(0), "1.png"}, {"two", photo(0, 1), "2.png"}});
  EXPECT_EQ(added.body.at("success"), true) << added.text;
  EXPECT_EQ(added.body.at("message"), "face added");
  const json known = face("/recognize/", {{"image", photo(0, 2)}, {"min_confidence", "0.45"}}).body;
  ASSERT_EQ(known.at("predictions").size(), 1U) << known;
  EXPECT_EQ(known.at("predictions").at(0).at("userid"), "Ann");
  EXPECT_GE(known.at("predictions").at(0).at("confidence").get<double>(), 0.67);
  const json stranger = face("/recognize", {{"image", photo(40)}, {"min_confidence", "0"}}).body;
  EXPECT_EQ(stranger.at("predictions").at(0).at("userid"), "unknown");
  EXPECT_EQ(stranger.at("predictions").at(0).at("confidence"), 0);
  // Stricter than the gallery's rule, never laxer.
  EXPECT_EQ(face("/recognize", {{"image", photo(0, 2)}, {"min_confidence", "1"}})
                .body.at("predictions")
                .at(0)
                .at("userid"),
            "unknown");
  EXPECT_EQ(face("/list", {}).body.at("faces"), json({"Ann"}));
  EXPECT_EQ(send("POST", "/v1/vision/face/delete",
                 "userid=Ann&api_key=", {{"content-type", "application/x-www-form-urlencoded"}})
                .body.at("success"),
            true);
  EXPECT_EQ(send("POST", "/v1/vision/face/list", "").body.at("faces"), json::array());
}

TEST_F(DeepStackTest, NoFaceIsAnAnswerAndAFaultAStatus) {
  for (const char* path : {"", "/recognize"}) {
    const Answered none = face(path, {{"image", nobody()}});
    EXPECT_EQ(none.status, 200) << path;
    EXPECT_EQ(none.body.at("predictions"), json::array());
    EXPECT_EQ(face(path, {{"image", "no picture", "a.jpg"}}).status, 400);
    EXPECT_EQ(face(path, {{"image", photo(0)}, {"min_confidence", "high"}}).status, 400);
    EXPECT_EQ(face(path, {{"image", photo(0)}, {"min_confidence", "1.5"}}).body.at("success"), false);
    EXPECT_EQ(face(path, {}).status, 400);
  }
  const Answered refused = face("/register", {{"userid", "Ann"}, {"image", nobody()}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body.at("error"), "no face detected");
  EXPECT_EQ(face("/register", {{"image", photo(0)}}).body.at("error"), "userid not specified");
  EXPECT_EQ(face("/register", {{"userid", "unknown"}, {"image", photo(0)}}).status, 400);
  EXPECT_EQ(face("/delete", {{"userid", "Nobody"}}).body.at("success"), true);
  EXPECT_EQ(face("/delete", {}).status, 400);
  EXPECT_EQ(face("", {{"image", two_people()}}).body.at("predictions").size(), 2U);
}

/// Double Take's detectors "deepstack" and "aiserver", by their sources: they judge `success` and read of
/// each prediction userid, confidence and the box.
TEST_F(DeepStackTest, DoubleTakeGetsWhatItReads) {
  EXPECT_EQ(form("/v1/vision/face/register", {{"image", photo(0), "a.jpg"}, {"userid", "Ann"}}).status, 200);
  const json found = form("/v1/vision/face/recognize", {{"image", photo(0, 2), "b.jpg"}}).body;
  EXPECT_EQ(found.at("success"), true);
  const json& face = found.at("predictions").at(0);
  EXPECT_EQ(face.at("userid"), "Ann");
  EXPECT_GE(face.at("confidence").get<double>(), 0.6);  // its own least for a match
  EXPECT_GT(face.at("x_max").get<int>(), face.at("x_min").get<int>());
  EXPECT_GT(face.at("y_max").get<int>(), face.at("y_min").get<int>());
  const json stranger = form("/v1/vision/face/recognize", {{"image", photo(40), "c.jpg"}}).body;
  EXPECT_EQ(stranger.at("predictions").at(0).at("userid"), "unknown");
  EXPECT_LT(stranger.at("predictions").at(0).at("confidence").get<double>(), 0.4);
  const json nothing = form("/v1/vision/face/recognize", {{"image", nobody(), "d.jpg"}}).body;
  EXPECT_EQ(nothing.at("success"), true);
  EXPECT_EQ(nothing.at("predictions"), json::array());
  EXPECT_EQ(form("/v1/vision/face/delete", {{"userid", "Ann"}}).body.at("success"), true);
}

TEST_F(DeepStackTest, ViseronsDeepStackGetsWhatItReads) {
  secret_ = with_key(Right::kEnrol);
  key_ = "";
  viseron();
}

TEST_F(DeepStackTest, ViseronsCodeProjectAiGetsWhatItReads) { viseron(); }

TEST_F(DeepStackTest, TwoPhotosAreCompared) {
  const auto similarity = [&](const std::string& other) {
    return face("/match", {{"image1", photo(0)}, {"image2", other}}).body.at("similarity").get<double>();
  };
  EXPECT_GT(similarity(photo(0)), 0.67);
  EXPECT_LT(similarity(photo(40)), 0.67);
  EXPECT_EQ(face("/match", {{"image1", photo(0)}}).status, 400);
  EXPECT_EQ(face("/match", {{"image1", photo(0)}, {"image2", nobody()}}).status, 400);
}

TEST_F(DeepStackTest, TheKeyIsAFieldOfTheForm) {
  const std::string secret = with_key(Right::kSearch);
  key_ = "";
  EXPECT_EQ(face("/list", {}).status, 401);
  EXPECT_EQ(face("/list", {{"api_key", ""}}).status, 401);
  EXPECT_EQ(face("/list", {{"api_key", "wrong"}}).body.at("success"), false);
  EXPECT_EQ(face("/list", {{"api_key", secret}}).status, 200);
  EXPECT_EQ(face("/register", {{"api_key", secret}, {"userid", "Ann"}, {"image", photo(0)}}).status, 403);
  key_ = secret;
  EXPECT_EQ(face("/list", {}).status, 200);
}

TEST_F(DeepStackTest, ABackupNeedsAFolder) {
  EXPECT_EQ(send("POST", "/v1/backup").status, 409) << "no folder for backups";
}

TEST_F(DeepStackTest, AGalleryGoesBackToWhatItsBackupSays) {
  options_.backups = folder_.path() / "backups";
  std::filesystem::create_directory(options_.backups);
  const std::string secret = with_key(Right::kAdminister);
  key_ = "";
  ASSERT_EQ(face("/register", {{"api_key", secret}, {"userid", "Ann"}, {"image", photo(0)}}).status, 200);
  const Answered backup = form("/v1/backup", {{"admin_key", secret}});
  ASSERT_EQ(backup.status, 200) << backup.text;
  EXPECT_EQ(backup.type, "application/octet-stream");
  face("/register", {{"api_key", secret}, {"userid", "Bob"}, {"image", photo(1)}});
  EXPECT_EQ(form("/v1/restore", {{"admin_key", "wrong"}, {"file", backup.text, "backup.zip"}}).status, 401);
  EXPECT_EQ(form("/v1/restore", {{"admin_key", secret}, {"file", "no backup", "backup.zip"}}).status, 409);
  EXPECT_EQ(form("/v1/restore", {{"admin_key", secret}}).status, 400);
  EXPECT_EQ(face("/list", {{"api_key", secret}}).body.at("faces"), json({"Ann", "Bob"}));
  const Answered restored = form("/v1/restore", {{"admin_key", secret}, {"file", backup.text, "backup.zip"}});
  EXPECT_EQ(restored.body.at("success"), true) << restored.text;
  EXPECT_EQ(face("/list", {{"api_key", secret}}).body.at("faces"), json({"Ann"}));
  EXPECT_TRUE(std::filesystem::is_empty(options_.backups)) << "a file was left behind";
}

// ---- Immich ----

class ImmichTest : public CompatTest {
 protected:
  ImmichTest() : CompatTest("immich") {}
  static json entries(double min_score = 0.7) {
    return {{"facial-recognition",
             {{"detection", {{"modelName", "buffalo_l"}, {"options", {{"minScore", min_score}}}}},
              {"recognition", {{"modelName", "buffalo_l"}}}}}};
  }
  Answered predict(const json& what, const std::string& bytes) {
    return form("/predict", {{"entries", what.dump()}, {"image", bytes, "blob"}});
  }
};

TEST_F(ImmichTest, EachFaceHasItsVectorAsText) {
  const json answer = predict(entries(), two_people()).body;
  EXPECT_EQ(answer.at("imageWidth"), 320);
  EXPECT_EQ(answer.at("imageHeight"), 180);
  ASSERT_EQ(answer.at("facial-recognition").size(), 2U);
  const json& face = answer.at("facial-recognition").at(0);
  ASSERT_TRUE(face.at("embedding").is_string());
  const auto vector = json::parse(face.at("embedding").get<std::string>()).get<std::vector<float>>();
  EXPECT_EQ(vector.size(), 512U) << "the database's column";
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  EXPECT_NEAR(squares, 1, 1e-5);
  EXPECT_LT(face.at("boundingBox").at("x1"), face.at("boundingBox").at("x2"));
  EXPECT_EQ(predict(entries(), nobody()).body.at("facial-recognition"), json::array());
  EXPECT_EQ(predict(entries(1.1), photo(0)).body.at("facial-recognition"), json::array());
}

TEST_F(ImmichTest, SaysThatItIsThereAndRefusesOtherTasks) {
  EXPECT_EQ(send("GET", "/ping").text, "pong");
  EXPECT_EQ(send("GET", "/").body, (json{{"message", "Immich ML"}}));
  EXPECT_EQ(send("GET", "/", "", {{"accept", "text/html"}}).status, 404) << "a browser's \"/\" is the page's";
  const json clip{{"clip", {{"visual", {{"modelName", "ViT-B-32__openai"}}}}}};
  EXPECT_EQ(predict(clip, photo(0)).status, 501);
  EXPECT_EQ(predict("faces", photo(0)).status, 422);
  EXPECT_EQ(form("/predict", {{"entries", "{"}, {"image", photo(0)}}).status, 422);
  EXPECT_EQ(form("/predict", {{"entries", entries().dump()}}).status, 400);
  json two = entries();
  two.update(clip);
  EXPECT_EQ(predict(two, photo(0)).status, 422);
  EXPECT_TRUE(predict(entries(), "no picture").body.contains("detail"));
}

TEST_F(ImmichTest, OtherTasksArePassedOnWhereThereIsSomebody) {
  std::string sent;
  options_.compat.immich_upstream = "http://127.0.0.1:3003/";
  options_.compat.forward = [&](const std::string& url, const Fields& headers, const std::string& body) {
    sent = url + " " + std::string(find_field(headers, "Content-Type").value_or(""));
    EXPECT_NE(body.find("ViT"), std::string::npos);
    return Response{.status = 200, .body = R"({"clip":"[1]"})"};
  };
  EXPECT_EQ(predict({{"clip", {{"visual", {{"modelName", "ViT"}}}}}}, photo(0)).body,
            (json{{"clip", "[1]"}}));
  EXPECT_EQ(sent, "http://127.0.0.1:3003/predict multipart/form-data; boundary=b");
  EXPECT_EQ(predict(entries(), photo(0)).body.at("facial-recognition").size(), 1U);
}

TEST_F(ImmichTest, TheModelsNameIsToldOnce) {
  std::size_t notes = 0;
  options_.log = [&](const nlohmann::ordered_json& line) { notes += line.contains("note") ? 1 : 0; };
  predict(entries(), photo(0));
  predict(entries(), photo(0));
  EXPECT_EQ(notes, 1U);
}

// ---- Nextcloud ----

class NextcloudTest : public CompatTest {
 protected:
  NextcloudTest() : CompatTest("nextcloud") {}
};

TEST_F(NextcloudTest, VectorsAreAsFarApartAsItsSensitivityAtTheModelsThreshold) {
  const json face = form("/detect", {{"file", photo(0), "a.png"}}).body.at("faces").at(0);
  const auto vector = face.at("descriptor").get<std::vector<double>>();
  double squares = 0;
  for (const double value : vector) squares += value * value;
  // Two such vectors at the threshold's angle are .4 apart.
  const double threshold = service().recognizer().verification_rule().threshold;
  EXPECT_NEAR(std::sqrt(squares * (2 - 2 * threshold)), 0.4, 1e-4);
}

TEST_F(NextcloudTest, AFaceIsFoundAndComputedAgain) {
  const Answered found = form("/detect", {{"file", two_people(), "party.png"}});
  EXPECT_EQ(found.body.at("filename"), "party.png");
  EXPECT_EQ(found.body.at("faces-count"), 2);
  json second = found.body.at("faces").at(1);
  EXPECT_EQ(second.at("landmarks").size(), 5U);
  EXPECT_EQ(form("/compute", {{"file", two_people(), "party.png"}, {"face", second.dump()}}).body.at("face"),
            second);
  second["left"] = second["right"] = -50;
  EXPECT_EQ(form("/compute", {{"file", two_people()}, {"face", second.dump()}}).status, 400);
  EXPECT_EQ(form("/compute", {{"file", two_people()}, {"face", "[]"}}).status, 400);
  EXPECT_EQ(form("/detect", {{"file", nobody()}}).body.at("faces-count"), 0);
  EXPECT_EQ(form("/detect", {{"file", "no picture"}}).status, 422);
  EXPECT_EQ(form("/detect", {{"file", std::string(21U << 20, 'x')}}).status, 412);
}

TEST_F(NextcloudTest, OnlyOpeningAndPhotosNeedAKey) {
  with_key(Right::kSearch);
  EXPECT_EQ(send("GET", "/open").body,
            (json{{"preferred_mimetype", "image/jpeg"}, {"maximum_area", 8294400}}));
  key_ = "";
  EXPECT_EQ(send("GET", "/health").status, 200);
  EXPECT_EQ(send("GET", "/welcome").status, 200);
  EXPECT_EQ(send("GET", "/open").status, 401);
  EXPECT_EQ(form("/detect", {{"file", photo(0)}}).status, 401);
}

// ---- all ----

class AnyCompatTest : public CompatTest {
 protected:
  AnyCompatTest() : CompatTest("compreface") {}
};

TEST_F(AnyCompatTest, OnlyWhatWasAskedForIsSpoken) {
  EXPECT_EQ(send("GET", "/ping").status, 404);
  EXPECT_EQ(send("POST", "/v1/vision/face/list").status, 404);
  EXPECT_EQ(send("GET", "/api/v1/config").status, 200);
  EXPECT_EQ(send("GET", "/v1/version").status, 200);
}

TEST_F(AnyCompatTest, EachIsSpokenWithoutTheOthers) {
  const std::map<std::string, std::function<int()>> asked{
      {"compreface", [&] { return send("GET", "/api/v1/config").status; }},
      {"deepstack", [&] { return send("POST", "/v1/vision/face/list").status; }},
      {"immich", [&] { return send("GET", "/ping").status; }},
      {"nextcloud", [&] { return send("GET", "/open").status; }},
      {"rekognition", [&] {
         return send("POST", "/", "{}", {{"x-amz-target", "RekognitionService.ListCollections"}}).status;
       }}};
  for (const std::string& spoken : compat_protocols()) {
    service_.reset();
    options_.compat.protocols = {spoken};
    for (const auto& [name, ask] : asked) {
      if (name == spoken) {
        EXPECT_EQ(ask(), 200) << name;
      } else {
        EXPECT_NE(ask(), 200) << name << " beside " << spoken;
      }
    }
  }
}

TEST_F(AnyCompatTest, AllAreSpokenAtOnce) {
  options_.compat.protocols = compat_protocols();
  EXPECT_EQ(send("GET", "/").body, (json{{"message", "Immich ML"}}));
  EXPECT_EQ(send("POST", "/", "{}", {{"x-amz-target", "RekognitionService.ListCollections"}}).status, 200);
  EXPECT_EQ(send("POST", "/").status, 405);
  EXPECT_EQ(send("GET", "/api/v1/config").status, 200);
  EXPECT_EQ(send("GET", "/health").status, 200);
  EXPECT_EQ(send("POST", "/v1/vision/face/list").status, 200);
}

TEST_F(AnyCompatTest, AnotherNameIsRefused) {
  options_.compat.protocols = {"facebox"};
  try {
    (void)service();
    FAIL() << "no error";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "--compat facebox: there is compreface, deepstack, immich, nextcloud, rekognition");
  }
}

}  // namespace
}  // namespace likeness::serve
