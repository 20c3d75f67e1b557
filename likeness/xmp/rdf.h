#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/xmp/xml_tree.h"

namespace likeness::xmp {

/// The rdf:Description elements of a packet. @throws Error kDataInvalid naming `file` where it is no XMP.
[[nodiscard]] std::vector<const XmlElement*> descriptions(const XmlElement& root, const std::string& file);

/// rdf:RDF of a packet; null where there is none.
[[nodiscard]] const XmlElement* rdf_of(const XmlElement& root);

/// A property of an XMP structure, in either of RDF's ways to write one: fields in the element itself
/// (rdf:parseType="Resource", or as attributes), or in an rdf:Description within it. Null where it is absent.
[[nodiscard]] const XmlElement* property(const XmlElement& structure, std::string_view name);
/// A property that is a text; empty where it is absent or no text.
[[nodiscard]] std::string text(const XmlElement& structure, std::string_view name);

/// The list within a property: its rdf:Bag, rdf:Seq or rdf:Alt; null where there is none.
[[nodiscard]] const XmlElement* list(const XmlElement& property);
/// The rdf:li elements of such a list.
[[nodiscard]] std::vector<const XmlElement*> items(const XmlElement& list);

}  // namespace likeness::xmp
