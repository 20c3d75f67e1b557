#include "likeness/recognize/recognizer.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "choices.h"
#include "common.h"
#include "photos.h"
#include "work.h"

namespace likeness::python {
namespace {

using Size = std::optional<std::size_t>;

NamingRule rule_for(const Recognizer& recognizer, const GalleryView& view,
                    const std::optional<double>& threshold) {
  return naming_rule(view, recognizer.contract(), recognizer.setup().precision, {.threshold = threshold});
}

Stage stage_from(const std::string& name) {
  if (name == "detect") return Stage::kDetect;
  if (name == "align") return Stage::kAlign;
  if (name == "embed") return Stage::kEmbed;
  throw std::invalid_argument("until must be one of detect, align, embed, not \"" + name + "\"");
}

/// Calls `sink` with each PhotoFaces; a sink that returns False stops the run.
void run(const Recognizer& recognizer, nb::iterator photos, Size size, const std::string& until,
         bool main_face, nb::object sink, nb::object progress) {
  const Stop stop = new_stop();
  const Progress told = to_progress(std::move(progress), stop);
  const Kept kept = keep(std::move(sink));
  const StreamWork work{
      .until = stage_from(until), .faces = main_face ? FacesWanted::kMain : FacesWanted::kAll, .hash = true};
  PhotoSource source = to_source(std::move(photos), size, stop);
  run_long(stop, [&] {
    PhotoStream stream = recognizer.stream(work);
    stream.run(
        std::move(source),
        [&](PhotoFaces&& result) {
          check(stop);
          const nb::gil_scoped_acquire gil;
          if ((*kept)(nb::cast(std::move(result))).is(nb::handle(Py_False))) *stop = true;
        },
        nullptr, told);
  });
}

PhotoFaces one(const Recognizer& recognizer, const InputPhoto& input, const std::string& until,
               bool main_face) {
  const nb::gil_scoped_release release;
  return recognizer
      .stream({.until = stage_from(until), .faces = main_face ? FacesWanted::kMain : FacesWanted::kAll})
      .one(input.photo);
}

std::vector<FoundFace> find(const Recognizer& recognizer, const InputPhoto& input) {
  const nb::gil_scoped_release release;
  return recognizer.find(input.photo);
}

VerificationResult verify(const Recognizer& recognizer, nb::iterator a, nb::iterator b,
                          double false_match_rate, std::optional<double> threshold) {
  const Stop stop = new_stop();
  PhotoSource first = to_source(std::move(a), {}, stop);
  PhotoSource second = to_source(std::move(b), {}, stop);
  return long_result(stop, [&] {
    return recognizer.verify(std::move(first), std::move(second),
                             {.false_match_rate = false_match_rate, .threshold = threshold});
  });
}

double verification_threshold(const Recognizer& recognizer, double false_match_rate) {
  return recognizer.verification_rule({.false_match_rate = false_match_rate}).threshold;
}

EnrolSummary enrol(const Recognizer& recognizer, Gallery& gallery, const std::string& person,
                   nb::iterator photos, Size size, const std::string& review, nb::object each,
                   nb::object progress) {
  const Stop stop = new_stop();
  EnrolOptions options{.review = choice(review, review_from, "review", "off, standard, strict"),
                       .progress = to_progress(std::move(progress), stop)};
  if (!each.is_none()) {
    options.each = [kept = keep(std::move(each))](const EnrolledPhoto& photo) {
      const nb::gil_scoped_acquire gil;
      (*kept)(nb::cast(photo));
    };
  }
  PhotoSource source = to_source(std::move(photos), size, stop);
  return long_result(stop, [&] { return recognizer.enrol(gallery, person, std::move(source), options); });
}

std::vector<SearchedFace> search(const Recognizer& recognizer, const Gallery& gallery,
                                 const InputPhoto& input, std::optional<double> threshold) {
  const nb::gil_scoped_release release;
  const auto view = gallery.view();
  return recognizer.search(*view, input.photo, rule_for(recognizer, *view, threshold));
}

/// Calls `sink(PhotoFaces, list of SearchedFace)` for each photo.
void search_many(const Recognizer& recognizer, const Gallery& gallery, nb::iterator photos, Size size,
                 std::optional<double> threshold, nb::object sink, nb::object progress) {
  const Stop stop = new_stop();
  const Progress told = to_progress(std::move(progress), stop);
  const Kept kept = keep(std::move(sink));
  PhotoSource source = to_source(std::move(photos), size, stop);
  run_long(stop, [&] {
    const auto view = gallery.view();
    recognizer.search(
        *view, std::move(source), rule_for(recognizer, *view, threshold),
        [&](const PhotoFaces& photo, std::span<const SearchedFace> faces) {
          check(stop);
          const nb::gil_scoped_acquire gil;
          nb::list list;
          for (const SearchedFace& face : faces) list.append(nb::cast(face));
          if ((*kept)(nb::cast(photo), list).is(nb::handle(Py_False))) *stop = true;
        },
        told);
  });
}

std::vector<Identification> identify_rows(const Recognizer& recognizer, const Gallery& gallery,
                                          const FloatRows& rows, std::optional<double> threshold) {
  const Embeddings queries = to_embeddings(rows, "embeddings");
  const nb::gil_scoped_release release;
  const auto view = gallery.view();
  require_same_space(recognizer.space(), "the recogniser", view->space(), gallery.store().name());
  if (queries.dimension != view->space().dimension) {
    throw std::invalid_argument("embeddings have " + std::to_string(queries.dimension) + " values, not " +
                                std::to_string(view->space().dimension));
  }
  return identify(*view, rule_for(recognizer, *view, threshold), queries);
}

Groups group(const Recognizer& recognizer, nb::iterator photos, Size size, std::optional<double> threshold,
             int min_faces, const std::string& review, nb::object progress) {
  const Stop stop = new_stop();
  GroupOptions options{.cluster = {.threshold = threshold, .min_faces = min_faces},
                       .review = choice(review, review_from, "review", "off, standard, strict"),
                       .progress = to_progress(std::move(progress), stop)};
  PhotoSource source = to_source(std::move(photos), size, stop);
  return long_result(stop, [&] { return recognizer.group(std::move(source), options); });
}

void bind_many(nb::class_<Recognizer>& recognizer) {
  recognizer
      .def("run", run, nb::arg("photos"), nb::arg("size").none(), nb::arg("until"), nb::arg("main_face"),
           nb::arg("sink"), nb::arg("progress").none())
      .def("search_many", search_many, nb::arg("gallery"), nb::arg("photos"), nb::arg("size").none(),
           nb::arg("threshold").none(), nb::arg("sink"), nb::arg("progress").none())
      .def("enrol", enrol, nb::arg("gallery"), nb::arg("person"), nb::arg("photos"), nb::arg("size").none(),
           nb::arg("review"), nb::arg("each").none(), nb::arg("progress").none())
      .def("group", group, nb::arg("photos"), nb::arg("size").none(), nb::arg("threshold").none(),
           nb::arg("min_faces"), nb::arg("review"), nb::arg("progress").none());
}

}  // namespace

void bind_recognizer(nb::module_& m) {
  const nb::call_guard<nb::gil_scoped_release> released;
  nb::class_<Recognizer> recognizer(m, "Recognizer");
  recognizer.def(nb::init<Setup>(), nb::arg("setup"), released)
      .def("load", &Recognizer::load, released)
      .def_prop_ro("space", &Recognizer::space)
      .def("find", find, nb::arg("photo"))
      .def("one", one, nb::arg("photo"), nb::arg("until"), nb::arg("main_face"))
      .def("verify", verify, nb::arg("a"), nb::arg("b"), nb::arg("false_match_rate"),
           nb::arg("threshold").none())
      .def("verification_threshold", verification_threshold, nb::arg("false_match_rate"))
      .def("search", search, nb::arg("gallery"), nb::arg("photo"), nb::arg("threshold").none())
      .def("identify", identify_rows, nb::arg("gallery"), nb::arg("embeddings"), nb::arg("threshold").none());
  bind_many(recognizer);
}

}  // namespace likeness::python
