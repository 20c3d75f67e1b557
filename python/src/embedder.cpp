#include "likeness/embed/embedder.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>

#include "choices.h"
#include "common.h"
#include "likeness/embed/embedding_space.h"
#include "work.h"

namespace likeness::python {
namespace {

/// n chips: uint8 RGB, n x height x width x 3, without gaps.
using ChipArray = nb::ndarray<const std::uint8_t, nb::ro, nb::ndim<4>, nb::c_contig, nb::device::cpu>;

std::vector<Chip> to_chips(const ChipArray& array) {
  if (array.shape(3) != 3)
    throw std::invalid_argument("chips must have 3 channels, not " + std::to_string(array.shape(3)));
  const std::size_t bytes = array.shape(1) * array.shape(2) * 3;
  std::vector<Chip> chips;
  for (std::size_t i = 0; i < array.shape(0); ++i) {
    const std::uint8_t* first = array.data() + i * bytes;
    chips.emplace_back(static_cast<int>(array.shape(2)), static_cast<int>(array.shape(1)),
                       std::vector<std::uint8_t>(first, first + bytes));
  }
  return chips;
}

/// `scale`: Contract::scale of another program that uses the same weights; its embeddings are of another
/// space.
Embedder make(ModelPack pack, const std::string& precision, int threads, int calls, int batch,
              std::filesystem::path cache_folder, std::optional<float> scale) {
  if (scale) pack.contract.scale = *scale;
  EmbedderOptions options{.precision = choice(precision, precision_from, "precision", "f32, bf16, int8"),
                          .threads = threads,
                          .calls = calls,
                          .batch = batch,
                          .cache_folder = std::move(cache_folder)};
  const nb::gil_scoped_release release;
  return Embedder(pack, options);
}

ResultArray<float> embed(Embedder& embedder, const ChipArray& array, bool raw, nb::object progress) {
  const Stop stop = new_stop();
  const Progress told = to_progress(std::move(progress), stop);
  const std::vector<Chip> chips = to_chips(array);
  return to_array(
      long_result(stop, [&] { return raw ? embedder.embed_raw(chips, told) : embedder.embed(chips, told); }));
}

}  // namespace

void bind_embedder(nb::module_& m) {
  nb::class_<Embedder>(m, "Embedder")
      .def_prop_ro("space", [](const Embedder& e) { return space_of(e.contract(), e.precision()); })
      .def("embed", embed, nb::arg("chips").noconvert(), nb::arg("raw"), nb::arg("progress").none());
  m.def("make_embedder", make, nb::arg("pack"), nb::arg("precision"), nb::arg("threads"), nb::arg("calls"),
        nb::arg("batch"), nb::arg("cache_folder"), nb::arg("scale").none() = nb::none());
}

}  // namespace likeness::python
