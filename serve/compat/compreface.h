#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "serve/api_v1/json.h"
#include "serve/compat/people.h"

namespace likeness::serve {

/// CompreFace 1.2's services of recognition, detection and verification (docs/Rest-API-description.md there),
/// with one key for all three. What is in photos: compreface_photos.cpp.
class CompreFace : public CompatProtocol {
 public:
  CompreFace(const CompatOptions& options, const std::string& gallery)
      : CompatProtocol(gallery), scale_(options.compreface_scale) {
    add_subject_routes();
    add_face_routes();
    add_photo_routes();
    add_server_routes();
  }

  [[nodiscard]] Asker asker(KeyFile& keys, const RequestHead& head,
                            const Router::Match& match) const override;
  [[nodiscard]] Response refuse(const Refusal& refusal, const std::string& request_id) const override;

 private:
  struct Wanted;  // what a request asks of photos
  template <typename Member>
  Answer bound(Member member) {
    return [this, member](const Visit& visit) { return (this->*member)(visit); };
  }
  void add_subject_routes();
  void add_face_routes();
  void add_photo_routes();
  void add_server_routes();

  // Subjects.
  Done add_subject(const Visit& visit) const;
  Done list_subjects(const Visit& visit) const;
  Done rename_subject(const Visit& visit) const;
  Done delete_subject(const Visit& visit) const;
  Done delete_subjects(const Visit& visit) const;
  // Faces.
  Done add_face(const Visit& visit) const;
  Done list_faces(const Visit& visit) const;
  Done delete_faces(const Visit& visit) const;
  Done delete_face(const Visit& visit) const;
  Done delete_listed(const Visit& visit) const;
  Done image(const Visit& visit) const;
  // Photos.
  Done recognize(const Visit& visit) const;
  Done verify_face(const Visit& visit) const;
  Done detect(const Visit& visit) const;
  Done verify(const Visit& visit) const;
  // Embeddings.
  Done recognize_embeddings(const Visit& visit) const;
  Done verify_embeddings(const Visit& visit) const;
  Done verify_two_embeddings(const Visit& visit) const;

  [[nodiscard]] bool published(const Visit& visit) const;
  [[nodiscard]] double scaled(bool named, double probability, std::optional<double> cosine) const;
  [[nodiscard]] double pair_similarity(const Visit& visit, std::span<const float> a,
                                       std::span<const float> b) const;
  [[nodiscard]] std::vector<Json> subjects_json(const Visit& visit, const GalleryView& view,
                                                const std::vector<std::vector<Candidate>>& found,
                                                const Embeddings& queries) const;
  [[nodiscard]] Json face_json(const Visit& visit, const PhotoFaces& photo, std::size_t i,
                               const Wanted& wanted) const;

  CompreFaceScale scale_;
  mutable FacelessPeople faceless_;
};

/// The face that the path's {image} names. @throws Refusal 404.
[[nodiscard]] StoredFace compreface_face(const Visit& visit);
[[nodiscard]] Done json_done(const Json& json, int status = 200);

}  // namespace likeness::serve
