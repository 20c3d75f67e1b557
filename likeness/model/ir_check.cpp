#include <expat.h>

#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/model/graph_order.h"
#include "likeness/model/network_file.h"

namespace likeness {
namespace {

// Names of docs.openvino.ai's "OpenVINO IR format" and of its opset documents.
constexpr std::size_t kMostLayers = 65536;
constexpr std::size_t kMostEdges = std::size_t{1} << 20;
constexpr std::size_t kDeepest = 32;  // IR of a network without bodies has 5
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

std::optional<std::uint64_t> number_from(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Bits a value takes; 0 for types without a fixed size or unknown ones.
std::uint64_t bits_of(std::string_view type) {
  static const std::map<std::string_view, std::uint64_t> kBits{
      {"f64", 64}, {"f32", 32}, {"f16", 16},   {"bf16", 16},  {"i64", 64},   {"i32", 32}, {"i16", 16},
      {"i8", 8},   {"u64", 64}, {"u32", 32},   {"u16", 16},   {"u8", 8},     {"u4", 4},   {"i4", 4},
      {"u1", 1},   {"nf4", 4},  {"f8e4m3", 8}, {"f8e5m2", 8}, {"boolean", 8}};
  const auto found = kBits.find(type);
  return found == kBits.end() ? 0 : found->second;
}

/// Walks through the elements as expat meets them. What is wrong is kept, for no exception may pass through
/// expat's C.
class Walk {
 public:
  Walk(XML_Parser parser, std::uint64_t weights_bytes) : parser_(parser), weights_bytes_(weights_bytes) {}
  void start(std::string_view element, const XML_Char** attributes);
  void end() { path_.pop_back(); }
  void stop(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    XML_StopParser(parser_, XML_FALSE);
  }
  /// After the last element. Empty where all is well.
  [[nodiscard]] std::string problem();

 private:
  using Attributes = std::map<std::string_view, std::string_view>;
  void layer(const Attributes& attributes);
  void data(const Attributes& attributes);
  void edge(const Attributes& attributes);
  [[nodiscard]] std::string at_layer() const { return "the layer " + name_ + " "; }

  XML_Parser parser_;
  std::uint64_t weights_bytes_;
  std::vector<std::string> path_;
  std::string problem_;
  std::unordered_map<std::uint64_t, std::size_t> layers_;  // id to place
  std::vector<std::pair<std::uint64_t, std::uint64_t>> edges_;
  std::string name_;  // of the layer we are in
  bool constant_ = false;
  std::uint64_t bytes_ = 0;
};

void Walk::start(std::string_view element, const XML_Char** attributes) {
  Attributes values;
  for (; attributes[0] != nullptr; attributes += 2) values.emplace(attributes[0], attributes[1]);
  const std::string_view parent = path_.empty() ? std::string_view() : std::string_view(path_.back());
  if (path_.empty() && element != "net")
    stop("it is not OpenVINO IR: it starts with <" + std::string(element) + ">");
  if (path_.empty() && values["version"] != "10" && values["version"] != "11") {
    stop("it is IR of version \"" + std::string(values["version"]) + "\"; 10 and 11 are read");
  }
  if (path_.size() == 2 && parent == "layers" && element == "layer") layer(values);
  if (path_.size() == 2 && parent == "edges" && element == "edge") edge(values);
  if (path_.size() == 3 && parent == "layer" && element == "data" && constant_) data(values);
  const bool in_layer = path_.size() >= 3 && path_[1] == "layers";
  if (in_layer && (element == "body" || element == "then_body" || element == "else_body")) {
    stop(at_layer() + "holds a network of its own, which is not read");
  }
  if (path_.size() >= kDeepest) stop("it is nested over " + std::to_string(kDeepest) + " deep");
  path_.emplace_back(element);
}

void Walk::layer(const Attributes& attributes) {
  const auto text = [&](const char* key) {
    const auto found = attributes.find(key);
    return found == attributes.end() ? std::string_view() : found->second;
  };
  name_ = text("name");
  constant_ = text("type") == "Const";
  const auto id = number_from(text("id"));
  if (!id) return stop(at_layer() + "has no number");
  if (text("type").empty()) return stop(at_layer() + "has no type");
  if (layers_.size() >= kMostLayers) return stop("it has over " + std::to_string(kMostLayers) + " layers");
  if (!layers_.emplace(*id, layers_.size()).second) {
    stop("it has two layers with the number " + std::to_string(*id));
  }
}

void Walk::data(const Attributes& attributes) {
  const auto text = [&](const char* key) {
    const auto found = attributes.find(key);
    return found == attributes.end() ? std::string_view() : found->second;
  };
  const auto offset = number_from(text("offset"));
  const auto size = number_from(text("size"));
  if (!offset || !size) return stop(at_layer() + "does not say where its weights are");
  if (*offset > weights_bytes_ || *size > weights_bytes_ - *offset) {
    return stop(at_layer() + "has weights beyond the end of the .bin file");
  }
  bytes_ += *size;
  if (bytes_ > kMostBytes) return stop("it holds weights over 1 GiB");
  std::uint64_t count = 1;
  for (std::string_view shape = text("shape"); !shape.empty();) {
    const std::size_t comma = shape.find(',');
    std::string_view side = shape.substr(0, comma);
    shape.remove_prefix(comma == std::string_view::npos ? shape.size() : comma + 1);
    while (side.starts_with(' ')) side.remove_prefix(1);
    const auto length = number_from(side);
    if (!length || *length > kMostBytes || (*length != 0 && count > kMostBytes / *length)) {
      return stop(at_layer() + "has weights of an impossible size");
    }
    count *= *length;
  }
  const std::uint64_t bits = bits_of(text("element_type"));
  if (bits != 0 && (count * bits + 7) / 8 != *size) {
    stop(at_layer() + "has weights of " + std::to_string(*size) + " bytes instead of " +
         std::to_string((count * bits + 7) / 8));
  }
}

void Walk::edge(const Attributes& attributes) {
  const auto value = [&](const char* key) {
    const auto found = attributes.find(key);
    return found == attributes.end() ? std::nullopt : number_from(found->second);
  };
  const auto from = value("from-layer");
  const auto to = value("to-layer");
  if (!from || !to || !value("from-port") || !value("to-port"))
    return stop("it has an edge without its ends");
  if (edges_.size() >= kMostEdges) return stop("it has over " + std::to_string(kMostEdges) + " edges");
  edges_.emplace_back(*from, *to);
}

std::string Walk::problem() {
  if (!problem_.empty()) return problem_;
  if (layers_.empty()) return "it has no layers";
  std::vector<std::vector<std::size_t>> reads(layers_.size());
  for (const auto& [from, to] : edges_) {
    const auto source = layers_.find(from);
    const auto target = layers_.find(to);
    if (source == layers_.end() || target == layers_.end()) {
      return "it has an edge to a layer " + std::to_string(source == layers_.end() ? from : to) +
             ", which is missing";
    }
    reads[target->second].push_back(source->second);
  }
  if (order_of(reads).size() != reads.size()) return "it has layers that read each other in a circle";
  return "";
}

}  // namespace

void check_ir(std::string_view xml, std::uint64_t weights_bytes, const std::string& file) {
  const auto fail = [&](const std::string& problem) {
    throw Error(ErrorCode::kModelInvalid, file + ": " + problem);
  };
  // FaceNet's has 0.4 MB; the weights are in the .bin.
  constexpr std::size_t kLargest = 64UL << 20;
  if (xml.size() > kLargest) fail("it is over 64 MiB");
  if (weights_bytes > kMostBytes) fail("it has a .bin file over 1 GiB");
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(nullptr),
                                                                            XML_ParserFree);
  if (parser == nullptr) fail("it cannot be read: no memory");
  Walk walk(parser.get(), weights_bytes);
  XML_SetUserData(parser.get(), &walk);
  XML_SetElementHandler(
      parser.get(),
      [](void* user, const XML_Char* element, const XML_Char** attributes) {
        static_cast<Walk*>(user)->start(element, attributes);
      },
      [](void* user, const XML_Char*) { static_cast<Walk*>(user)->end(); });
  // No entities: nothing in IR needs them, and they can grow without end.
  XML_SetStartDoctypeDeclHandler(parser.get(),
                                 [](void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) {
                                   static_cast<Walk*>(user)->stop("it has a document type, which IR has not");
                                 });
  const XML_Status status =
      XML_Parse(parser.get(), xml.data(), static_cast<int>(xml.size()), /*isFinal=*/XML_TRUE);
  const XML_Error error = XML_GetErrorCode(parser.get());
  if (status != XML_STATUS_OK && error != XML_ERROR_ABORTED) {
    fail("it is not XML at line " + std::to_string(XML_GetCurrentLineNumber(parser.get())) + ": " +
         XML_ErrorString(error));
  }
  if (const std::string problem = walk.problem(); !problem.empty()) fail(problem);
}

}  // namespace likeness
