#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "likeness/image/image.h"

/// What Python sees of the library. Everything bound lives in namespace likeness: modules of other projects
/// that share nanobind's registry then never take our types for theirs.
namespace likeness::python {

namespace nb = nanobind;

/// Results: an array that owns its numbers, nothing copied; read-only, as several Python objects may see it.
template <typename T>
using ResultArray = nb::ndarray<nb::numpy, const T>;
/// n x d numbers as they come in; other dtypes and layouts are converted.
using FloatRows = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using FloatRow = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <typename T>
ResultArray<T> to_array(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto kept = std::make_unique<std::vector<T>>(std::move(values));
  const T* data = kept->data();
  const nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  kept.release();  // NOLINT(bugprone-unused-return-value): the capsule has it
  return ResultArray<T>(data, shape, owner);
}

inline ResultArray<float> to_array(Embeddings embeddings) {
  const std::size_t rows = embeddings.size();
  return to_array(std::move(embeddings.values), {rows, embeddings.dimension});
}

/// A view of numbers that live inside the Python object `owner`.
template <typename T>
ResultArray<T> array_inside(const T* data, std::initializer_list<std::size_t> shape, nb::handle owner) {
  return ResultArray<T>(data, shape, owner);
}

inline ResultArray<std::uint8_t> image_inside(const Image& image, nb::handle owner) {
  return array_inside(image.pixels().data(),
                      {static_cast<std::size_t>(image.height()), static_cast<std::size_t>(image.width()), 3},
                      owner);
}

/// @throws std::invalid_argument for a value that is not a number, naming `what`.
Embeddings to_embeddings(const FloatRows& rows, const char* what);
std::vector<float> to_vector(const FloatRow& row, const char* what);

// What the parts of the module bind; module.cpp calls them in this order.
void bind_errors(nb::module_& m);
void bind_values(nb::module_& m);
void bind_photos(nb::module_& m);
void bind_models(nb::module_& m);
void bind_detector(nb::module_& m);
void bind_embedder(nb::module_& m);
void bind_classifier(nb::module_& m);
void bind_gallery(nb::module_& m);
void bind_recognizer(nb::module_& m);
void bind_results(nb::module_& m);
void bind_npz(nb::module_& m);
void bind_eval(nb::module_& m);

}  // namespace likeness::python
