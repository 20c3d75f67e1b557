#include "serve/call.h"

#include <sodium.h>

#include <algorithm>
#include <set>

#include "serve/multipart.h"
#include "serve/refusal.h"
#include "serve/schema.h"

namespace likeness::serve {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostParts = 1000;
constexpr std::size_t kMostFieldBytes = 64U << 10;

[[noreturn]] void wrong(const Disagreement& found) {
  throw Refusal(400, "invalid", (found.field.empty() ? "the body" : found.field) + " " + found.message,
                found.field);
}

const Json& member(const Json& schema, const std::string& name) {
  static const Json kNone;
  const auto properties = schema.find("properties");
  if (properties == schema.end()) return kNone;
  const auto found = properties->find(name);
  return found == properties->end() ? kNone : *found;
}

/// The schema of one file, where a property is a file or a list of files.
const Json* file_schema(const Json& property) {
  if (property.is_null()) return nullptr;
  const Json& one =
      property.value("type", "") == "array" && property.contains("items") ? property.at("items") : property;
  const bool file = one.value("format", "") == "binary" || one.value("contentEncoding", "") == "base64";
  return file ? &one : nullptr;
}

}  // namespace

std::optional<std::string> from_base64(std::string_view text) {
  if (text.rfind("data:", 0) == 0) {
    const std::size_t comma = text.substr(0, 200).find(";base64,");
    if (comma == std::string_view::npos) return std::nullopt;
    text.remove_prefix(comma + 8);
  }
  std::string plain;
  const bool url = text.find_first_of("-_") != std::string_view::npos;
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  std::size_t length = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  const char* end = nullptr;
  const int variant =
      url ? sodium_base64_VARIANT_URLSAFE_NO_PADDING : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                        text.size(), " \r\n", &length, &end, variant) != 0 ||
      end != text.data() + text.size())
    return std::nullopt;
  bytes.resize(length);
  return bytes;
}

Call::Call(const Json& document, const Router::Match& match, Request request, std::optional<Key> key)
    : document_(document), operation_(*match.operation), request_(std::move(request)), key_(std::move(key)) {
  read_parameters(match);
  read_body();
}

void Call::read_parameters(const Router::Match& match) {
  std::set<std::string> queries;
  const auto listed = operation_.description->find("parameters");
  if (listed != operation_.description->end()) {
    for (const Json& parameter : *listed) {
      const std::string name = parameter.at("name").get<std::string>();
      const Json& schema = parameter.at("schema");
      const bool in_path = parameter.at("in") == "path";
      std::optional<std::string> text;
      if (in_path) {
        text = match.path_values.at(name).get<std::string>();
      } else {
        queries.insert(name);
        const auto given = std::count_if(request_.query.begin(), request_.query.end(),
                                         [&](const auto& q) { return q.first == name; });
        if (given > 1) throw Refusal(400, "invalid", name + " is given twice", name);
        if (given == 1) text = std::string(*find_field(request_.query, name));
      }
      if (!text) {
        if (schema.contains("default")) values_[name] = schema.at("default");
        continue;
      }
      const auto value = typed(document_, schema, *text);
      if (!value)
        throw Refusal(400, "invalid", name + " is to be " + schema.at("type").get<std::string>(), name);
      if (auto found = disagreement(document_, schema, *value)) {
        found->field = name;
        wrong(*found);
      }
      values_[name] = *value;
    }
  }
  for (const auto& [name, ignored] : request_.query) {
    if (!queries.contains(name))
      throw Refusal(400, "invalid", "there is no parameter " + name.substr(0, 60), name.substr(0, 60));
  }
}

void Call::read_body() {
  const auto described = operation_.description->find("requestBody");
  if (described == operation_.description->end()) {
    if (!request_.body.empty()) throw Refusal(400, "invalid", "this takes no body");
    return;
  }
  const Json& content = described->at("content");
  const std::string type(find_field(request_.headers, "content-type").value_or(""));
  std::string plain = type.substr(0, type.find(';'));
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  while (!plain.empty() && plain.back() == ' ') plain.pop_back();
  const auto schema = content.find(plain);
  if (schema == content.end()) {
    std::string types;
    for (const auto& [name, ignored] : content.items()) types += (types.empty() ? "" : " or ") + name;
    throw Refusal(415, "unsupported_type",
                  "the body is to be " + types + (plain.empty() ? "" : ", not " + plain.substr(0, 60)),
                  "Content-Type");
  }
  if (plain == "application/octet-stream") return;  // whoever answers reads the request's own bytes
  if (plain == "application/json") {
    read_json(schema->at("schema"));
  } else {
    const auto boundary = form_boundary(type);
    if (!boundary) throw Refusal(400, "invalid", "Content-Type names no boundary", "Content-Type");
    read_form(schema->at("schema"), *boundary);
  }
  fill_defaults(schema->at("schema"));
}

void Call::fill_defaults(const Json& schema) {
  const auto properties = schema.find("properties");
  if (properties == schema.end()) return;
  for (const auto& [name, property] : properties->items()) {
    if (property.contains("default") && !values_.contains(name)) values_[name] = property.at("default");
  }
}

void Call::read_json(const Json& schema) {
  Json body = parse_json(request_.body);
  if (const auto found = disagreement(document_, schema, body)) wrong(*found);
  take_files(schema, body);
  for (auto& [name, value] : body.items()) values_[name] = std::move(value);
}

void Call::take_files(const Json& schema, Json& fields) {
  for (auto field = fields.begin(); field != fields.end();) {
    const std::string& name = field.key();
    if (file_schema(member(schema, name)) == nullptr) {
      ++field;
      continue;
    }
    const bool list = field->is_array();
    const std::size_t count = list ? field->size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
      const Json& text = list ? (*field)[i] : *field;
      auto bytes = from_base64(text.get_ref<const std::string&>());
      const std::string which = list ? name + "[" + std::to_string(i) + "]" : name;
      if (!bytes) throw Refusal(400, "invalid", which + " is no base64", which);
      decoded_.push_back(std::move(*bytes));
      add_upload({.field = name, .bytes = decoded_.back()});
    }
    field = fields.erase(field);
  }
}

void Call::read_form(const Json& schema, const std::string& boundary) {
  Json fields = Json::object();
  for (const Part& part : serve::read_form(request_.body, boundary, kMostParts)) {
    const Json& property = member(schema, part.name);
    if (property.is_null())
      throw Refusal(400, "invalid", "there is no field " + part.name.substr(0, 60), part.name.substr(0, 60));
    if (file_schema(property) != nullptr) {
      if (property.value("type", "") == "array") {
        Json& list = fields[part.name];
        list.push_back("");
      } else if (fields.contains(part.name)) {
        throw Refusal(400, "invalid", part.name + " is given twice", part.name);
      } else {
        fields[part.name] = "";
      }
      add_upload({.field = part.name, .name = part.file_name, .bytes = part.content});
      continue;
    }
    if (fields.contains(part.name)) throw Refusal(400, "invalid", part.name + " is given twice", part.name);
    if (part.content.size() > kMostFieldBytes)
      throw Refusal(400, "invalid", part.name + " is too long", part.name);
    const auto value = typed(document_, property, std::string(part.content));
    if (!value)
      throw Refusal(400, "invalid", part.name + " is to be " + property.at("type").get<std::string>(),
                    part.name);
    fields[part.name] = *value;
  }
  if (const auto found = disagreement(document_, schema, fields)) wrong(*found);
  for (const auto& [name, value] : fields.items()) {
    if (file_schema(member(schema, name)) == nullptr) values_[name] = value;
  }
}

void Call::add_upload(Upload upload) {
  if (upload.bytes.empty()) throw Refusal(400, "invalid", upload.field + " is empty", upload.field);
  if (upload.bytes.size() > kMostPhotoBytes)
    throw Refusal(413, "too_large",
                  upload.field + " has " + std::to_string(upload.bytes.size()) + " bytes; at most " +
                      std::to_string(kMostPhotoBytes) + " are read",
                  upload.field);
  uploads_.push_back(std::move(upload));
}

const Upload& Call::upload(const std::string& field) const {
  const auto found =
      std::find_if(uploads_.begin(), uploads_.end(), [&](const Upload& u) { return u.field == field; });
  if (found == uploads_.end()) throw Refusal(400, "invalid", field + " is missing", field);
  return *found;
}

}  // namespace likeness::serve
