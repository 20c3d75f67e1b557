#include "serve/compat/input.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "serve/refusal.h"
#include "serve/schema.h"

namespace likeness::serve {
namespace {

constexpr std::size_t kMostParts = 300;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

Refusal bad_value(std::string_view field, const std::string& what) {
  return {400, "bad_value", std::string(field) + " " + what, std::string(field)};
}

void require_size(std::string_view bytes, const std::string& field) {
  if (bytes.empty()) throw Refusal(400, "no_part", "Required part '" + field + "' is not present", field);
  if (bytes.size() > kMostPhotoBytes)
    throw Refusal(413, "too_large",
                  field + " has " + std::to_string(bytes.size()) + " bytes; at most " +
                      std::to_string(kMostPhotoBytes) + " are read",
                  field);
}

/// A JSON value as the text that a form would have of it.
std::optional<std::string> text_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

}  // namespace

std::string photo_from_base64(const std::string& text, const std::string& field) {
  auto bytes = from_base64(text);
  if (!bytes) throw bad_value(field, "is no base64");
  require_size(*bytes, field);
  return *std::move(bytes);
}

Input::Input(const Request& request) : request_(request) { read_body(); }

void Input::read_body() {
  if (request_.body.empty()) return;  // some clients say application/json of no body
  const std::string type(find_field(request_.headers, "content-type").value_or(""));
  const std::string plain = lower(type).substr(0, type.find(';'));
  try {
    if (plain.rfind("multipart/", 0) == 0) {
      const auto boundary = form_boundary(type);
      if (!boundary) throw std::invalid_argument("Content-Type names no boundary");
      parts_ = read_form(request_.body, *boundary, kMostParts);
    } else if (plain == "application/x-www-form-urlencoded") {
      const auto fields = parse_target("/?" + request_.body);
      if (!fields) throw std::invalid_argument("the body's escapes are damaged");
      encoded_ = fields->query;
    } else {
      json_ = parse_json(request_.body);
    }
  } catch (const std::invalid_argument& error) {
    throw Refusal(400, "bad_body", error.what());
  }
}

std::optional<std::string> Input::text(std::string_view name) const {
  std::optional<std::string> found;
  if (const auto query = find_field(request_.query, name)) found = std::string(*query);
  if (!found) {
    if (const auto field = find_field(encoded_, name)) found = std::string(*field);
  }
  for (const Part& part : parts_) {
    if (found) break;
    if (part.name == name) found = std::string(part.content);
  }
  if (!found && json_.is_object()) {
    const auto member = json_.find(std::string(name));
    if (member != json_.end()) found = text_of(*member);
  }
  if (found && found->empty()) return std::nullopt;
  return found;
}

std::optional<double> Input::number(std::string_view name, double low, double high) const {
  const auto given = text(name);
  if (!given) return std::nullopt;
  double value = 0;
  const char* end = given->data() + given->size();
  const auto [read, error] = std::from_chars(given->data(), end, value);
  if (error != std::errc() || read != end || !(value >= low && value <= high))
    throw bad_value(name, "is to be a number from " + std::to_string(low).substr(0, 4) + " to " +
                              std::to_string(high).substr(0, 4));
  return value;
}

std::size_t Input::whole(std::string_view name, std::size_t otherwise, std::size_t most) const {
  const auto given = text(name);
  if (!given) return otherwise;
  std::size_t value = 0;
  const char* end = given->data() + given->size();
  const auto [read, error] = std::from_chars(given->data(), end, value);
  if (error != std::errc() || read != end || value > most)
    throw bad_value(name, "is to be a whole number from 0 to " + std::to_string(most));
  return value;
}

bool Input::flag(std::string_view name, bool otherwise) const {
  const auto given = text(name);
  if (!given) return otherwise;
  const std::string word = lower(*given);
  return word == "true" || word == "1" || word == "yes";
}

Upload Input::photo(const std::string& name) const {
  for (const Part& part : parts_) {
    if (part.name != name) continue;
    require_size(part.content, name);
    return {.field = name, .name = part.file_name, .bytes = part.content};
  }
  const auto member = json_.is_object() ? json_.find(name) : json_.end();
  if (!json_.is_object() || member == json_.end() || !member->is_string())
    throw Refusal(400, "no_part", "Required part '" + name + "' is not present", name);
  decoded_.push_back(
      std::make_shared<std::string>(photo_from_base64(member->get_ref<const std::string&>(), name)));
  return {.field = name, .bytes = *decoded_.back()};
}

std::vector<Upload> Input::photos() const {
  const bool named =
      std::any_of(parts_.begin(), parts_.end(), [](const Part& p) { return !p.file_name.empty(); });
  std::vector<Upload> all;
  for (const Part& part : parts_) {
    // A JPEG, PNG or other picture has bytes of 0x80 and more, or control characters, within its first 16.
    const std::string_view head = part.content.substr(0, 16);
    const bool binary = std::any_of(head.begin(), head.end(), [](char c) {
      return static_cast<unsigned char>(c) >= 0x80 || (static_cast<unsigned char>(c) < 32 && c != '\n');
    });
    if (named ? part.file_name.empty() : !binary) continue;
    require_size(part.content, part.name);
    all.push_back({.field = part.name, .name = part.file_name, .bytes = part.content});
  }
  return all;
}

}  // namespace likeness::serve
