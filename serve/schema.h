#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace likeness::serve {

/// What does not agree with a schema: where ("faces[2].name"; empty: the value itself) and why.
struct Disagreement {
  std::string field;
  std::string message;
};

/// The part of JSON Schema (2020-12) that our OpenAPI document uses: $ref within `document`, type, enum,
/// const, required, properties, additionalProperties (false, or a schema), minimum, maximum,
/// exclusiveMinimum, minLength, maxLength (in characters), minItems, maxItems, items, oneOf by the first that
/// agrees. Annotations and formats are passed over.
/// @throws std::invalid_argument for a schema that uses anything else.
[[nodiscard]] std::optional<Disagreement> disagreement(const nlohmann::json& document,
                                                       const nlohmann::json& schema,
                                                       const nlohmann::json& value);

/// A parameter's text as the type that its schema names; nothing where it is no such thing ("abc" for an
/// integer).
[[nodiscard]] std::optional<nlohmann::json> typed(const nlohmann::json& document,
                                                  const nlohmann::json& schema, const std::string& text);

/// JSON text from outside. @throws std::invalid_argument where it is none, or nested deeper than 32.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

}  // namespace likeness::serve
