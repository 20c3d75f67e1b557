#include "likeness/xmp/rdf.h"

#include "likeness/core/error.h"
#include "likeness/xmp/names.h"

namespace likeness::xmp {
namespace {

/// Where a structure's fields stand.
const XmlElement& fields(const XmlElement& structure) {
  const XmlElement* inner = structure.child(in(kRdf, "Description"));
  return inner == nullptr ? structure : *inner;
}

}  // namespace

const XmlElement* rdf_of(const XmlElement& root) {
  const std::string rdf = in(kRdf, "RDF");
  return root.name == rdf ? &root : root.child(rdf);
}

std::vector<const XmlElement*> descriptions(const XmlElement& root, const std::string& file) {
  const XmlElement* rdf = rdf_of(root);
  if (rdf == nullptr) throw Error(ErrorCode::kDataInvalid, file + ": it is XML and no XMP");
  std::vector<const XmlElement*> found;
  for (const XmlElement& element : rdf->children) {
    if (element.name == in(kRdf, "Description")) found.push_back(&element);
  }
  return found;
}

const XmlElement* property(const XmlElement& structure, std::string_view name) {
  return fields(structure).child(name);
}

std::string text(const XmlElement& structure, std::string_view name) {
  const XmlElement& within = fields(structure);
  if (const std::string* value = within.attribute(name)) return *value;
  const XmlElement* element = within.child(name);
  return element == nullptr ? "" : element->text;
}

const XmlElement* list(const XmlElement& property) {
  for (const char* kind : {"Bag", "Seq", "Alt"}) {
    if (const XmlElement* found = property.child(in(kRdf, kind))) return found;
  }
  return nullptr;
}

std::vector<const XmlElement*> items(const XmlElement& list) {
  std::vector<const XmlElement*> found;
  for (const XmlElement& element : list.children) {
    if (element.name == in(kRdf, "li")) found.push_back(&element);
  }
  return found;
}

}  // namespace likeness::xmp
