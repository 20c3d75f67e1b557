#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "likeness/align/align.h"
#include "likeness/core/error.h"
#include "likeness/core/text_file.h"

namespace likeness {
namespace {

constexpr std::size_t kMostBytes = 1 << 16;
constexpr float kFarthest = 4096;  // the largest side of a chip
constexpr std::string_view kBetween = " \t\v\f,";

/// With a point, whatever the host's locale. Empty: no number, or none on a chip.
std::optional<float> number_in(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  float value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool good = error == std::errc() && end == word.data() + word.size() && std::abs(value) <= kFarthest;
  return good ? std::optional(value) : std::nullopt;
}

}  // namespace

std::array<Point, 5> read_places(const std::filesystem::path& file) {
  const auto wrong = [&](const std::string& what) -> Error {
    return {ErrorCode::kDataInvalid,
            file.string() + ": " + what +
                "; it must hold ten numbers, x and y of the left eye, the right eye, "
                "the nose, the left and the right mouth corner"};
  };
  std::vector<float> numbers;
  for (const TextLine& line : read_text_lines(file, kMostBytes)) {
    const auto text = std::string_view(line.text).substr(0, line.text.find('#'));
    for (std::size_t at = 0; (at = text.find_first_not_of(kBetween, at)) != std::string_view::npos;) {
      const std::string_view word = text.substr(at, text.find_first_of(kBetween, at) - at);
      const auto number = number_in(word);
      if (!number) throw wrong("\"" + std::string(word.substr(0, 20)) + "\" is no place on a chip");
      numbers.push_back(*number);
      at += word.size();
    }
  }
  std::array<Point, 5> places{};
  if (numbers.size() != 2 * places.size())
    throw wrong("it holds " + std::to_string(numbers.size()) + " numbers");
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = {numbers[2 * i], numbers[2 * i + 1]};
  if (std::ranges::all_of(places, [&](const Point& place) { return place == places[0]; }))
    throw wrong("all five places are one");
  return places;
}

}  // namespace likeness
