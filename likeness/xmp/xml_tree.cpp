#include "likeness/xmp/xml_tree.h"

#include <expat.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>

#include "likeness/core/error.h"

namespace likeness {
namespace {

constexpr std::size_t kMostBytes = std::size_t{8} << 20;
constexpr std::size_t kMostElements = 100'000;
constexpr std::size_t kDeepest = 64;

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlanks) - first + 1));
}

/// Builds the tree as expat meets it. No exception may pass through expat's C, so the one there can be is
/// kept.
class Builder {
 public:
  explicit Builder(XML_Parser parser) : parser_(parser) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(
        parser,
        [](void* user, const XML_Char* name, const XML_Char** attributes) {
          static_cast<Builder*>(user)->guarded([&](Builder& self) { self.open(name, attributes); });
        },
        [](void* user, const XML_Char*) {
          static_cast<Builder*>(user)->guarded([](Builder& self) { self.shut(); });
        });
    XML_SetCharacterDataHandler(parser, [](void* user, const XML_Char* text, int size) {
      static_cast<Builder*>(user)->guarded([&](Builder& self) {
        if (!self.path_.empty()) self.path_.back().text.append(text, static_cast<std::size_t>(size));
      });
    });
    XML_SetStartDoctypeDeclHandler(
        parser, [](void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) {
          static_cast<Builder*>(user)->refuse("has a document type, which is not read");
        });
  }

  /// What was wrong beyond XML itself; empty where nothing was.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  [[nodiscard]] XmlElement take() {
    if (failure_) std::rethrow_exception(failure_);
    return std::move(root_);
  }

 private:
  template <typename Work>
  void guarded(Work work) {
    if (failure_ || !refusal_.empty()) return;
    try {
      work(*this);
    } catch (...) {
      failure_ = std::current_exception();
      XML_StopParser(parser_, XML_FALSE);
    }
  }

  void refuse(const char* why) {
    refusal_ = why;
    XML_StopParser(parser_, XML_FALSE);
  }

  [[nodiscard]] std::size_t here() const {
    return static_cast<std::size_t>(XML_GetCurrentByteIndex(parser_));
  }
  [[nodiscard]] std::size_t length() const {
    return static_cast<std::size_t>(XML_GetCurrentByteCount(parser_));
  }

  void open(const XML_Char* name, const XML_Char** attributes) {
    if (++elements_ > kMostElements) return refuse("has more than 100,000 elements");
    if (path_.size() == kDeepest) return refuse("is nested deeper than 64 elements");
    XmlElement element;
    element.name = name;
    for (; attributes[0] != nullptr; attributes += 2)
      element.attributes.emplace_back(attributes[0], attributes[1]);
    element.begin = here();
    element.inner = element.begin + length();
    path_.push_back(std::move(element));
  }

  void shut() {
    XmlElement element = std::move(path_.back());
    path_.pop_back();
    element.text = trimmed(element.text);
    element.close = here();  // of a tag that is both, expat says its end, and no length
    element.end = element.close + length();
    if (path_.empty()) {
      root_ = std::move(element);
    } else {
      path_.back().children.push_back(std::move(element));
    }
  }

  XML_Parser parser_;
  std::vector<XmlElement> path_;
  XmlElement root_;
  std::size_t elements_ = 0;
  std::string refusal_;
  std::exception_ptr failure_;
};

}  // namespace

const XmlElement* XmlElement::child(std::string_view wanted) const {
  const auto found = std::ranges::find(children, wanted, &XmlElement::name);
  return found == children.end() ? nullptr : &*found;
}

const std::string* XmlElement::attribute(std::string_view wanted) const {
  for (const auto& [key, value] : attributes) {
    if (key == wanted) return &value;
  }
  return nullptr;
}

XmlElement read_xml(std::string_view xml, const std::string& file) {
  if (xml.size() > kMostBytes) throw Error(ErrorCode::kDataInvalid, file + ": its XML is larger than 8 MiB");
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreateNS("UTF-8", ' '),
                                                                            XML_ParserFree);
  if (parser == nullptr) throw std::bad_alloc();
  Builder builder(parser.get());
  const XML_Status status =
      XML_Parse(parser.get(), xml.data(), static_cast<int>(xml.size()), /*isFinal=*/XML_TRUE);
  XmlElement root = builder.take();
  if (!builder.refusal().empty())
    throw Error(ErrorCode::kDataInvalid, file + ": its XML " + builder.refusal());
  if (status != XML_STATUS_OK) {
    throw Error(ErrorCode::kDataInvalid, file + ": its XML is damaged in line " +
                                             std::to_string(XML_GetCurrentLineNumber(parser.get())) + ": " +
                                             XML_ErrorString(XML_GetErrorCode(parser.get())));
  }
  return root;
}

}  // namespace likeness
