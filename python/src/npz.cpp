#include "likeness/npz/npz.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "common.h"

namespace likeness::python {
namespace {

template <typename T>
nb::object numbers(NpzFile& file, const std::string& name) {
  Array<T> array;
  {
    const nb::gil_scoped_release release;
    array = file.get<T>(name);
  }
  auto kept = std::make_unique<std::vector<T>>(std::move(array.values));
  T* data = kept->data();
  const nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  kept.release();  // NOLINT(bugprone-unused-return-value): the capsule has it
  return nb::cast(nb::ndarray<nb::numpy, T>(data, array.shape.size(), array.shape.data(), owner));
}

nb::object texts(NpzFile& file, const std::string& name) {
  const Array<std::string> array = file.get<std::string>(name);
  const nb::object numpy = nb::module_::import_("numpy");
  return numpy.attr("array")(nb::cast(array.values), nb::arg("dtype") = "U")
      .attr("reshape")(nb::cast(array.shape));
}

nb::object read(NpzFile& file, const std::string& name) {
  const std::string dtype = file.info(name).dtype;
  const std::string kind = dtype.substr(1);
  if (kind == "f4") return numbers<float>(file, name);
  if (kind == "f8") return numbers<double>(file, name);
  if (kind == "u1") return numbers<std::uint8_t>(file, name);
  if (kind == "i4") return numbers<std::int32_t>(file, name);
  if (kind == "i8") return numbers<std::int64_t>(file, name);
  if (kind[0] == 'U' || kind[0] == 'S') return texts(file, name);
  if (kind[0] == 'f') {
    Array<float> array = file.floats(name);
    return nb::module_::import_("numpy")
        .attr("array")(nb::cast(array.values), "float32")
        .attr("reshape")(nb::cast(array.shape));
  }
  if (kind[0] == 'b') {
    const Array<bool> array = file.get<bool>(name);
    return nb::module_::import_("numpy")
        .attr("array")(nb::cast(array.values), "bool")
        .attr("reshape")(nb::cast(array.shape));
  }
  const Array<std::int64_t> array = file.whole_numbers(name);
  return nb::module_::import_("numpy")
      .attr("array")(nb::cast(array.values), "int64")
      .attr("reshape")(nb::cast(array.shape));
}

template <typename T>
using AnyNumbers = nb::ndarray<const T, nb::c_contig, nb::ro, nb::device::cpu>;

template <typename T>
bool take(const nb::object& value, const std::string& name, std::vector<NpzMember>& members) {
  AnyNumbers<T> array;
  if (!nb::try_cast<AnyNumbers<T>>(value, array, false)) return false;
  Array<T> made;
  for (std::size_t i = 0; i < array.ndim(); ++i) made.shape.push_back(array.shape(i));
  made.values.assign(array.data(), array.data() + array.size());
  members.push_back({name, std::move(made)});
  return true;
}

void write(const std::filesystem::path& path, const nb::dict& arrays, bool compressed) {
  std::vector<NpzMember> members;
  for (const auto& [key, item] : arrays) {
    const auto name = nb::cast<std::string>(key);
    const auto value = nb::borrow(item);
    if (nb::isinstance<nb::tuple>(value)) {  // shape and strings
      members.push_back({name, Array<std::string>{nb::cast<std::vector<std::size_t>>(value[0]),
                                                  nb::cast<std::vector<std::string>>(value[1])}});
      continue;
    }
    if (take<float>(value, name, members) || take<double>(value, name, members) ||
        take<std::uint8_t>(value, name, members) || take<std::int32_t>(value, name, members) ||
        take<std::int64_t>(value, name, members) || take<bool>(value, name, members)) {
      continue;
    }
    throw std::invalid_argument("arrays[\"" + name + "\"] is of a dtype that is not written");
  }
  const nb::gil_scoped_release release;
  write_npz(path, members, compressed);
}

}  // namespace

void bind_npz(nb::module_& m) {
  nb::class_<NpzFile>(m, "NpzFile")
      .def(nb::init<const std::filesystem::path&>(), nb::arg("path"),
           nb::call_guard<nb::gil_scoped_release>())
      .def("names", &NpzFile::names)
      .def("read", read, nb::arg("name"), nb::sig("def read(self, name: str) -> numpy.typing.NDArray[Any]"));
  m.def("write_npz", write, nb::arg("path"), nb::arg("arrays"), nb::arg("compressed"));
}

}  // namespace likeness::python
