#include "likeness/model/contract.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <span>

#include "likeness/core/sha256.h"
#include "likeness/model/json_fields.h"

namespace likeness {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kLargestSide = 4096;
constexpr int kLargestDimension = 65536;
constexpr int kDeepestJson = 64;  // Keras files have 8

/// One line of numbers, as short as tells each float apart; a list would take a line for each of 512.
std::string numbers_text(std::span<const float> numbers) {
  std::string text;
  for (const float value : numbers) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    if (!text.empty()) text += ' ';
    text.append(digits.data(), end);
  }
  return text;
}

/// `count` numbers from -`most` to `most` of a field that numbers_text() wrote.
std::vector<float> numbers_from(const JsonFields& fields, const char* name, int count, float most) {
  const std::string text = fields.text(name);
  const auto wrong = [&] {
    const std::string bound = std::to_string(static_cast<int>(most));
    fields.wrong(
        name, std::to_string(count) + " numbers from -" + bound + " to " + bound + ", one space between two");
  };
  std::vector<float> numbers;
  const char* at = text.data();
  const char* end = at + text.size();
  while (static_cast<int>(numbers.size()) < count) {
    float value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !(std::abs(value) <= most)) wrong();
    numbers.push_back(value);
    at = next;
    if (static_cast<int>(numbers.size()) == count) break;
    if (at == end || *at != ' ') wrong();
    ++at;
  }
  if (at != end) wrong();
  return numbers;
}

constexpr int kPlaces = 10;  // five points

Json crop_object(const CropSpec& crop) {
  Json json{{"profile", to_string(crop.profile)},
            {"filter", to_string(crop.filter)},
            {"width", crop.width},
            {"height", crop.height},
            {"grow", shortest(crop.grow)},
            {"square", crop.square},
            {"upright", crop.upright}};
  if (crop.places) {
    std::array<float, kPlaces> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = i % 2 == 0 ? (*crop.places)[i / 2].x : (*crop.places)[i / 2].y;
    json["places"] = numbers_text(numbers);
  }
  return json;
}

CropSpec crop_from(const JsonFields& fields) {
  fields.only({"profile", "filter", "width", "height", "grow", "square", "upright", "places"});
  CropSpec crop;
  crop.profile = fields.word("profile", crop_profile_from, "tutorial, margin or aligned");
  crop.filter = fields.word("filter", filter_from, "nearest, box, bilinear, bicubic or lanczos");
  crop.width = static_cast<int>(fields.integer("width", 1, kLargestSide));
  crop.height = static_cast<int>(fields.integer("height", 1, kLargestSide));
  crop.grow = static_cast<float>(fields.number("grow"));
  if (!(crop.grow > 0 && crop.grow <= 10)) fields.wrong("grow", "above 0 and at most 10");
  crop.square = fields.boolean("square");
  crop.upright = fields.boolean("upright");
  if (fields.has("places")) {
    const auto numbers = numbers_from(fields, "places", kPlaces, kLargestSide);
    crop.places.emplace();
    for (std::size_t i = 0; i < crop.places->size(); ++i)
      (*crop.places)[i] = {numbers[2 * i], numbers[2 * i + 1]};
  }
  return crop;
}

/// The numbers of kFixed count only there.
Json input_object(const Contract& contract) {
  Json input{{"channels", to_string(contract.channels)},
             {"standardization", to_string(contract.standardization)}};
  if (contract.standardization == Standardization::kFixed) {
    input["mean"] = shortest(contract.mean);
    input["scale"] = shortest(contract.scale);
  }
  return input;
}

void read_input(const JsonFields& fields, Contract& contract) {
  fields.only({"channels", "standardization", "mean", "scale"});
  contract.channels = fields.word("channels", channels_from, "rgb or bgr");
  contract.standardization = fields.word("standardization", standardization_from, "fixed or per-image");
  if (contract.standardization != Standardization::kFixed) return;
  contract.mean = static_cast<float>(fields.number("mean"));
  contract.scale = static_cast<float>(fields.number("scale"));
  if (contract.scale == 0) fields.wrong("scale", "a number other than 0");
}

Json threshold_object(const KnownThreshold& threshold) {
  Json json{{"cosine", threshold.cosine},
            {"false_match_rate", threshold.false_match_rate},
            {"precision", threshold.precision},
            {"origin", threshold.origin}};
  if (threshold.pairs > 0) json["pairs"] = threshold.pairs;
  return json;
}

/// What is not there is not written: packs without it keep their text and their id.
void add_compact(const Contract& contract, Json& json) {
  if (contract.projection) {
    json["projection"] = {{"file", contract.projection->file},
                          {"sha256", contract.projection->sha256},
                          {"inputs", contract.projection->inputs}};
  }
  if (contract.values != ValueFormat::kF32) json["values"] = to_string(contract.values);
}

void read_compact(const JsonFields& fields, Contract& contract) {
  if (fields.has("projection")) {
    const JsonFields object = fields.object("projection");
    object.only({"file", "sha256", "inputs"});
    contract.projection = ProjectionFile{object.text("file"), object.text("sha256"),
                                         static_cast<int>(object.integer("inputs", 1, kLargestDimension))};
  }
  if (fields.has("values")) contract.values = fields.word("values", value_format_from, "f32 or int8");
}

KnownThreshold threshold_from(const JsonFields& fields) {
  fields.only({"cosine", "false_match_rate", "precision", "origin", "pairs"});
  KnownThreshold threshold{fields.number("cosine"), fields.number("false_match_rate"),
                           fields.text("precision"), fields.text("origin")};
  if (threshold.cosine < -1 || threshold.cosine > 1) fields.wrong("cosine", "from -1 to 1");
  if (threshold.false_match_rate < 0 || threshold.false_match_rate > 1) {
    fields.wrong("false_match_rate", "from 0 to 1");
  }
  if (!precision_from(threshold.precision)) fields.wrong("precision", "f32, bf16 or int8");
  if (fields.has("pairs")) {
    constexpr double kMostPairs = 1e15;
    const double pairs = fields.number("pairs");
    if (!(pairs >= 1 && pairs <= kMostPairs)) fields.wrong("pairs", "a number of pairs");
    threshold.pairs = static_cast<std::int64_t>(pairs);
  }
  return threshold;
}

}  // namespace

std::string_view to_string(Standardization standardization) {
  return standardization == Standardization::kFixed ? "fixed" : "per-image";
}

std::string_view to_string(ChannelOrder channels) { return channels == ChannelOrder::kRgb ? "rgb" : "bgr"; }

std::string_view to_string(ValueFormat values) { return values == ValueFormat::kInt8 ? "int8" : "f32"; }

std::optional<ValueFormat> value_format_from(std::string_view name) {
  for (const auto values : {ValueFormat::kF32, ValueFormat::kInt8}) {
    if (to_string(values) == name) return values;
  }
  return std::nullopt;
}

std::optional<Standardization> standardization_from(std::string_view name) {
  for (const auto s : {Standardization::kFixed, Standardization::kPerImage}) {
    if (to_string(s) == name) return s;
  }
  return std::nullopt;
}

std::optional<ChannelOrder> channels_from(std::string_view name) {
  for (const auto order : {ChannelOrder::kRgb, ChannelOrder::kBgr}) {
    if (to_string(order) == name) return order;
  }
  return std::nullopt;
}

double shortest(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double number = 0;
  std::from_chars(text.data(), end, number);
  return number;
}

nlohmann::json parse_json(std::string_view text, const std::string& what) {
  // Values are copied and destroyed recursively, so depth is bounded before there are any.
  const auto not_too_deep = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kDeepestJson) {
      throw Error(ErrorCode::kModelInvalid,
                  what + " is nested over " + std::to_string(kDeepestJson) + " deep");
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, not_too_deep);
  } catch (const nlohmann::json::parse_error& e) {
    throw Error(ErrorCode::kModelInvalid, what + " is not JSON: mistake at byte " + std::to_string(e.byte));
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kModelInvalid, what + " is not JSON: a number is too large");
  }
}

Json contract_object(const Contract& contract) {
  Json thresholds = Json::array();
  for (const auto& threshold : contract.thresholds) thresholds.push_back(threshold_object(threshold));
  Json json{{"name", contract.name},
            {"source", contract.source},
            {"licence", contract.licence},
            {"network", contract.network},
            {"sha256", contract.sha256},
            {"input", input_object(contract)},
            {"crop", crop_object(contract.crop)},
            {"dimension", contract.dimension},
            {"unit_length", contract.unit_length},
            {"detector", contract.detector},
            {"metric", contract.metric()},
            {"thresholds", thresholds}};
  if (contract.strangers_links) json["strangers_links"] = *contract.strangers_links;
  if (contract.naming_slope) json["naming_slope"] = *contract.naming_slope;
  if (!contract.centre.empty()) json["centre"] = numbers_text(contract.centre);
  add_compact(contract, json);
  return json;
}

Contract contract_from(const JsonFields& fields) {
  fields.only({"name", "source", "licence", "network", "sha256", "input", "crop", "dimension", "unit_length",
               "detector", "metric", "centre", "thresholds", "strangers_links", "naming_slope", "projection",
               "values"});
  Contract contract;
  contract.name = fields.text("name");
  if (contract.name.empty()) fields.wrong("name", "a name");
  contract.source = fields.text("source");
  contract.licence = fields.text("licence");
  contract.network = fields.text("network");
  contract.sha256 = fields.text("sha256");
  read_input(fields.object("input"), contract);
  contract.crop = crop_from(fields.object("crop"));
  contract.dimension = static_cast<int>(fields.integer("dimension", 1, kLargestDimension));
  contract.unit_length = fields.boolean("unit_length");
  contract.detector = fields.text("detector");
  read_compact(fields, contract);
  if (fields.has("centre")) contract.centre = numbers_from(fields, "centre", contract.dimension, 1);
  if (fields.text("metric") != contract.metric()) {
    fields.wrong("metric", "\"cosine\", or \"centred cosine\" with a centre: what this version knows");
  }
  const auto& thresholds = fields.array("thresholds");
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    contract.thresholds.push_back(threshold_from(fields.item("thresholds", thresholds, i)));
  }
  if (fields.has("strangers_links")) {
    contract.strangers_links = fields.number("strangers_links");
    if (!(*contract.strangers_links > 0 && *contract.strangers_links <= 1000))
      fields.wrong("strangers_links", "a number of links a face, above 0");
  }
  if (fields.has("naming_slope")) {
    contract.naming_slope = fields.number("naming_slope");
    if (!(*contract.naming_slope > 0 && *contract.naming_slope <= kSteepestSlope))
      fields.wrong("naming_slope", "above 0 and at most " + std::to_string(static_cast<int>(kSteepestSlope)));
  }
  return contract;
}

Contract Contract::of_network() const {
  Contract plain = *this;
  plain.dimension = network_dimension();
  plain.projection.reset();
  plain.values = ValueFormat::kF32;
  plain.centre.clear();
  if (compact() || !centre.empty()) plain.thresholds.clear();
  return plain;
}

std::string Contract::id() const {
  // Fields that a profile does not read must not split one space into two.
  CropSpec used = crop;
  if (crop.profile != CropProfile::kMargin) {
    used.grow = CropSpec{}.grow;
    used.square = used.upright = false;
  }
  if (crop.profile != CropProfile::kAligned) used.places.reset();
  Json numbers{{"sha256", sha256},       {"input", input_object(*this)}, {"crop", crop_object(used)},
               {"dimension", dimension}, {"unit_length", unit_length},   {"detector", detector},
               {"metric", metric()}};
  if (!centre.empty()) numbers["centre"] = numbers_text(centre);
  if (projection) numbers["projection"] = {projection->sha256, projection->inputs};
  if (values != ValueFormat::kF32) numbers["values"] = to_string(values);
  const std::string text = numbers.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string digest = likeness::sha256(std::as_bytes(std::span(text.data(), text.size())));
  return name + "/" + std::string(to_string(crop.profile)) + "/" + digest.substr(0, 12);
}

std::string to_json(const Contract& contract) {
  return contract_object(contract).dump(2, ' ', false, Json::error_handler_t::replace);
}

Contract contract_from_json(std::string_view json, std::string_view what) {
  const nlohmann::json object = parse_json(json, std::string(what));
  return contract_from(JsonFields(object, std::string(what)));
}

}  // namespace likeness
