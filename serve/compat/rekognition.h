#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api_v1/json.h"
#include "serve/compat/aws_replays.h"
#include "serve/compat/aws_signature.h"
#include "serve/compat/people.h"

namespace likeness::serve {

/// The face operations of AWS Rekognition (its service model of 2016-06-27): collections are this server's
/// galleries, users its people. A face that is indexed belongs to the person that ExternalImageId names.
/// Signature Version 4: the access key id is "lk_" and the id of one of our keys, the secret access key the
/// key's SHA-256, which is what the file of keys holds.
class Rekognition : public CompatProtocol {
 public:
  Rekognition(const std::string& gallery, std::int64_t retry_ms);

  [[nodiscard]] Router::Match match(const RequestHead& head) const override;
  /// The body says which; the operations look.
  [[nodiscard]] std::optional<std::string> gallery_named(const RequestHead&, const Router::Match&,
                                                         const std::optional<Key>&) const override {
    return std::nullopt;
  }
  [[nodiscard]] Asker asker(KeyFile& keys, const RequestHead& head,
                            const Router::Match& match) const override;
  [[nodiscard]] std::optional<Key> prove(KeyFile& keys, const Request& request,
                                         const Router::Match& match) const override;
  [[nodiscard]] Done answer(Service& service, const Router::Match& match, Request request,
                            const std::optional<Key>& key) const override;
  [[nodiscard]] Response refuse(const Refusal& refusal, const std::string& request_id) const override;

 private:
  void add(const std::string& name, Right right, Done (*operation_of)(const Visit&, const FacelessPeople&));
  void add_changing(const std::string& name, Right right,
                    Done (*operation_of)(const Visit&, FacelessPeople&));

  std::map<std::string, const Operation*, std::less<>> by_name_;
  const Operation* unknown_ = nullptr;
  mutable FacelessPeople users_;
  mutable AwsReplays replays_;
};

// What the operations of both files use.

/// The body's fields. @throws Refusal InvalidParameterException naming what is wrong.
[[nodiscard]] std::string text_in(const Visit& visit, const char* field);
[[nodiscard]] std::string id_in(const Visit& visit, const char* field);  ///< [a-zA-Z0-9_.\-:]+
[[nodiscard]] double percent_in(const Visit& visit, const char* field, double otherwise);
[[nodiscard]] std::size_t count_in(const Visit& visit, const char* field, std::size_t otherwise,
                                   std::size_t most);
[[nodiscard]] std::vector<std::string> ids_in(const Visit& visit, const char* field);

/// A face of a photo as Rekognition tells it.
[[nodiscard]] Json bounding_box(const Box& box, int width, int height);
/// A stored face; `names` of people by id.
[[nodiscard]] Json stored_json(const Visit& visit, const StoredFace& face, const std::string& person);
/// The photo in the body's `field` ("Image"). @throws Refusal.
[[nodiscard]] PhotoFaces photo_in(const Visit& visit, const char* field, Stage until = Stage::kEmbed);
/// The faces of the gallery that these ids name; empty for ids that are none of its.
[[nodiscard]] std::optional<StoredFace> stored_face(const Visit& visit, const std::string& uuid);
/// Our probability in percent, one half as 80, which is what Rekognition's thresholds are unless told
/// otherwise.
[[nodiscard]] double percent_of(double probability);
/// 200 with the collection's name for the audit log.
[[nodiscard]] Done rekognition_done(const Visit& visit, const Json& json);

// The operations, of rekognition_collections.cpp and rekognition_faces.cpp.
Done create_collection(const Visit& visit, const FacelessPeople& users);
Done delete_collection(const Visit& visit, FacelessPeople& users);
Done list_collections(const Visit& visit, const FacelessPeople& users);
Done describe_collection(const Visit& visit, const FacelessPeople& users);
Done list_faces(const Visit& visit, const FacelessPeople& users);
Done delete_faces(const Visit& visit, FacelessPeople& users);
Done create_user(const Visit& visit, FacelessPeople& users);
Done delete_user(const Visit& visit, FacelessPeople& users);
Done list_users(const Visit& visit, const FacelessPeople& users);
Done associate_faces(const Visit& visit, FacelessPeople& users);
Done disassociate_faces(const Visit& visit, FacelessPeople& users);
Done index_faces(const Visit& visit, FacelessPeople& users);
Done search_faces_by_image(const Visit& visit, const FacelessPeople& users);
Done search_faces(const Visit& visit, const FacelessPeople& users);
Done search_users_by_image(const Visit& visit, const FacelessPeople& users);
Done search_users(const Visit& visit, const FacelessPeople& users);
Done compare_faces(const Visit& visit, const FacelessPeople& users);
Done detect_faces(const Visit& visit, const FacelessPeople& users);

}  // namespace likeness::serve
