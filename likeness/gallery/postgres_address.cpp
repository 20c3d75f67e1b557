#include <libpq-fe.h>

#include <algorithm>

#include "likeness/core/error.h"
#include "likeness/gallery/postgres.h"

namespace likeness::postgres {

std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "; ";
    } else if (c != '\t' && c != '\r') {
      line += c;
    }
  }
  return line;
}

bool is_address(const std::string& uri) {
  return uri.starts_with("postgresql://") || uri.starts_with("postgres://");
}

Address address_of(const std::string& uri) {
  Address address;
  std::string gallery = "people";
  const std::size_t options = std::min(uri.find('?'), uri.size());
  address.connection = uri.substr(0, options);
  for (std::size_t at = options; at < uri.size();) {
    const std::size_t end = std::min(uri.find('&', at + 1), uri.size());
    const std::string option = uri.substr(at + 1, end - at - 1);
    if (option.starts_with("gallery=")) {
      gallery = option.substr(8);
    } else {
      address.connection += (address.connection.size() == options ? '?' : '&') + option;
    }
    at = end;
  }
  // The host and the database alone: before them may be a password.
  const std::size_t scheme = uri.find("://") + 3;
  const std::string_view place = std::string_view(uri).substr(scheme, options - scheme);
  const std::size_t at = place.rfind('@');
  address.name = "postgresql://" + std::string(at == std::string_view::npos ? place : place.substr(at + 1)) +
                 "?gallery=" + gallery;
  const bool good = !gallery.empty() && gallery.size() <= 40 && std::ranges::all_of(gallery, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!good) {
    throw Error(ErrorCode::kDataInvalid, address.name + ": a gallery's name is 1 to 40 of a-z, 0-9 and '_'");
  }
  address.schema = "likeness_" + gallery;
  char* trouble = nullptr;
  PQconninfoOption* read = PQconninfoParse(address.connection.c_str(), &trouble);
  const std::string why = trouble ? one_line(trouble) : "";
  PQfreemem(trouble);
  for (const PQconninfoOption* option = read; option && option->keyword; ++option) {
    const std::string_view value = option->val ? option->val : "";
    if (std::string_view(option->keyword) == "target_session_attrs")
      address.keeps_to_standbys = value == "standby" || value == "read-only";
  }
  PQconninfoFree(read);
  // Of the user and the password libpq may cite what it does not read.
  if (!read) {
    throw Error(ErrorCode::kDataInvalid, address.name + ": " +
                                             (why.starts_with("invalid URI query parameter")
                                                  ? why
                                                  : "no address that libpq reads; are its escapes right?"));
  }
  return address;
}

}  // namespace likeness::postgres
