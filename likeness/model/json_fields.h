#pragma once

// Inside model/ only: reads JSON objects whose every field must be there, of its type, and known.

#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "likeness/core/error.h"

namespace likeness {

/// One JSON object of the file called `what`, at `place` ("", "crop."), and typed access to its fields.
/// @throws Error kModelInvalid from every method, with the file, the place and the field.
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string what, std::string place = "")
      : object_(object), what_(std::move(what)), place_(std::move(place)) {
    if (!object_.is_object()) fail("is not a JSON object");
  }

  [[nodiscard]] bool has(const char* field) const { return object_.contains(field); }
  [[nodiscard]] const nlohmann::json& any(const char* field) const {
    const auto found = object_.find(field);
    if (found == object_.end()) fail("has no field \"" + place_ + field + "\"");
    return *found;
  }
  [[nodiscard]] JsonFields object(const char* field) const {
    return {any(field), what_, place_ + field + "."};
  }
  [[nodiscard]] const nlohmann::json& array(const char* field) const {
    const auto& value = any(field);
    if (!value.is_array()) wrong(field, "a list");
    return value;
  }
  /// Object `i` of a list that array() gave.
  [[nodiscard]] JsonFields item(const char* field, const nlohmann::json& list, std::size_t i) const {
    return {list[i], what_, place_ + field + "[" + std::to_string(i) + "]."};
  }
  [[nodiscard]] std::string text(const char* field) const {
    const auto& value = any(field);
    if (!value.is_string()) wrong(field, "a text");
    return value.get<std::string>();
  }
  [[nodiscard]] bool boolean(const char* field) const {
    const auto& value = any(field);
    if (!value.is_boolean()) wrong(field, "true or false");
    return value.get<bool>();
  }
  [[nodiscard]] double number(const char* field) const {
    const auto& value = any(field);
    if (!value.is_number() || !std::isfinite(value.get<double>())) wrong(field, "a number");
    return value.get<double>();
  }
  [[nodiscard]] long long integer(const char* field, long long low, long long high) const {
    const auto& value = any(field);
    const std::string range = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    if (!value.is_number_integer()) wrong(field, range);
    if (value.is_number_unsigned() &&
        value.get<unsigned long long>() > static_cast<unsigned long long>(high)) {
      wrong(field, range);
    }
    const auto number = value.get<long long>();
    if (number < low || number > high) wrong(field, range);
    return number;
  }
  /// One of a few words; `from` gives the optional value of a word.
  template <typename From>
  [[nodiscard]] auto word(const char* field, From from, const char* words) const {
    const auto value = from(text(field));
    if (!value) wrong(field, words);
    return *value;
  }
  /// Refuses fields beyond these.
  void only(std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : object_.items()) {
      bool found = false;
      for (const auto name : known) found = found || name == key;
      if (!found) fail("has a field \"" + place_ + key + "\" that this version does not know");
    }
  }
  [[noreturn]] void wrong(const char* field, const std::string& wanted) const {
    fail("has a field \"" + place_ + field + "\" that is not " + wanted);
  }
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kModelInvalid, what_ + " " + problem);
  }

 private:
  const nlohmann::json& object_;
  std::string what_;
  std::string place_;
};

/// Parses text as JSON. @throws Error kModelInvalid with the place of the mistake.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const std::string& what);

/// A float as the shortest decimal number that gives it back: 1.2F as 1.2, not 1.2000000476837158.
[[nodiscard]] double shortest(float value);

/// A contract as a JSON object, and back; contract.h has them as text.
struct Contract;
[[nodiscard]] nlohmann::ordered_json contract_object(const Contract& contract);
[[nodiscard]] Contract contract_from(const JsonFields& fields);

}  // namespace likeness
