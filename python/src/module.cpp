#include "common.h"

NB_MODULE(_native, m) {
  using namespace likeness::python;  // NOLINT(google-build-using-namespace): the parts of this module
  m.doc() = "The engine of likeness as Python sees it; use the classes of `likeness` instead.";
  bind_errors(m);
  bind_values(m);
  bind_photos(m);
  bind_models(m);
  bind_detector(m);
  bind_embedder(m);
  bind_classifier(m);
  bind_results(m);
  bind_gallery(m);
  bind_recognizer(m);
  bind_npz(m);
  bind_eval(m);
}
