#include "photos.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "likeness/image/read_image.h"
#include "likeness/image/write_image.h"

namespace likeness::python {
namespace {

using ByteArray = nb::ndarray<const std::uint8_t, nb::ro, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

PixelOrder order_from(const std::string& name) {
  if (name == "rgb") return PixelOrder::kRgb;
  if (name == "bgr") return PixelOrder::kBgr;
  if (name == "rgba") return PixelOrder::kRgba;
  if (name == "bgra") return PixelOrder::kBgra;
  if (name == "grey") return PixelOrder::kGrey;
  throw std::invalid_argument("order must be rgb, bgr, rgba, bgra or grey, not " + name);
}

int side(std::size_t value) {
  if (value > 1U << 30U) throw std::invalid_argument("an image side of " + std::to_string(value) + " pixels");
  return static_cast<int>(value);
}

/// A wheel brings libvips, which would open the modules of this system's own libvips, and so a second
/// libvips: it starts with an empty home instead. Its module for HEIF lies beside it, where the library finds
/// it. To be called with the GIL, before the first picture is read or written.
void start_pictures() {
  static bool started = false;
  if (started) return;
  started = true;
  const auto home = nb::module_::import_("likeness._models").attr("VIPS_HOME");
  if (home.is_none() || std::getenv("VIPSHOME") != nullptr) return;
  ::setenv("VIPSHOME", nb::cast<std::string>(home).c_str(), 1);
  (void)encode_png(Image(1, 1).view());  // the environment is read now, and never again
  ::unsetenv("VIPSHOME");
}

InputPhoto from_file(std::string id, std::filesystem::path path) {
  start_pictures();
  return {{.id = std::move(id), .content = std::move(path)}};
}

InputPhoto from_bytes(std::string id, const ByteArray& bytes, nb::object owner) {
  start_pictures();
  return {{.id = std::move(id),
           .content = std::span(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()),
           .owner = keep(std::move(owner))}};
}

InputPhoto from_pixels(std::string id, const PixelArray& array, const std::string& order, nb::object owner) {
  return {{.id = std::move(id), .content = to_view(array, order), .owner = keep(std::move(owner))}};
}

ResultArray<std::uint8_t> to_array(const Image& image) {
  return python::to_array(
      image.pixels(), {static_cast<std::size_t>(image.height()), static_cast<std::size_t>(image.width()), 3});
}

ResultArray<std::uint8_t> read(const InputPhoto& input, int shrink) {
  Image image;
  {
    const nb::gil_scoped_release release;
    const Photo& photo = input.photo;
    const ReadOptions options{.shrink = shrink};
    if (const auto* path = std::get_if<std::filesystem::path>(&photo.content)) {
      image = read_image(*path, options);
    } else if (const auto* bytes = std::get_if<std::span<const std::byte>>(&photo.content)) {
      image = decode_image(*bytes, photo.id, options);
    } else {
      image = to_image(std::get<PixelView>(photo.content));
    }
  }
  return to_array(image);
}

}  // namespace

std::uintptr_t InputPhoto::address() const {
  if (const auto* bytes = std::get_if<std::span<const std::byte>>(&photo.content)) {
    return reinterpret_cast<std::uintptr_t>(bytes->data());
  }
  const auto* pixels = std::get_if<PixelView>(&photo.content);
  return pixels == nullptr ? 0 : reinterpret_cast<std::uintptr_t>(pixels->data);
}

PixelView to_view(const PixelArray& array, const std::string& order_name) {
  const PixelOrder order = order_from(order_name);
  const bool grey = order == PixelOrder::kGrey;
  if (array.ndim() != 3 && !(grey && array.ndim() == 2)) {
    throw std::invalid_argument("an image has 3 dimensions (grey: 2), not " + std::to_string(array.ndim()));
  }
  const std::size_t bands = array.ndim() == 2 ? 1 : array.shape(2);
  if (bands != static_cast<std::size_t>(channels(order))) {
    throw std::invalid_argument(order_name + " has " + std::to_string(channels(order)) + " channels, not " +
                                std::to_string(bands));
  }
  if (bands > 1 && array.shape(0) != 0 && array.shape(1) != 0 && array.stride(2) != 1) {
    throw std::invalid_argument("the channels of a pixel must lie side by side");
  }
  const PixelView view(array.data(), side(array.shape(1)), side(array.shape(0)), array.stride(0),
                       array.stride(1), order);
  check(view);
  return view;
}

PhotoSource to_source(nb::iterator photos, std::optional<std::size_t> size, Stop stop) {
  return PhotoSource(
      [kept = keep(std::move(photos)), stop = std::move(stop)]() -> std::optional<Photo> {
        check(stop);
        const nb::gil_scoped_acquire gil;
        const nb::object item = nb::steal(PyIter_Next(kept->ptr()));
        if (item.is_valid()) return nb::cast<const InputPhoto&>(item).photo;
        if (PyErr_Occurred() != nullptr) throw nb::python_error();
        return std::nullopt;
      },
      size);
}

void bind_photos(nb::module_& m) {
  nb::class_<InputPhoto>(m, "Photo", "A photo on its way in: where it lies, its file's bytes, or its pixels.")
      .def_static("of_file", from_file, nb::arg("id"), nb::arg("path"))
      .def_static("of_bytes", from_bytes, nb::arg("id"), nb::arg("bytes").noconvert(), nb::arg("owner"))
      .def_static("of_pixels", from_pixels, nb::arg("id"), nb::arg("pixels").noconvert(), nb::arg("order"),
                  nb::arg("owner"))
      .def_prop_ro(
          "id", [](const InputPhoto& p) { return p.photo.id; }, "Names it in results and errors.")
      .def_prop_ro("address", &InputPhoto::address,
                   "Where its pixels or bytes begin in memory; 0 of a file.");
  m.def(
      "photos_in",
      [](const std::filesystem::path& folder) {
        std::vector<std::string> files;
        PhotoSource source = photos_in(folder);
        while (auto photo = source.next()) files.push_back(std::move(photo->id));
        return files;
      },
      nb::arg("folder"), nb::call_guard<nb::gil_scoped_release>());
  m.def("read_image", read, nb::arg("photo"), nb::arg("shrink") = 1);
  m.def(
      "encode_png",
      [](const PixelArray& image) {
        start_pictures();
        const auto bytes = encode_png(to_image(to_view(image, "rgb")).view());
        return nb::bytes(bytes.data(), bytes.size());
      },
      nb::arg("image").noconvert());
}

}  // namespace likeness::python
