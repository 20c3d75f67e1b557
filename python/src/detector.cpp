#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/list.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <mutex>
#include <utility>

#include "common.h"
#include "likeness/align/align.h"
#include "likeness/image/read_image.h"
#include "likeness/model/model_pack.h"
#include "photos.h"

namespace likeness::python {
namespace {

/// A FaceDetector for each thread that detects at the same moment, with one set of weights.
class Detector {
 public:
  Detector(const std::filesystem::path& folder, const DetectorOptions& options)
      : options_(options), first_(folder, options) {}

  std::vector<Face> detect(const InputPhoto& input) {
    FaceDetector detector = take();
    const Photo& photo = input.photo;
    std::vector<Face> faces;
    if (const auto* pixels = std::get_if<PixelView>(&photo.content)) {
      const auto view = as_image_view(*pixels);
      faces = view ? detector.detect(*view) : detector.detect(to_image(*pixels).view());
    } else if (const auto* path = std::get_if<std::filesystem::path>(&photo.content)) {
      faces = detector.detect(read_image(*path).view());
    } else {
      faces =
          detector.detect(decode_image(std::get<std::span<const std::byte>>(photo.content), photo.id).view());
    }
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(detector));
    return faces;
  }

 private:
  FaceDetector take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return first_.with_options(options_);
    FaceDetector detector = std::move(idle_.back());
    idle_.pop_back();
    return detector;
  }

  DetectorOptions options_;
  FaceDetector first_;  // gives its weights; never detects
  std::mutex mutex_;    // guards idle_
  std::vector<FaceDetector> idle_;
};

ResultArray<std::uint8_t> cut(const PixelArray& image, const std::string& order, const Face& face,
                              const ModelPack& pack) {
  const PixelView pixels = to_view(image, order);
  Chip chip;
  {
    const nb::gil_scoped_release release;
    const auto view = as_image_view(pixels);
    chip = view ? cut_chip(*view, face, pack.contract.crop)
                : cut_chip(to_image(pixels).view(), face, pack.contract.crop);
  }
  const auto height = static_cast<std::size_t>(chip.height());
  const auto width = static_cast<std::size_t>(chip.width());
  return to_array(chip.pixels(), {height, width, 3});
}

}  // namespace

void bind_detector(nb::module_& m) {
  nb::class_<Detector>(m, "Detector")
      .def(nb::init<const std::filesystem::path&, const DetectorOptions&>(), nb::arg("folder"),
           nb::arg("options"))
      .def("detect", &Detector::detect, nb::arg("photo"), nb::call_guard<nb::gil_scoped_release>());
  m.def("cut_chip", cut, nb::arg("image").noconvert(), nb::arg("order"), nb::arg("face"), nb::arg("pack"));
}

}  // namespace likeness::python
