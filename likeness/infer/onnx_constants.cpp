#include "likeness/infer/onnx_constants.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "likeness/core/error.h"

namespace likeness {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX stores little-endian floats");

// Field numbers of onnx.proto3 (ModelProto, GraphProto, TensorProto).
constexpr std::uint64_t kModelGraph = 7;
constexpr std::uint64_t kGraphInitializer = 5;
constexpr std::uint64_t kTensorDims = 1;
constexpr std::uint64_t kTensorType = 2;
constexpr std::uint64_t kTensorFloats = 4;
constexpr std::uint64_t kTensorName = 8;
constexpr std::uint64_t kTensorRaw = 9;
constexpr std::uint64_t kTensorLocation = 14;
constexpr std::uint64_t kTypeFloat = 1;
constexpr std::uint64_t kLocationExternal = 1;

// Far above any network that is read this way; a larger file is a mistake, not a model.
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 30;

enum class Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// One field of a protobuf message: a number, or bytes that point into the file.
struct Field {
  std::uint64_t number = 0;
  Wire wire = Wire::kVarint;
  std::uint64_t value = 0;
  std::span<const std::byte> bytes;
};

// Walks the fields of one message; every read is checked against the message's end.
class Message {
 public:
  Message(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  std::optional<Field> next() {
    if (bytes_.empty()) return std::nullopt;
    const std::uint64_t key = varint();
    Field field{.number = key >> 3, .wire = static_cast<Wire>(key & 7), .value = 0, .bytes = {}};
    switch (field.wire) {
      case Wire::kVarint:
        field.value = varint();
        break;
      case Wire::kFixed64:
        field.bytes = take(8);
        break;
      case Wire::kBytes:
        field.bytes = take(varint());
        break;
      case Wire::kFixed32:
        field.bytes = take(4);
        break;
      default:
        fail("an unknown wire type");
    }
    return field;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(take(1)[0]);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail("an overlong number");
  }

  [[nodiscard]] bool empty() const { return bytes_.empty(); }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kModelInvalid,
                file_ + ": not a whole ONNX file (" + what + "); fetch the model again");
  }

 private:
  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size()) fail("it ends too early");
    const auto taken = bytes_.first(static_cast<std::size_t>(count));
    bytes_ = bytes_.subspan(static_cast<std::size_t>(count));
    return taken;
  }

  std::span<const std::byte> bytes_;
  const std::string& file_;
};

void append_floats(std::vector<float>& values, std::span<const std::byte> bytes, const Message& message) {
  if (bytes.size() % sizeof(float) != 0) message.fail("a constant of broken floats");
  if (bytes.empty()) return;
  const std::size_t old = values.size();
  values.resize(old + bytes.size() / sizeof(float));
  std::memcpy(values.data() + old, bytes.data(), bytes.size());
}

void append_dims(std::vector<std::int64_t>& shape, const Field& field, const std::string& file) {
  if (field.wire == Wire::kVarint) {
    shape.push_back(static_cast<std::int64_t>(field.value));
    return;
  }
  for (Message packed(field.bytes, file); !packed.empty();) {
    shape.push_back(static_cast<std::int64_t>(packed.varint()));
  }
}

// Whether `count` is the product of `shape`, without overflow on the way.
bool shape_holds(const std::vector<std::int64_t>& shape, std::size_t count) {
  std::uint64_t product = 1;
  for (const std::int64_t side : shape) {
    if (side < 0 || (side != 0 && product > count / static_cast<std::uint64_t>(side))) return false;
    product *= static_cast<std::uint64_t>(side);
  }
  return product == count;
}

void read_tensor(std::span<const std::byte> bytes, const std::string& file,
                 std::map<std::string, FloatTensor>& tensors) {
  FloatTensor tensor;
  std::string name;
  std::uint64_t type = 0;
  bool external = false;
  Message message(bytes, file);
  while (const auto field = message.next()) {
    if (field->number == kTensorDims) append_dims(tensor.shape, *field, file);
    if (field->number == kTensorType) type = field->value;
    if (field->number == kTensorLocation) external = field->value == kLocationExternal;
    if (field->number == kTensorName && field->wire == Wire::kBytes) {
      name.assign(reinterpret_cast<const char*>(field->bytes.data()), field->bytes.size());
    }
    if (field->number == kTensorFloats || field->number == kTensorRaw) {
      // Of other types than float the bytes mean something else; they are dropped below.
      if (field->bytes.size() % sizeof(float) == 0) append_floats(tensor.values, field->bytes, message);
    }
  }
  if (type != kTypeFloat) return;
  if (external) message.fail("its weights lie in another file");
  if (!shape_holds(tensor.shape, tensor.values.size()))
    message.fail("a constant that does not fit its shape");
  tensors.insert_or_assign(std::move(name), std::move(tensor));
}

std::vector<std::byte> read_whole(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) throw Error(ErrorCode::kModelNotFound, "no model file " + file.string());
  if (size > kMaxFileBytes) {
    throw Error(ErrorCode::kModelInvalid,
                file.string() + ": " + std::to_string(size) + " bytes are no such model");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  std::ifstream stream(file, std::ios::binary);
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    throw Error(ErrorCode::kModelInvalid, file.string() + ": cannot be read");
  }
  return bytes;
}

std::string to_string(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t side : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(side);
  return text + "]";
}

}  // namespace

OnnxConstants::OnnxConstants(const std::filesystem::path& file)
    : OnnxConstants(read_whole(file), file.string()) {}

OnnxConstants::OnnxConstants(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
  Message model(bytes, name_);
  bool has_graph = false;
  while (const auto field = model.next()) {
    if (field->number != kModelGraph || field->wire != Wire::kBytes) continue;
    has_graph = true;
    Message graph(field->bytes, name_);
    while (const auto part = graph.next()) {
      if (part->number == kGraphInitializer && part->wire == Wire::kBytes)
        read_tensor(part->bytes, name_, tensors_);
    }
  }
  if (!has_graph) model.fail("it holds no network");
}

const std::vector<float>& OnnxConstants::get(const std::string& constant,
                                             const std::vector<std::int64_t>& shape) const {
  const auto found = tensors_.find(constant);
  if (found == tensors_.end()) {
    throw Error(ErrorCode::kModelInvalid,
                name_ + ": holds no constant \"" + constant + "\"; is it another network?");
  }
  if (found->second.shape != shape) {
    throw Error(ErrorCode::kModelInvalid, name_ + ": constant \"" + constant + "\" has shape " +
                                              to_string(found->second.shape) + ", not " + to_string(shape));
  }
  return found->second.values;
}

}  // namespace likeness
