// Rekognition's operations, and the signatures of its clients.
#include <sodium.h>

#include <ctime>

#include "likeness/gallery/older_formats_testing.h"
#include "serve/compat/aws_replays.h"
#include "serve/compat/aws_signature.h"
#include "serve/compat/compat_protocol.h"
#include "serve/compat/compat_testing.h"

namespace likeness::serve {
namespace {

using nlohmann::json;

class RekognitionTest : public CompatTest {
 protected:
  RekognitionTest() : CompatTest("rekognition") {
    options_.files = {{"/", "a page"}};  // on the same path, by another method
  }

  static std::string base64(const std::string& bytes) {
    std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size(), sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();
    return text;
  }
  static json image(const std::string& bytes) { return {{"Bytes", base64(bytes)}}; }
  static Fields fields_of(const std::string& operation) {
    return {{"content-type", "application/x-amz-json-1.1"},
            {"x-amz-target", "RekognitionService." + operation}};
  }
  static std::string time_text(std::int64_t later_s = 0) {
    const std::time_t now = std::time(nullptr) + later_s;
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 20> text{};
    std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
    return text.data();
  }
  /// Signed where `secret_` is set.
  Answered call(const std::string& operation, json body = json::object(), std::int64_t later_s = 0) {
    Fields headers = fields_of(operation);
    if (!secret_.empty()) {
      const std::string time = time_text(later_s);
      headers.emplace_back("x-amz-date", time);
      Request request{{.method = "POST", .target = "/", .headers = headers}, body.dump()};
      request.headers.emplace_back("host", "localhost");
      AwsAuthorization said{.access_key = access_,
                            .date = time.substr(0, 8),
                            .region = "eu-west-1",
                            .service = "rekognition",
                            .signed_headers = signed_};
      said.signature = aws_signature(request, said, time, secret_);
      std::string names;
      for (const std::string& name : signed_) names += (names.empty() ? "" : ";") + name;
      headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + access_ + "/" + said.date +
                                                "/eu-west-1/rekognition/aws4_request, SignedHeaders=" +
                                                names + ", Signature=" + said.signature);
      if (altered_) body["MaxResults"] = 1;
    }
    return send("POST", "/", body.dump(), headers);
  }
  json index(const std::string& id, const std::string& bytes) {
    return call("IndexFaces", {{"CollectionId", "people"}, {"ExternalImageId", id}, {"Image", image(bytes)}})
        .body;
  }
  static std::string type(const Answered& answer) { return answer.body.value("__type", "none"); }

  std::string access_, secret_;
  std::vector<std::string> signed_{"content-type", "host", "x-amz-date", "x-amz-target"};
  bool altered_ = false;
};

TEST_F(RekognitionTest, FacesAreIndexedSearchedListedAndDeleted) {
  EXPECT_EQ(call("CreateCollection", {{"CollectionId", "people"}}).body.at("StatusCode"), 200);
  EXPECT_EQ(type(call("CreateCollection", {{"CollectionId", "others"}})), "AccessDeniedException");
  const json indexed = index("ann", photo(0));
  const json face = indexed.at("FaceRecords").at(0).at("Face");
  EXPECT_EQ(face.at("ExternalImageId"), "ann");
  EXPECT_EQ(face.at("UserId"), "ann");
  EXPECT_LT(face.at("BoundingBox").at("Width").get<double>(), 1);
  const json box = face.at("BoundingBox");
  EXPECT_EQ(index("ann", photo(0)).at("FaceRecords").at(0).at("Face").at("FaceId"), face.at("FaceId"));
  index("ann", photo(0, 1));
  index("ben", photo(1));
  EXPECT_EQ(type(call("CreateCollection", {{"CollectionId", "people"}})), "ResourceAlreadyExistsException");

  const Answered found =
      call("SearchFacesByImage", {{"CollectionId", "people"}, {"Image", image(photo(0, 4))}});
  EXPECT_EQ(found.type, "application/x-amz-json-1.1");
  EXPECT_EQ(find_field(found.headers, "x-amzn-RequestId"), "0123456789abcdef");
  ASSERT_FALSE(found.body.at("FaceMatches").empty()) << found.text;
  EXPECT_EQ(found.body.at("FaceMatches").at(0).at("Face").at("ExternalImageId"), "ann");
  EXPECT_GE(found.body.at("FaceMatches").at(0).at("Similarity").get<double>(), 80);
  const Answered stranger =
      call("SearchFacesByImage",
           {{"CollectionId", "people"}, {"Image", image(photo(40))}, {"FaceMatchThreshold", 0}});
  EXPECT_EQ(stranger.body.at("FaceMatches"), json::array()) << stranger.text;
  const json others =
      call("SearchFaces", {{"CollectionId", "people"}, {"FaceId", face.at("FaceId")}}).body.at("FaceMatches");
  ASSERT_FALSE(others.empty());
  for (const json& match : others) {
    EXPECT_NE(match.at("Face").at("FaceId"), face.at("FaceId"));
    EXPECT_TRUE(match.at("Face").contains("BoundingBox"));
  }

  const json page = call("ListFaces", {{"CollectionId", "people"}, {"MaxResults", 2}}).body;
  EXPECT_EQ(page.at("Faces").size(), 2U);
  EXPECT_EQ(page.at("Faces").at(0).at("BoundingBox"), box);
  const json rest = call("ListFaces", {{"CollectionId", "people"}, {"NextToken", page.at("NextToken")}}).body;
  EXPECT_EQ(rest.at("Faces").size(), 1U);
  EXPECT_FALSE(rest.contains("NextToken"));
  const json gone =
      call("DeleteFaces", {{"CollectionId", "people"}, {"FaceIds", {face.at("FaceId"), "x"}}}).body;
  EXPECT_EQ(gone.at("DeletedFaces"), json::array({face.at("FaceId")}));
  EXPECT_EQ(gone.at("UnsuccessfulFaceDeletions").at(0).at("Reasons"), json({"FACE_NOT_FOUND"}));
  EXPECT_EQ(call("DescribeCollection", {{"CollectionId", "people"}}).body.at("FaceCount"), 2);
  EXPECT_EQ(call("DeleteCollection", {{"CollectionId", "people"}}).status, 200);
  EXPECT_EQ(call("DescribeCollection", {{"CollectionId", "people"}}).body.at("FaceCount"), 0);
  EXPECT_EQ(call("ListCollections").body.at("CollectionIds"), json({"people"}));
}

TEST_F(RekognitionTest, AFaceOfUnknownPhotoSizeHasABoundingBoxOnceItsPhotoComesAgain) {
  const json face = index("ann", photo(0)).at("FaceRecords").at(0).at("Face");
  const auto listed = [&] { return call("ListFaces", {{"CollectionId", "people"}}).body.at("Faces").at(0); };
  service_.reset();
  // As a gallery of an older format has it.
  change_file(folder_ / "people.gallery", "UPDATE face SET photo_width = NULL, photo_height = NULL");
  EXPECT_EQ(listed().at("FaceId"), face.at("FaceId"));
  EXPECT_FALSE(listed().contains("BoundingBox"));
  EXPECT_EQ(index("ann", photo(0)).at("FaceRecords").at(0).at("Face"), face);
  EXPECT_EQ(listed(), face);
}

TEST_F(RekognitionTest, SeveralFacesOfOnePhotoAreSeveralPeople) {
  const json both = index("party", two_people());
  ASSERT_EQ(both.at("FaceRecords").size(), 2U) << both;
  EXPECT_EQ(send("GET", "/v1/galleries/people/people").body.at("people").at(1).at("name"), "party (2)");
  const json one =
      call("IndexFaces", {{"CollectionId", "people"}, {"MaxFaces", 1}, {"Image", image(two_people())}}).body;
  EXPECT_EQ(one.at("UnindexedFaces").at(0).at("Reasons"), json({"EXCEEDS_MAX_FACES"}));
}

TEST_F(RekognitionTest, UsersArePeople) {
  const json ann = index("a-1", photo(0)).at("FaceRecords").at(0).at("Face").at("FaceId");
  const json more = index("a-2", photo(0, 1)).at("FaceRecords").at(0).at("Face").at("FaceId");
  const json where{{"CollectionId", "people"}, {"UserId", "ann"}};
  const auto with = [&](const json& fields) {
    json all = where;
    all.update(fields);
    return all;
  };
  EXPECT_EQ(type(call("AssociateFaces", with({{"FaceIds", {ann}}}))), "ResourceNotFoundException");
  EXPECT_EQ(call("CreateUser", where).status, 200);
  EXPECT_EQ(type(call("CreateUser", where)), "ConflictException");
  const json given = call("AssociateFaces", with({{"FaceIds", {ann, more, "x"}}})).body;
  EXPECT_EQ(given.at("AssociatedFaces").size(), 2U);
  EXPECT_EQ(given.at("UnsuccessfulFaceAssociations").size(), 1U);
  const json users = call("ListUsers", {{"CollectionId", "people"}}).body.at("Users");
  EXPECT_EQ(users, json({{{"UserId", "ann"}, {"UserStatus", "ACTIVE"}}}));
  const json found =
      call("SearchUsersByImage", {{"CollectionId", "people"}, {"Image", image(photo(0, 4))}}).body;
  EXPECT_EQ(found.at("UserMatches").at(0).at("User").at("UserId"), "ann") << found;
  EXPECT_EQ(call("SearchUsers", where).body.at("UserMatches"), json::array()) << "nobody but the user";
  EXPECT_EQ(call("DisassociateFaces", with({{"FaceIds", {more}}})).body.at("DisassociatedFaces").size(), 1U);
  EXPECT_EQ(call("DeleteUser", where).status, 200);
  EXPECT_EQ(type(call("DeleteUser", where)), "ResourceNotFoundException");
  EXPECT_EQ(call("DescribeCollection", {{"CollectionId", "people"}}).body.at("FaceCount"), 1);
}

TEST_F(RekognitionTest, PhotosAreComparedAndLookedAt) {
  const json both =
      call("CompareFaces", {{"SourceImage", image(photo(0))}, {"TargetImage", image(photo(0))}}).body;
  EXPECT_GT(both.at("FaceMatches").at(0).at("Similarity").get<double>(), 80);
  const json none =
      call("CompareFaces", {{"SourceImage", image(photo(0))}, {"TargetImage", image(photo(40))}}).body;
  EXPECT_EQ(none.at("FaceMatches").size(), 0U);
  EXPECT_EQ(none.at("UnmatchedFaces").size(), 1U);
  const json details = call("DetectFaces", {{"Image", image(two_people())}}).body.at("FaceDetails");
  EXPECT_EQ(details.size(), 2U);
  EXPECT_EQ(details.at(0).at("Landmarks").at(0).at("Type"), "eyeLeft");
}

TEST_F(RekognitionTest, ErrorsAreOfTheKindsThatClientsKnow) {
  EXPECT_EQ(type(call("DetectLabels")), "UnknownOperationException");
  EXPECT_EQ(type(call("ListFaces", {{"CollectionId", "none"}})), "ResourceNotFoundException");
  EXPECT_EQ(type(call("ListFaces")), "InvalidParameterException");
  EXPECT_EQ(type(call("DetectFaces", {{"Image", image("no picture")}})), "InvalidImageFormatException");
  EXPECT_EQ(type(call("DetectFaces", {{"Image", {{"S3Object", {{"Bucket", "b"}}}}}})),
            "InvalidParameterException");
  EXPECT_EQ(type(call("SearchFacesByImage", {{"CollectionId", "people"}, {"Image", image(nobody())}})),
            "InvalidParameterException");
  EXPECT_EQ(type(call("IndexFaces",
                      {{"CollectionId", "people"}, {"ExternalImageId", "a b"}, {"Image", image(photo(0))}})),
            "InvalidParameterException");
  EXPECT_EQ(type(call("SearchFaces", {{"CollectionId", "people"}, {"FaceId", "x"}})),
            "InvalidParameterException");
  EXPECT_EQ(type(call("ListFaces", {{"CollectionId", "people"}, {"NextToken", "x"}})),
            "InvalidPaginationTokenException");
  EXPECT_EQ(type(call("ListFaces", json::array({1}))), "SerializationException");
  // Put together by hand: json.dump() would go through all of it once more.
  const std::string photo = base64(std::string(20'971'521, 'x'));
  const Answered large =
      send("POST", "/", R"({"Image":{"Bytes":")" + photo + R"("}})", fields_of("DetectFaces"));
  EXPECT_EQ(type(large), "ImageTooLargeException");
  EXPECT_EQ(large.status, 400);
}

TEST_F(RekognitionTest, WorkThatMustWaitIsToldSoThatClientsWait) {
  const auto protocol = rekognition_protocol("people");
  const Response busy = protocol->refuse(Refusal(503, "busy", "too much work waits"), "1");
  EXPECT_EQ(busy.status, 400);
  EXPECT_EQ(find_field(busy.headers, "x-amz-retry-after"), "1000");
  EXPECT_EQ(find_field(busy.headers, "Retry-After"), "1");
  EXPECT_EQ(json::parse(busy.body).at("__type"), "ThrottlingException");
}

// ---- signatures ----

TEST_F(RekognitionTest, AKeySignsAndNothingElseDoes) {
  const std::string text = with_key(Right::kSearch);
  key_ = "";
  const Key key = read_keys(folder_ / "keys.json").front();
  EXPECT_EQ(type(call("ListCollections")), "MissingAuthenticationTokenException");
  access_ = "lk_" + key.id;
  secret_ = key.hash;
  EXPECT_EQ(call("ListCollections").body.at("CollectionIds"), json({"people"}));
  EXPECT_EQ(type(call("CreateUser", {{"CollectionId", "people"}, {"UserId", "ann"}})),
            "AccessDeniedException");
  altered_ = true;
  EXPECT_EQ(type(call("ListCollections")), "InvalidSignatureException");
  altered_ = false;
  const Answered late = call("ListCollections", json::object(), -600);
  EXPECT_EQ(type(late), "InvalidSignatureException");
  EXPECT_NE(late.text.find("clock is 60"), std::string::npos) << late.text;
  EXPECT_EQ(type(call("ListCollections", json::object(), 600)), "InvalidSignatureException");
  EXPECT_EQ(call("ListCollections", json::object(), 240).status, 200);
  secret_ = text;  // the key itself is no secret key
  EXPECT_EQ(type(call("ListCollections")), "InvalidSignatureException");
  secret_ = key.hash;
  access_ = "lk_00000000";
  EXPECT_EQ(type(call("ListCollections")), "UnrecognizedClientException");
  access_ = "lk_" + key.id;
  signed_ = {"host", "x-amz-date"};  // another operation could be put in
  EXPECT_EQ(type(call("ListCollections")), "IncompleteSignatureException");
}

TEST_F(RekognitionTest, ASignatureThatIsReplayedIsRefused) {
  (void)with_key(Right::kSearch);
  KeyFile keys(folder_ / "keys.json");
  const Key key = keys.keys().front();
  Request request{{.method = "POST", .target = "/", .headers = fields_of("ListCollections")}, "{}"};
  request.headers.emplace_back("host", "localhost");
  const auto sign = [&](std::int64_t later_s) {
    Request made = request;
    const std::string time = time_text(later_s);
    made.headers.emplace_back("x-amz-date", time);
    AwsAuthorization said{.access_key = "lk_" + key.id,
                          .date = time.substr(0, 8),
                          .region = "eu-west-1",
                          .service = "rekognition",
                          .signed_headers = signed_};
    made.headers.emplace_back("authorization",
                              "AWS4-HMAC-SHA256 Credential=" + said.access_key + "/" + said.date +
                                  "/eu-west-1/rekognition/aws4_request, SignedHeaders=content-type;host;"
                                  "x-amz-date;x-amz-target, Signature=" +
                                  aws_signature(made, said, time, key.hash));
    return made;
  };
  const Request first = sign(0);
  const auto patient = rekognition_protocol("people");
  for (int again = 0; again < 2; ++again)  // a retry at once
    EXPECT_TRUE(patient->prove(keys, first, patient->match(first)));
  const auto strict = rekognition_protocol("people", -1);
  EXPECT_TRUE(strict->prove(keys, first, strict->match(first)));
  try {
    (void)strict->prove(keys, first, strict->match(first));
    FAIL() << "a replay was honoured";
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status(), 403);
    EXPECT_EQ(refusal.code(), "InvalidSignatureException");
    EXPECT_NE(std::string(refusal.what()).find("used before"), std::string::npos) << refusal.what();
  }
  const Request anew = sign(-1);
  EXPECT_TRUE(strict->prove(keys, anew, strict->match(anew)));
}

TEST(AwsReplays, RemembersASignatureAsLongAsItCanHold) {
  AwsReplays replays;
  EXPECT_FALSE(replays.is_replay("a", 1000));
  EXPECT_FALSE(replays.is_replay("a", 6000));
  EXPECT_TRUE(replays.is_replay("a", 6001));
  EXPECT_FALSE(replays.is_replay("b", 6001));
  EXPECT_TRUE(replays.is_replay("a", 601'000));  // signed when its clock was ahead, and once more in time
  EXPECT_EQ(replays.size(), 2U);
  EXPECT_FALSE(replays.is_replay("c", 611'001));  // the others' time alone has them refused
  EXPECT_EQ(replays.size(), 1U);
}

TEST_F(RekognitionTest, AKeyForOneGallerySeesNoOther) {
  options_.galleries = {{"staff", folder_ / "staff.gallery"}, {"guests", folder_ / "guests.gallery"}};
  with_key(Right::kEnrol, {"guests"});
  key_ = "";
  const Key key = read_keys(folder_ / "keys.json").front();
  access_ = "lk_" + key.id;
  secret_ = key.hash;
  EXPECT_EQ(call("ListCollections").body.at("CollectionIds"), json({"guests"}));
  EXPECT_EQ(type(call("ListFaces", {{"CollectionId", "staff"}})), "ResourceNotFoundException");
  EXPECT_EQ(call("ListFaces", {{"CollectionId", "guests"}}).status, 200);
  EXPECT_EQ(type(call("CreateCollection", {{"CollectionId", "staff"}})), "AccessDeniedException");
}

/// The example of AWS's documentation: "Signature Version 4 signing process", GET ListUsers of IAM.
TEST(AwsSignature, IsThatOfTheDocumentation) {
  Request request{{.method = "GET",
                   .target = "/?Action=ListUsers&Version=2010-05-08",
                   .query = {{"Action", "ListUsers"}, {"Version", "2010-05-08"}},
                   .headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                               {"host", "iam.amazonaws.com"},
                               {"x-amz-date", "20150830T123600Z"}}}};
  const auto said = aws_authorization(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date, "
      "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->access_key, "AKIDEXAMPLE");
  EXPECT_EQ(aws_signature(request, *said, "20150830T123600Z", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            said->signature);
}

TEST(AwsSignature, HeadersAndTimesThatAreNoneAreRefused) {
  const std::string good =
      "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host,Signature=" +
      std::string(64, 'a');
  EXPECT_TRUE(aws_authorization(good));
  for (const std::string& bad :
       {std::string(), std::string("Bearer x"), std::string("AWS4-HMAC-SHA256"),
        good.substr(0, good.size() - 1), good + "A",
        std::string("AWS4-HMAC-SHA256 Credential=a/b/c,SignedHeaders=host,Signature=") +
            std::string(64, 'a')})
    EXPECT_FALSE(aws_authorization(bad)) << bad;
  EXPECT_EQ(aws_time("19700102T000001Z"), 86401);
  for (const char* bad :
       {"", "20150830", "20151330T123600Z", "20150230T123600Z", "20150830T243600Z", "2015083xT123600Z"})
    EXPECT_FALSE(aws_time(bad)) << bad;
}

}  // namespace
}  // namespace likeness::serve
