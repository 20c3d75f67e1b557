// The whole service but its sockets, on drawn people. Every answer is held against the OpenAPI document.
#include "serve/service.h"

#include <gtest/gtest.h>
#include <sodium.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "likeness/gallery/open.h"
#include "likeness/image/write_image.h"
#include "serve/schema.h"
#include "tests/tiny/tiny_world.h"

namespace likeness::serve {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string base64(const std::string& bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.resize(text.size() - 1);
  return text;
}

struct Field {
  std::string name;
  std::string content;
  std::string file_name{};
};

struct Answer {
  int status = 0;
  Fields headers;
  std::string text;
  json body;
  [[nodiscard]] std::string code() const { return body.at("error").at("code"); }
  [[nodiscard]] std::string message() const { return body.at("error").at("message"); }
  [[nodiscard]] json field() const { return body.at("error").at("field"); }
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() { people_ = tiny::write_people(folder_.path() / "people", 0, 3, 4, 100); }

  Service& service() {
    if (!service_) service_ = std::make_unique<Service>(options());
    return *service_;
  }

  virtual ServiceOptions options() {
    ServiceOptions options;
    options.models.models = {tiny::packs()};
    options.models.model = tiny::kEmbedder;
    options.models.threads = 2;
    options.galleries = {{"default", folder_ / "default.gallery"}};
    options.gallery_options.lock_timeout_ms = 200;
    options.files = {{"/", "<!doctype html>"}, {"/web/app.js", "export {};"}};
    return options;
  }

  Answer send(Request request) {
    request.id = "0123456789abcdef";
    if (!find_field(request.headers, "host")) request.headers.emplace_back("host", "127.0.0.1:8080");
    if (!key_.empty()) request.headers.emplace_back("authorization", "Bearer " + key_);
    const auto target = parse_target(request.target);
    EXPECT_TRUE(target) << request.target;
    request.path = target->path;
    request.query = target->query;
    request.length = request.body.size();
    const Router::Match match = service().router().match(request);
    Admission admission = service().admit(request);
    Response response;
    if (admission.refusal) {
      response = *admission.refusal;
    } else {
      EXPECT_LE(request.body.size(), admission.body_limit);
      // Shared: the thread that answers may still be within set_value() when the answer is here.
      const auto promise = std::make_shared<std::promise<Response>>();
      service().handle(std::move(request), [promise](Response made) { promise->set_value(std::move(made)); });
      response = promise->get_future().get();
    }
    Answer answer{response.status, response.headers, response.body, {}};
    if (response.type == "application/json") answer.body = json::parse(response.body);
    if (match.operation != nullptr) require_described(*match.operation, answer, response.type);
    return answer;
  }

  void require_described(const Operation& operation, const Answer& answer, const std::string& type) {
    const json& document = service().router().document();
    const json& answers = operation.description->at("responses");
    const std::string status = std::to_string(answer.status);
    ASSERT_TRUE(answers.contains(status))
        << operation.id << " gives an undescribed " << status << ": " << answer.text;
    const json* described = &answers.at(status);
    if (described->contains("$ref"))
      described = &document.at(json::json_pointer(described->at("$ref").get<std::string>().substr(1)));
    const std::string plain = type.substr(0, type.find(';'));
    ASSERT_TRUE(described->at("content").contains(plain)) << operation.id << ": " << type;
    if (plain != "application/json") return;
    const auto wrong = disagreement(document, described->at("content").at(plain).at("schema"), answer.body);
    EXPECT_FALSE(wrong) << operation.id << " " << status << ": " << wrong->field << " " << wrong->message
                        << "\n"
                        << answer.text;
  }

  Answer get(const std::string& target) { return send({{.method = "GET", .target = target}}); }
  Answer remove(const std::string& target) { return send({{.method = "DELETE", .target = target}}); }
  Answer json_to(const char* method, const std::string& target, const json& body) {
    Request request{{.method = method, .target = target}, body.dump()};
    request.headers = {{"content-type", "application/json"}};
    return send(std::move(request));
  }
  Answer post(const std::string& target, const json& body) { return json_to("POST", target, body); }
  Answer form(const std::string& target, const std::vector<Field>& fields) {
    Request request{{.method = "POST", .target = target}};
    request.headers = {{"content-type", "multipart/form-data; boundary=limit"}};
    for (const Field& field : fields) {
      request.body += "--limit\r\nContent-Disposition: form-data; name=\"" + field.name + "\"";
      if (!field.file_name.empty()) request.body += "; filename=\"" + field.file_name + "\"";
      request.body += "\r\n\r\n" + field.content + "\r\n";
    }
    request.body += "--limit--\r\n";
    return send(std::move(request));
  }

  /// The bytes of a photo of this person; of each there are four.
  std::string photo(int person, int number = 0) {
    return read_text(people_.at(static_cast<std::size_t>(4 * person + number)));
  }
  /// Of somebody whom nobody has enrolled.
  std::string stranger(std::uint32_t seed = 7) {
    const std::vector<std::byte> bytes = encode_png(tiny::portrait(40, seed).view());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  Answer enrol(const std::string& name, int person, int photos = 2, const std::string& gallery = "default") {
    std::vector<Field> fields{{"person", name}};
    for (int i = 0; i < photos; ++i)
      fields.push_back({"photo", photo(person, i), std::to_string(i) + ".png"});
    return form("/v1/galleries/" + gallery + "/faces", fields);
  }

  Answer undo(const json& change) {
    return send({{.method = "POST", .target = "/v1/galleries/default/changes/" + change.dump() + "/undo"}});
  }

  tiny::Folder folder_;
  std::vector<fs::path> people_;
  std::string key_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, SaysThatItRunsAndWhatItIs) {
  EXPECT_EQ(get("/v1/health/live").body["status"], "live");
  EXPECT_EQ(get("/v1/health/ready").body["status"], "ready");
  EXPECT_EQ(get("/v1/version").body["api"], "v1");
  EXPECT_EQ(get("/v1/openapi.json").body["openapi"], "3.1.0");
  EXPECT_EQ(get("/v1/models").body["models"][0]["name"], "tiny");
  const Answer me = get("/v1/me");
  EXPECT_EQ(me.body["key"], nullptr);
  EXPECT_EQ(me.body["right"], "administer");
  EXPECT_EQ(me.body["keep_seen_days"], 0);
  service().begin_stop();
  EXPECT_EQ(get("/v1/health/ready").status, 503);
  EXPECT_EQ(get("/v1/health/live").status, 200);
}

TEST_F(ServiceTest, FilesAreForThisMachineWhereThereAreNoKeys) {
  Request request{{.method = "GET", .target = "/"}};
  request.headers = {{"host", "rebound.example"}};
  EXPECT_EQ(send(std::move(request)).status, 403);
}

TEST_F(ServiceTest, WhoWasEnrolledIsFoundByTheNextRequestAndAStrangerIsNot) {
  const Answer empty = form("/v1/search", {{"photo", photo(0)}});
  EXPECT_EQ(empty.body["faces"][0]["name"], nullptr);
  EXPECT_EQ(empty.body["faces"][0]["nearest"], nullptr);

  const Answer enrolled = enrol("Ann", 0);
  EXPECT_EQ(enrolled.body["enrolled"], 2);
  EXPECT_EQ(enrolled.body["person"]["name"], "Ann");
  EXPECT_EQ(enrolled.body["photos"][1]["photo"], "1.png");
  enrol("Ben", 1);

  const Answer found = form("/v1/search", {{"photo", photo(0, 3), "later.png"}});
  ASSERT_EQ(found.body["faces"].size(), 1U) << found.text;
  EXPECT_EQ(found.body["faces"][0]["name"], "Ann");
  EXPECT_EQ(found.body["faces"][0]["person"], enrolled.body["person"]["id"]);
  EXPECT_EQ(found.body["faces"][0]["runner_up"]["name"], "Ben");
  EXPECT_EQ(found.body["width"], 160);
  const Answer unknown = form("/v1/search", {{"photo", stranger()}});
  EXPECT_EQ(unknown.body["faces"][0]["name"], nullptr) << unknown.text;
  EXPECT_NE(unknown.body["faces"][0]["nearest"], nullptr);
}

TEST_F(ServiceTest, APhotoComesAsFormOrAsJsonWithOneAnswer) {
  const Answer a = form("/v1/detect", {{"photo", photo(0)}});
  const Answer b = post("/v1/detect", {{"photo", base64(photo(0))}});
  const Answer c = post("/v1/detect", {{"photo", "data:image/png;base64," + base64(photo(0))}});
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body["faces"].size(), 1U);
  EXPECT_EQ(a.body, b.body);
  EXPECT_EQ(a.body, c.body);
}

TEST_F(ServiceTest, AnEmbeddingIsSearchedForAsItsPhoto) {
  enrol("Ann", 0);
  const Answer embedded = form("/v1/embed", {{"photo", photo(0, 3)}});
  const json& embedding = embedded.body["faces"][0]["embedding"];
  const Answer found = post("/v1/search", {{"embedding", embedding}});
  const Answer by_photo = form("/v1/search", {{"photo", photo(0, 3)}});
  EXPECT_EQ(found.body["faces"][0]["name"], "Ann");
  EXPECT_NEAR(found.body["faces"][0]["similarity"].get<double>(),
              by_photo.body["faces"][0]["similarity"].get<double>(), 1e-6);
  EXPECT_EQ(found.body["faces"][0]["box"], nullptr);

  json wrong = embedding;
  wrong.erase(wrong.begin());
  EXPECT_EQ(post("/v1/search", {{"embedding", wrong}}).field(), "embedding");
  for (json& value : wrong = embedding) value = value.get<double>() * 3;
  EXPECT_EQ(post("/v1/search", {{"embedding", wrong}}).message(), "embedding is not of length 1");
  EXPECT_EQ(post("/v1/search", json::object()).message(), "photo is missing");
  EXPECT_EQ(post("/v1/search", {{"embedding", embedding}, {"photo", base64(photo(0))}}).message(),
            "give photo or embedding, not both");
}

TEST_F(ServiceTest, TwoPhotosAreOnePersonOrTwo) {
  const Answer same = form("/v1/verify", {{"a", photo(0)}, {"b", photo(0, 1)}, {"threshold", "0.5"}});
  EXPECT_EQ(same.body["same"], true) << same.text;
  const Answer other =
      post("/v1/verify", {{"a", base64(photo(0))}, {"b", base64(stranger())}, {"threshold", 0.9}});
  EXPECT_EQ(other.body["same"], false);
  EXPECT_EQ(other.body["false_match_rate"], nullptr);
}

TEST_F(ServiceTest, WrongInputIsNamedByItsField) {
  const auto expect = [](const Answer& answer, int status, const char* code, const json& field,
                         const char* message) {
    EXPECT_EQ(answer.status, status) << answer.text;
    EXPECT_EQ(answer.code(), code);
    EXPECT_EQ(answer.field(), field);
    EXPECT_EQ(answer.message(), message);
  };
  expect(form("/v1/detect", {{"photo", "no picture"}}), 422, "image_unreadable", "photo",
         "cannot read photo: it is not a picture (JPEG, PNG, GIF, WebP, TIFF, HEIF and AVIF are read)");
  expect(form("/v1/detect", {}), 400, "invalid", "photo", "photo is missing");
  expect(form("/v1/detect", {{"photo", ""}}), 400, "invalid", "photo", "photo is empty");
  expect(form("/v1/detect", {{"picture", "x"}}), 400, "invalid", "picture", "there is no field picture");
  expect(post("/v1/detect", {{"photo", "!"}}), 400, "invalid", "photo", "photo is no base64");
  expect(post("/v1/detect", {{"photo", 7}}), 400, "invalid", "photo", "photo is to be string, not number");
  expect(form("/v1/search?limit=2", {{"photo", "x"}}), 400, "invalid", "limit",
         "there is no parameter limit");
  expect(get("/v1/galleries/default/people?limit=0"), 400, "invalid", "limit", "limit is to be at least 1");
  expect(get("/v1/galleries/default/people?limit=x"), 400, "invalid", "limit", "limit is to be integer");
  expect(get("/v1/galleries/default/people?limit=1&limit=2"), 400, "invalid", "limit",
         "limit is given twice");
  expect(get("/v1/galleries/default/people?cursor=-4"), 400, "invalid", "cursor",
         "cursor is no `next` of a page");
  expect(get("/v1/galleries/none"), 404, "not_found", nullptr, "there is no gallery none");
  expect(get("/v1/galleries/default/people/7"), 404, "not_found", nullptr, "there is no person 7");
  expect(get("/v1/nothing"), 404, "not_found", nullptr, "there is no such path");
  expect(remove("/v1/version"), 405, "method_not_allowed", nullptr, "this path answers GET");
  expect(form("/v1/galleries/default/faces", {{"person", " "}, {"photo", photo(0)}}), 400, "invalid",
         "person", "a person's name must not be empty or blank");
  expect(form("/v1/galleries/default/faces", {{"person", "unknown"}, {"photo", photo(0)}}), 400, "invalid",
         "person", "\"unknown\" is what strangers are called; choose another name");
  Request plain{{.method = "POST", .target = "/v1/detect"}, "x"};
  plain.headers = {{"content-type", "text/plain"}};
  expect(send(plain), 415, "unsupported_type", "Content-Type",
         "the body is to be application/json or multipart/form-data, not text/plain");
}

TEST_F(ServiceTest, EveryAnswerNamesItsRequest) {
  const Answer wrong = get("/v1/nothing");
  EXPECT_EQ(wrong.body["error"]["request"], "0123456789abcdef");
  EXPECT_EQ(find_field(wrong.headers, "X-Request-Id"), "0123456789abcdef");
}

TEST_F(ServiceTest, EachPhotoOfAnEnrolmentHasItsOwnReason) {
  const Answer answer = form("/v1/galleries/default/faces", {{"person", "Ann"},
                                                             {"photo", photo(0), "good.png"},
                                                             {"photo", photo(0), "again.png"},
                                                             {"photo", "broken", "broken.jpg"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["enrolled"], 1);
  const json& photos = answer.body["photos"];
  EXPECT_EQ(photos[0]["status"], "enrolled");
  EXPECT_EQ(photos[1]["status"], "known");
  EXPECT_EQ(photos[1]["face"], photos[0]["face"]);
  EXPECT_EQ(photos[2]["status"], "unreadable");
  EXPECT_EQ(
      photos[2]["reasons"][0],
      "cannot read broken.jpg: it is not a picture (JPEG, PNG, GIF, WebP, TIFF, HEIF and AVIF are read)");
}

TEST_F(ServiceTest, PeopleComeInPages) {
  for (int person = 0; person < 3; ++person) enrol(tiny::name_of(person), person, 1);
  const Answer first = get("/v1/galleries/default/people?limit=2");
  EXPECT_EQ(first.body["people"].size(), 2U);
  const Answer second =
      get("/v1/galleries/default/people?limit=2&cursor=" + first.body["next"].get<std::string>());
  ASSERT_EQ(second.body["people"].size(), 1U);
  EXPECT_EQ(second.body["people"][0]["name"], "person_02");
  EXPECT_EQ(second.body["next"], nullptr);
  EXPECT_EQ(get("/v1/galleries/default/people?prefix=person_01").body["people"].size(), 1U);
}

TEST_F(ServiceTest, RenamesMergesAndMovesAreUndone) {
  const auto ann = std::to_string(enrol("Ann", 0).body["person"]["id"].get<int>());
  const auto ben = enrol("Ben", 1).body["person"]["id"].get<int>();
  const std::string people = "/v1/galleries/default/people";
  EXPECT_EQ(json_to("PATCH", people + "/" + ann, {{"name", "Ben"}}).status, 409);
  EXPECT_EQ(json_to("PATCH", people + "/" + ann, {{"name", "Anna"}}).status, 200);
  EXPECT_EQ(get(people + "/" + ann).body["name"], "Anna");

  const Answer preview = post(people + "/" + ann + "/merge", {{"into", ben}, {"preview", true}});
  EXPECT_EQ(preview.body["done"], false);
  EXPECT_NE(preview.body["similarity"], nullptr);
  EXPECT_EQ(get(people).body["people"].size(), 2U);
  EXPECT_EQ(post(people + "/" + ann + "/merge", {{"into", ben}}).body["done"], true);
  EXPECT_EQ(get(people).body["people"].size(), 1U);
  EXPECT_EQ(get(people + "/" + std::to_string(ben)).body["faces"], 4);
  EXPECT_EQ(form("/v1/search", {{"photo", photo(0, 3)}}).body["faces"][0]["name"], "Ben");

  const json changes = get("/v1/galleries/default/changes").body["changes"];
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0]["kind"], "merge");
  EXPECT_EQ(changes[0]["faces"], 2);
  EXPECT_EQ(undo(changes[0]["id"]).body["undone"], true);
  EXPECT_EQ(form("/v1/search", {{"photo", photo(0, 3)}}).body["faces"][0]["name"], "Anna");
  EXPECT_EQ(undo(changes[0]["id"]).status, 409);
  EXPECT_EQ(undo(changes[1]["id"]).body["undone"], true);
  EXPECT_EQ(form("/v1/search", {{"photo", photo(0, 3)}}).body["faces"][0]["name"], "Ann");
  EXPECT_EQ(undo(999).status, 404);
}

TEST_F(ServiceTest, AFaceIsGivenToSomebodyElseAndBack) {
  const Answer enrolled = enrol("Ann", 0);
  const std::string face = "/v1/galleries/default/faces/" + enrolled.body["photos"][0]["face"].dump();
  const int ann = get(face).body["person"];
  const Answer moved = json_to("PATCH", face, {{"person", "Anna"}});
  EXPECT_EQ(moved.status, 200) << moved.text;
  EXPECT_NE(get(face).body["person"], ann);
  EXPECT_EQ(undo(moved.body["change"]).status, 200);
  EXPECT_EQ(get(face).body["person"], ann);
  EXPECT_EQ(remove(face).body["removed"], 1);
  EXPECT_EQ(get(face).status, 404);
  EXPECT_EQ(json_to("PATCH", face, {{"person", "Anna"}}).status, 404);
}

TEST_F(ServiceTest, AllThatIsHeldAboutAPersonCanBeAskedFor) {
  const Answer enrolled = enrol("Ann", 0);
  const Answer held = get("/v1/galleries/default/people/" + enrolled.body["person"]["id"].dump() + "/held");
  ASSERT_EQ(held.body["faces"].size(), 2U);
  EXPECT_EQ(held.body["faces"][0]["face"]["photo"], "0.png");
  EXPECT_EQ(held.body["faces"][0]["embedding"].size(), service().recognizer().space().dimension);
}

TEST_F(ServiceTest, ARemovedPersonLeavesNoByteInAnyFile) {
  const std::string name = "Zebulon Quixote";
  const Answer enrolled =
      form("/v1/galleries/default/faces",
           {{"person", name}, {"photo", photo(0), "zebulon-at-home.png"}, {"photo", photo(0, 1), "x.png"}});
  enrol("Ben", 1);
  const std::string person = "/v1/galleries/default/people/" + enrolled.body["person"]["id"].dump();
  EXPECT_EQ(json_to("PATCH", person, {{"name", "Zebulon Q"}}).status, 200);  // remembered for undoing
  const auto vector = get(person + "/held").body["faces"][0]["embedding"].get<std::vector<float>>();
  ASSERT_GE(vector.size(), 8U);
  const std::string bytes(reinterpret_cast<const char*>(vector.data()), 32);
  const auto found_in_files = [&](const std::string& what) {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.is_regular_file() && read_text(entry.path()).find(what) != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(found_in_files("Zebulon"));
  EXPECT_TRUE(found_in_files("zebulon-at-home"));
  EXPECT_TRUE(found_in_files(bytes));
  EXPECT_EQ(remove(person).body["removed"], 2);
  EXPECT_FALSE(found_in_files("Zebulon"));
  EXPECT_FALSE(found_in_files("zebulon-at-home"));
  EXPECT_FALSE(found_in_files(bytes));
  EXPECT_EQ(form("/v1/search", {{"photo", photo(0, 3)}}).body["faces"][0]["name"], nullptr);
  EXPECT_EQ(get("/v1/galleries/default/changes").body["changes"].size(), 0U);
}

TEST_F(ServiceTest, AGalleryTellsItsThresholdsAndIsCalibrated) {
  enrol("Ann", 0);
  const Answer before = get("/v1/galleries/default/thresholds");
  EXPECT_EQ(before.body["calibration"], nullptr);
  const Answer refused = post("/v1/galleries/default/calibration", {{"strangers_named", 0.01}});
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "too_few_faces");
  for (int person = 1; person < 3; ++person) enrol(tiny::name_of(person), person, 4);
  const Answer calibrated = post("/v1/galleries/default/calibration", {{"strangers_named", 0.5}});
  EXPECT_EQ(calibrated.status, 200) << calibrated.text;
  EXPECT_EQ(calibrated.body["rule"]["origin"], "calibration");
  EXPECT_EQ(calibrated.body["calibration"]["curve"].size(), 41U);
  EXPECT_EQ(get("/v1/galleries/default").body["calibrated"], true);
}

TEST_F(ServiceTest, ANameThatWasTakenBackIsNotGivenAgain) {
  const std::string ann = "/v1/galleries/default/people/" + enrol("Ann", 0).body["person"]["id"].dump();
  EXPECT_EQ(form("/v1/search", {{"photo", photo(0, 3)}}).body["faces"][0]["name"], "Ann");
  EXPECT_EQ(form(ann + "/rejections", {{"photo", stranger()}}).status, 409);
  EXPECT_EQ(form(ann + "/rejections", {{"photo", photo(0, 3)}}).body["rejected"], 1);
  EXPECT_EQ(form("/v1/search", {{"photo", photo(0, 3)}}).body["faces"][0]["name"], nullptr);
  const json list = get(ann + "/rejections").body["rejections"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(remove("/v1/galleries/default/rejections/" + list[0]["id"].dump()).status, 200);
  EXPECT_EQ(remove("/v1/galleries/default/rejections/" + list[0]["id"].dump()).status, 404);
  EXPECT_EQ(form("/v1/search", {{"photo", photo(0, 3)}}).body["faces"][0]["name"], "Ann");
}

TEST_F(ServiceTest, NobodyIsRememberedUnlessAsked) {
  form("/v1/search", {{"photo", stranger()}});
  EXPECT_EQ(get("/v1/galleries/default/seen").body["groups"].size(), 0U);
  EXPECT_EQ(send({{.method = "POST", .target = "/v1/galleries/default/backups"}}).status, 409);
  enrol("Ann", 0);
  EXPECT_EQ(get("/v1/galleries/default/people").body["people"][0]["face"], nullptr);
  const json face = get("/v1/galleries/default/faces/1").body;
  EXPECT_EQ(face["has_crop"], false);
  EXPECT_GE(face["photo_width"].get<int>(), face["box"][2].get<double>());
  EXPECT_GE(face["photo_height"].get<int>(), face["box"][3].get<double>());
  EXPECT_EQ(get("/v1/galleries/default/faces/1/crop").status, 404);
}

class RememberingServiceTest : public ServiceTest {
 protected:
  ServiceOptions options() override {
    ServiceOptions options = ServiceTest::options();
    options.keep_seen_days = 1;
    options.keep_crops = true;
    options.gallery_options.passphrase = "a long passphrase";
    fs::create_directory(folder_.path() / "backups");
    options.backups = folder_.path() / "backups";
    return options;
  }
};

TEST_F(RememberingServiceTest, StrangersAreGroupedNamedAndIgnored) {
  enrol("Ann", 0);
  form("/v1/search", {{"photo", photo(0, 3)}});  // Ann has a name
  form("/v1/search", {{"photo", stranger(7)}});
  form("/v1/search", {{"photo", stranger(7)}});  // the same photo again
  form("/v1/search", {{"photo", stranger(8)}});
  form("/v1/search", {{"photo", photo(1)}});
  const std::string seen = "/v1/galleries/default/seen";
  const json groups = get(seen).body["groups"];
  ASSERT_EQ(groups.size(), 2U) << groups;
  EXPECT_EQ(groups[1]["count"], 2);
  const std::string group = seen + "/" + groups[1]["id"].dump();
  EXPECT_EQ(get(group).body["sightings"].size(), 2U);
  EXPECT_EQ(get(group + "/crop").text.substr(0, 3), "\xFF\xD8\xFF");
  EXPECT_EQ(get(seen + "?limit=1").body["next"], "1");
  EXPECT_EQ(get(seen + "?limit=1&cursor=1").body["groups"][0]["id"], groups[1]["id"]);

  EXPECT_EQ(json_to("PATCH", seen + "/" + groups[0]["id"].dump(), {{"shelf", "ignored"}}).body["shelf"],
            "ignored");
  EXPECT_EQ(get(seen + "?shelf=unknown").body["groups"].size(), 1U);
  const Answer named = post(group + "/name", {{"person", "Zoe"}});
  EXPECT_EQ(named.body["enrolled"], 2) << named.text;
  EXPECT_EQ(get(group).status, 404);
  EXPECT_EQ(form("/v1/search", {{"photo", stranger(9)}}).body["faces"][0]["name"], "Zoe");
  const json people = get("/v1/galleries/default/people").body["people"];
  EXPECT_EQ(people[0]["face"], 1);
  EXPECT_EQ(people[1]["name"], "Zoe");
  EXPECT_EQ(get("/v1/galleries/default/faces/" + people[1]["face"].dump()).body["person"], people[1]["id"]);
  for (const char* face : {"1", "2"}) {  // enrolled from a photo; named from its group
    EXPECT_EQ(get(std::string("/v1/galleries/default/faces/") + face).body["has_crop"], true);
    EXPECT_EQ(get(std::string("/v1/galleries/default/faces/") + face + "/crop").text.substr(0, 3),
              "\xFF\xD8\xFF");
  }
  EXPECT_EQ(remove(seen + "/" + groups[0]["id"].dump()).body["removed"], 1);
  EXPECT_EQ(get(seen).body["groups"].size(), 0U);
}

TEST_F(RememberingServiceTest, WhoMayBeEnrolledIsSuggestedLikestFirst) {
  form("/v1/search", {{"photo", photo(0, 3)}});
  form("/v1/search", {{"photo", photo(1, 3)}});
  form("/v1/search", {{"photo", stranger()}});
  const std::string seen = "/v1/galleries/default/seen";
  EXPECT_EQ(get(seen + "?shelf=unconfirmed").body["groups"].size(), 0U);
  ASSERT_EQ(get(seen + "?shelf=unknown").body["groups"].size(), 3U);
  enrol("Ann", 0);
  enrol("Ben", 1);
  const json groups = get(seen + "?shelf=unconfirmed").body["groups"];
  ASSERT_EQ(groups.size(), 2U) << groups;
  EXPECT_EQ(groups[0]["shelf"], "unconfirmed");
  EXPECT_GE(groups[0]["suggestion"]["similarity"], groups[1]["suggestion"]["similarity"]);
  EXPECT_NE(groups[0]["suggestion"]["name"], groups[1]["suggestion"]["name"]);
  EXPECT_EQ(get(seen + "?shelf=unknown").body["groups"].size(), 1U);
  const std::string first = groups[0]["id"].dump();
  EXPECT_EQ(get(seen + "/" + first).body["suggestion"]["name"], groups[0]["suggestion"]["name"]);
  // Who it is not is not suggested again, until that is taken back.
  const json who = groups[0]["suggestion"]["person"];
  const Answer rejected = post(seen + "/" + first + "/rejections", {{"person", who}});
  EXPECT_EQ(rejected.body["rejected"], 1) << rejected.text;
  const json other = get(seen + "/" + first).body["suggestion"];
  EXPECT_TRUE(other.is_null() || other["person"] != who) << other;
  remove("/v1/galleries/default/rejections/" + rejected.body["rejections"][0].dump());
  EXPECT_EQ(get(seen + "/" + first).body["suggestion"]["person"], who);
  EXPECT_EQ(post(seen + "/" + first + "/rejections", {{"person", 99}}).status, 404);
  // What is ignored is nobody.
  const Answer ignored = json_to("PATCH", seen + "/" + first, {{"shelf", "ignored"}});
  EXPECT_EQ(ignored.body["suggestion"], nullptr);
  EXPECT_EQ(get(seen + "?shelf=unconfirmed").body["groups"].size(), 1U);
}

TEST_F(RememberingServiceTest, TheLikestOfAGroupComeFirst) {
  form("/v1/search", {{"photo", photo(0)}});
  form("/v1/search", {{"photo", photo(1)}});
  form("/v1/search", {{"photo", stranger()}});
  const std::string seen = "/v1/galleries/default/seen";
  const json groups = get(seen).body["groups"];
  ASSERT_EQ(groups.size(), 3U);
  for (const json& group : groups) {
    const json sorted = get(seen + "?shelf=unknown&like=" + group["id"].dump()).body["groups"];
    ASSERT_EQ(sorted.size(), 3U);
    EXPECT_EQ(sorted[0]["id"], group["id"]);
  }
  EXPECT_EQ(get(seen + "?like=99").status, 404);
}

TEST_F(RememberingServiceTest, NamingAGroupIsTakenBack) {
  form("/v1/search", {{"photo", photo(0)}});
  form("/v1/search", {{"photo", photo(0, 1)}});
  const std::string seen = "/v1/galleries/default/seen";
  const json groups = get(seen).body["groups"];
  ASSERT_EQ(groups.size(), 1U);
  const Answer named = post(seen + "/" + groups[0]["id"].dump() + "/name", {{"person", "Ann"}});
  ASSERT_EQ(named.body["faces"].size(), 2U) << named.text;
  EXPECT_EQ(get(seen).body["groups"].size(), 0U);
  EXPECT_EQ(post(seen, {{"faces", named.body["faces"]}}).body["faces"], 2);
  EXPECT_EQ(get("/v1/galleries/default/people").body["people"].size(), 0U);
  const json again = get(seen).body["groups"];
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0]["faces"], 2);
  EXPECT_EQ(post(seen, {{"faces", named.body["faces"]}}).body["faces"], 0);
  EXPECT_EQ(post(seen, {{"faces", json::array()}}).status, 400);
}

TEST_F(ServiceTest, AWrongFaceIsTheMostDoubtful) {
  enrol("Ann", 0, 3);
  enrol("Ben", 1, 3);
  form("/v1/galleries/default/faces",
       {{"person", "Ann"}, {"review", "off"}, {"photo", photo(1, 3), "wrong.png"}});
  const std::string faces = "/v1/galleries/default/people/1/faces";
  const json found = get(faces + "?order=doubtful").body["faces"];
  ASSERT_EQ(found.size(), 4U) << found;
  EXPECT_EQ(found[0]["photo"], "wrong.png");
  EXPECT_EQ(found[0]["looks_like"]["name"], "Ben");
  EXPECT_LT(found[0]["similarity"], found[1]["similarity"]);
  EXPECT_LT(found[0]["similarity"], found[0]["looks_like"]["similarity"]);
  const Answer first = get(faces + "?order=doubtful&limit=1");
  EXPECT_EQ(first.body["next"], "1");
  EXPECT_EQ(get(faces + "?order=doubtful&limit=1&cursor=1").body["faces"][0]["id"], found[1]["id"]);
  EXPECT_EQ(get(faces).body["faces"][3]["similarity"], nullptr);
}

TEST_F(ServiceTest, PeopleAreFoundByAPartOfTheNameInAnyCase) {
  enrol("Zo\u00eb", 0, 1);
  enrol("ann lee", 1, 1);
  enrol("Bea", 2, 1);
  const auto names = [&](const std::string& query) {
    const Answer answer = get("/v1/galleries/default/people?" + query);
    std::vector<std::string> found;
    for (const json& person : answer.body["people"]) found.push_back(person["name"]);
    return found;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names("order=name"), (Names{"ann lee", "Bea", "Zo\u00eb"}));
  EXPECT_EQ(names("contains=LEE"), (Names{"ann lee"}));
  EXPECT_EQ(names("contains=O%C3%8B"), (Names{"Zo\u00eb"}));
  EXPECT_EQ(names("contains=e&order=name"), (Names{"ann lee", "Bea"}));
  EXPECT_EQ(names("order=name&limit=1&cursor=1"), (Names{"Bea"}));
}

TEST_F(RememberingServiceTest, AnEncryptedGalleryKeepsNothingInTheClear) {
  enrol("Ann Amarant", 0);
  form("/v1/search", {{"photo", stranger()}});
  const std::string person = "/v1/galleries/default/people/1";
  json_to("PATCH", person, {{"name", "Anna Amarant"}});
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = read_text(entry.path());
    EXPECT_EQ(bytes.find("Amarant"), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find("JFIF"), std::string::npos) << entry.path();
  }
  EXPECT_EQ(get("/v1/galleries/default/changes").body["changes"][0]["from"], "Ann Amarant");
}

TEST_F(RememberingServiceTest, ABackupIsTheGallery) {
  enrol("Ann", 0);
  const Answer backup = send({{.method = "POST", .target = "/v1/galleries/default/backups"}});
  ASSERT_EQ(backup.status, 200) << backup.text;
  const fs::path file = folder_.path() / "backups" / backup.body["file"].get<std::string>();
  EXPECT_EQ(fs::file_size(file), backup.body["bytes"]);
  const Gallery copy = open_gallery(file.string(), {.read_only = true, .passphrase = "a long passphrase"});
  EXPECT_TRUE(copy.store().find_person("Ann"));
}

TEST_F(RememberingServiceTest, ABackupIsPutBackWhileTheServerRuns) {
  const std::string backups = "/v1/galleries/default/backups";
  enrol("Ann", 0);
  const std::string file = send({{.method = "POST", .target = backups}}).body["file"];
  EXPECT_EQ(get(backups).body["backups"][0]["file"], file);
  enrol("Bob", 1);
  ASSERT_EQ(get("/v1/galleries/default/people").body["people"].size(), 2U);
  const Answer restored = send({{.method = "POST", .target = backups + "/" + file + "/restore"}});
  ASSERT_EQ(restored.status, 200) << restored.text;
  EXPECT_EQ(restored.body["people"], 1);
  EXPECT_EQ(get("/v1/galleries/default/people").body["people"].size(), 1U);
  // Searches see it from the next one on, and numbers go on.
  const auto name_of = [this](int person) -> json {
    return form("/v1/search", {{"photo", photo(person, 3)}}).body["faces"][0]["name"];
  };
  EXPECT_EQ(name_of(1), nullptr);
  EXPECT_EQ(name_of(0), "Ann");
  enrol("Cem", 2);
  EXPECT_EQ(name_of(2), "Cem");
  for (const std::string name : {"default-20261128T023000Z-0a1b.gallery", "..%2Fdefault.gallery", "x"})
    EXPECT_EQ(send({{.method = "POST", .target = backups + "/" + name + "/restore"}}).status, 404) << name;
  std::ofstream(folder_.path() / "backups" / "default-20261128T023000Z-0a1b.gallery") << "no gallery";
  const Answer damaged =
      send({{.method = "POST", .target = backups + "/default-20261128T023000Z-0a1b.gallery/restore"}});
  EXPECT_EQ(damaged.status, 409);
  EXPECT_EQ(damaged.text.find(folder_.path().string()), std::string::npos) << damaged.text;
}

TEST_F(ServiceTest, ALockedGalleryIsSearchedAndNotWritten) {
  enrol("Ann", 0);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ / "default.gallery").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const Answer locked = enrol("Ben", 1);
  EXPECT_EQ(locked.status, 503);
  EXPECT_EQ(locked.code(), "unavailable");
  EXPECT_EQ(find_field(locked.headers, "Retry-After"), "1");
  EXPECT_EQ(form("/v1/search", {{"photo", photo(0, 3)}}).body["faces"][0]["name"], "Ann");
  ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_EQ(enrol("Ben", 1).body["enrolled"], 2);
}

class ShortQueueTest : public ServiceTest {
 protected:
  ServiceOptions options() override {
    ServiceOptions options = ServiceTest::options();
    options.most_waiting = 1;
    return options;
  }
};

TEST_F(ShortQueueTest, BeyondTheQueuesEndIs503) {
  ASSERT_EQ(get("/v1/galleries").status, 200);
  std::mutex mutex;
  std::condition_variable more;
  std::vector<Response> answers;
  const std::string body = json{{"photo", base64(photo(0))}}.dump();
  constexpr std::size_t kAtOnce = 100;
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    Request request{{.method = "POST", .target = "/v1/embed", .path = {"v1", "embed"}, .id = "x"}, body};
    request.headers = {{"content-type", "application/json"}};
    service().handle(std::move(request), [&](const Response& response) {
      const std::lock_guard lock(mutex);
      answers.push_back(response);
      more.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  ASSERT_TRUE(more.wait_for(lock, std::chrono::seconds(60), [&] { return answers.size() == kAtOnce; }));
  std::size_t busy = 0;
  for (const Response& answer : answers) {
    if (answer.status == 200) continue;
    ++busy;
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(json::parse(answer.body)["error"]["code"], "busy");
    EXPECT_EQ(find_field(answer.headers, "Retry-After"), "1");
  }
  EXPECT_GT(busy, 0U);
  EXPECT_LT(busy, kAtOnce);
}

TEST_F(ServiceTest, WhoDidWhatIsWrittenDownWithoutNames) {
  enrol("Ann", 0);
  form("/v1/search", {{"photo", photo(0, 3)}});
  form("/v1/search", {{"photo", "broken"}});
  const Answer audit = get("/v1/audit?limit=3");
  const json& entries = audit.body["entries"];
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[2]["action"], "enrolFaces");
  EXPECT_EQ(entries[2]["faces"], 2);
  EXPECT_EQ(entries[1]["named"], 1);
  EXPECT_EQ(entries[0]["status"], 422);
  EXPECT_EQ(audit.text.find("Ann"), std::string::npos);
}

TEST_F(ServiceTest, FiguresAreForPrometheus) {
  enrol("Ann", 0);
  form("/v1/search", {{"photo", photo(0, 3)}});
  form("/v1/search", {{"photo", stranger()}});
  const std::string text = get("/metrics").text;
  for (const char* line :
       {"likeness_faces_total{answer=\"named\"} 1\n", "likeness_faces_total{answer=\"unknown\"} 1\n",
        "likeness_people{gallery=\"default\"} 1\n", "likeness_enrolments_total{status=\"enrolled\"} 2\n",
        "likeness_stage_seconds_count{stage=\"embed\"} 2\n",
        "likeness_requests_total{operation=\"searchFaces\",status=\"200\"} 2\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

TEST_F(ServiceTest, WithoutKeysOnlyThisMachineIsAnswered) {
  const auto status = [&](Fields headers) {
    Request request{{.method = "GET", .target = "/v1/galleries", .headers = std::move(headers)}};
    return send(std::move(request)).status;
  };
  EXPECT_EQ(status({{"host", "localhost:8080"}}), 200);
  EXPECT_EQ(status({{"host", "[::1]:8080"}}), 200);
  EXPECT_EQ(status({{"host", "127.0.0.1"}, {"origin", "http://127.0.0.1:8080"}}), 200);
  EXPECT_EQ(status({{"host", "evil.example:8080"}}), 403);
  EXPECT_EQ(status({{"host", "127.0.0.1"}, {"origin", "http://evil.example"}}), 403);
  EXPECT_EQ(status({{"host", "127.0.0.1"}, {"origin", "null"}}), 403);
}

TEST_F(ServiceTest, EightClientsAtOnceGetTheirOwnAnswers) {
  enrol("Ann", 0);
  enrol("Ben", 1);
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      for (int round = 0; round < 4; ++round) {
        const int person = (client + round) % 2;
        const Answer found = form("/v1/search", {{"photo", photo(person, 3)}});
        if (found.status != 200 || found.body["faces"][0]["name"] != (person == 0 ? "Ann" : "Ben")) ++wrong;
        if (client == 0 && enrol("Cid", 2, round + 1).status != 200) ++wrong;
        if (client == 1 && get("/v1/galleries/default/people").status != 200) ++wrong;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(form("/v1/search", {{"photo", photo(2)}}).body["faces"][0]["name"], "Cid");
}

// ---- keys ----

class KeyedServiceTest : public ServiceTest {
 protected:
  KeyedServiceTest() {
    keys_ = folder_ / "keys.json";
    for (const char* right : {"observe", "search", "enrol", "administer"})
      all_[right] = add_key(keys_, right, *right_from(right), {}).text;
    staff_ = add_key(keys_, "staff", Right::kAdminister, {"staff"});
  }
  ServiceOptions options() override {
    ServiceOptions options = ServiceTest::options();
    options.galleries = {{"staff", folder_ / "staff.gallery"}, {"guests", folder_ / "guests.gallery"}};
    options.keys = keys_;
    options.requests_a_key = 3;
    return options;
  }
  /// A request for an operation with something for every parameter of its path.
  static Request request_for(const Operation& operation, const std::string& gallery) {
    Request request{{.method = operation.method}};
    for (const std::string& segment : operation.path) {
      request.target += "/";
      request.target += segment == "{gallery}" ? gallery : segment[0] == '{' ? "1" : segment;
    }
    const json parameters = operation.description->value("parameters", json::array());
    for (const json& parameter : parameters) {
      if (parameter["in"] == "query" && parameter["name"] == "gallery")
        request.target += "?gallery=" + gallery;
    }
    return request;
  }

  fs::path keys_;
  std::map<std::string, std::string> all_;
  NewKey staff_;
};

TEST_F(KeyedServiceTest, EveryOperationAsksForItsRight) {
  for (const Operation& operation : service().router().operations()) {
    key_ = "";
    const int without = send(request_for(operation, "staff")).status;
    EXPECT_EQ(without == 401, operation.right != Right::kNone) << operation.id;
    key_ = "lk_00000000_wrong";
    EXPECT_EQ(send(request_for(operation, "staff")).status == 401, operation.right != Right::kNone)
        << operation.id;
    for (const auto& [right, key] : all_) {
      key_ = key;
      const int status = send(request_for(operation, "staff")).status;
      EXPECT_EQ(status == 403, !includes(*right_from(right), operation.right))
          << operation.id << " " << right << " " << status;
      EXPECT_NE(status, 401) << operation.id;
    }
  }
}

TEST_F(KeyedServiceTest, AnotherGalleryIsAnsweredAsOneThatIsNotThere) {
  key_ = all_["administer"];
  enrol("Ann", 0, 2, "guests");
  key_ = staff_.text;
  std::size_t about_galleries = 0;
  for (const Operation& operation : service().router().operations()) {
    const Answer hidden = send(request_for(operation, "guests"));
    const Answer absent = send(request_for(operation, "absent"));
    EXPECT_EQ(hidden.status, absent.status) << operation.id;
    if (request_for(operation, "guests").target.find("guests") == std::string::npos) continue;
    ++about_galleries;
    EXPECT_EQ(hidden.status, 404) << operation.id;
    std::string text = absent.text;
    text.replace(text.find("absent"), 6, "guests");
    EXPECT_EQ(hidden.text, text) << operation.id;
  }
  EXPECT_GT(about_galleries, 15U);
  const Answer galleries = get("/v1/galleries");
  ASSERT_EQ(galleries.body["galleries"].size(), 1U);
  EXPECT_EQ(galleries.body["galleries"][0]["name"], "staff");
  EXPECT_EQ(get("/metrics").status, 403);
  EXPECT_EQ(get("/v1/galleries/staff").status, 200);
  const Answer audit = get("/v1/audit");
  EXPECT_GT(audit.body["entries"].size(), 0U);
  for (const json& entry : audit.body["entries"]) EXPECT_EQ(entry["gallery"], "staff");
}

TEST_F(KeyedServiceTest, AWithdrawnKeyFailsFromTheNextRequestOn) {
  key_ = staff_.text;
  EXPECT_EQ(get("/v1/galleries").status, 200);
  EXPECT_TRUE(withdraw_key(keys_, staff_.key.id));
  EXPECT_EQ(get("/v1/galleries").status, 401);
}

TEST_F(KeyedServiceTest, WithoutItsFileOfKeysNobodyGetsIn) {
  key_ = staff_.text;
  EXPECT_EQ(get("/v1/galleries").status, 200);
  fs::remove(keys_);
  EXPECT_EQ(get("/v1/galleries").status, 503);
  EXPECT_EQ(get("/v1/health/live").status, 200);
}

TEST_F(KeyedServiceTest, AKeyHasSoManyRequestsUnderWay) {
  key_ = all_["search"];
  ASSERT_EQ(get("/v1/galleries").status, 200);
  std::mutex mutex;
  std::condition_variable more;
  std::vector<int> statuses;
  const std::string body = json{{"photo", base64(photo(0))}}.dump();
  for (int i = 0; i < 40; ++i) {
    Request request{{.method = "POST", .target = "/v1/detect", .path = {"v1", "detect"}, .id = "x"}, body};
    request.headers = {{"content-type", "application/json"}, {"x-api-key", key_}};
    service().handle(std::move(request), [&](const Response& response) {
      const std::lock_guard lock(mutex);
      statuses.push_back(response.status);
      more.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  ASSERT_TRUE(more.wait_for(lock, std::chrono::seconds(60), [&] { return statuses.size() == 40; }));
  const auto too_many = std::count(statuses.begin(), statuses.end(), 429);
  const auto answered = std::count(statuses.begin(), statuses.end(), 200);
  EXPECT_GT(too_many, 0);
  EXPECT_GE(answered, 3);
  EXPECT_EQ(too_many + answered, 40);
  lock.unlock();
  EXPECT_EQ(get("/v1/galleries").status, 200);  // all are counted out again
}

TEST_F(KeyedServiceTest, AKeyIsToldWhatItMayDo) {
  key_ = all_["search"];
  const Answer me = get("/v1/me");
  EXPECT_EQ(me.body["right"], "search");
  EXPECT_EQ(me.body["name"], "search");
  EXPECT_EQ(me.body["key"], all_["search"].substr(3, 8));
  key_ = all_["observe"];
  EXPECT_EQ(get("/v1/me").status, 403);
}

TEST_F(KeyedServiceTest, FilesNeedNoKeyAndTakeNothingFromTheApi) {
  const Answer page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.text, "<!doctype html>");
  EXPECT_EQ(find_field(page.headers, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(find_field(page.headers, "Cache-Control"), "no-cache");
  EXPECT_EQ(send({{.method = "HEAD", .target = "/web/app.js"}}).status, 200);
  EXPECT_EQ(get("/web/other.js").status, 404);
  EXPECT_EQ(remove("/").status, 405);
  EXPECT_EQ(get("/v1/galleries").status, 401);
  EXPECT_NE(service().metrics_text().find("operation=\"page\""), std::string::npos);
}

}  // namespace
}  // namespace likeness::serve
