#include "likeness/eval/pairs_file.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "likeness/core/error.h"

namespace likeness {
namespace {

/// Ten sets of a million pairs each are more than anybody has; keeps a damaged first line harmless.
constexpr int kMostPairs = 1'000'000;
constexpr int kMostFolds = 1'000;

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path), in_(path) {
    if (!in_) throw Error(ErrorCode::kInputUnreadable, "cannot read " + path.string());
  }

  PairsFile read() {
    const std::vector<std::string> head = words();
    if (head.empty() || head.size() > 2) fail("should hold the number of pairs, or of sets and pairs");
    const int folds = head.size() == 2 ? number(head[0], kMostFolds) : 1;
    const int pairs = number(head.back(), kMostPairs);
    for (int fold = 0; fold < folds; ++fold) {
      std::vector<PhotoPair>& set = file_.folds.emplace_back();
      for (int i = 0; i < pairs; ++i) set.push_back(mated());
      for (int i = 0; i < pairs; ++i) set.push_back(non_mated());
    }
    if (!words().empty()) fail("comes after the last pair");
    return std::move(file_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kDataInvalid, path_.string() + ", line " + std::to_string(line_) + ": " + problem);
  }

  /// The words of the next line; none at the file's end.
  std::vector<std::string> words() {
    std::string line;
    while (std::getline(in_, line)) {
      ++line_;
      std::istringstream text(line);
      std::vector<std::string> found;
      for (std::string word; text >> word;) found.push_back(word);
      if (!found.empty()) return found;
    }
    return {};
  }

  int number(const std::string& word, int most) const {
    int value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < 1 || value > most) {
      fail("\"" + word + "\" is not a number from 1 to " + std::to_string(most));
    }
    return value;
  }

  std::size_t photo(const std::string& name, const std::string& which) {
    if (name.find('/') != std::string::npos || name.front() == '.')
      fail("\"" + name + "\" is no person's name");
    char file[16];
    std::snprintf(file, sizeof file, "_%04d.jpg", number(which, 999'999));
    const std::string path = name + "/" + name + file;
    const auto [known, added] = index_.try_emplace(path, file_.photos.size());
    if (added) file_.photos.push_back(path);
    return known->second;
  }

  PhotoPair mated() {
    const std::vector<std::string> line = words();
    if (line.size() != 3) fail("a pair of one person is `name n1 n2`");
    const std::size_t first = photo(line[0], line[1]);
    return {first, photo(line[0], line[2]), true};
  }

  PhotoPair non_mated() {
    const std::vector<std::string> line = words();
    if (line.size() != 4) fail("a pair of two people is `name1 n1 name2 n2`");
    const std::size_t first = photo(line[0], line[1]);
    return {first, photo(line[2], line[3]), false};
  }

  std::filesystem::path path_;
  std::ifstream in_;
  int line_ = 0;
  PairsFile file_;
  std::map<std::string, std::size_t> index_;
};

}  // namespace

PairsFile read_pairs_file(const std::filesystem::path& path) { return Reader(path).read(); }

std::vector<std::string> read_people_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw Error(ErrorCode::kInputUnreadable, "cannot read " + path.string());
  std::vector<std::string> people;
  for (std::string line; std::getline(in, line);) {
    std::string name;
    std::istringstream(line) >> name;
    const bool is_number = std::ranges::all_of(name, [](unsigned char c) { return c >= '0' && c <= '9'; });
    if (!is_number) people.push_back(std::move(name));
  }
  if (people.empty()) throw Error(ErrorCode::kDataInvalid, path.string() + " names nobody");
  return people;
}

}  // namespace likeness
