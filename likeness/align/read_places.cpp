#include <cmath>
#include <sstream>
#include <vector>

#include "likeness/align/align.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"

namespace likeness {
namespace {

constexpr std::size_t kMostBytes = 1 << 16;
constexpr float kFarthest = 4096;  // the largest side of a chip

}  // namespace

std::array<Point, 5> read_places(const std::filesystem::path& file) {
  const auto bytes = read_file_bytes(file, kMostBytes, ErrorCode::kInputUnreadable);
  const auto wrong = [&](const std::string& what) -> Error {
    return {ErrorCode::kDataInvalid,
            file.string() + ": " + what +
                "; it must hold ten numbers, x and y of the left eye, the right eye, "
                "the nose, the left and the right mouth corner"};
  };
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bool comment = false;
  for (char& c : text) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (comment || c == ',') c = ' ';
  }
  std::istringstream in(text);
  std::vector<float> numbers;
  for (std::string word; in >> word;) {
    std::istringstream one(word);
    float value = 0;
    if (!(one >> value) || !one.eof() || !(std::abs(value) <= kFarthest))
      throw wrong("\"" + word.substr(0, 20) + "\" is no place on a chip");
    numbers.push_back(value);
  }
  std::array<Point, 5> places{};
  if (numbers.size() != 2 * places.size())
    throw wrong("it holds " + std::to_string(numbers.size()) + " numbers");
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = {numbers[2 * i], numbers[2 * i + 1]};
  bool differ = false;
  for (const Point& place : places) differ = differ || place != places[0];
  if (!differ) throw wrong("all five places are one");
  return places;
}

}  // namespace likeness
