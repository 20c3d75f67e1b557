#include "likeness/dataset/photo_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/core/output.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::kInputUnreadable, message); }

// Spellings of the two parts, in small letters; of several the first that is there is taken.
constexpr std::array<std::string_view, 2> kTrainNames = {"train", "training"};
constexpr std::array<std::string_view, 5> kValNames = {"val", "valid", "validation", "test", "testing"};

/// The folder in `names` that stands first in `spellings`; empty where none does.
template <std::size_t n>
std::string first_spelt(const std::vector<std::string>& names,
                        const std::array<std::string_view, n>& spellings) {
  for (const std::string_view spelling : spellings) {
    for (const std::string& name : names) {
      const bool same = std::ranges::equal(name, spelling, [](unsigned char a, unsigned char b) {
        return std::tolower(a) == std::tolower(b);
      });
      if (same) return name;
    }
  }
  return {};
}

/// Names of the folders in `folder`, by bytes, but for hidden ones.
std::vector<std::string> folders_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (it->is_directory(ignored) && !name.starts_with('.')) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

/// Adds what lies in one part: all of a folder, or its train/ or val/.
void read_part(const fs::path& folder, std::vector<LabelledPhoto>& photos, PeopleFolder& people) {
  PhotoTree tree = read_photo_tree(folder);
  const auto in_blank_folder = [&](const fs::path& photo) {  // which is named below
    return std::ranges::any_of(tree.blank_people, [&](const fs::path& person) {
      return std::mismatch(person.begin(), person.end(), photo.begin(), photo.end()).first == person.end();
    });
  };
  for (LabelledPhoto& photo : tree.photos) {
    if (!photo.label.empty()) {
      photos.push_back(std::move(photo));
    } else if (!in_blank_folder(photo.file)) {
      people.loose.push_back(std::move(photo.file));
    }
  }
  for (const std::string& person : tree.empty_people)
    people.notes.push_back("no photos in " + (folder / person).string());
  people.problems.insert(people.problems.end(), tree.problems.begin(), tree.problems.end());
  for (const fs::path& person : tree.blank_people)
    people.problems.push_back("\"" + person.string() + "\" is nobody's folder: its name is blank");
  const std::string text = tree.left_out.text();
  if (!text.empty())
    people.left_out += (people.left_out.empty() ? "" : "; ") + ("in " + folder.string() + ": " + text);
  people.ignored += tree.ignored;
}

/// Moves a seeded share of each person's photos from train to val.
void split(PhotoFolder& result, const ScanOptions& options) {
  std::mt19937_64 random(options.seed);
  std::vector<LabelledPhoto> train;
  const std::vector<LabelledPhoto> all = std::move(result.train);
  for (std::size_t first = 0, next = 0; first < all.size(); first = next) {
    while (next < all.size() && all[next].label == all[first].label) ++next;
    const std::size_t count = next - first;
    if (count == 1 && options.val_share > 0)
      result.notes.push_back(all[first].label + " has one photo: learnt from, not tested with");
    const auto wanted = static_cast<std::size_t>(std::lround(options.val_share * static_cast<double>(count)));
    const std::size_t for_val =
        count == 1 || options.val_share == 0 ? 0 : std::clamp<std::size_t>(wanted, 1, count - 1);
    // Selection sampling: each photo is taken with the chance that the rest still needs, and order is kept.
    std::size_t needed = for_val;
    for (std::size_t i = first; i < next; ++i) {
      const bool take = random() % (next - i) < needed;
      (take ? result.val : train).push_back(all[i]);
      needed -= take ? 1 : 0;
    }
  }
  result.train = std::move(train);
}

std::set<std::string> people_of(const std::vector<LabelledPhoto>& photos) {
  std::set<std::string> people;
  for (const LabelledPhoto& photo : photos) people.insert(photo.label);
  return people;
}

}  // namespace

std::vector<LabelledPhoto> PeopleFolder::all() const {
  std::vector<LabelledPhoto> photos = train;
  photos.insert(photos.end(), val.begin(), val.end());
  return photos;
}

PeopleFolder read_people_folder(const fs::path& folder) {
  const std::vector<std::string> names = folders_in(folder);
  const std::string train = first_spelt(names, kTrainNames);
  PeopleFolder people;
  if (train.empty()) {
    read_part(folder, people.train, people);
    return people;
  }
  const std::string val = first_spelt(names, kValNames);
  read_part(folder / train, people.train, people);
  people.has_val = !val.empty();
  if (people.has_val) read_part(folder / val, people.val, people);
  for (const std::string& name : names) {
    const auto mark = read_output_mark(folder / name);
    if (name == train || name == val || (mark && mark->whole)) continue;
    people.notes.push_back((folder / name).string() + " beside " + train + "/ is not read");
  }
  return people;
}

PhotoFolder scan_photo_folder(const fs::path& folder, const ScanOptions& options) {
  if (!(options.val_share >= 0 && options.val_share < 1)) {
    throw std::invalid_argument("the share of photos to test with must lie between 0 and 1");
  }
  PeopleFolder people = read_people_folder(folder);
  PhotoFolder result{std::move(people.train), std::move(people.val),      people.ignored,
                     std::move(people.notes), std::move(people.problems), std::move(people.left_out)};
  result.ignored += people.loose.size();
  if (!people.loose.empty()) {
    result.notes.push_back(
        "photos of nobody, as they lie in no person's folder: " + std::to_string(people.loose.size()) +
        ", the first is " + people.loose.front().string());
  }
  std::ranges::stable_sort(result.train, {}, &LabelledPhoto::label);
  std::ranges::stable_sort(result.val, {}, &LabelledPhoto::label);
  if (result.train.empty()) {
    fail("no photos in " + folder.string() +
         ": it needs one folder a person with photos in it, or train/ and val/ with such folders");
  }
  if (!people.has_val) {
    split(result, options);
    return result;
  }
  const std::set<std::string> known = people_of(result.train);
  for (const std::string& person : people_of(result.val)) {
    if (!known.contains(person))
      result.notes.push_back(person + " is in val/ but not in train/: always a miss");
  }
  return result;
}

void require_two_people(const PhotoFolder& photos, const fs::path& folder) {
  const std::set<std::string> people = people_of(photos.train);
  if (people.size() >= 2) return;
  fail(folder.string() + " has photos of one person only (" + (people.empty() ? "nobody" : *people.begin()) +
       "): to tell people apart it takes two");
}

std::vector<std::string> labels_of(std::span<const fs::path> photos) {
  std::map<std::string, std::size_t> stems;
  for (const fs::path& photo : photos) ++stems[photo.stem().string()];
  std::vector<std::string> labels;
  for (const fs::path& photo : photos) {
    std::string stem = photo.stem().string();
    labels.push_back(stems[stem] == 1 ? std::move(stem) : photo.generic_string());
  }
  return labels;
}

std::vector<fs::path> list_photos(const fs::path& folder) {
  std::vector<fs::path> photos;
  for (LabelledPhoto& photo : read_photo_tree(folder).photos) photos.push_back(std::move(photo.file));
  return photos;
}

}  // namespace likeness
