// The parts of the service that need no model: targets, forms, base64, schemas, keys, events.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "likeness/core/error.h"
#include "serve/audit.h"
#include "serve/auth.h"
#include "serve/call.h"
#include "serve/events.h"
#include "serve/http.h"
#include "serve/metrics.h"
#include "serve/multipart.h"
#include "serve/refusal.h"
#include "serve/router.h"
#include "serve/schema.h"
#include "serve/service.h"
#include "serve/work_queue.h"
#include "tests/tiny/tiny_world.h"

namespace likeness::serve {
namespace {

using Json = nlohmann::json;

// ---- targets ----

TEST(Target, IsTakenApartAndDecoded) {
  const auto target = parse_target("/v1/a%20b/c+d?x=1+2&y=%C3%A4&empty=&flag&&z=a=b");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, (std::vector<std::string>{"v1", "a b", "c+d"}));
  const Fields query{{"x", "1 2"}, {"y", "\xC3\xA4"}, {"empty", ""}, {"flag", ""}, {"z", "a=b"}};
  EXPECT_EQ(target->query, query);
  EXPECT_EQ(parse_target("/")->path, std::vector<std::string>{""});
  EXPECT_EQ(parse_target("/a%2Fb")->path, std::vector<std::string>{"a/b"});
}

TEST(Target, IsRefusedWhereItIsNone) {
  for (const char* text : {"", "v1", "http://host/v1", "*", "/a%2", "/a%zz", "/a%00b", "/a#b", "/a?b=%"})
    EXPECT_FALSE(parse_target(text)) << text;
}

// ---- forms ----

TEST(Form, PartsComeWithTheirNamesAndBytes) {
  const std::string body =
      "preamble\r\n--x y\r\nContent-Disposition: form-data; name=\"a;b\\\"c\"\r\n\r\none\r\n--x y  \r\n"
      "content-type: image/png\r\nCONTENT-DISPOSITION:form-data; filename=\"p.png\"; name=photo\r\n\r\n"
      "\r\n--x\r\n--x y\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--x y--\r\nepilogue";
  const auto parts = read_form(body, "x y", 10);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].name, "a;b\"c");
  EXPECT_EQ(parts[0].content, "one");
  EXPECT_EQ(parts[0].file_name, "");
  EXPECT_EQ(parts[1].name, "photo");
  EXPECT_EQ(parts[1].file_name, "p.png");
  EXPECT_EQ(parts[1].content, "\r\n--x");
  EXPECT_EQ(parts[2].content, "");
}

TEST(Form, DamageIsNamedWithItsPlace) {
  const auto error = [](const std::string& body, std::size_t most = 10) -> std::string {
    try {
      (void)read_form(body, "b", most);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "read";
  };
  EXPECT_EQ(error(""), "the form is damaged: there is no boundary at byte 0");
  EXPECT_EQ(error("--b"), "the form is damaged: a boundary's line does not end at byte 3");
  EXPECT_EQ(error("--b\r\n\r\nx\r\n--b--"),
            "the form is damaged: a part has no Content-Disposition at byte 5");
  EXPECT_EQ(error("--b\r\nX: y\r\n\r\nx\r\n--b--"), "the form is damaged: a part has no name at byte 5");
  const std::string one = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx";
  EXPECT_EQ(error(one), "the form is damaged: the part \"a\" does not end at byte 47");
  EXPECT_EQ(error(one + "\r\n" + one + "\r\n--b--", 1), "the form is damaged: more than 1 parts at byte 55");
  EXPECT_EQ(error("--b\r\n" + std::string(5000, 'x')),
            "the form is damaged: a part's header has no end at byte 5");
  EXPECT_EQ(error(one + "\r\n--b--"), "read");
}

TEST(Form, TheBoundaryStandsInTheContentType) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("Multipart/Form-Data;charset=utf-8; boundary=\"a b\""), "a b");
  EXPECT_FALSE(form_boundary("multipart/form-data"));
  EXPECT_FALSE(form_boundary("multipart/mixed; boundary=abc"));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
}

// ---- base64 ----

TEST(Base64, BothAlphabetsPaddedOrNot) {
  EXPECT_EQ(from_base64("aGVsbG8="), "hello");
  EXPECT_EQ(from_base64("aGVsbG8"), "hello");
  EXPECT_EQ(from_base64("data:image/png;base64,aGVsbG8="), "hello");
  EXPECT_EQ(from_base64("aGVs\r\nbG8="), "hello");
  EXPECT_EQ(from_base64("+/+/"), from_base64("-_-_"));
  EXPECT_EQ(from_base64(""), "");
  for (const char* text : {"a", "aGVsbG8!", "data:image/png,aGVsbG8=", "+_+_"})
    EXPECT_FALSE(from_base64(text)) << text;
}

// ---- schemas ----

TEST(Schema, SaysWhichFieldIsWrongAndWhy) {
  const Json schema = Json::parse(R"({"type": "object", "required": ["a"], "additionalProperties": false,
    "properties": {"a": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer", "minimum": 1, "maximum": 9}},
                   "s": {"type": "string", "minLength": 1, "maxLength": 3},
                   "e": {"enum": ["x", "y"]}, "n": {"oneOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]}}})");
  const auto said = [&](const char* text) {
    const auto found = disagreement(schema, schema, Json::parse(text));
    return found ? found->field + ": " + found->message : "agrees";
  };
  EXPECT_EQ(said(R"({"a": [1, 9], "s": "äöü", "e": "x", "n": null})"), "agrees");
  EXPECT_EQ(said("[]"), ": is to be object, not array");
  EXPECT_EQ(said("{}"), "a: is missing");
  EXPECT_EQ(said(R"({"a": []})"), "a: has 0 items; at least 1 are wanted");
  EXPECT_EQ(said(R"({"a": [1, 2, 3]})"), "a: has 3 items; at most 2 are wanted");
  EXPECT_EQ(said(R"({"a": [1, 0]})"), "a[1]: is to be at least 1");
  EXPECT_EQ(said(R"({"a": [10]})"), "a[0]: is to be at most 9");
  EXPECT_EQ(said(R"({"a": [1.5]})"), "a[0]: is to be integer, not number");
  EXPECT_EQ(said(R"({"a": [1.0]})"), "agrees");
  EXPECT_EQ(said(R"({"a": [1], "s": ""})"), "s: is empty");
  EXPECT_EQ(said(R"({"a": [1], "s": "äöüß"})"), "s: has more than 3 characters");
  EXPECT_EQ(said(R"({"a": [1], "e": "z"})"), "e: is to be one of \"x\", \"y\"");
  EXPECT_EQ(said(R"({"a": [1], "n": 0})"), "n: is to be null, not number");
  EXPECT_EQ(said(R"({"a": [1], "b": 1})"), "b: is not known here");
  EXPECT_THROW((void)disagreement(schema, {{"pattern", "x"}}, 1), std::invalid_argument);
}

TEST(Schema, JsonFromOutsideHasBounds) {
  EXPECT_EQ(parse_json("{\"a\": [1]}")["a"][0], 1);
  EXPECT_THROW((void)parse_json(std::string(100, '[') + std::string(100, ']')), std::invalid_argument);
  EXPECT_THROW((void)parse_json("{\"a\": }"), std::invalid_argument);
  EXPECT_THROW((void)parse_json("1e999"), std::invalid_argument);
  EXPECT_THROW((void)parse_json("\"\xff\""), std::invalid_argument);
}

TEST(Schema, ParametersGetTheirTypes) {
  const Json integer{{"type", "integer"}};
  EXPECT_EQ(*typed(integer, integer, "42"), 42);
  for (const char* text : {"", "4x", "4.5", " 4", "99999999999999999999"})
    EXPECT_FALSE(typed(integer, integer, text)) << text;
  const Json boolean{{"type", "boolean"}};
  EXPECT_EQ(*typed(boolean, boolean, "true"), true);
  EXPECT_FALSE(typed(boolean, boolean, "yes"));
  const Json string{{"type", "string"}};
  EXPECT_EQ(*typed(string, string, "42"), "42");
  EXPECT_FALSE(typed(string, string, "\xff"));
}

// ---- the document ----

TEST(Description, EveryOperationIsAnsweredAndEveryAnswerDescribed) {
  const Router router(Json::parse(openapi_text()));
  std::set<std::string> described;
  for (const Operation& operation : router.operations()) {
    EXPECT_TRUE(described.insert(operation.id).second) << operation.id;
    EXPECT_TRUE(operations().contains(operation.id)) << operation.id;
  }
  for (const auto& [id, ignored] : operations()) EXPECT_TRUE(described.contains(id)) << id;
}

TEST(Description, WhatChangesOrShowsPeopleNeedsAKey) {
  const Router router(Json::parse(openapi_text()));
  const std::set<std::string> open{"getLive", "getReady", "getVersion", "getDescription"};
  for (const Operation& operation : router.operations()) {
    EXPECT_EQ(operation.right == Right::kNone, open.contains(operation.id)) << operation.id;
    const bool changes = operation.method != "GET" && operation.id.find("search") == std::string::npos &&
                         operation.id != "detectFaces" && operation.id != "embedFaces" &&
                         operation.id != "verifyFaces";
    if (changes) {
      EXPECT_GE(operation.right, Right::kEnrol) << operation.id;
    }
  }
}

TEST(Routing, FindsTheOperationAndItsParameters) {
  const Router router(Json::parse(openapi_text()));
  const auto match = [&](const char* method, const char* target) {
    const auto parsed = parse_target(target);
    return router.match({.method = method, .path = parsed->path, .query = parsed->query});
  };
  const auto person = match("GET", "/v1/galleries/a%2Fb/people/7");
  ASSERT_NE(person.operation, nullptr);
  EXPECT_EQ(person.operation->id, "getPerson");
  EXPECT_EQ(person.path_values, (Json{{"gallery", "a/b"}, {"person", "7"}}));
  EXPECT_EQ(match("HEAD", "/v1/health/live").operation->id, "getLive");
  EXPECT_EQ(match("GET", "/v1/nothing").operation, nullptr);
  EXPECT_EQ(match("GET", "/v1/nothing").allowed, "");
  EXPECT_EQ(match("PUT", "/v1/galleries/g/people/7").allowed, "DELETE, GET, PATCH");
  EXPECT_EQ(match("GET", "/v1/health/live/").operation, nullptr);
}

TEST(Rights, IncludeThoseBelowThem) {
  EXPECT_TRUE(includes(Right::kAdminister, Right::kEnrol));
  EXPECT_TRUE(includes(Right::kEnrol, Right::kSearch));
  EXPECT_FALSE(includes(Right::kSearch, Right::kEnrol));
  EXPECT_FALSE(includes(Right::kObserve, Right::kSearch));
  EXPECT_FALSE(includes(Right::kEnrol, Right::kObserve));
  EXPECT_TRUE(includes(Right::kAdminister, Right::kObserve));
  EXPECT_TRUE(includes(Right::kObserve, Right::kNone));
}

// ---- keys ----

TEST(Keys, AreKeptAsHashesAndFoundByTheirText) {
  const tiny::Folder folder;
  const std::filesystem::path file = folder / "keys.json";
  const NewKey door = add_key(file, "door", Right::kSearch, {"staff"});
  const NewKey admin = add_key(file, "admin", Right::kAdminister, {});
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text.find(door.text), std::string::npos);
  EXPECT_EQ(text.find(door.text.substr(12)), std::string::npos);
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms::mask,
            std::filesystem::perms(0600));

  KeyFile keys(file);
  ASSERT_TRUE(keys.find(door.text));
  EXPECT_EQ(keys.find(door.text)->name, "door");
  EXPECT_TRUE(keys.find(door.text)->may_see("staff"));
  EXPECT_FALSE(keys.find(door.text)->may_see("guests"));
  EXPECT_TRUE(keys.find(admin.text)->may_see("guests"));
  std::string other = door.text;
  other.back() = other.back() == '0' ? '1' : '0';
  EXPECT_FALSE(keys.find(other));
  EXPECT_FALSE(keys.find(""));

  EXPECT_TRUE(withdraw_key(file, door.key.id));
  EXPECT_FALSE(withdraw_key(file, door.key.id));
  EXPECT_FALSE(keys.find(door.text));  // without opening the file anew
  EXPECT_TRUE(keys.find(admin.text));
}

TEST(Keys, ADamagedFileIsNamed) {
  const tiny::Folder folder;
  const std::filesystem::path file = folder / "keys.json";
  const auto error = [&](const std::string& text) -> std::string {
    std::ofstream(file) << text;
    try {
      (void)read_keys(file);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kDataInvalid);
      return std::string(e.what()).substr(file.string().size());
    }
    return "read";
  };
  EXPECT_EQ(error("{"), ": no file of keys: it is no JSON object with the list \"keys\"");
  EXPECT_EQ(error(R"({"keys": []})"), ": no file of keys: its version is not 1");
  EXPECT_EQ(error(R"({"version": 1, "keys": [{"id": 7}]})"),
            ": no file of keys: keys[0] lacks a field, or one is of another type");
  EXPECT_EQ(error(R"({"version": 1, "keys": []})"), "read");
  EXPECT_THROW((void)add_key(file, "", Right::kSearch, {}), std::invalid_argument);
  EXPECT_THROW(KeyFile(folder / "none.json"), Error);
}

// ---- queue, events, audit, metrics ----

TEST(Queue, HasAnEnd) {
  std::mutex gate;
  gate.lock();
  std::atomic<int> done = 0;
  {
    WorkQueue queue(1, 2);
    const auto work = [&] {
      const std::lock_guard wait(gate);
      ++done;
    };
    ASSERT_TRUE(queue.submit(work));
    while (queue.waiting() > 0) std::this_thread::yield();  // the thread has it
    EXPECT_TRUE(queue.submit(work));
    EXPECT_TRUE(queue.submit(work));
    EXPECT_TRUE(queue.full());
    EXPECT_FALSE(queue.submit(work));
    gate.unlock();
  }
  EXPECT_EQ(done, 3);  // what was queued is done before it ends
}

TEST(Events, ReachThoseWhoListenToTheirGallery) {
  EventHub hub;
  std::vector<std::string> hooked;
  hub.add_hook([&](const Event& event) { hooked.push_back(event.kind); });
  const auto here = hub.listen("a");
  const auto there = hub.listen("b");
  bool woken = false;
  here->on_more([&] { woken = true; });
  hub.publish({"enrolled", "a", {{"faces", 2}}});
  EXPECT_TRUE(woken);
  const std::string text = here->take();
  EXPECT_EQ(
      text.rfind("id: 1\nevent: enrolled\ndata: {\"kind\":\"enrolled\",\"gallery\":\"a\",\"time_ms\":", 0),
      0U)
      << text;
  EXPECT_NE(text.find("\"faces\":2}\n\n"), std::string::npos);
  EXPECT_EQ(here->take(), "");
  EXPECT_EQ(there->take(), "");
  EXPECT_EQ(hooked, std::vector<std::string>{"enrolled"});
  hub.end();
  EXPECT_TRUE(here->ended());
  EXPECT_EQ(hub.listen("a"), nullptr);
}

TEST(Events, AWebhookIsSignedAndTriedAgain) {
  std::mutex mutex;
  std::condition_variable more;
  std::vector<std::pair<Fields, std::string>> got;
  Webhook hook(
      {"http://x", "secret"},
      [&](const std::string&, const Fields& headers, const std::string& body) {
        const std::lock_guard lock(mutex);
        got.emplace_back(headers, body);
        more.notify_all();
        return got.size() == 1 ? 500 : 200;
      },
      [] {});
  hook.send({"enrolled", "a", Json::object()});
  std::unique_lock lock(mutex);
  ASSERT_TRUE(more.wait_for(lock, std::chrono::seconds(20), [&] { return got.size() == 2; }));
  EXPECT_EQ(got[0].second, got[1].second);
  const auto time = std::string(*find_field(got[0].first, "X-Likeness-Time"));
  EXPECT_EQ(*find_field(got[0].first, "X-Likeness-Signature"),
            "sha256=" + hmac_sha256("secret", time + "." + got[0].second));
}

TEST(Events, TheSignatureIsHmacSha256) {  // RFC 4231, test case 2
  EXPECT_EQ(hmac_sha256("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Audit, KeepsTheNewestInMemoryAndAllInTheFile) {
  const tiny::Folder folder;
  AuditLog log(folder / "audit.log");
  for (int i = 0; i < 1005; ++i) log.add({.request = std::to_string(i), .action = "a", .status = 200});
  const auto newest = log.newest(3);
  ASSERT_EQ(newest.size(), 3U);
  EXPECT_EQ(newest[0]["request"], "1004");
  EXPECT_EQ(newest[2]["request"], "1002");
  EXPECT_EQ(log.newest(5000).size(), 1000U);
  EXPECT_EQ(log.newest(5000).back()["request"], "5");
  std::ifstream in(folder / "audit.log");
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line); ++lines)
    EXPECT_EQ(Json::parse(line)["request"], std::to_string(lines));
  EXPECT_EQ(lines, 1005U);
}

TEST(MetricsText, CountsWhatHappened) {
  Metrics metrics;
  metrics.count_request("searchFaces", 200, 0.02);
  metrics.count_request("searchFaces", 200, 0.3);
  metrics.count_faces(2, 3);
  metrics.count_stages({.read = 0.002, .detect = 0.03, .align = 0, .embed = 0.04});
  metrics.count_stages({.read = 0.2, .detect = 0.03, .align = 0, .embed = 0.04});
  const std::string text = metrics.text({{"likeness_people", "gallery=\"a\\\"b\"", "People enrolled.", 7}});
  for (const char* line :
       {"likeness_requests_total{operation=\"searchFaces\",status=\"200\"} 2\n",
        "likeness_request_seconds_bucket{operation=\"searchFaces\",le=\"0.025\"} 1\n",
        "likeness_request_seconds_bucket{operation=\"searchFaces\",le=\"0.5\"} 2\n",
        "likeness_request_seconds_count{operation=\"searchFaces\"} 2\n",
        "likeness_stage_seconds_bucket{stage=\"read\",le=\"0.0025\"} 1\n",
        "likeness_stage_seconds_bucket{stage=\"read\",le=\"0.25\"} 2\n",
        "likeness_stage_seconds_sum{stage=\"embed\"} 0.08\n", "likeness_faces_total{answer=\"named\"} 2\n",
        "likeness_faces_total{answer=\"unknown\"} 3\n",
        "# TYPE likeness_people gauge\nlikeness_people{gallery=\"a\\\"b\"} 7\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  EXPECT_EQ(label_value("a\"b\\c\n"), "a\\\"b\\\\c\\n");
  EXPECT_GT(resident_bytes(), 1U << 20);
}

}  // namespace
}  // namespace likeness::serve
