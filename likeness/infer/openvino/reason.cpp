#include "likeness/infer/openvino/reason.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace likeness {
namespace {

constexpr std::size_t kLongest = 300;
constexpr std::string_view kUnknown = "-- No conversion rule found for operations: ";

/// What stands between `before` and `after`; empty where it does not.
std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
  const auto start = text.find(before);
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start + before.size());
  return text.substr(0, std::min(text.find(after), text.size()));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// "QConv, QRelu" of "QConv-20, QRelu-20", where the numbers are opsets.
std::string without_opsets(std::string_view operators) {
  std::string names;
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const auto end = std::min(operators.find(',', i), operators.size());
    std::string_view name = operators.substr(i, end - i);
    const auto dash = name.rfind('-');
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (dash != std::string_view::npos && std::ranges::all_of(name.substr(dash + 1), is_digit))
      name = name.substr(0, dash);
    names += name;
    if (end < operators.size()) names += ',';
    i = end;
  }
  return names;
}

/// "Conv getitem", by the ONNX node where one is told, else by the layer that was made of it.
std::string operator_of(std::string_view message) {
  const std::string_view node = between(message, "<Node(", ">");
  if (const auto middle = node.find("): "); middle != std::string_view::npos)
    return std::string(node.substr(0, middle)) + " " + std::string(node.substr(middle + 3));
  const std::string_view layer = between(message, "While validating node '", " ");
  const std::string_view name = between(message, "with friendly_name '", "'");
  if (layer.empty() || name.empty()) return {};
  const auto colons = layer.rfind(':');
  return std::string(layer.substr(colons == std::string_view::npos ? 0 : colons + 1)) + " " +
         std::string(name);
}

/// Lines that say where and what for, not why.
bool is_frame(std::string_view line) {
  constexpr std::array<std::string_view, 8> kFrames{
      "Exception from ", "Check '", "While validating ",  "FrontEnd API failed", "Model wasn't fully conv",
      "Summary:",        "-- ",     "Loading input model"};
  return std::ranges::any_of(kFrames, [&](std::string_view start) { return line.starts_with(start); });
}

/// At most kLongest characters: whole sentences, else whole words.
std::string shortened(std::string text) {
  if (text.size() <= kLongest) return text;
  if (const auto end = text.rfind(". ", kLongest - 1); end != std::string::npos)
    return text.substr(0, end + 1);
  const auto end = text.rfind(' ', kLongest - 4);
  return text.substr(0, end == std::string::npos ? kLongest - 4 : end) + " ...";
}

}  // namespace

std::string reduced_reason(std::string_view message) {
  std::string reason;
  for (const std::string_view line : lines_of(message)) {
    if (line.starts_with(kUnknown)) {
      reason = "it has operators that are not known: " + without_opsets(line.substr(kUnknown.size()));
      break;
    }
    if (is_frame(line)) continue;
    if (!reason.empty()) reason += ' ';
    reason += line;
  }
  if (reason.empty()) {
    const std::string_view condition = between(message, "Check '", "' failed at");
    reason = condition.empty() || condition == "false" ? "no reason given"
                                                       : std::string(condition) + " does not hold";
  }
  if (const std::string who = operator_of(message); !who.empty()) reason = who + ": " + reason;
  std::ranges::replace_if(
      reason, [](unsigned char c) { return c < ' '; }, ' ');
  return shortened(std::move(reason));
}

}  // namespace likeness
