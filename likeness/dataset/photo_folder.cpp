#include "likeness/dataset/photo_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <random>
#include <set>
#include <stdexcept>
#include <string_view>

#include "likeness/core/error.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 19> kImageEndings = {
    ".jpg",  ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif", ".tif",
    ".tiff", ".gif",  ".bmp", ".ico",  ".ppm", ".pgm",  ".pnm",  ".jp2",  ".jxl"};

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::kInputUnreadable, message); }

/// Entries of a folder, by bytes of their names.
std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    entries.push_back(*it);
  if (error) fail("cannot read folder " + folder.string() + ": " + error.message());
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.path().filename().native() < b.path().filename().native();
  });
  return entries;
}

bool hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

/// PERSON/photos under `folder`, appended in order.
void scan_people(const fs::path& folder, std::vector<LabelledPhoto>& photos, PhotoFolder& result) {
  for (const fs::directory_entry& person : entries_of(folder)) {
    std::error_code ignored;
    if (!person.is_directory(ignored) || hidden(person.path())) {
      ++result.ignored;
      continue;
    }
    const std::size_t before = photos.size();
    for (const fs::directory_entry& file : entries_of(person.path())) {
      if (file.is_regular_file(ignored) && named_as_image(file.path())) {
        photos.push_back({file.path(), person.path().filename().string()});
      } else {
        ++result.ignored;
      }
    }
    if (photos.size() == before) result.notes.push_back("no photos in " + person.path().string());
  }
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

bool named_as_image(const fs::path& file) {
  if (hidden(file)) return false;
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return std::find(kImageEndings.begin(), kImageEndings.end(), ending) != kImageEndings.end();
}

PhotoFolder scan_photo_folder(const fs::path& folder, const ScanOptions& options) {
  if (!(options.val_share >= 0 && options.val_share < 1)) {
    throw std::invalid_argument("the share of photos to test with must lie between 0 and 1");
  }
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) fail("no folder " + folder.string());
  PhotoFolder result;
  const bool has_train = fs::is_directory(folder / "train", ignored);
  const bool has_val = has_train && fs::is_directory(folder / "val", ignored);
  scan_people(has_train ? folder / "train" : folder, result.train, result);
  if (has_val) scan_people(folder / "val", result.val, result);
  if (result.train.empty()) {
    fail("no photos in " + folder.string() +
         ": it needs one folder a person with photos in it, or train/ and val/ with such folders");
  }
  if (!has_val) {
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

std::vector<fs::path> list_photos(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) fail("no folder " + folder.string());
  std::vector<fs::path> photos;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored) && named_as_image(it->path())) photos.push_back(it->path());
  }
  if (error) fail("cannot read folder " + folder.string() + ": " + error.message());
  std::sort(photos.begin(), photos.end(),
            [](const auto& a, const auto& b) { return a.native() < b.native(); });
  return photos;
}

}  // namespace likeness
