#include "serve/compat/rekognition.h"

#include <sodium.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "likeness/core/now.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

constexpr std::string_view kTarget = "RekognitionService.";
constexpr std::int64_t kSkew_s = AwsReplays::kSkewMs / 1000;

/// Whose signature it says it is, as far as the header can be right.
AwsAuthorization authorization_of(const RequestHead& head) {
  const auto header = find_field(head.headers, "authorization");
  if (!header)
    throw Refusal(400, "MissingAuthenticationTokenException", "Request is missing Authentication Token");
  auto said = aws_authorization(*header);
  if (!said)
    throw Refusal(403, "IncompleteSignatureException", "Authorization is no AWS Signature Version 4");
  for (const char* needed : {"host", "x-amz-date", "x-amz-target"}) {
    if (std::find(said->signed_headers.begin(), said->signed_headers.end(), needed) ==
        said->signed_headers.end())
      throw Refusal(403, "IncompleteSignatureException",
                    std::string("the header ") + needed + " is to be signed");
  }
  const std::string_view sent = find_field(head.headers, "x-amz-date").value_or("");
  const auto time = aws_time(sent);
  if (!time || said->date != sent.substr(0, 8))
    throw Refusal(403, "IncompleteSignatureException", "X-Amz-Date is to be the time of the signature");
  const std::int64_t late = now_ms() / 1000 - *time;
  if (late > kSkew_s || late < -kSkew_s)
    throw Refusal(403, "InvalidSignatureException",
                  "Signature expired: the request's clock is " + std::to_string(std::abs(late)) + " s " +
                      (late > 0 ? "behind" : "ahead of") + " this server's; at most " +
                      std::to_string(kSkew_s) + " s are allowed");
  return *std::move(said);
}

/// The key that an access key id "lk_1f3870be" names.
std::optional<Key> key_of(KeyFile& keys, const std::string& access_key) {
  for (Key& key : keys.keys()) {
    if ("lk_" + key.id == access_key) return std::move(key);
  }
  return std::nullopt;
}

Refusal unknown_client() {
  return {400, "UnrecognizedClientException",
          "The security token included in the request is invalid: the access key id is lk_ and a key's id"};
}

/// Rekognition's name for an error of ours.
std::string exception_of(const Refusal& refusal) {
  static const std::map<std::string, std::string> names{
      {"unauthorized", "UnrecognizedClientException"},     {"forbidden", "AccessDeniedException"},
      {"not_found", "ResourceNotFoundException"},          {"too_large", "ImageTooLargeException"},
      {"image_unreadable", "InvalidImageFormatException"}, {"busy", "ThrottlingException"},
      {"too_many_requests", "ThrottlingException"},        {"unavailable", "ThrottlingException"}};
  if (refusal.code().ends_with("Exception")) return refusal.code();
  if (const auto found = names.find(refusal.code()); found != names.end()) return found->second;
  return refusal.status() < 500 ? "InvalidParameterException" : "InternalServerError";
}

}  // namespace

Rekognition::Rekognition(const std::string& gallery, std::int64_t retry_ms)
    : CompatProtocol(gallery), replays_(retry_ms) {
  add("CreateCollection", Right::kEnrol, create_collection);
  add_changing("DeleteCollection", Right::kAdminister, delete_collection);
  add("ListCollections", Right::kSearch, list_collections);
  add("DescribeCollection", Right::kSearch, describe_collection);
  add("ListFaces", Right::kSearch, list_faces);
  add_changing("DeleteFaces", Right::kEnrol, delete_faces);
  add_changing("CreateUser", Right::kEnrol, create_user);
  add_changing("DeleteUser", Right::kEnrol, delete_user);
  add("ListUsers", Right::kSearch, list_users);
  add_changing("AssociateFaces", Right::kEnrol, associate_faces);
  add_changing("DisassociateFaces", Right::kEnrol, disassociate_faces);
  add_changing("IndexFaces", Right::kEnrol, index_faces);
  add("SearchFacesByImage", Right::kSearch, search_faces_by_image);
  add("SearchFaces", Right::kSearch, search_faces);
  add("SearchUsersByImage", Right::kSearch, search_users_by_image);
  add("SearchUsers", Right::kSearch, search_users);
  add("CompareFaces", Right::kSearch, compare_faces);
  add("DetectFaces", Right::kSearch, detect_faces);
  unknown_ = &operation("rekognition.unknown", Right::kSearch, [](const Visit& visit) -> Done {
    throw Refusal(400, "UnknownOperationException",
                  std::string(find_field(visit.request.headers, "x-amz-target").value_or("")).substr(0, 100) +
                      " is not answered here");
  });
}

void Rekognition::add(const std::string& name, Right right,
                      Done (*operation_of)(const Visit&, const FacelessPeople&)) {
  by_name_[name] = &operation("rekognition." + name, right, [this, operation_of](const Visit& visit) {
    return operation_of(visit, users_);
  });
}

void Rekognition::add_changing(const std::string& name, Right right,
                               Done (*operation_of)(const Visit&, FacelessPeople&)) {
  by_name_[name] = &operation("rekognition." + name, right, [this, operation_of](const Visit& visit) {
    return operation_of(visit, users_);
  });
}

Router::Match Rekognition::match(const RequestHead& head) const {
  const std::string_view target = find_field(head.headers, "x-amz-target").value_or("");
  if (head.method != "POST" || target.substr(0, kTarget.size()) != kTarget) return {};
  const auto found = by_name_.find(target.substr(kTarget.size()));
  return {.operation = found == by_name_.end() ? unknown_ : found->second};
}

Asker Rekognition::asker(KeyFile& keys, const RequestHead& head, const Router::Match&) const {
  auto key = key_of(keys, authorization_of(head).access_key);
  if (!key) throw unknown_client();
  return {.key = std::move(key), .proven = false};
}

std::optional<Key> Rekognition::prove(KeyFile& keys, const Request& request, const Router::Match&) const {
  const AwsAuthorization said = authorization_of(request);
  auto key = key_of(keys, said.access_key);
  if (!key) throw unknown_client();
  const std::string right =
      aws_signature(request, said, find_field(request.headers, "x-amz-date").value_or(""), key->hash);
  if (right.size() != said.signature.size() ||
      sodium_memcmp(right.data(), said.signature.data(), right.size()) != 0)
    throw Refusal(403, "InvalidSignatureException",
                  "The request signature we calculated does not match the signature you provided: the secret "
                  "access key is the SHA-256 of the key, in hexadecimal");
  if (replays_.is_replay(right, steady_ms()))
    throw Refusal(403, "InvalidSignatureException",
                  "Signature was used before: each request is to be signed anew; only a retry at once may be "
                  "the same");
  return key;
}

Done Rekognition::answer(Service& service, const Router::Match& match, Request request,
                         const std::optional<Key>& key) const {
  const Input input(request);
  if (!input.json().is_object())
    throw Refusal(400, "SerializationException", "the body is to be a JSON object");
  ServedGallery* served = service.galleries().front().get();
  if (const auto id = input.text("CollectionId"); id && match.operation != by_name_.at("CreateCollection")) {
    const auto there =
        std::find_if(service.galleries().begin(), service.galleries().end(),
                     [&](const auto& one) { return one->name == *id && (!key || key->may_see(one->name)); });
    if (there == service.galleries().end())
      throw Refusal(400, "ResourceNotFoundException",
                    "The collection id: " + id->substr(0, 100) + " does not exist");
    served = there->get();
  }
  return answer_of(*match.operation)({service, *served, match.path_values, key, request, input});
}

Response Rekognition::refuse(const Refusal& refusal, const std::string& request_id) const {
  const std::string name = exception_of(refusal);
  Response response = response_for(refusal, request_id);
  if (name == "ThrottlingException") {
    // AWS's clients wait for what x-amz-retry-after says, and only where the error is this one.
    response.status = 400;
    response.headers.emplace_back("x-amz-retry-after", "1000");
  } else if (refusal.status() == 401 || refusal.status() == 404 || refusal.status() == 413 ||
             refusal.status() == 422) {
    response.status = 400;
  }
  response.type = "application/x-amz-json-1.1";
  response.headers.emplace_back("x-amzn-RequestId", request_id);
  response.body = json_response({{"__type", name}, {"message", refusal.what()}}).body;
  return response;
}

// ---- what the operations use ----

namespace {

[[noreturn]] void bad_parameter(const char* field, const std::string& what) {
  throw Refusal(400, "InvalidParameterException", std::string(field) + " " + what, field);
}

/// Whether only letters, digits and _.-: are in it, as Rekognition wants of its ids.
bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c < 128 && (std::isalnum(c) || c == '_' || c == '.' || c == '-' || c == ':');
  });
}

}  // namespace

std::string text_in(const Visit& visit, const char* field) {
  const auto text = visit.input.text(field);
  if (!text) bad_parameter(field, "is missing");
  return *text;
}

std::string id_in(const Visit& visit, const char* field) {
  std::string text = text_in(visit, field);
  if (!is_id(text)) bad_parameter(field, "is to be 1 to 255 letters, digits, '_', '.', '-' and ':'");
  return text;
}

double percent_in(const Visit& visit, const char* field, double otherwise) {
  return visit.input.number(field, 0, 100).value_or(otherwise);
}

std::size_t count_in(const Visit& visit, const char* field, std::size_t otherwise, std::size_t most) {
  return std::max<std::size_t>(1, visit.input.whole(field, otherwise, most));
}

std::vector<std::string> ids_in(const Visit& visit, const char* field) {
  const nlohmann::json& body = visit.input.json();
  const auto list = body.find(field);
  if (list == body.end() || !list->is_array() || list->empty() || list->size() > 4096)
    bad_parameter(field, "is to be a list of 1 to 4096 ids");
  std::vector<std::string> ids;
  for (const nlohmann::json& id : *list) {
    if (!id.is_string()) bad_parameter(field, "is to be a list of ids");
    ids.push_back(id.get<std::string>());
  }
  return ids;
}

Json bounding_box(const Box& box, int width, int height) {
  return {{"Width", box.width() / static_cast<float>(width)},
          {"Height", box.height() / static_cast<float>(height)},
          {"Left", box.left / static_cast<float>(width)},
          {"Top", box.top / static_cast<float>(height)}};
}

Json stored_json(const Visit& visit, const StoredFace& face, const std::string& person) {
  Json json{{"FaceId", uuid_of_face(visit.served.gallery->store(), face.id)},
            {"ImageId", uuid_of_photo(face.photo_hash)},
            {"Confidence", 100 * face.quality.score}};
  // Enrolled by an older likeness, or without its photo: the field is left out, as its type allows.
  if (const ImageSize& size = face.photo_size; size.width > 0)
    json["BoundingBox"] = bounding_box(face.box, size.width, size.height);
  if (is_id(face.photo)) json["ExternalImageId"] = face.photo;
  if (is_id(person)) json["UserId"] = person;
  return json;
}

PhotoFaces photo_in(const Visit& visit, const char* field, Stage until) {
  const nlohmann::json& body = visit.input.json();
  const auto image = body.find(field);
  if (image == body.end() || !image->is_object()) bad_parameter(field, "is missing");
  const auto bytes = image->find("Bytes");
  if (bytes == image->end() || !bytes->is_string())
    bad_parameter(
        field, image->contains("S3Object") ? "is to come as Bytes; S3 is not read here" : "is to have Bytes");
  const std::string photo = photo_from_base64(bytes->get_ref<const std::string&>(), field);
  const Upload upload{.field = field, .bytes = photo};
  if (until == Stage::kEmbed) return look_at(visit.service, upload);
  PhotoStream stream = visit.service.recognizer().stream({.until = until});
  return look_at(visit.service, stream, upload);
}

std::optional<StoredFace> stored_face(const Visit& visit, const std::string& uuid) {
  const GalleryStore& store = visit.served.gallery->store();
  const auto id = face_of_uuid(store, uuid);
  return id ? store.find_face(*id) : std::nullopt;
}

double percent_of(double probability) {
  return probability < 0.5 ? 160 * probability : 80 + 20 * (2 * probability - 1);
}

Done rekognition_done(const Visit& visit, const Json& json) {
  Done done{json_response(json)};
  done.response.type = "application/x-amz-json-1.1";
  done.response.headers.emplace_back("x-amzn-RequestId", visit.request.id);
  if (visit.input.text("CollectionId")) done.gallery = visit.served.name;
  return done;
}

std::unique_ptr<Protocol> rekognition_protocol(const std::string& gallery, std::int64_t retry_ms) {
  return std::make_unique<Rekognition>(gallery, retry_ms);
}

}  // namespace likeness::serve
