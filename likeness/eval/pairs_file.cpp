#include "likeness/eval/pairs_file.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>

#include "likeness/core/error.h"
#include "likeness/core/person_name.h"
#include "likeness/core/text_file.h"
#include "likeness/dataset/photo_tree.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// Ten sets of a million pairs each are more than anybody has; keeps a damaged first line harmless.
constexpr int kMostPairs = 1'000'000;
constexpr int kMostFolds = 1'000;
constexpr int kMostPhotos = 999'999;  // of one person

bool is_number(const std::string& word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char c) { return c >= '0' && c <= '9'; });
}

bool is_path(const std::string& word) { return word.find('/') != std::string::npos || named_as_image(word); }

class Reader {
 public:
  explicit Reader(const fs::path& path) : path_(path), lines_(read_text_lines(path)) {}

  PairsFile read() {
    const std::vector<std::string> first = peek();
    const bool counted = !first.empty() && first.size() <= 2 && std::ranges::all_of(first, is_number);
    if (counted) {
      read_counted();
    } else if (first.size() < 3) {
      (void)next();
      if (first.empty()) fail("holds no pairs");
      (void)number(first.front(), kMostPairs);
      fail("a pair of photos was expected here: " + std::string(kPairs));
    } else {
      read_listed();
    }
    return std::move(file_);
  }

 private:
  static constexpr const char* kPairs = "`name n1 n2`, `name1 n1 name2 n2`, or `path path 0|1`";

  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kDataInvalid, path_.string() + ", line " + std::to_string(line_) + ": " + problem);
  }

  /// The fields of the next line, without empty ones at the end; none at the file's end.
  [[nodiscard]] std::vector<std::string> peek() const {
    if (at_ == lines_.size()) return {};
    std::vector<std::string> fields = split_fields(lines_[at_].text);
    while (!fields.empty() && fields.back().empty()) fields.pop_back();
    return fields;
  }
  std::vector<std::string> next() {
    std::vector<std::string> fields = peek();
    if (at_ < lines_.size()) line_ = lines_[at_++].number;
    return fields;
  }

  void read_counted() {
    const std::vector<std::string> head = next();
    const int folds = head.size() == 2 ? number(head[0], kMostFolds) : 1;
    const int pairs = number(head.back(), kMostPairs);
    for (int fold = 0; fold < folds; ++fold) {
      std::vector<PhotoPair>& set = file_.folds.emplace_back();
      for (int i = 0; i < pairs; ++i) set.push_back(mated(next()));
      for (int i = 0; i < pairs; ++i) set.push_back(non_mated(next()));
    }
    if (!next().empty()) fail("comes after the last pair");
  }

  void read_listed() {
    std::vector<PhotoPair>& set = file_.folds.emplace_back();
    const std::vector<std::string> head = peek();
    // A head has no numbers; a line of paths has one.
    if (std::ranges::none_of(head, is_number) && std::ranges::none_of(head, is_path)) (void)next();
    while (at_ < lines_.size()) {
      const std::vector<std::string> line = next();
      const bool number_first =
          line.size() == 3 && is_number(line[0]) && is_path(line[1]) && is_path(line[2]);
      const bool number_last = line.size() == 3 && is_path(line[0]) && is_path(line[1]);
      if (number_first || number_last) {
        set.push_back(
            paths(line[number_first ? 1 : 0], line[number_first ? 2 : 1], line[number_first ? 0 : 2]));
      } else if (line.size() == 3) {
        set.push_back(mated(line));
      } else if (line.size() == 4) {
        set.push_back(non_mated(line));
      } else {
        fail("a pair of photos was expected here: " + std::string(kPairs));
      }
      if (set.size() > static_cast<std::size_t>(kMostPairs)) fail("is one pair too many");
    }
    if (set.empty()) fail("holds no pairs below its head");
  }

  int number(const std::string& word, int most) const {
    int value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < 1 || value > most) {
      fail("\"" + word + "\" is not a number from 1 to " + std::to_string(most));
    }
    return value;
  }

  std::size_t index(const std::string& path) {
    const auto [known, added] = index_.try_emplace(path, file_.photos.size());
    if (added) file_.photos.push_back(path);
    return known->second;
  }

  std::size_t photo(const std::string& given, std::string which) {
    const std::string name = tidy_name(given);
    if (name.empty() || name.find('/') != std::string::npos || name.front() == '.' || is_number(name))
      fail("\"" + name + "\" is no person's name");
    if (named_as_image(which)) which = fs::path(which).stem().string();
    for (const std::string& own : {given, name}) {
      if (which.starts_with(own + "_")) which.erase(0, own.size() + 1);
    }
    char file[16];
    std::snprintf(file, sizeof file, "_%04d.jpg", number(which, kMostPhotos));
    return index(name + "/" + name + file);
  }

  PhotoPair mated(const std::vector<std::string>& line) {
    if (line.size() != 3) fail("a pair of one person is `name n1 n2`");
    const std::size_t first = photo(line[0], line[1]);
    return {first, photo(line[0], line[2]), true};
  }

  PhotoPair non_mated(const std::vector<std::string>& line) {
    if (line.size() != 4) fail("a pair of two people is `name1 n1 name2 n2`");
    const std::size_t first = photo(line[0], line[1]);
    return {first, photo(line[2], line[3]), false};
  }

  PhotoPair paths(const std::string& first, const std::string& second, const std::string& mated) {
    if (mated != "0" && mated != "1") fail("\"" + mated + "\" is neither 1, for one person, nor 0, for two");
    for (const std::string& path : {first, second}) {
      for (const fs::path& part : fs::path(path)) {
        if (part == "..") fail("\"" + path + "\" leads out of the photos' folder");
      }
    }
    const std::size_t a = index(first);
    return {a, index(second), mated == "1"};
  }

  fs::path path_;
  std::vector<TextLine> lines_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;
  PairsFile file_;
  std::map<std::string, std::size_t> index_;
};

/// The number behind the last "_" without its zeros in front, and what stands before it.
std::pair<std::string, std::string> split_number(const std::string& stem) {
  const std::size_t line = stem.rfind('_');
  if (line == std::string::npos || !is_number(stem.substr(line + 1))) return {stem, ""};
  const std::size_t digits = std::min(stem.find_first_not_of('0', line + 1), stem.size() - 1);
  return {stem.substr(0, line), stem.substr(digits)};
}

/// The folder as it is called on the disk, where letters are composed otherwise there.
fs::path folder_of(const fs::path& root, const fs::path& own) {
  std::error_code error;
  if (own.empty() || own.has_parent_path() || fs::is_directory(root / own, error)) return own;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    if (tidy_name(it->path().filename().string()) == tidy_name(own.string())) return it->path().filename();
  }
  return own;
}

/// The same name and number, however they are written.
std::pair<std::string, std::string> key_of(const fs::path& file) {
  auto key = split_number(file.stem().string());
  key.first = tidy_name(key.first);
  return key;
}

}  // namespace

PairsFile read_pairs_file(const fs::path& path) { return Reader(path).read(); }

PairsFile read_pairs_files(std::span<const fs::path> paths) {
  PairsFile all;
  std::map<std::string, std::size_t> index;
  for (const fs::path& path : paths) {
    const PairsFile one = read_pairs_file(path);
    if (&path == &paths.front()) all.folds.resize(one.folds.size());
    if (one.folds.size() != all.folds.size()) {
      throw Error(ErrorCode::kDataInvalid, path.string() + " holds " + std::to_string(one.folds.size()) +
                                               " sets of pairs, and " + paths.front().string() + " " +
                                               std::to_string(all.folds.size()));
    }
    std::vector<std::size_t> number;
    for (const std::string& photo : one.photos) {
      const auto [known, added] = index.try_emplace(photo, all.photos.size());
      if (added) all.photos.push_back(photo);
      number.push_back(known->second);
    }
    for (std::size_t fold = 0; fold < one.folds.size(); ++fold) {
      for (const PhotoPair& pair : one.folds[fold])
        all.folds[fold].push_back({number[pair.first], number[pair.second], pair.mated});
    }
  }
  return all;
}

void find_photos(PairsFile& pairs, const fs::path& folder) {
  std::map<fs::path, fs::path> folders;
  std::map<fs::path, std::map<std::pair<std::string, std::string>, std::string>> listings;
  for (std::string& photo : pairs.photos) {
    std::error_code error;
    if (fs::exists(folder / photo, error)) continue;
    const fs::path wanted = fs::path(photo).parent_path();
    const auto [known, unseen] = folders.try_emplace(wanted);
    if (unseen) known->second = folder_of(folder, wanted);
    const fs::path own = known->second;
    const auto [listing, is_new] = listings.try_emplace(own);
    if (is_new) {
      for (fs::directory_iterator it(folder / own, error), end; !error && it != end; it.increment(error)) {
        const fs::path file = it->path().filename();
        if (!named_as_image(file)) continue;
        // Of several endings the first by bytes, whatever order the folder has.
        const auto [entry, added] = listing->second.try_emplace(key_of(file), file.string());
        if (!added) entry->second = std::min(entry->second, file.string());
      }
    }
    const auto found = listing->second.find(key_of(photo));
    if (found != listing->second.end()) photo = (own / found->second).generic_string();
  }
}

std::string person_of(const std::string& photo) { return photo.substr(0, photo.find('/')); }

bool folders_are_people(const PairsFile& pairs) {
  return std::ranges::all_of(pairs.folds, [&](const auto& fold) {
    return std::ranges::all_of(fold, [&](const PhotoPair& pair) {
      return (person_of(pairs.photos[pair.first]) == person_of(pairs.photos[pair.second])) == pair.mated;
    });
  });
}

std::vector<std::string> read_people_file(const fs::path& path) {
  std::vector<std::string> people;
  for (const TextLine& line : read_text_lines(path)) {
    const std::vector<std::string> fields = split_fields(line.text);
    const bool separated = line.text.find_first_of("\t,") != std::string::npos;
    std::string name = fields.front();
    // The head of a table: two columns, and no number in the second.
    if (people.empty() && line.text.find(',') != std::string::npos && fields.size() > 1 &&
        !is_number(fields[1]) && (name == "name" || name == "Name" || name == "person" || name == "label")) {
      continue;
    }
    if (!separated && fields.size() > 1) {
      // Blanks are part of a name; a number behind it is not.
      name =
          is_number(fields.back()) ? line.text.substr(0, line.text.size() - fields.back().size()) : line.text;
      name.erase(name.find_last_not_of(' ') + 1);
    }
    name = tidy_name(name);
    if (!name.empty() && !std::ranges::all_of(split_fields(name), is_number))
      people.push_back(std::move(name));
  }
  if (people.empty()) throw Error(ErrorCode::kDataInvalid, path.string() + " names nobody");
  return people;
}

}  // namespace likeness
