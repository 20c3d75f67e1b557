#include "likeness/model/keras_file.h"

#include <hdf5.h>
#include <zip.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>

#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/model/quiet_hdf5.h"

namespace likeness {
namespace {

constexpr std::size_t kMostNames = 16384;  // layers of a file, weights of a layer
constexpr std::size_t kMostText = 16UL
                                  << 20;  // bytes of one attribute; facenet_keras.h5's largest has 0.2 MB
constexpr std::size_t kLargestArray = 512UL << 20;  // bytes
constexpr std::size_t kLargestFile = 1UL << 30;     // bytes of all arrays
// A byte of deflate, the filter that Keras users have, gives 1,032 at most (zlib.net/zlib_tech.html).
constexpr std::size_t kMostFromAByte = 1032;

/// An HDF5 handle that closes itself.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): HDF5 takes bare numbers
  [[nodiscard]] bool open() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// Reads one file and names it, and the place inside, in every complaint.
class Reader {
 public:
  Reader(hid_t file, std::string name) : file_(std::move(name)), handle_(file, H5Fclose) {}
  KerasFile read();

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kModelInvalid, file_ + ": " + problem);
  }
  /// The texts of a string attribute, fixed or variable length; empty where there is none.
  std::vector<std::string> texts(hid_t object, const std::string& name, const std::string& place) const;
  /// The same where the list may be split into NAME0, NAME1, ...
  std::vector<std::string> list(hid_t object, const std::string& name, const std::string& place) const;
  /// Refuses a path with anything but plain links inside this file.
  void check_links(hid_t group, const std::string& path, const std::string& place) const;
  Tensor array(hid_t group, const std::string& path, const std::string& layer);
  std::map<std::string, Tensor> layer_weights(hid_t root, const std::string& layer);
  NumberedWeights numbered_weights(hid_t layers, const std::string& layer);
  void read_numbered(KerasFile& result);

  std::string file_;
  Handle handle_;
  std::size_t bytes_ = 0;  // of arrays so far
};

/// A file must not make us load a plugin. Not set back: another thread may be reading such a file.
void forbid_plugins() { H5PLset_loading_state(0); }

hid_t opened(hid_t id, const std::string& name) {
  if (id < 0) throw Error(ErrorCode::kModelInvalid, name + ": not an HDF5 file, or cut short");
  return id;
}

hid_t open_file(const std::filesystem::path& file) {
  forbid_plugins();
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    throw Error(ErrorCode::kModelNotFound, "no model file " + file.string());
  }
  return opened(H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), file.string());
}

hid_t open_image(std::span<const std::byte> bytes, const std::string& name) {
  forbid_plugins();
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access, 1UL << 16, /*backing_store=*/false);
  // libhdf5 copies the bytes, though its type does not say that it only reads them.
  H5Pset_file_image(access, const_cast<std::byte*>(bytes.data()), bytes.size());
  return opened(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access), name);
}

std::vector<std::string> Reader::texts(hid_t object, const std::string& name,
                                       const std::string& place) const {
  if (H5Aexists(object, name.c_str()) <= 0) return {};
  const std::string what = "the attribute " + name + " of " + place;
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  const Handle type(attribute.open() ? H5Aget_type(attribute) : -1, H5Tclose);
  const Handle space(attribute.open() ? H5Aget_space(attribute) : -1, H5Sclose);
  if (!type.open() || !space.open()) fail(what + " cannot be read");
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count == 0) return {};  // layers without weights have an empty array of another type here
  if (count < 0 || static_cast<std::size_t>(count) > kMostNames) fail(what + " has too many entries");
  if (H5Tget_class(type) != H5T_STRING) fail(what + " is not text");

  std::vector<std::string> result;
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> pointers(static_cast<std::size_t>(count), nullptr);
    const Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (H5Aread(attribute, memory, pointers.data()) < 0) fail(what + " cannot be read");
    std::size_t length = 0;
    for (const char* text : pointers) {
      result.emplace_back(text == nullptr ? "" : text);
      length += result.back().size();
    }
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data());
    if (length > kMostText) fail(what + " is too long");
    return result;
  }
  const std::size_t size = H5Tget_size(type);
  if (size == 0 || size > kMostText / static_cast<std::size_t>(count)) fail(what + " is too long");
  std::vector<char> bytes(size * static_cast<std::size_t>(count));
  if (H5Aread(attribute, type, bytes.data()) < 0) fail(what + " cannot be read");
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const char* first = bytes.data() + i * size;
    result.emplace_back(first, strnlen(first, size));
  }
  return result;
}

std::vector<std::string> Reader::list(hid_t object, const std::string& name, const std::string& place) const {
  std::vector<std::string> all = texts(object, name, place);
  if (!all.empty() || H5Aexists(object, name.c_str()) > 0) return all;
  for (int part = 0; H5Aexists(object, (name + std::to_string(part)).c_str()) > 0; ++part) {
    for (std::string& text : texts(object, name + std::to_string(part), place))
      all.push_back(std::move(text));
    if (all.size() > kMostNames) fail("the attribute " + name + " of " + place + " has too many entries");
  }
  return all;
}

void Reader::check_links(hid_t group, const std::string& path, const std::string& place) const {
  if (path.empty() || path.front() == '/') fail(place + " names its weights \"" + path + "\"");
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end == 0 ? 0 : end + 1);
    const std::string part = path.substr(0, end);
    H5L_info_t info{};
    if (H5Lexists(group, part.c_str(), H5P_DEFAULT) <= 0 ||
        H5Lget_info(group, part.c_str(), &info, H5P_DEFAULT) < 0) {
      fail(place + " has no weights \"" + path + "\"");
    }
    if (info.type != H5L_TYPE_HARD) fail(place + " has a link to elsewhere at \"" + part + "\"");
  }
}

Tensor Reader::array(hid_t group, const std::string& path, const std::string& layer) {
  const std::string what = "the weights \"" + path + "\" of the layer " + layer;
  const Handle dataset(H5Dopen2(group, path.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.open()) fail(what + " cannot be opened");
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  if (!type.open() || !space.open() || !creation.open()) fail(what + " cannot be read");
  if (H5Sget_simple_extent_type(space) == H5S_SCALAR) return {};  // a count of what was seen in training
  if (H5Tget_class(type) != H5T_FLOAT || H5Tget_size(type) > 8)
    fail(what + " are not floating-point numbers");
  if (H5Pget_external_count(creation) != 0 || H5Pget_layout(creation) == H5D_VIRTUAL) {
    fail(what + " lie in another file");
  }
  Tensor tensor;
  hsize_t sizes[H5S_MAX_RANK];
  const int rank = H5Sget_simple_extent_dims(space, sizes, nullptr);
  if (rank < 1 || rank > 4) fail(what + " have " + std::to_string(rank) + " dimensions");
  std::size_t count = 1;
  for (int i = 0; i < rank; ++i) {
    if (sizes[i] == 0 || sizes[i] > kLargestArray / sizeof(float) / count)
      fail(what + " have an impossible size");
    count *= static_cast<std::size_t>(sizes[i]);
    tensor.shape.push_back(static_cast<std::size_t>(sizes[i]));
  }
  bytes_ += count * sizeof(float);
  if (bytes_ > kLargestFile) fail("its weights are over 1 GiB");
  // The numbers must all be in the file: a huge size that a small file claims is not believed.
  const std::size_t from_a_byte = H5Pget_nfilters(creation) == 0 ? 1 : kMostFromAByte;
  if (H5Dget_storage_size(dataset) < count * H5Tget_size(type) / from_a_byte) {
    fail(what + " are not all in the file");
  }
  tensor.values.resize(count);
  if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.values.data()) < 0) {
    fail(what + " cannot be read");
  }
  return tensor;
}

/// "Bottleneck_1/kernel_2:0" to "kernel": Keras numbers repeated names.
std::string role_of(const std::string& weight) {
  std::string role = weight.substr(weight.rfind('/') + 1);
  role = role.substr(0, role.find(':'));
  const auto end = role.find_last_not_of("0123456789");
  if (end != std::string::npos && end + 1 < role.size() && role[end] == '_') role.resize(end);
  return role;
}

std::map<std::string, Tensor> Reader::layer_weights(hid_t root, const std::string& layer) {
  check_links(root, layer, "the layer " + layer);
  const Handle group(H5Gopen2(root, layer.c_str(), H5P_DEFAULT), H5Gclose);
  if (!group.open()) fail("the layer " + layer + " is not a group");
  std::map<std::string, Tensor> weights;
  for (const std::string& name : list(group, "weight_names", "the layer " + layer)) {
    check_links(group, name, "the layer " + layer);
    if (!weights.emplace(role_of(name), array(group, name, layer)).second) {
      fail("the layer " + layer + " has two weights called " + role_of(name));
    }
  }
  return weights;
}

NumberedWeights Reader::numbered_weights(hid_t layers, const std::string& layer) {
  check_links(layers, layer + "/vars", "the file");
  const Handle group(H5Gopen2(layers, (layer + "/vars").c_str(), H5P_DEFAULT), H5Gclose);
  if (!group.open()) fail("the layer " + layer + " is not a group");
  NumberedWeights result;
  const auto name = texts(group, "name", "the layer " + layer);
  if (!name.empty()) result.layer = name.front();
  for (std::string number = "0"; H5Lexists(group, number.c_str(), H5P_DEFAULT) > 0;
       number = std::to_string(result.values.size())) {
    check_links(group, number, "the layer " + layer);
    result.values.push_back(array(group, number, layer));
    if (result.values.size() > kMostNames) fail("the layer " + layer + " has too many weights");
  }
  return result;
}

/// The layout of .weights.h5: layers/CLASS_COUNT/vars/NUMBER.
void Reader::read_numbered(KerasFile& result) {
  check_links(handle_, "layers", "the file");
  const Handle layers(H5Gopen2(handle_, "layers", H5P_DEFAULT), H5Gclose);
  H5G_info_t info{};
  if (!layers.open() || H5Gget_info(layers, &info) < 0) fail("its layers are not a group");
  if (info.nlinks > kMostNames) fail("it has too many layers");
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    std::array<char, 256> name{};
    if (H5Lget_name_by_idx(layers, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(),
                           H5P_DEFAULT) < 0) {
      fail("the name of a layer cannot be read");
    }
    if (H5Lexists(layers, name.data(), H5P_DEFAULT) > 0) {
      result.numbered.emplace(name.data(), numbered_weights(layers, name.data()));
    }
  }
}

KerasFile Reader::read() {
  KerasFile result;
  const auto config = texts(handle_, "model_config", "the file");
  if (!config.empty()) result.model_config = config.front();

  if (H5Lexists(handle_, "layers", H5P_DEFAULT) > 0 && H5Aexists(handle_, "layer_names") <= 0) {
    read_numbered(result);
    return result;
  }
  const bool full = H5Lexists(handle_, "model_weights", H5P_DEFAULT) > 0;
  if (full) check_links(handle_, "model_weights", "the file");
  const Handle root(H5Gopen2(handle_, full ? "model_weights" : "/", H5P_DEFAULT), H5Gclose);
  if (!root.open()) fail("model_weights is not a group");
  result.layer_names = list(root, "layer_names", full ? "model_weights" : "the file");
  if (result.layer_names.empty()) fail("it has no layer_names, so it is not a Keras model or weights file");
  for (const std::string& layer : result.layer_names) {
    if (!result.weights.emplace(layer, layer_weights(root, layer)).second)
      fail("two layers are called " + layer);
  }
  return result;
}

bool is_zip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'};
}

bool is_zip(const std::filesystem::path& file) {
  std::array<char, 2> start{};
  std::ifstream(file, std::ios::binary).read(start.data(), start.size());
  return is_zip(std::as_bytes(std::span(start)));
}

/// A zip archive in memory. Every size is checked before memory is taken.
class Archive {
 public:
  Archive(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    zip_ = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
    if (zip_ == nullptr && source != nullptr) zip_source_free(source);
    zip_error_fini(&error);
    if (zip_ == nullptr) fail("its zip archive is damaged or cut short");
  }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  ~Archive() { zip_discard(zip_); }

  [[nodiscard]] bool has(const char* entry) const { return zip_name_locate(zip_, entry, 0) >= 0; }
  [[nodiscard]] std::vector<std::byte> read(const char* entry, std::size_t most) const {
    zip_stat_t facts;
    zip_stat_init(&facts);
    constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    if (zip_stat(zip_, entry, 0, &facts) != 0 || (facts.valid & kNeeded) != kNeeded)
      fail("it has no " + std::string(entry));
    if (facts.size > most || facts.size / kMostFromAByte > facts.comp_size)
      fail("its " + std::string(entry) + " has an impossible size");
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(zip_, entry, 0), zip_fclose);
    std::vector<std::byte> bytes(static_cast<std::size_t>(facts.size));
    std::byte beyond{};
    // The byte beyond the end is where libzip checks the sum.
    if (!file ||
        zip_fread(file.get(), bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size()) ||
        zip_fread(file.get(), &beyond, 1) != 0) {
      fail("its " + std::string(entry) + " is damaged");
    }
    return bytes;
  }
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kModelInvalid, name_ + ": " + problem);
  }

 private:
  std::string name_;
  zip_t* zip_ = nullptr;
};

/// A .keras file: config.json and model.weights.h5.
KerasFile read_archive(std::span<const std::byte> bytes, const std::string& name) {
  const Archive archive(bytes, name);
  if (!archive.has("config.json") || !archive.has("model.weights.h5")) {
    archive.fail("it is a zip archive without Keras' config.json and model.weights.h5");
  }
  const auto config = archive.read("config.json", kMostText);
  const auto weights = archive.read("model.weights.h5", kLargestFile);
  const std::string inside = name + ": model.weights.h5";
  KerasFile result = Reader(open_image(weights, inside), inside).read();
  result.model_config.assign(reinterpret_cast<const char*>(config.data()), config.size());
  return result;
}

}  // namespace

KerasFile read_keras_file(const std::filesystem::path& file) {
  const QuietHdf5 quiet;
  if (is_zip(file)) {
    return read_archive(read_file_bytes(file, kLargestFile, ErrorCode::kModelInvalid), file.string());
  }
  return Reader(open_file(file), file.string()).read();
}

KerasFile read_keras_file(std::span<const std::byte> bytes, const std::string& name) {
  const QuietHdf5 quiet;
  if (is_zip(bytes)) return read_archive(bytes, name);
  return Reader(open_image(bytes, name), name).read();
}

}  // namespace likeness
