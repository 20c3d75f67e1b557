#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "choices.h"
#include "common.h"
#include "likeness/embed/comparison.h"
#include "likeness/embed/embedding_space.h"
#include "likeness/gallery/naming.h"
#include "likeness/model/model_pack.h"
#include "likeness/recognize/setup.h"
#include "likeness/version.h"

namespace likeness::python {
namespace {

Setup make_setup(std::vector<std::filesystem::path> models, const std::string& model,
                 const std::optional<std::string>& profile, const std::string& precision,
                 const std::string& quality, const DetectorOptions& detector, std::string detector_pack,
                 int threads, std::filesystem::path cache_folder) {
  Setup setup{.models = std::move(models), .model = model};
  if (profile) setup.profile = choice(*profile, crop_profile_from, "profile", "tutorial, margin, aligned");
  setup.precision = choice(precision, precision_from, "precision", "f32, bf16, int8");
  setup.quality = choice(quality, quality_from, "quality", "single, two, best");
  setup.detector = detector;
  setup.detector_pack = std::move(detector_pack);
  setup.threads = threads;
  setup.cache_folder = std::move(cache_folder);
  return setup;
}

DetectorOptions make_detector_options(int min_face_px, double min_face_share, std::optional<float> min_score,
                                      double pyramid_step, const std::vector<float>& min_scores,
                                      int max_side_px, int threads) {
  if (min_scores.size() != 3) throw std::invalid_argument("min_scores must hold three numbers");
  DetectorOptions options{.min_face_px = min_face_px,
                          .min_face_share = min_face_share,
                          .min_score = min_score,
                          .max_side_px = max_side_px,
                          .threads = threads};
  // What was left as it is was not said, and so is nothing that another method need refuse.
  const MtcnnOptions usual;
  const MtcnnOptions own{.pyramid_step = pyramid_step,
                         .min_scores = {min_scores[0], min_scores[1], min_scores[2]}};
  if (own.pyramid_step != usual.pyramid_step || own.min_scores != usual.min_scores) options.mtcnn = own;
  return options;
}

void bind_setup(nb::module_& m) {
  nb::class_<DetectorOptions>(m, "DetectorOptions");
  m.def("make_detector_options", make_detector_options, nb::arg("min_face_px"), nb::arg("min_face_share"),
        nb::arg("min_score").none(), nb::arg("pyramid_step"), nb::arg("min_scores"), nb::arg("max_side_px"),
        nb::arg("threads"));
  nb::class_<Setup>(m, "Setup");
  m.def("make_setup", make_setup, nb::arg("models"), nb::arg("model"), nb::arg("profile").none(),
        nb::arg("precision"), nb::arg("quality"), nb::arg("detector"), nb::arg("detector_pack"),
        nb::arg("threads"), nb::arg("cache_folder"));
}

ResultArray<float> comparable(const EmbeddingSpace& space, const FloatRows& rows) {
  Embeddings embeddings = to_embeddings(rows, "embeddings");
  const nb::gil_scoped_release release;
  Embeddings made = Comparison(space.contract, "the contract").comparable(std::move(embeddings));
  const nb::gil_scoped_acquire gil;
  return to_array(std::move(made));
}

void bind_space(nb::module_& m) {
  nb::class_<EmbeddingSpace>(
      m, "EmbeddingSpace", "What made embeddings, and so what they can be compared with; stored beside them.")
      .def_prop_ro("id", &EmbeddingSpace::id, "Names the space; only embeddings of equal ids are compared.")
      .def_ro("contract", &EmbeddingSpace::contract, "The model's contract as JSON text.")
      .def_ro("precision", &EmbeddingSpace::precision, "\"f32\", \"bf16\" or \"int8\".")
      .def_ro("dimension", &EmbeddingSpace::dimension, "Values of an embedding.")
      .def_prop_ro("quality", [](const EmbeddingSpace& s) { return std::string(to_string(s.quality)); })
      .def("comparable", comparable, nb::arg("embeddings"),
           "float32 (n, d), brought to where a plain dot product of two rows is the model's similarity: the "
           "mean\n"
           "face is taken away where the model has one. Embeddings are float32 (n, d) as the model gives "
           "them.")
      .def("to_json", [](const EmbeddingSpace& s) { return to_json(s); })
      .def_static(
          "from_json",
          [](const std::string& text, std::size_t dimension) {
            EmbeddingSpace space = space_from_json(text, "the JSON text");
            space.dimension = dimension;
            return space;
          },
          nb::arg("text"), nb::arg("dimension"))
      .def("__reduce__",
           [](const EmbeddingSpace& s) {
             return nb::make_tuple(nb::module_::import_("likeness._pickling").attr("space"),
                                   nb::make_tuple(to_json(s), s.dimension));
           })
      .def(
          "__eq__",
          [](const EmbeddingSpace& a, const EmbeddingSpace& b) {
            return a.id() == b.id() && a.precision == b.precision && a.dimension == b.dimension;
          },
          nb::is_operator())
      .def("__hash__", [](const EmbeddingSpace& s) { return nb::hash(nb::cast(s.id())); })
      .def("__repr__",
           [](const EmbeddingSpace& s) { return "EmbeddingSpace(" + s.id() + ", " + s.precision + ")"; });
}

std::optional<nb::dict> threshold_of(const Contract& contract, const std::string& precision, double rate) {
  const auto known =
      threshold_at(contract, choice(precision, precision_from, "precision", "f32, bf16, int8"), rate);
  if (!known) return std::nullopt;
  nb::dict result;
  result["cosine"] = known->cosine;
  result["false_match_rate"] = known->false_match_rate;
  result["origin"] = known->origin;
  return result;
}

void bind_pack(nb::module_& m) {
  nb::class_<ModelPack>(m, "ModelPack",
                        "A model pack: a folder with networks and the contract that says how to use\n"
                        "them (docs/model_pack.md).")
      .def_ro("folder", &ModelPack::folder)
      .def_prop_ro("kind",
                   [](const ModelPack& p) { return p.kind == PackKind::kDetector ? "detector" : "embedder"; })
      .def_prop_ro("name", [](const ModelPack& p) { return p.contract.name; })
      .def_prop_ro("source", [](const ModelPack& p) { return p.contract.source; })
      .def_prop_ro("licence", [](const ModelPack& p) { return p.contract.licence; })
      .def_prop_ro(
          "id", [](const ModelPack& p) { return p.contract.id(); }, "Names the embedding space.")
      .def_prop_ro("dimension", [](const ModelPack& p) { return p.contract.dimension; })
      .def_prop_ro("metric", [](const ModelPack& p) { return std::string(p.contract.metric()); })
      .def_prop_ro(
          "input_size",
          [](const ModelPack& p) { return nb::make_tuple(p.contract.crop.width, p.contract.crop.height); },
          "Width and height of its chips, pixels.")
      .def_prop_ro(
          "json", [](const ModelPack& p) { return to_json(p); }, "The pack's model.json as text.")
      .def(
          "threshold",
          [](const ModelPack& p, double rate, const std::string& precision) {
            return threshold_of(p.contract, precision, rate);
          },
          nb::arg("false_match_rate") = 0.001, nb::arg("precision") = "f32",
          "Similarity from which two faces count as one person at a false match rate, as it was measured:\n"
          "{cosine, false_match_rate, origin}; None where nothing was measured.")
      .def(
          "verify", [](const ModelPack& p) { verify_pack(p); }, nb::call_guard<nb::gil_scoped_release>(),
          "Compares every file with its checksum; raises ModelInvalidError naming the first that differs.")
      .def("__repr__", [](const ModelPack& p) {
        return "ModelPack(" + p.contract.name + " in " + p.folder.string() + ")";
      });
  m.def("load_pack", load_pack, nb::arg("folder"));
  m.def("find_pack", find_pack, nb::arg("name_or_path"), nb::arg("search"));
  m.def(
      "list_packs", [](const std::vector<std::filesystem::path>& search) { return list_packs(search); },
      nb::arg("search"));
  m.def("set_openvino_module", set_openvino_module, nb::arg("file"));
}

}  // namespace

void bind_models(nb::module_& m) {
  m.attr("__version__") = LIKENESS_VERSION;
  m.attr("PEOPLE_MODEL") = kPeopleModel;
  m.attr("TUTORIAL_MODEL") = kTutorialModel;
  bind_setup(m);
  bind_space(m);
  bind_pack(m);
}

}  // namespace likeness::python
