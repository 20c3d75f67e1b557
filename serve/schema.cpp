#include "serve/schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace likeness::serve {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 32;

const Json& resolved(const Json& document, const Json& schema) {
  const Json* at = &schema;
  while (at->contains("$ref")) {
    const std::string& name = at->at("$ref").get_ref<const std::string&>();
    if (name.empty() || name[0] != '#') throw std::invalid_argument("a $ref outside the document: " + name);
    at = &document.at(Json::json_pointer(name.substr(1)));
  }
  return *at;
}

bool is_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number() && std::isfinite(value.get<double>());
  if (type == "integer") {  // 1.0 is one too
    if (value.is_number_integer()) return true;
    return value.is_number() && std::abs(value.get<double>()) < 9007199254740992.0 &&
           value.get<double>() == std::floor(value.get<double>());
  }
  throw std::invalid_argument("a schema names the type " + type);
}

std::size_t characters(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1U : 0U;
  return count;
}

std::string plain(double number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

using Found = std::optional<Disagreement>;

Found check(const Json& document, const Json& given, const Json& value, const std::string& field);

Found check_type(const Json& schema, const Json& value, const std::string& field) {
  const auto type = schema.find("type");
  if (type == schema.end()) return std::nullopt;
  std::string wanted;
  for (const Json& one : type->is_array() ? *type : Json::array({*type})) {
    const auto& name = one.get_ref<const std::string&>();
    if (is_type(value, name)) return std::nullopt;
    wanted += (wanted.empty() ? "" : " or ") + name;
  }
  const std::string given = value.is_number() ? "number" : value.type_name();
  return Disagreement{field, "is to be " + wanted + ", not " + given};
}

Found check_values(const Json& schema, const Json& value, const std::string& field) {
  if (const auto list = schema.find("enum"); list != schema.end()) {
    std::string words;
    for (const Json& one : *list) {
      if (one == value) return std::nullopt;
      words += (words.empty() ? "" : ", ") + one.dump();
    }
    return Disagreement{field, "is to be one of " + words};
  }
  if (const auto one = schema.find("const"); one != schema.end() && *one != value)
    return Disagreement{field, "is to be " + one->dump()};
  return std::nullopt;
}

Found check_number(const Json& schema, const Json& value, const std::string& field) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (const auto least = schema.find("minimum"); least != schema.end() && number < least->get<double>())
    return Disagreement{field, "is to be at least " + plain(least->get<double>())};
  if (const auto least = schema.find("exclusiveMinimum");
      least != schema.end() && number <= least->get<double>())
    return Disagreement{field, "is to be more than " + plain(least->get<double>())};
  if (const auto most = schema.find("maximum"); most != schema.end() && number > most->get<double>())
    return Disagreement{field, "is to be at most " + plain(most->get<double>())};
  return std::nullopt;
}

Found check_string(const Json& schema, const Json& value, const std::string& field) {
  if (!value.is_string()) return std::nullopt;
  const std::size_t length = characters(value.get_ref<const std::string&>());
  if (const auto least = schema.find("minLength");
      least != schema.end() && length < least->get<std::size_t>())
    return Disagreement{field, length == 0 ? "is empty" : "is too short"};
  if (const auto most = schema.find("maxLength"); most != schema.end() && length > most->get<std::size_t>())
    return Disagreement{field, "has more than " + most->dump() + " characters"};
  return std::nullopt;
}

Found check_array(const Json& document, const Json& schema, const Json& value, const std::string& field) {
  if (!value.is_array()) return std::nullopt;
  if (const auto least = schema.find("minItems");
      least != schema.end() && value.size() < least->get<std::size_t>())
    return Disagreement{
        field, "has " + std::to_string(value.size()) + " items; at least " + least->dump() + " are wanted"};
  if (const auto most = schema.find("maxItems");
      most != schema.end() && value.size() > most->get<std::size_t>())
    return Disagreement{
        field, "has " + std::to_string(value.size()) + " items; at most " + most->dump() + " are wanted"};
  const auto items = schema.find("items");
  if (items == schema.end()) return std::nullopt;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (auto found = check(document, *items, value[i], field + "[" + std::to_string(i) + "]")) return found;
  }
  return std::nullopt;
}

Found check_object(const Json& document, const Json& schema, const Json& value, const std::string& field) {
  if (!value.is_object()) return std::nullopt;
  const std::string prefix = field.empty() ? "" : field + ".";
  if (const auto required = schema.find("required"); required != schema.end()) {
    for (const Json& name : *required) {
      if (!value.contains(name.get_ref<const std::string&>()))
        return Disagreement{prefix + name.get<std::string>(), "is missing"};
    }
  }
  static const Json kNone = Json::object();
  const auto listed = schema.find("properties");
  const Json& properties = listed == schema.end() ? kNone : *listed;
  const auto others = schema.find("additionalProperties");
  for (const auto& [name, member] : value.items()) {
    const std::string at = prefix + name;
    if (const auto known = properties.find(name); known != properties.end()) {
      if (auto found = check(document, *known, member, at)) return found;
    } else if (others != schema.end() && others->is_object()) {
      if (auto found = check(document, *others, member, at)) return found;
    } else if (others != schema.end() && !others->get<bool>()) {
      return Disagreement{at, "is not known here"};
    }
  }
  return std::nullopt;
}

Found check_choice(const Json& document, const Json& schema, const Json& value, const std::string& field) {
  const auto choices = schema.find("oneOf");
  if (choices == schema.end()) return std::nullopt;
  Found last;
  for (const Json& choice : *choices) {
    last = check(document, choice, value, field);
    if (!last) return std::nullopt;
  }
  return last;
}

void require_known(const Json& schema) {
  static const std::set<std::string> kKnown{"type",
                                            "enum",
                                            "const",
                                            "required",
                                            "properties",
                                            "additionalProperties",
                                            "minimum",
                                            "maximum",
                                            "minLength",
                                            "maxLength",
                                            "minItems",
                                            "maxItems",
                                            "items",
                                            "oneOf",
                                            "description",
                                            "format",
                                            "example",
                                            "examples",
                                            "default",
                                            "title",
                                            "exclusiveMinimum",
                                            "contentMediaType",
                                            "contentEncoding"};
  for (const auto& [name, ignored] : schema.items()) {
    if (!kKnown.contains(name)) throw std::invalid_argument("a schema uses the keyword " + name);
  }
}

Found check(const Json& document, const Json& given, const Json& value, const std::string& field) {
  const Json& schema = resolved(document, given);
  require_known(schema);
  if (auto found = check_type(schema, value, field)) return found;
  if (auto found = check_values(schema, value, field)) return found;
  if (auto found = check_number(schema, value, field)) return found;
  if (auto found = check_string(schema, value, field)) return found;
  if (auto found = check_array(document, schema, value, field)) return found;
  if (auto found = check_object(document, schema, value, field)) return found;
  return check_choice(document, schema, value, field);
}

/// Whether JSON can hold it: UTF-8.
bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

template <typename Number>
std::optional<Json> number_from(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Json(number);
}

}  // namespace

std::optional<Disagreement> disagreement(const Json& document, const Json& schema, const Json& value) {
  return check(document, schema, value, "");
}

std::optional<Json> typed(const Json& document, const Json& given, const std::string& text) {
  const std::string type = resolved(document, given).at("type").get<std::string>();
  if (type == "integer") return number_from<std::int64_t>(text);
  if (type == "number") return number_from<double>(text);
  if (type == "string") return is_utf8(text) ? std::optional(Json(text)) : std::nullopt;
  if (text == "true") return Json(true);
  if (text == "false") return Json(false);
  return std::nullopt;
}

Json parse_json(std::string_view text) {
  int deepest = 0;
  try {
    // Values below kDeepest are left away while reading, so that nothing deep is ever built.
    Json value = Json::parse(text, [&](int depth, Json::parse_event_t, Json&) {
      deepest = std::max(deepest, depth);
      return depth <= kDeepest;
    });
    if (deepest > kDeepest)
      throw std::invalid_argument("the JSON is nested deeper than " + std::to_string(kDeepest));
    return value;
  } catch (const Json::parse_error& error) {
    throw std::invalid_argument("the body is no JSON: damaged at byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {
    throw std::invalid_argument("the body is no JSON: a number is too large");
  }
}

}  // namespace likeness::serve
