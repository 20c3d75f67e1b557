#include "likeness/model/keras_config.h"

namespace likeness {
namespace {

constexpr std::size_t kLongestSide = 1024;

bool is_side(const nlohmann::json& value, std::size_t least) {
  return value.is_number_unsigned() && value.get<std::size_t>() >= least &&
         value.get<std::size_t>() <= kLongestSide;
}

std::string from_base64(const std::string& text) {
  std::string bytes;
  unsigned bits = 0;
  int have = 0;
  for (const char c : text) {
    static const std::string kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto digit = kDigits.find(c);
    if (digit == std::string::npos) continue;
    bits = bits << 6 | static_cast<unsigned>(digit);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes += static_cast<char>(bits >> have & 255U);
  }
  return bytes;
}

void collect_numbers(const nlohmann::json& value, const JsonFields& config, const char* field,
                     std::vector<double>& numbers) {
  if (value.is_array()) {
    for (const auto& part : value) collect_numbers(part, config, field, numbers);
  } else if (value.is_number() && std::isfinite(value.get<double>())) {
    numbers.push_back(value.get<double>());
  } else {
    config.wrong(field, "a number or a list of numbers");
  }
}

}  // namespace

std::array<std::size_t, 2> pair_of(const JsonFields& config, const char* field) {
  const auto& value = config.any(field);
  std::array<std::size_t, 2> result{};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& number = value.is_array() && value.size() == 2 ? value[i] : value;
    if (!is_side(number, 1)) config.wrong(field, "one or two whole numbers from 1 to 1024");
    result[i] = number.get<std::size_t>();
  }
  return result;
}

std::array<std::size_t, 4> borders_of(const JsonFields& config, const char* field) {
  const auto& value = config.any(field);
  std::array<std::size_t, 4> result{};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& side = value.is_array() && value.size() == 2 ? value[i / 2] : value;
    const auto& number = side.is_array() && side.size() == 2 ? side[i % 2] : side;
    if (!is_side(number, 0)) config.wrong(field, "whole numbers from 0 to 1024 for the four sides");
    result[i] = number.get<std::size_t>();
  }
  return result;
}

std::vector<double> numbers_of(const JsonFields& config, const char* field) {
  std::vector<double> numbers;
  collect_numbers(config.any(field), config, field, numbers);
  return numbers;
}

bool same_padding(const JsonFields& config) {
  const std::string padding = config.text("padding");
  if (padding != "same" && padding != "valid") config.wrong("padding", "same or valid");
  return padding == "same";
}

void check_channels_last(const JsonFields& config) {
  if (config.has("data_format") && config.text("data_format") != "channels_last") {
    config.wrong("data_format", "channels_last");
  }
}

void check_last_axis(const JsonFields& config, std::size_t rank) {
  const auto* axis = &config.any("axis");
  if (axis->is_array() && axis->size() == 1) axis = &axis->front();
  if (!axis->is_number_integer() || (*axis != -1 && *axis != static_cast<int>(rank))) {
    config.wrong("axis", "the last one");
  }
}

float scaling_of(const JsonFields& config) {
  const auto& function = config.any("function");
  const bool compiled = function.is_array() && !function.empty() && function[0].is_string();
  const bool known = compiled
                         ? from_base64(function[0].get<std::string>()).find("scaling") != std::string::npos
                         : function.is_string() && function == "scaling";
  const JsonFields arguments = config.object("arguments");
  arguments.only({"scale"});
  if (!known) config.fail("is a Lambda other than `scaling`, and foreign code is not run");
  return static_cast<float>(arguments.number("scale"));
}

}  // namespace likeness
