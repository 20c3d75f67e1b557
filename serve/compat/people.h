#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "likeness/gallery/face_review.h"
#include "serve/compat/compat_protocol.h"
#include "serve/searching.h"

namespace likeness::serve {

// What all protocols do with faces and people, in the library's own terms.

/// The faces of a photo from which on `min_score` counts, the largest first: positions in PhotoFaces::chosen.
[[nodiscard]] std::vector<std::size_t> largest_first(const PhotoFaces& photo, double min_score);
/// Of these those that count where one face is expected: detectors take a badge or a fold for a small face,
/// and people stand in the background; a tenth of the largest one's area counts.
[[nodiscard]] std::vector<std::size_t> main_faces(const PhotoFaces& photo, double min_score);
/// Row `i` alone.
[[nodiscard]] Embeddings row_of(const Embeddings& embeddings, std::size_t i);

/// A person near to a face.
struct Candidate {
  PersonMatch match;
  bool named = false;      ///< Whether the naming rule gives the face this name.
  double probability = 0;  ///< As probability_of().
};

/// For each query the `count` people most alike, those first for whom the face is not rejected: the first one
/// is who identify() says.
[[nodiscard]] std::vector<std::vector<Candidate>> candidates(const GalleryView& view, const NamingRule& rule,
                                                             const Embeddings& queries, std::size_t count);
/// Counts and tells the faces of a photo that was searched as /v1/search does, and keeps those without a name
/// where the server does. @returns how many got a name.
std::size_t tell_searched(const Visit& visit, const PhotoFaces* photo,
                          const std::vector<std::vector<Candidate>>& found, const Embeddings& queries,
                          const GalleryView& view, const NamingRule& rule);

/// A face of a photo that was to be enrolled.
struct EnrolledFace {
  std::int64_t face = 0;
  std::int64_t person_id = 0;
  std::string person;    ///< Whom it belongs to now: of a known face its owner.
  bool is_new = false;   ///< False: enrolled before, or refused.
  bool refused = false;  ///< By the review.
  std::vector<ReviewFinding> findings{};
  FaceQuality quality{};
};
/// Enrols the face at this position of PhotoFaces::chosen, as Recognizer::enrol() does with a photo's main
/// face. `words` are kept as where it came from. @throws Refusal 400 "bad_name".
[[nodiscard]] EnrolledFace enrol_face(const Visit& visit, const std::string& person, const PhotoFaces& photo,
                                      std::size_t position, Review review, const std::string& words);

/// Removes people or faces, and every byte of them. A person goes with the last face.
/// @returns how many faces went.
std::int64_t remove_person(const Visit& visit, const Person& person);
std::int64_t remove_faces(const Visit& visit, const std::vector<StoredFace>& faces);
std::int64_t remove_everybody(const Visit& visit);

/// A UUID for a face, the same for as long as the face is there, and back: version 8 of RFC 9562, with 60
/// bits that name the gallery and 62 bits of the face's number.
[[nodiscard]] std::string uuid_of_face(const GalleryStore& store, std::int64_t face);
[[nodiscard]] std::optional<std::int64_t> face_of_uuid(const GalleryStore& store, std::string_view uuid);
/// A UUID for a photo of this SHA-256 (hexadecimal): version 8, 122 bits of it.
[[nodiscard]] std::string uuid_of_photo(const std::string& sha256);

/// The name as it is kept. @throws Refusal 400 "bad_name".
[[nodiscard]] std::string checked(const std::string& name);

}  // namespace likeness::serve
