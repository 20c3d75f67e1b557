#include "likeness/gallery/gallery.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "choices.h"
#include "common.h"
#include "likeness/gallery/exchange.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/open.h"
#include "work.h"

namespace likeness::python {
namespace {

using Passphrase = std::optional<std::string>;

GalleryOptions options_of(bool read_only, const Passphrase& passphrase, int threads,
                          const std::optional<std::string>& index) {
  GalleryOptions options{.read_only = read_only, .passphrase = passphrase, .threads = threads};
  if (index) options.index = choice(*index, index_kind_from, "index", "exact, int8, sketch");
  return options;
}

EmbeddingFormat format_from(const std::string& name) {
  if (name == "f32") return EmbeddingFormat::kF32;
  if (name == "int8") return EmbeddingFormat::kInt8;
  throw std::invalid_argument("format must be one of f32, int8, not \"" + name + "\"");
}

Gallery open(const std::string& uri, bool read_only, const Passphrase& passphrase, int threads,
             const std::optional<std::string>& index) {
  const nb::gil_scoped_release release;
  return open_gallery(uri, options_of(read_only, passphrase, threads, index));
}

/// `exclusive`: it must not be there yet.
Gallery create(const std::string& uri, const EmbeddingSpace& space, bool exclusive, const std::string& format,
               const Passphrase& passphrase, int threads, const std::optional<std::string>& index) {
  const nb::gil_scoped_release release;
  const CreateOptions made{.format = format_from(format), .passphrase = passphrase};
  const GalleryOptions options = options_of(false, passphrase, threads, index);
  return exclusive ? create_gallery(uri, space, made, options)
                   : open_or_create_gallery(uri, space, made, options);
}

/// @throws Error kModelMismatch where `queries` cannot be of the gallery's model.
Embeddings queries_for(const Gallery& gallery, const FloatRows& rows, const char* what) {
  Embeddings queries = to_embeddings(rows, what);
  const EmbeddingSpace& space = gallery.store().space();
  if (queries.dimension != space.dimension) {
    throw Error(ErrorCode::kModelMismatch, std::string(what) + " have " + std::to_string(queries.dimension) +
                                               " values each, but the gallery is of " + space.id() +
                                               " with " + std::to_string(space.dimension));
  }
  return queries;
}

std::vector<std::int64_t> add(Gallery& gallery, const std::string& person, const FloatRows& rows,
                              const std::vector<std::string>& photos, const std::vector<Box>& boxes) {
  const Embeddings embeddings = queries_for(gallery, rows, "embeddings");
  if (!photos.empty() && photos.size() != embeddings.size()) {
    throw std::invalid_argument("photos must name each of the " + std::to_string(embeddings.size()) +
                                " embeddings, not " + std::to_string(photos.size()));
  }
  if (!boxes.empty() && boxes.size() != embeddings.size()) {
    throw std::invalid_argument("boxes must have one for each of the " + std::to_string(embeddings.size()) +
                                " embeddings, not " + std::to_string(boxes.size()));
  }
  std::vector<NewFace> faces;
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    faces.push_back({.photo = photos.empty() ? "" : photos[i],
                     .box = boxes.empty() ? Box{} : boxes[i],
                     .embedding = embeddings[i]});
  }
  const nb::gil_scoped_release release;
  std::vector<std::int64_t> ids;
  for (const AddedFace& face : gallery.add_faces(person, faces)) ids.push_back(face.id);
  return ids;
}

/// Row i is people[i]'s; `photos`, `hashes` and `sizes` (width and height) are as long, `measured` is
/// n x kFaceColumns (exchange.h).
std::vector<AddedFace> add_many(Gallery& gallery, const std::vector<std::string>& people,
                                const FloatRows& rows, const std::vector<std::string>& photos,
                                const std::vector<std::string>& hashes, const FloatRows& measured,
                                const std::vector<std::pair<int, int>>& sizes) {
  const Embeddings embeddings = queries_for(gallery, rows, "embeddings");
  const std::size_t count = embeddings.size();
  if (people.size() != count || photos.size() != count || hashes.size() != count || sizes.size() != count ||
      measured.shape(0) != count || measured.shape(1) != kFaceColumns) {
    throw std::invalid_argument(
        "people, photos, sha256, measured and sizes must have one row for each of the " +
        std::to_string(count) + " embeddings");
  }
  std::vector<Enrolment> faces(count);
  for (std::size_t i = 0; i < count; ++i) {
    faces[i].person = people[i];
    faces[i].face.photo = photos[i];
    faces[i].face.photo_hash = hashes[i];
    faces[i].face.photo_size = {sizes[i].first, sizes[i].second};
    read_face_row(measured.data() + i * kFaceColumns, faces[i].face);
    faces[i].face.embedding = embeddings[i];
  }
  const nb::gil_scoped_release release;
  return gallery.add_many(faces);
}

std::vector<std::vector<PersonMatch>> search(const Gallery& gallery, const FloatRows& rows,
                                             std::size_t count) {
  const Embeddings queries = queries_for(gallery, rows, "embeddings");
  const nb::gil_scoped_release release;
  return gallery.view()->search(queries, count);
}

std::vector<std::vector<Match>> nearest(const Gallery& gallery, const FloatRows& rows, std::size_t count) {
  const Embeddings queries = queries_for(gallery, rows, "embeddings");
  const nb::gil_scoped_release release;
  return gallery.view()->nearest(queries, count);
}

std::vector<std::pair<std::string, std::int64_t>> people(const Gallery& gallery) {
  const nb::gil_scoped_release release;
  std::vector<std::pair<std::string, std::int64_t>> result;
  for (const Person& person : gallery.store().people()) result.emplace_back(person.name, person.faces);
  return result;
}

std::vector<StoredFace> faces_of(const Gallery& gallery, const std::optional<std::string>& name) {
  const nb::gil_scoped_release release;
  if (!name) return gallery.store().faces();
  const auto person = gallery.store().find_person(*name);
  return person ? gallery.store().faces(person->id) : std::vector<StoredFace>();
}

ResultArray<float> embeddings_of(const Gallery& gallery, const std::string& name) {
  FaceEmbeddings found;
  {
    const nb::gil_scoped_release release;
    const auto person = gallery.store().find_person(name);
    if (person) {
      std::vector<std::int64_t> ids;
      for (const StoredFace& face : gallery.store().faces(person->id)) ids.push_back(face.id);
      found = gallery.store().embeddings(ids);
    }
  }
  if (found.faces.empty()) found.embeddings.dimension = gallery.store().space().dimension;
  return to_array(std::move(found.embeddings));
}

/// The calibration as JSON text, stored in the gallery. `people[i]` says who strangers' row i is; none: the
/// gallery alone.
std::string calibrate(Gallery& gallery, const std::optional<FloatRows>& strangers,
                      const std::vector<std::string>& people, double target_fpir, std::uint64_t seed,
                      nb::object progress) {
  const Stop stop = new_stop();
  const Progress told = to_progress(std::move(progress), stop);
  const CalibrationOptions options{.target_fpir = target_fpir, .seed = seed};
  Embeddings rows;
  std::vector<Stranger> given;
  if (strangers) {
    rows = queries_for(gallery, *strangers, "strangers");
    if (people.size() != rows.size()) throw std::invalid_argument("people must name each of the strangers");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      given.push_back({.embedding = rows[i], .person = people[i], .photo = "", .photo_hash = ""});
    }
  }
  return long_result(stop, [&] {
    const auto view = gallery.view();
    const CalibrationReport report = strangers ? calibrate_with(*view, given, options, told)
                                               : calibrate_by_leaving_out(*view, options, told);
    gallery.set_calibration(report.calibration);
    return to_json(report.calibration);
  });
}

void bind_changes(nb::class_<Gallery>& gallery) {
  const nb::call_guard<nb::gil_scoped_release> released;
  gallery.def("add", add, nb::arg("person"), nb::arg("embeddings"), nb::arg("photos"), nb::arg("boxes"))
      .def("add_many", add_many, nb::arg("people"), nb::arg("embeddings"), nb::arg("photos"),
           nb::arg("sha256"), nb::arg("measured"), nb::arg("sizes"))
      .def("remove_person", &Gallery::remove_person, nb::arg("name"), released)
      .def("remove_face", &Gallery::remove_face, nb::arg("face"), released)
      .def("rename_person", &Gallery::rename_person, nb::arg("old"), nb::arg("new"), released)
      .def("merge_people", &Gallery::merge_people, nb::arg("old"), nb::arg("into"), released)
      .def("calibrate", calibrate, nb::arg("strangers").none(), nb::arg("people"), nb::arg("target_fpir"),
           nb::arg("seed"), nb::arg("progress").none());
}

}  // namespace

void bind_gallery(nb::module_& m) {
  const nb::call_guard<nb::gil_scoped_release> released;
  nb::class_<StoredFace>(m, "StoredFace", "A face as a gallery has it, without its embedding.")
      .def_ro("id", &StoredFace::id, "Never used twice, rising with time.")
      .def_ro("person", &StoredFace::person, "The person's number.")
      .def_ro("photo", &StoredFace::photo, "Where it came from.")
      .def_ro("sha256", &StoredFace::photo_hash, "Of the photo's bytes; empty where unknown.")
      .def_ro("box", &StoredFace::box, "Pixels of that photo.")
      .def_prop_ro(
          "photo_size",
          [](const StoredFace& f) {
            const auto [width, height] = f.photo_size;
            return width == 0 ? std::nullopt : std::optional(std::pair(width, height));
          },
          "Width and height of that photo; None where they are not known.")
      .def_ro("quality", &StoredFace::quality)
      .def_ro("added_ms", &StoredFace::added_ms, "Milliseconds since 1970, UTC.")
      .def("__repr__",
           [](const StoredFace& f) { return "StoredFace(" + std::to_string(f.id) + ", " + f.photo + ")"; });
  nb::class_<AddedFace>(m, "AddedFace", "What became of a face that was to be enrolled.")
      .def_ro("id", &AddedFace::id, "Its number in the gallery.")
      .def_ro("is_new", &AddedFace::is_new, "False: it was enrolled already, as `person`.")
      .def_ro("person", &AddedFace::person, "Whom it belongs to.")
      .def("__repr__", [](const AddedFace& f) {
        return "AddedFace(" + std::to_string(f.id) + ", " + f.person + (f.is_new ? ", new)" : ", known)");
      });
  nb::class_<Gallery> gallery(m, "Gallery");
  gallery.def("people", people)
      .def(
          "face_count", [](const Gallery& g) { return g.store().face_count(); }, released)
      .def("faces", faces_of, nb::arg("person").none())
      .def("embeddings", embeddings_of, nb::arg("person"))
      .def_prop_ro("space", [](const Gallery& g) { return g.store().space(); })
      .def_prop_ro("name", [](const Gallery& g) { return g.store().name(); })
      .def_prop_ro("encrypted", [](const Gallery& g) { return g.store().encrypted(); })
      .def(
          "version", [](const Gallery& g) { return g.store().version(); }, released)
      .def(
          "calibration",
          [](const Gallery& g) {
            const auto calibration = g.view()->calibration();
            return calibration ? std::optional(to_json(*calibration)) : std::nullopt;
          },
          released)
      .def(
          "refresh", [](const Gallery& g) { g.refresh(); }, released)
      .def(
          "check", [](const Gallery& g) { return g.store().check(); }, released)
      .def("search", search, nb::arg("embeddings"), nb::arg("count"))
      .def("nearest", nearest, nb::arg("embeddings"), nb::arg("count"));
  bind_changes(gallery);
  m.def("open_gallery", open, nb::arg("uri"), nb::arg("read_only"), nb::arg("passphrase").none(),
        nb::arg("threads"), nb::arg("index").none());
  m.def("create_gallery", create, nb::arg("uri"), nb::arg("space"), nb::arg("exclusive"), nb::arg("format"),
        nb::arg("passphrase").none(), nb::arg("threads"), nb::arg("index").none());
  m.def(
      "memory_gallery", [](const EmbeddingSpace& space) { return Gallery(make_memory_store(space)); },
      nb::arg("space"));
}

}  // namespace likeness::python
