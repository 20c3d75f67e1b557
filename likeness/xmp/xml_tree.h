#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace likeness {

/// An element of an XML text, and where it stands there: bytes from the text's begin.
struct XmlElement {
  std::string name;  ///< Its namespace, a blank, its local name; without a namespace the name alone.
  std::vector<std::pair<std::string, std::string>> attributes;  ///< Names alike.
  std::string text;  ///< Directly in it, without blanks at its ends.
  std::vector<XmlElement> children;
  std::size_t begin = 0;  ///< Of its first tag.
  std::size_t inner = 0;  ///< Behind its first tag.
  std::size_t close = 0;  ///< Of its last tag; `inner` where one tag is both.
  std::size_t end = 0;    ///< Behind its last tag.

  /// The first child of this name; null where there is none.
  [[nodiscard]] const XmlElement* child(std::string_view wanted) const;
  /// An attribute's value; null where there is none.
  [[nodiscard]] const std::string* attribute(std::string_view wanted) const;
};

/// The root of an XML text in UTF-8, of at most 8 MiB, 64 elements deep and 100,000 elements. A document type
/// is refused, so that no entity can be defined and expanded; nothing outside the text is read.
/// @throws Error kDataInvalid naming `file` where it is none, or beyond these.
[[nodiscard]] XmlElement read_xml(std::string_view xml, const std::string& file);

}  // namespace likeness
