#include "cli/photos.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "likeness/dataset/photo_folder.h"

namespace likeness::cli {

namespace fs = std::filesystem;

PhotoList list_photos(const std::vector<fs::path>& arguments) {
  PhotoList list;
  for (const fs::path& argument : arguments) {
    if (!fs::is_directory(argument)) {
      list.photos.push_back(argument);
      continue;
    }
    const auto found = likeness::list_photos(argument);
    if (found.empty()) throw Error(ErrorCode::kInputUnreadable, "no photos in " + argument.string());
    list.photos.insert(list.photos.end(), found.begin(), found.end());
  }
  return list;
}

bool InputCount::count(const PhotoFaces& photo, ProgressBar& bar) {
  if (photo.error.empty()) return true;
  ++failed_;
  bar.say("likeness: " + photo.error);
  return false;
}

Exit InputCount::exit() const {
  if (failed_ == 0) return Exit::kDone;
  return failed_ == total_ ? Exit::kNoInput : Exit::kSomeInputsFailed;
}

std::string dump_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace likeness::cli
