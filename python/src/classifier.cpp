#include "likeness/classify/classifier.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "common.h"
#include "work.h"

namespace likeness::python {
namespace {

Classifier train(const FloatRows& rows, const std::vector<std::string>& labels, const EmbeddingSpace& space,
                 double c, double tolerance, std::uint64_t seed, std::size_t most_people_for_svm) {
  const Embeddings embeddings = to_embeddings(rows, "embeddings");
  const ClassifierOptions options{
      .c = c, .tolerance = tolerance, .seed = seed, .most_people_for_svm = most_people_for_svm};
  return long_result(new_stop(), [&] { return Classifier::train(embeddings, labels, space, options); });
}

std::vector<Prediction> predict(const Classifier& classifier, const FloatRows& rows) {
  const Embeddings embeddings = to_embeddings(rows, "embeddings");
  return long_result(new_stop(), [&] {
    std::vector<Prediction> predictions;
    for (std::size_t i = 0; i < embeddings.size(); ++i)
      predictions.push_back(classifier.predict(embeddings[i]));
    return predictions;
  });
}

ResultArray<double> decision_values(const Classifier& classifier, const FloatRows& rows) {
  const Embeddings embeddings = to_embeddings(rows, "embeddings");
  std::vector<double> values;
  {
    const nb::gil_scoped_release release;
    for (std::size_t i = 0; i < embeddings.size(); ++i) {
      const auto row = classifier.decision_values(embeddings[i]);
      values.insert(values.end(), row.begin(), row.end());
    }
  }
  const std::size_t n = classifier.labels().size();
  const std::size_t pairs = classifier.has_svm() ? n * (n - 1) / 2 : 0;
  return to_array(std::move(values), {embeddings.size(), pairs});
}

}  // namespace

void bind_classifier(nb::module_& m) {
  m.def("no_space", [] { return EmbeddingSpace(); });
  nb::class_<Prediction>(m, "Prediction", "Who a face is, by a Classifier.")
      .def_ro("person", &Prediction::person, "Index into Classifier.labels.")
      .def_ro("label", &Prediction::label, "That label.")
      .def_ro("by_votes", &Prediction::by_votes,
              "The SVM's votes decided; else the nearest training face did.")
      .def_prop_ro(
          "probabilities",
          [](const Prediction& p) { return to_array(p.probabilities, {p.probabilities.size()}); },
          nb::rv_policy::reference,
          "float64 (labels,), summing to 1; (0,) where the classifier has no probabilities.")
      .def_prop_ro("probability", &Prediction::probability, "Of `label`; None without probabilities.")
      .def_ro("nearest_person", &Prediction::nearest_person, "Whose training face is nearest: an index.")
      .def_ro("nearest_cosine", &Prediction::nearest_cosine,
              "Its similarity, in [-1, 1]: low for a stranger.")
      .def("__repr__", [](const Prediction& p) { return "Prediction(" + p.label + ")"; });
  nb::class_<Classifier>(m, "Classifier")
      .def_static("train", train, nb::arg("embeddings"), nb::arg("labels"), nb::arg("space"), nb::arg("c"),
                  nb::arg("tolerance"), nb::arg("seed"), nb::arg("most_people_for_svm"))
      .def_static("read", &Classifier::read, nb::arg("path"), nb::call_guard<nb::gil_scoped_release>())
      .def("write", &Classifier::write, nb::arg("path"), nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro("labels", &Classifier::labels)
      .def_prop_ro("space", &Classifier::space)
      .def_prop_ro("dimension", &Classifier::dimension)
      .def_prop_ro("calibrated", &Classifier::calibrated)
      .def_prop_ro("has_svm", &Classifier::has_svm)
      .def_prop_ro("why_nearest", &Classifier::why_nearest)
      .def("decision_values", decision_values, nb::arg("embeddings"))
      .def("predict", predict, nb::arg("embeddings"));
}

}  // namespace likeness::python
