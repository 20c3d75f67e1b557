#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <string>

#include "common.h"
#include "likeness/gallery/exchange.h"
#include "likeness/recognize/recognizer.h"

namespace likeness::python {
namespace {

void bind_matches(nb::module_& m) {
  nb::class_<Match>(m, "Match", "An enrolled face near to a query.")
      .def_ro("face", &Match::face, "Its number in the gallery.")
      .def_ro("person", &Match::person, "The person's number.")
      .def_ro("name", &Match::name, "The person's name.")
      .def_ro("photo", &Match::photo, "Where the enrolled face came from.")
      .def_ro("cosine", &Match::cosine, "As the model compares, in [-1, 1].")
      .def("__repr__",
           [](const Match& v) { return "Match(" + v.name + ", " + std::to_string(v.cosine) + ")"; });
  nb::class_<PersonMatch, Match>(m, "PersonMatch", "An enrolled person near to a query, by the nearest face.")
      .def_ro("similarity", &PersonMatch::similarity, "To the person; what decides.")
      .def("__repr__", [](const PersonMatch& v) {
        return "PersonMatch(" + v.name + ", " + std::to_string(v.similarity) + ")";
      });
  nb::class_<Identification>(m, "Identification", "Who a face is, or nobody, with the evidence.")
      .def_ro("name", &Identification::name, "None: nobody who is enrolled.")
      .def_ro("probability", &Identification::probability,
              "That it is nearest.name; None where the gallery has no calibration.")
      .def_ro("nearest", &Identification::nearest, "The person most alike; None in an empty gallery.")
      .def_ro("runner_up", &Identification::runner_up, "The next one.")
      .def("__repr__",
           [](const Identification& v) { return "Identification(" + v.name.value_or("unknown") + ")"; });
  nb::class_<SearchedFace, Identification>(m, "SearchedFace", "Who a face of a photo is, or nobody known.")
      .def_ro("face", &SearchedFace::face)
      .def("__repr__",
           [](const SearchedFace& v) { return "SearchedFace(" + v.name.value_or("unknown") + ")"; });
}

void bind_found(nb::module_& m) {
  nb::class_<FoundFace>(m, "FoundFace", "A face of a photo and its embedding.")
      .def_ro("face", &FoundFace::face)
      .def_prop_ro(
          "box", [](const FoundFace& f) { return f.face.box; }, "Pixels of the upright photo.")
      .def_prop_ro(
          "score", [](const FoundFace& f) { return f.face.score; }, "In [0, 1].")
      .def_prop_ro(
          "landmarks", [](const nb::object& f) { return f.attr("face").attr("landmarks"); },
          nb::sig("def landmarks(self) -> numpy.typing.NDArray[numpy.float32]"), "float32 (5, 2).")
      .def_ro("quality", &FoundFace::quality)
      .def_prop_ro(
          "embedding",
          [](const nb::object& self) {
            const auto& face = nb::cast<const FoundFace&>(self);
            return array_inside(face.embedding.data(), {face.embedding.size()}, self);
          },
          nb::sig("def embedding(self) -> numpy.typing.NDArray[numpy.float32]"),
          "float32 (d,) of unit length; lies inside this object, nothing is copied.")
      .def("__repr__",
           [](const FoundFace& f) { return "FoundFace(score=" + std::to_string(f.face.score) + ")"; });
}

nb::list chips_of(const nb::object& self) {
  nb::list chips;
  for (const Chip& chip : nb::cast<const PhotoFaces&>(self).chips) chips.append(image_inside(chip, self));
  return chips;
}

template <Embeddings PhotoFaces::*member>
ResultArray<float> rows_inside(const nb::object& self) {
  const Embeddings& rows = nb::cast<const PhotoFaces&>(self).*member;
  return array_inside(rows.values.data(), {rows.size(), rows.dimension}, self);
}

ResultArray<float> measured(const PhotoFaces& photo) {
  std::vector<float> rows;
  for (std::size_t i = 0; i < photo.chips.size(); ++i) {
    const Face& face = photo.faces[photo.chosen[i]];
    append_face_row(rows, face.box, face.landmarks, measure_quality(face, photo.chips[i]));
  }
  return to_array(std::move(rows), {photo.chips.size(), kFaceColumns});
}

void bind_photo_faces(nb::module_& m) {
  m.attr("FACE_COLUMNS") = kFaceColumns;
  nb::class_<PhotoFaces>(m, "PhotoFaces", "What became of one photo of many.")
      .def_ro("index", &PhotoFaces::index, "Position among the photos.")
      .def_ro("id", &PhotoFaces::id, "Its path, or the name it was given.")
      .def_prop_ro(
          "error",
          [](const PhotoFaces& p) { return p.error.empty() ? nb::object(nb::none()) : nb::cast(p.error); },
          nb::sig("def error(self) -> str | None"), "Why it could not be read; None if it could.")
      .def_ro("sha256", &PhotoFaces::sha256, "Of the file's bytes; empty where it came as pixels.")
      .def_ro("width", &PhotoFaces::width, "Pixels, upright.")
      .def_ro("height", &PhotoFaces::height, "Pixels, upright.")
      .def_ro("faces", &PhotoFaces::faces, "All faces found, best score first.")
      .def_ro("chosen", &PhotoFaces::chosen, "Which of them chips and embeddings are of, in their order.")
      .def_prop_ro("chips", chips_of, "uint8 (height, width, 3) each, RGB, as the model sees them; no copy.",
                   nb::sig("def chips(self) -> list[numpy.typing.NDArray[numpy.uint8]]"))
      .def_prop_ro("embeddings", rows_inside<&PhotoFaces::averaged>,
                   nb::sig("def embeddings(self) -> numpy.typing.NDArray[numpy.float32]"),
                   "float32 (len(chosen), d), rows of unit length; no copy.")
      .def_prop_ro(
          "measured", measured, nb::rv_policy::reference,
          "float32 (len(chosen), 19), measured now: box (4), landmarks (10), size in pixels, sharpness,\n"
          "brightness, yaw, score, as FaceQuality has them.")
      .def("__repr__", [](const PhotoFaces& p) {
        return "PhotoFaces(" + p.id + ", " +
               (p.error.empty() ? std::to_string(p.faces.size()) + " faces" : "unreadable") + ")";
      });
}

void bind_verification(nb::module_& m) {
  nb::class_<VerifiedSide>(m, "VerifiedSide", "What was found on one side of a comparison.")
      .def_ro("photos", &VerifiedSide::photos)
      .def_ro("faces", &VerifiedSide::faces, "Main faces; several are taken together.")
      .def_ro("errors", &VerifiedSide::errors, "Of photos that could not be read.");
  nb::class_<VerificationResult>(m, "VerificationResult",
                                 "Whether two photos, or sets of photos, show one person.")
      .def_ro("a", &VerificationResult::a)
      .def_ro("b", &VerificationResult::b)
      .def_ro("similarity", &VerificationResult::similarity,
              "As the model compares, in [-1, 1]; None where a side has no face.")
      .def_prop_ro("threshold", [](const VerificationResult& r) { return r.rule.threshold; })
      .def_prop_ro(
          "false_match_rate", [](const VerificationResult& r) { return r.rule.false_match_rate; },
          "Share of strangers' pairs that reach the threshold; None for a threshold of one's own.")
      .def_prop_ro(
          "origin", [](const VerificationResult& r) { return r.rule.origin; }, "Of the threshold, in words.")
      .def_prop_ro("same", &VerificationResult::same, "True, False, or None where a side has no face.")
      .def("__repr__", [](const VerificationResult& r) {
        const auto same = r.same();
        return std::string("VerificationResult(same=") + (same ? (*same ? "True" : "False") : "None") + ")";
      });
}

void bind_enrolment(nb::module_& m) {
  nb::class_<ReviewFinding>(m, "ReviewFinding", "Something against enrolling a face.")
      .def_ro("kind", &ReviewFinding::kind)
      .def_ro("what", &ReviewFinding::what, "In words, with the measured value and the limit.")
      .def_ro("refuse", &ReviewFinding::refuse, "Else worth saying, and the face is kept.");
  nb::class_<EnrolledPhoto>(m, "EnrolledPhoto", "What became of one photo that was to be enrolled.")
      .def_ro("photo", &EnrolledPhoto::photo)
      .def_ro("person", &EnrolledPhoto::person)
      .def_prop_ro(
          "status", [](const EnrolledPhoto& p) { return std::string(to_string(p.status)); },
          "In words: enrolled, known already, refused, without a face, or unreadable.")
      .def_ro("error", &EnrolledPhoto::error)
      .def_ro("faces", &EnrolledPhoto::faces, "In the photo; the main one is enrolled.")
      .def_ro("quality", &EnrolledPhoto::quality)
      .def_ro("findings", &EnrolledPhoto::findings)
      .def_ro("face", &EnrolledPhoto::face, "Its number in the gallery, where it is there.")
      .def("__repr__", [](const EnrolledPhoto& p) {
        return "EnrolledPhoto(" + p.photo + ", " + std::string(to_string(p.status)) + ")";
      });
  nb::class_<EnrolSummary>(m, "EnrolSummary", "How many photos became what.")
      .def_ro("photos", &EnrolSummary::photos)
      .def_ro("enrolled", &EnrolSummary::enrolled)
      .def_ro("known", &EnrolSummary::known)
      .def_ro("refused", &EnrolSummary::refused)
      .def_ro("without_face", &EnrolSummary::without_face)
      .def_ro("unreadable", &EnrolSummary::unreadable)
      .def("__repr__", [](const EnrolSummary& s) {
        return "EnrolSummary(photos=" + std::to_string(s.photos) +
               ", enrolled=" + std::to_string(s.enrolled) + ")";
      });
}

ResultArray<std::int32_t> clusters(const std::vector<GroupedFace>& faces) {
  std::vector<std::int32_t> numbers;
  for (const GroupedFace& face : faces) numbers.push_back(face.cluster);
  const std::size_t count = numbers.size();
  return to_array(std::move(numbers), {count});
}

void bind_groups(nb::module_& m) {
  nb::class_<GroupedFace>(m, "GroupedFace", "A face that was grouped.")
      .def_ro("photo", &GroupedFace::photo)
      .def_ro("sha256", &GroupedFace::sha256)
      .def_ro("face", &GroupedFace::face)
      .def_ro("quality", &GroupedFace::quality)
      .def_ro("cluster", &GroupedFace::cluster, "-1: of no cluster.");
  nb::class_<Groups>(m, "Groups", "The faces of many photos, grouped by person.")
      .def_ro("faces", &Groups::faces)
      .def_ro("aside", &Groups::aside, "Kept out by the review.")
      .def_prop_ro(
          "clusters", [](const Groups& g) { return clusters(g.faces); }, nb::rv_policy::reference,
          "int32 (len(faces),): 0, 1, ... from the largest group down, -1 of no group.")
      .def_prop_ro(
          "embeddings",
          [](const nb::object& self) {
            const Embeddings& rows = nb::cast<const Groups&>(self).embeddings;
            return array_inside(rows.values.data(), {rows.size(), rows.dimension}, self);
          },
          nb::sig("def embeddings(self) -> numpy.typing.NDArray[numpy.float32]"),
          "float32 (len(faces), d); no copy.")
      .def_prop_ro("members", &Groups::members, "Faces of each group, as indices into `faces`.")
      .def_ro("threshold", &Groups::threshold, "Similarity from which two faces were linked.")
      .def_ro("photos", &Groups::photos)
      .def_ro("unreadable", &Groups::unreadable)
      .def("__repr__", [](const Groups& g) {
        return "Groups(" + std::to_string(g.faces.size()) + " faces of " + std::to_string(g.photos) +
               " photos)";
      });
}

}  // namespace

void bind_results(nb::module_& m) {
  bind_matches(m);
  bind_found(m);
  bind_photo_faces(m);
  bind_verification(m);
  bind_enrolment(m);
  bind_groups(m);
}

}  // namespace likeness::python
