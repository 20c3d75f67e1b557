#include <nanobind/operators.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "common.h"
#include "likeness/detect/face_detector.h"
#include "likeness/gallery/store.h"
#include "likeness/stats/intervals.h"

namespace likeness::python {
namespace {

template <typename... Numbers>
std::string written(const char* format, Numbers... numbers) {
  std::array<char, 200> text{};
  const int length = std::snprintf(text.data(), text.size(), format, numbers...);
  return {text.data(), static_cast<std::size_t>(length)};
}

ResultArray<float> landmarks(const Face& face) {
  std::vector<float> values;
  for (const Point& point : face.landmarks) values.insert(values.end(), {point.x, point.y});
  return to_array(std::move(values), {face.landmarks.size(), 2});
}

using Landmarks = nb::ndarray<const float, nb::shape<5, 2>, nb::c_contig, nb::device::cpu>;

void make_face(Face* place, const Box& box, float score, const Landmarks& points) {
  auto* face = new (place) Face{.box = box, .score = score, .landmarks = {}};
  for (std::size_t i = 0; i < face->landmarks.size(); ++i) face->landmarks[i] = {points(i, 0), points(i, 1)};
}

void check_numbers(const float* values, std::size_t count, const char* what) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i]))
      throw std::invalid_argument(std::string(what) + " holds a value that is not finite");
  }
}

void bind_box(nb::module_& m) {
  nb::class_<Box>(m, "Box",
                  "A rectangle in an image, in pixels; may reach outside it. (0, 0) is the outer corner of\n"
                  "the first pixel; right and bottom are where it ends.")
      .def(
          "__init__",
          [](Box* place, float left, float top, float right, float bottom) {
            new (place) Box{left, top, right, bottom};
          },
          nb::arg("left"), nb::arg("top"), nb::arg("right"), nb::arg("bottom"))
      .def_ro("left", &Box::left)
      .def_ro("top", &Box::top)
      .def_ro("right", &Box::right)
      .def_ro("bottom", &Box::bottom)
      .def_prop_ro("width", &Box::width)
      .def_prop_ro("height", &Box::height)
      .def(
          "clamped", [](const Box& box, int width, int height) { return clamped(box, width, height); },
          nb::arg("width"), nb::arg("height"), "Cut to an image of width x height pixels; never empty.")
      .def("__iter__",
           [](const Box& b) { return nb::iter(nb::make_tuple(b.left, b.top, b.right, b.bottom)); })
      .def(nb::self == nb::self)
      .def("__hash__",
           [](const Box& b) { return nb::hash(nb::make_tuple(b.left, b.top, b.right, b.bottom)); })
      .def("__reduce__",
           [](const Box& b) {
             return nb::make_tuple(nb::type<Box>(), nb::make_tuple(b.left, b.top, b.right, b.bottom));
           })
      .def("__repr__", [](const Box& b) {
        return written("Box(left=%.1f, top=%.1f, right=%.1f, bottom=%.1f)", b.left, b.top, b.right, b.bottom);
      });
}

void bind_face(nb::module_& m) {
  nb::class_<Face>(m, "Face", "A face found in an image, in pixels of the upright photo.")
      .def("__init__", make_face, nb::arg("box"), nb::arg("score"), nb::arg("landmarks"))
      .def_ro("box", &Face::box, "As detected: floats, may reach outside the image.")
      .def_ro("score", &Face::score, "Probability that this is a face, in [0, 1].")
      .def_prop_ro(
          "landmarks", landmarks, nb::rv_policy::reference,
          "float32 (5, 2): x, y of the eyes, the nose and the mouth corners; left before right as seen.")
      .def("__reduce__",
           [](const Face& f) {
             return nb::make_tuple(nb::type<Face>(), nb::make_tuple(f.box, f.score, nb::cast(landmarks(f))));
           })
      .def("__repr__", [](const Face& f) {
        return written("Face(box=(%.1f, %.1f, %.1f, %.1f), score=%.4f)", f.box.left, f.box.top, f.box.right,
                       f.box.bottom, f.score);
      });
}

}  // namespace

Embeddings to_embeddings(const FloatRows& rows, const char* what) {
  check_numbers(rows.data(), rows.size(), what);
  return {.dimension = rows.shape(1), .values = {rows.data(), rows.data() + rows.size()}};
}

std::vector<float> to_vector(const FloatRow& row, const char* what) {
  check_numbers(row.data(), row.size(), what);
  return {row.data(), row.data() + row.size()};
}

void bind_values(nb::module_& m) {
  bind_box(m);
  bind_face(m);
  nb::class_<FaceQuality>(m, "FaceQuality", "Measured properties of a face.")
      .def_ro("size_px", &FaceQuality::size_px, "Shorter side of the box, pixels of the photo.")
      .def_ro("sharpness", &FaceQuality::sharpness,
              "Variance of the chip's Laplacian; low where small or blurred.")
      .def_ro("brightness", &FaceQuality::brightness, "Mean grey of the chip's middle, 0 to 255.")
      .def_ro("yaw", &FaceQuality::yaw, "0 seen from the front, about 1 where the nose stands under an eye.")
      .def_ro("score", &FaceQuality::score, "The detector's, in [0, 1].")
      .def("__repr__", [](const FaceQuality& q) {
        return written("FaceQuality(size_px=%.0f, sharpness=%.0f, brightness=%.0f, yaw=%.2f, score=%.4f)",
                       q.size_px, q.sharpness, q.brightness, q.yaw, q.score);
      });
}

}  // namespace likeness::python
