// People brought over from another server: from a small one that answers as CompreFace's documentation says,
// from our own, and from ones that mean harm.
#include "serve/import/import_people.h"

#include <algorithm>
#include <map>

#include "likeness/gallery/open.h"
#include "serve/compat/compat_testing.h"
#include "serve/import/ask.h"

namespace likeness::serve {
namespace {

using nlohmann::json;

/// Answers as CompreFace does (docs/Rest-API-description.md there).
class OldCompreFace {
 public:
  struct Kept {
    std::string id;
    std::string subject;
    Response image;
  };

  void keep(const std::string& id, const std::string& subject, const std::string& bytes) {
    kept.push_back({id, subject, {.status = 200, .type = "image/jpeg", .body = bytes}});
  }
  Response answer(const Outgoing& request) {
    const std::string base = "http://old/api/v1/recognition";
    EXPECT_EQ(request.url.rfind(base, 0), 0U) << request.url;
    EXPECT_EQ(request.url.find(key), std::string::npos) << "the key is in an address";
    if (find_field(request.headers, "x-api-key").value_or("") != key)
      return {.status = 404, .body = R"({"message":"Face service with API Key x not found","code":10})"};
    const auto target = parse_target(request.url.substr(std::string("http://old").size()));
    if (target->path.back() == "subjects") return {.body = json{{"subjects", subjects}}.dump()};
    if (target->path.back() == "img") return image(target->path[4]);
    const auto page = std::stoul(std::string(find_field(target->query, "page").value()));
    const std::size_t size = std::min<std::size_t>(page_size, 500);
    json faces = json::array();
    for (std::size_t i = page * size; i < kept.size() && faces.size() < size; ++i)
      faces.push_back({{"image_id", kept[i].id}, {"subject", kept[i].subject}});
    return {.body = json{{"faces", faces},
                         {"page_number", page},
                         {"page_size", size},
                         {"total_pages", (kept.size() + size - 1) / size},
                         {"total_elements", kept.size()}}
                        .dump()};
  }

  std::vector<std::string> subjects;
  std::vector<Kept> kept;
  std::size_t page_size = 2;
  std::string key = "00000000-0000-0000-0000-000000000002";
  std::vector<std::string> downloads;
  std::function<void()> before_download;

 private:
  Response image(const std::string& id) {
    downloads.push_back(id);
    if (before_download) before_download();
    for (const Kept& one : kept) {
      if (one.id == id) return one.image;
    }
    return {.status = 404, .body = R"({"message":"Image not found","code":44})"};
  }
};

class ImportPeople : public CompatTest {
 protected:
  ImportPeople() : CompatTest("compreface") {}

  static const Recognizer& recognizer() {
    static const Recognizer one(
        likeness::Setup{.models = {tiny::packs()}, .model = tiny::kEmbedder, .threads = 2});
    return one;
  }
  OldServerOptions options() {
    return {.url = "http://old/",
            .key = old_.key,
            .send = [this](const Outgoing& request) { return old_.answer(request); },
            .pause = std::chrono::milliseconds(0)};
  }
  /// Brings over into new.gallery; what became of each is in `told_`.
  ImportSummary bring(OldServer& server, Review review = Review::kStandard) {
    told_.clear();
    std::optional<Gallery> gallery;
    if (std::filesystem::exists(folder_ / "new.gallery")) gallery = open_gallery(folder_ / "new.gallery");
    return import_people(
        server, recognizer(), gallery ? &*gallery : nullptr,
        [&]() -> Gallery& {
          if (!gallery) gallery = create_gallery(folder_ / "new.gallery", recognizer().space());
          return *gallery;
        },
        {.review = review, .each = [&](const ImportedPhoto& photo) { told_.push_back(photo); }});
  }
  ImportSummary bring() { return bring(*old_compreface(options())); }
  std::string status_of(const std::string& id) const {
    for (const ImportedPhoto& photo : told_) {
      if (photo.photo == id) return std::string(to_string(photo.status));
    }
    return "";
  }
  std::map<std::string, std::int64_t> people() const {
    std::map<std::string, std::int64_t> people;
    for (const Person& person : open_gallery(folder_ / "new.gallery").store().people())
      people[person.name] = person.faces;
    return people;
  }

  OldCompreFace old_;
  std::vector<ImportedPhoto> told_;
};

TEST_F(ImportPeople, EachPhotoIsBroughtOrItsReasonIsTold) {
  old_.subjects = {"Ann", "Bob", "Empty"};
  old_.keep("a-1", "Ann", photo(0));
  old_.keep("a-2", "Ann", photo(0, 1));
  old_.keep("b-1", "Bob", photo(1));
  old_.keep("nobody", "Bob", nobody());
  old_.keep("two", "Bob", two_people());
  old_.keep("damaged", "Bob", "GIF89a and no more");
  old_.keep("not-kept", "Bob", "");
  old_.keep("gone", "Bob", "");
  old_.kept.back().image = {.status = 404, .body = R"({"message":"Image gone not found","code":44})"};
  old_.keep("named", "unknown", photo(2));
  const ImportSummary sum = bring();
  EXPECT_EQ(sum.people, 4U);
  EXPECT_EQ(sum.photos, 9U);
  EXPECT_EQ(sum.enrolled, 3U);
  EXPECT_EQ(sum.left, 7U);
  EXPECT_EQ(people(), (std::map<std::string, std::int64_t>{{"Ann", 2}, {"Bob", 1}}));
  EXPECT_EQ(status_of(""), "no photo") << "of Empty";
  EXPECT_EQ(status_of("nobody"), "no face");
  EXPECT_EQ(status_of("two"), "several faces");
  EXPECT_EQ(status_of("damaged"), "unreadable");
  EXPECT_EQ(status_of("not-kept"), "no photo");
  EXPECT_EQ(status_of("gone"), "failed");
  EXPECT_EQ(status_of("named"), "refused");
  for (const ImportedPhoto& one : told_) {
    if (one.photo == "gone") {
      EXPECT_EQ(one.why, "status 404: Image gone not found");
    }
    EXPECT_EQ(one.why.find(old_.key), std::string::npos);
  }
  for (const StoredFace& face : open_gallery(folder_ / "new.gallery").store().faces())
    EXPECT_EQ(face.photo.rfind("http://old/api/v1/recognition/faces/", 0), 0U) << face.photo;
}

TEST_F(ImportPeople, WhatWasBroughtIsNotAskedForAgain) {
  for (int i = 0; i < 6; ++i) old_.keep("p-" + std::to_string(i), "Ann", photo(0, i));
  old_.before_download = [&] {
    if (old_.downloads.size() == 4) throw std::runtime_error("killed");
  };
  EXPECT_THROW(bring(), std::runtime_error);
  const auto before = std::filesystem::exists(folder_ / "new.gallery") ? people()["Ann"] : 0;
  EXPECT_LE(before, 3);
  old_.before_download = nullptr;
  old_.downloads.clear();
  EXPECT_EQ(bring().enrolled, 6U - static_cast<std::size_t>(before));
  EXPECT_EQ(old_.downloads.size(), 6U - static_cast<std::size_t>(before));
  EXPECT_EQ(people()["Ann"], 6);
  old_.downloads.clear();
  const ImportSummary again = bring();
  EXPECT_EQ(again.known, 6U);
  EXPECT_EQ(again.enrolled + again.left + old_.downloads.size(), 0U);
  // The same photo under another id is the same face.
  old_.keep("copy", "Ann", photo(0, 3));
  EXPECT_EQ(bring().known, 7U);
  EXPECT_EQ(people()["Ann"], 6);
}

TEST_F(ImportPeople, AServerThatIsGoneEndsIt) {
  for (int i = 0; i < 8; ++i) old_.keep("p-" + std::to_string(i), "Ann", photo(0, i));
  for (auto& one : old_.kept) one.image.status = 200;
  old_.before_download = [&] {
    if (old_.downloads.size() > 2) throw Error(ErrorCode::kUnavailable, "http://old: Connection refused");
  };
  try {
    bring();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_STREQ(error.what(), "http://old: Connection refused; run it again to go on");
  }
  EXPECT_EQ(old_.downloads.size(), 2U + 5 * 3) << "three tries for each of five photos";
}

TEST_F(ImportPeople, AnErrorOfTheServerIsTriedAgain) {
  old_.keep("a", "Ann", photo(0));
  old_.before_download = [&] { old_.kept[0].image.status = old_.downloads.size() < 3 ? 503 : 200; };
  EXPECT_EQ(bring().enrolled, 1U);
  EXPECT_EQ(old_.downloads.size(), 3U);
}

TEST_F(ImportPeople, OddAnswersAreRefused) {
  old_.keep("a", "Ann", photo(0));
  const auto refusal = [&](const std::function<Response(const Outgoing&)>& answer) -> std::string {
    OldServerOptions asked = options();
    asked.send = answer;
    try {
      (void)old_compreface(asked)->list({});
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find(old_.key), std::string::npos);
      return error.what();
    }
  };
  const auto body = [](const std::string& text) {
    return [text](const Outgoing&) { return Response{.body = text}; };
  };
  const auto faces = [&](const std::string& text) {
    return [this, text](const Outgoing& request) {
      return request.url.find("/subjects") != std::string::npos ? old_.answer(request)
                                                                : Response{.body = text};
    };
  };
  EXPECT_NE(refusal(body("<html>")).find("not what such a server gives"), std::string::npos);
  EXPECT_NE(refusal(body(std::string(100'000, '['))).find("not what such a server gives"), std::string::npos);
  EXPECT_NE(refusal(body("{}")).find("has no list of subjects"), std::string::npos);
  EXPECT_NE(refusal(body(R"({"subjects":[1]})")).find("no usable \"subject\""), std::string::npos);
  EXPECT_NE(refusal(body(json{{"subjects", {std::string(1001, 'x')}}}.dump())).find("no usable"),
            std::string::npos);
  EXPECT_NE(refusal(faces("{}")).find("has no list of faces"), std::string::npos);
  EXPECT_NE(refusal(faces(R"({"faces":[{"image_id":"../../x","subject":"A"}]})")).find("no UUID"),
            std::string::npos);
  EXPECT_NE(refusal(faces(R"({"faces":[{"image_id":"x"}]})")).find("\"subject\""), std::string::npos);
  EXPECT_NE(refusal(faces(R"({"faces":[],"total_elements":-1})")).find("total_elements"), std::string::npos);
  // Pages without an end.
  EXPECT_NE(
      refusal(faces(R"({"faces":[{"image_id":"x","subject":"A"}],"total_elements":1,"total_pages":99})"))
          .find("pages without an end"),
      std::string::npos);
  EXPECT_NE(refusal([](const Outgoing&) { return Response{.status = 302}; }).find("redirection"),
            std::string::npos);
  old_.key = "another";
  EXPECT_EQ(refusal([this](const Outgoing& request) {
              old_.key = "right";
              return old_.answer(request);
            }),
            "http://old/api/v1/recognition/subjects: status 404: Face service with API Key x not found");
}

TEST_F(ImportPeople, AnAddressHasNoSecret) {
  for (const char* url : {"old:8000", "ftp://old", "http://", "http://u:p@old", "http://old?key=1"})
    EXPECT_THROW((void)checked_address(url), std::invalid_argument) << url;
  EXPECT_EQ(checked_address("https://old:8000/faces//"), "https://old:8000/faces");
}

TEST_F(ImportPeople, StopsWhereTold) {
  old_.keep("a", "Ann", photo(0));
  EXPECT_THROW((void)old_compreface(options())->list([](std::size_t, std::size_t) { return false; }), Error);
}

/// Our own service, as a CompreFace that keeps the photos of faces.
TEST_F(ImportPeople, OurOwnServiceIsSuchAServer) {
  options_.keep_crops = true;
  const std::string secret = with_key(Right::kEnrol);
  for (int i = 0; i < 3; ++i) {
    const Answered added = form("/api/v1/recognition/faces?subject=Ann", {{"file", photo(0, i), "a.png"}});
    ASSERT_EQ(added.status, 201) << added.text;
  }
  OldServerOptions asked = options();
  asked.url = "http://old";
  asked.key = secret;
  asked.send = [this](const Outgoing& request) {
    const Answered got = send(request.method, request.url.substr(std::string("http://old").size()));
    return Response{.status = got.status, .type = got.type, .body = got.text};
  };
  const auto server = old_compreface(asked);
  const OldPeople all = server->list({});
  EXPECT_EQ(all.people, std::vector<std::string>{"Ann"});
  ASSERT_EQ(all.photos.size(), 3U);
  EXPECT_EQ(bring(*server).left, 3U) << "the small model's crops are small";
  const ImportSummary sum = bring(*server, Review::kOff);
  EXPECT_EQ(sum.enrolled, 3U) << told_.front().why;
  EXPECT_EQ(bring(*server).known, 3U);
}

TEST_F(ImportPeople, DeepStackTellsWhoIsMissing) {
  std::string sent;
  OldServerOptions asked = options();
  asked.key = "secret";
  asked.send = [&](const Outgoing& request) {
    EXPECT_EQ(request.url, "http://old/v1/vision/face/list");
    sent = request.body;
    return Response{.body = R"({"success":true,"faces":["Ann","Bob","Bob"]})"};
  };
  old_.keep("a", "Ann", photo(0));
  bring();
  const auto server = old_deepstack(asked);
  EXPECT_FALSE(server->gives_photos());
  const ImportSummary sum = bring(*server);
  EXPECT_NE(sent.find("name=\"api_key\"\r\n\r\nsecret\r\n"), std::string::npos);
  EXPECT_EQ(sum.people, 2U);
  EXPECT_EQ(sum.known, 1U);
  EXPECT_EQ(sum.left, 1U);
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1].person, "Bob");
  EXPECT_EQ(told_[1].status, ImportStatus::kNoPhoto);
  asked.send = [](const Outgoing&) {
    return Response{.status = 401, .body = R"({"success":false,"error":"Incorrect api key"})"};
  };
  try {
    (void)old_deepstack(asked)->list({});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "http://old/v1/vision/face/list: the key is not accepted (status 401: Incorrect api key)");
  }
}

}  // namespace
}  // namespace likeness::serve
