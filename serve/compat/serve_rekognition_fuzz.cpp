// Bodies of Rekognition's operations, answered by a service on drawn people. The first byte chooses the
// operation, the second whether the rest is the body as it is, or orders for one: Rekognition's own fields
// with values that mostly fit, here and there bent, so that what lies behind the first check is reached too.
#include <fuzzer/FuzzedDataProvider.h>
#include <sodium.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "likeness/image/write_image.h"
#include "serve/compat/people.h"
#include "serve/refusal.h"
#include "tests/tiny/tiny_world.h"

namespace {

using namespace likeness;
using namespace likeness::serve;
using nlohmann::json;

struct KnownOperation {
  const char* name;
  std::vector<const char*> fields;  ///< Beside CollectionId.
};
const std::vector<KnownOperation> kOperations{
    {"CreateCollection", {}},
    {"DeleteCollection", {}},
    {"ListCollections", {"MaxResults", "NextToken"}},
    {"DescribeCollection", {}},
    {"ListFaces", {"UserId", "FaceIds", "MaxResults", "NextToken"}},
    {"DeleteFaces", {"FaceIds"}},
    {"CreateUser", {"UserId", "ClientRequestToken"}},
    {"DeleteUser", {"UserId"}},
    {"ListUsers", {"MaxResults", "NextToken"}},
    {"AssociateFaces", {"UserId", "FaceIds", "UserMatchThreshold"}},
    {"DisassociateFaces", {"UserId", "FaceIds"}},
    {"IndexFaces", {"Image", "ExternalImageId", "MaxFaces", "QualityFilter", "DetectionAttributes"}},
    {"SearchFacesByImage", {"Image", "MaxFaces", "FaceMatchThreshold", "QualityFilter"}},
    {"SearchFaces", {"FaceId", "MaxFaces", "FaceMatchThreshold"}},
    {"SearchUsersByImage", {"Image", "MaxUsers", "UserMatchThreshold", "QualityFilter"}},
    {"SearchUsers", {"UserId", "FaceId", "MaxUsers", "UserMatchThreshold"}},
    {"CompareFaces", {"SourceImage", "TargetImage", "SimilarityThreshold", "QualityFilter"}},
    {"DetectFaces", {"Image", "Attributes"}},
    {"ListTagsForResource", {"ResourceArn"}},  // not answered
};
constexpr std::size_t kPeople = 3;

std::string base64_png(ImageView image) {
  const std::vector<std::byte> png = encode_png(image);
  std::string text(sodium_base64_ENCODED_LEN(png.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(png.data()), png.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

/// A service with one gallery, in memory where the system has files there.
class World {
 public:
  World() {
    const std::filesystem::path memory = "/dev/shm";
    folder_ = (std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) /
              ("likeness_rekognition_fuzz_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    ServiceOptions options;
    options.models.models = {tiny::packs()};
    options.models.model = tiny::kEmbedder;
    options.models.threads = 1;
    options.galleries = {{"people", (folder_ / "people.gallery").string()}};
    service_ = std::make_unique<Service>(options);
    for (std::size_t i = 0; i < kPeople; ++i)
      photos_.push_back(base64_png(tiny::portrait(static_cast<int>(i), 100).view()));
    photos_.push_back(base64_png(Image(160, 120, 90).view()));  // nobody
    index();
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    service_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// @returns the status, 200 or that of the refusal, which is to be the asker's fault.
  int ask(const std::string& operation, std::string body) const;
  /// Enrols one face of each person where nobody is enrolled, without looking for them again.
  void fill() const;
  [[nodiscard]] const std::vector<std::string>& photos() const { return photos_; }
  [[nodiscard]] std::vector<std::string> face_ids() const {
    std::vector<std::string> ids;
    const GalleryStore& store = service_->galleries().front()->gallery->store();
    for (const StoredFace& face : store.faces()) ids.push_back(uuid_of_face(store, face.id));
    return ids;
  }

 private:
  void index();

  std::filesystem::path folder_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Protocol> protocol_ = rekognition_protocol("people");
  std::vector<std::string> photos_;
  std::vector<StoredFace> faces_;  ///< Of the first kPeople photos, with their embeddings.
  std::vector<std::vector<float>> embeddings_;
};

int World::ask(const std::string& operation, std::string body) const {
  Request request{{.method = "POST", .target = "/", .id = "0123456789abcdef"}, std::move(body)};
  request.headers = {{"content-type", "application/x-amz-json-1.1"},
                     {"x-amz-target", "RekognitionService." + operation}};
  const Router::Match match = protocol_->match(request);
  if (match.operation == nullptr) __builtin_trap();
  Response response;
  try {
    response = protocol_->answer(*service_, match, std::move(request), std::nullopt).response;
    if (response.status != 200) __builtin_trap();
  } catch (const std::exception& error) {
    const Refusal refusal = refusal_for(error);
    if (refusal.status() < 400 || refusal.status() > 499) __builtin_trap();
    response = protocol_->refuse(refusal, "0123456789abcdef");
    if (!json::parse(response.body).contains("__type")) __builtin_trap();
  }
  if (!json::parse(response.body).is_object()) __builtin_trap();
  return response.status;
}

void World::index() {
  GalleryStore& store = service_->galleries().front()->gallery->store();
  for (std::size_t i = 0; i < kPeople; ++i) {
    const json body{{"CollectionId", "people"},
                    {"ExternalImageId", tiny::name_of(static_cast<int>(i))},
                    {"Image", {{"Bytes", photos_[i]}}}};
    if (ask("IndexFaces", body.dump()) != 200) __builtin_trap();
  }
  faces_ = store.faces();
  if (faces_.size() != kPeople) __builtin_trap();
  for (const StoredFace& face : faces_) embeddings_.push_back(store.embedding(face.id));
}

void World::fill() const {
  Gallery& gallery = *service_->galleries().front()->gallery;
  if (gallery.store().face_count() > 0) return;
  std::vector<Enrolment> all;
  for (std::size_t i = 0; i < kPeople; ++i) {
    const StoredFace& face = faces_[i];
    all.push_back({.person = face.photo,
                   .face = {.photo = face.photo,
                            .photo_hash = face.photo_hash,
                            .photo_size = face.photo_size,
                            .box = face.box,
                            .landmarks = face.landmarks,
                            .quality = face.quality,
                            .embedding = embeddings_[i]}});
  }
  gallery.add_many(all);
}

/// Makes bodies by the fuzzer's orders.
class BodyWriter {
 public:
  BodyWriter(FuzzedDataProvider& orders, const World& world) : orders_(orders), world_(world) {}

  /// Each field is there and fits, but for one in some; all of them once the orders have run out.
  json body(const KnownOperation& operation) {
    json made{{"CollectionId", orders_.ConsumeIntegralInRange(0, 31) == 31 ? strange() : json("people")}};
    for (const std::string field : operation.fields) {
      const int bent = orders_.ConsumeIntegralInRange(0, 15);
      if (bent < 12) made[field] = fitting(field);
      if (bent > 13) made[field] = strange();
    }
    return made;
  }

 private:
  json fitting(const std::string& field) {
    if (field.ends_with("Image"))
      return {{"Bytes", orders_.ConsumeIntegralInRange(0, 3) == 3 ? strange() : json(photo())}};
    if (field == "FaceId") return face_id();
    if (field == "FaceIds") {
      json ids = json::array();
      for (int count = orders_.ConsumeIntegralInRange(1, 4); count > 0; --count) ids.push_back(face_id());
      return ids;
    }
    if (field.ends_with("Threshold")) return orders_.ConsumeIntegralInRange(0, 100);
    if (field.starts_with("Max")) return orders_.ConsumeIntegralInRange(1, 100);
    if (field == "NextToken") return std::to_string(orders_.ConsumeIntegralInRange(0, 8));
    if (field == "QualityFilter") return orders_.ConsumeBool() ? "NONE" : "HIGH";
    if (field.ends_with("Attributes")) return json::array({"ALL"});
    return tiny::name_of(orders_.ConsumeIntegralInRange(0, 3));
  }
  std::string photo() {
    return world_.photos()[orders_.ConsumeIntegralInRange<std::size_t>(0, world_.photos().size() - 1)];
  }
  std::string face_id() {
    const std::vector<std::string> ids = world_.face_ids();
    if (ids.empty()) return "00000000-0000-8000-8000-000000000001";
    return ids[orders_.ConsumeIntegralInRange<std::size_t>(0, ids.size() - 1)];
  }
  /// Any kind of value. What is no UTF-8 is written as U+FFFD.
  json strange() {
    switch (orders_.ConsumeIntegralInRange(0, 8)) {
      case 0:
        return nullptr;
      case 1:
        return orders_.ConsumeBool();
      case 2:
        return orders_.ConsumeIntegral<std::int64_t>();
      case 3:
        return orders_.ConsumeFloatingPoint<double>();
      case 4:
        return json::array({strange_text(), orders_.ConsumeIntegral<int>()});
      case 5:
        return {{"Bytes", strange_text()}};
      case 6:
        return {{"S3Object", {{"Bucket", strange_text()}}}};
      case 7:
        return std::string(orders_.ConsumeIntegralInRange<std::size_t>(0, 5000), 'a');
      default:
        return strange_text();
    }
  }
  std::string strange_text() { return orders_.ConsumeRandomLengthString(300); }

  FuzzedDataProvider& orders_;
  const World& world_;
};

}  // namespace

/// A run takes milliseconds: too few are made for libFuzzer to begin with inputs of four bytes.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  static std::string all_lengths = "-len_control=0";
  static std::vector<char*> given(*arguments, *arguments + *count);
  given.insert(given.begin() + 1, all_lengths.data());
  *count = static_cast<int>(given.size());
  given.push_back(nullptr);
  *arguments = given.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  if (size < 2) return 0;
  const KnownOperation& operation = kOperations[data[0] % kOperations.size()];
  if (data[1] % 4 == 0) {
    world.ask(operation.name, {reinterpret_cast<const char*>(data) + 2, size - 2});
    return 0;
  }
  world.fill();
  FuzzedDataProvider orders(data + 2, size - 2);
  const json body = BodyWriter(orders, world).body(operation);
  world.ask(operation.name, body.dump(-1, ' ', orders.ConsumeBool(), json::error_handler_t::replace));
  return 0;
}
