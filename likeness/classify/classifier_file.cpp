#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "likeness/classify/classifier.h"
#include "likeness/core/error.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "likeness people";
constexpr int kVersion = 1;

}  // namespace

/// people.npz, both ways; docs/people.md lists its fields.
struct ClassifierFile {
  const NpzFile& file;
  Classifier made;

  [[noreturn]] void fail(const std::string& field, const std::string& problem) const {
    throw Error(ErrorCode::kDataInvalid, file.file() + ": field " + field + " " + problem);
  }

  /// An array of exactly this shape, all of it finite.
  template <typename T>
  std::vector<T> array(const std::string& name, const std::vector<std::size_t>& shape) const {
    Array<T> array = file.get<T>(name);
    if (array.shape != shape) {
      std::string wanted;
      for (const std::size_t side : shape) wanted += (wanted.empty() ? "" : " x ") + std::to_string(side);
      fail(name, "is not " + wanted + " values");
    }
    for (const T value : array.values) {
      if (!std::isfinite(static_cast<double>(value))) fail(name, "holds a value that is not finite");
    }
    return std::move(array.values);
  }

  std::vector<std::int32_t> ascending(const std::string& name, std::size_t count, std::size_t below,
                                      bool strictly) const {
    std::vector<std::int32_t> values = array<std::int32_t>(name, {count});
    for (std::size_t i = 0; i < count; ++i) {
      if (values[i] < 0 || static_cast<std::size_t>(values[i]) >= below)
        fail(name, "holds a number out of range");
      if (i > 0 && (values[i] < values[i - 1] || (strictly && values[i] == values[i - 1]))) {
        fail(name, "is not in ascending order");
      }
    }
    return values;
  }

  double number(const Json& json, const char* key) const {
    if (!json.contains(key) || !json[key].is_number()) fail(std::string("model.") + key, "is no number");
    return json[key].get<double>();
  }

  void read_model() {
    const Json json = Json::parse(file.text("model"), nullptr, false);
    if (!json.is_object() || json.value("format", Json()) != kFormat)
      fail("model", "is not that of a classifier");
    if (json.value("version", Json()) != kVersion) {
      fail("model.version", "is " + json.value("version", Json()).dump() + "; this program reads version " +
                                std::to_string(kVersion));
    }
    const Json labels = json.value("labels", Json());
    if (!labels.is_array() || labels.size() < 2) fail("model.labels", "is not a list of two or more people");
    for (const Json& label : labels) {
      if (!label.is_string()) fail("model.labels", "holds something that is not text");
      if (!made.labels_.empty() && made.labels_.back() >= label.get<std::string>()) {
        fail("model.labels", "is not in ascending order");
      }
      made.labels_.push_back(label.get<std::string>());
    }
    made.options_.c = number(json, "c");
    made.options_.tolerance = number(json, "tolerance");
    const Json seed = json.value("seed", Json());
    if (!seed.is_number_unsigned()) fail("model.seed", "is no number");
    made.options_.seed = seed.get<std::uint64_t>();
    if (json.contains("contract") && !json["contract"].is_null()) {
      made.space_ = space_from_json(json["contract"].dump(), file.file() + ": field model.contract");
    }
  }

  void read_arrays() {
    Array<float> embeddings = file.get<float>("embeddings");
    if (embeddings.shape.size() != 2 || embeddings.shape[1] == 0)
      fail("embeddings", "is not rows of embeddings");
    const std::size_t rows = embeddings.shape[0];
    const std::size_t people = made.labels_.size();
    const std::size_t pairs = people * (people - 1) / 2;
    made.embeddings_.dimension = embeddings.shape[1];
    made.embeddings_.values = array<float>("embeddings", embeddings.shape);
    made.prepare_comparison(file.file() + ": field model.contract");
    made.people_ = ascending("people", rows, people, false);
    for (std::size_t person = 0; person < people; ++person) {
      if (!std::binary_search(made.people_.begin(), made.people_.end(), static_cast<std::int32_t>(person))) {
        fail("people", "holds no face of " + made.labels_[person]);
      }
    }
    if (!file.contains("support")) {  // people too many for an SVM
      for (const char* part : {"coefficients", "intercepts", "sigmoids"}) {
        if (file.contains(part)) fail("support", "is missing, though " + std::string(part) + " is there");
      }
      return;
    }
    const ArrayInfo support = file.info("support");
    if (support.shape.size() != 1) fail("support", "is not a list");
    made.support_ = ascending("support", support.shape[0], rows, true);
    made.coefficients_ = array<double>("coefficients", {people - 1, made.support_.size()});
    made.intercepts_ = array<double>("intercepts", {pairs});
    if (!file.contains("sigmoids")) return;
    const std::vector<double> sigmoids = array<double>("sigmoids", {pairs, 2});
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      made.sigmoids_.push_back({sigmoids[2 * pair], sigmoids[2 * pair + 1]});
    }
  }

  static std::vector<NpzMember> members(const Classifier& from) {
    Json json;
    json["format"] = kFormat;
    json["version"] = kVersion;
    json["labels"] = from.labels_;
    json["c"] = from.options_.c;
    json["tolerance"] = from.options_.tolerance;
    json["seed"] = from.options_.seed;
    json["contract"] = from.space_.known() ? Json::parse(to_json(from.space_)) : Json();

    const std::size_t rows = from.embeddings_.size();
    const std::size_t pairs = from.intercepts_.size();
    std::vector<NpzMember> members = {
        text_member("model", json.dump()),
        {"embeddings", Array<float>{{rows, from.dimension()}, from.embeddings_.values}},
        {"people", Array<std::int32_t>{{rows}, from.people_}}};
    if (!from.has_svm()) return members;
    members.push_back({"support", Array<std::int32_t>{{from.support_.size()}, from.support_}});
    members.push_back(
        {"coefficients", Array<double>{{from.labels_.size() - 1, from.support_.size()}, from.coefficients_}});
    members.push_back({"intercepts", Array<double>{{pairs}, from.intercepts_}});
    if (from.calibrated()) {
      Array<double> sigmoids{{pairs, 2}, {}};
      for (const Sigmoid& sigmoid : from.sigmoids_) {
        sigmoids.values.insert(sigmoids.values.end(), {sigmoid.slope, sigmoid.offset});
      }
      members.push_back({"sigmoids", std::move(sigmoids)});
    }
    return members;
  }
};

Classifier Classifier::read(const std::filesystem::path& path) {
  const NpzFile file(path);
  if (!file.contains("model")) {
    throw Error(ErrorCode::kDataInvalid, path.string() + " holds no trained classifier (no member `model`)");
  }
  ClassifierFile reader{file, Classifier()};
  reader.read_model();
  reader.read_arrays();
  return std::move(reader.made);
}

void Classifier::write(const std::filesystem::path& path) const {
  write_npz(path, ClassifierFile::members(*this));
}

}  // namespace likeness
