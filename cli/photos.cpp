#include "cli/photos.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

namespace likeness::cli {

namespace fs = std::filesystem;

namespace {

void say(const std::string& line) { std::cerr << "likeness: " << line << '\n'; }

/// Each on a line of its own. Where there is `nothing` else to do, the last is an error.
void say_problems(const std::vector<std::string>& problems, bool nothing) {
  const bool fatal = nothing && !problems.empty();
  for (std::size_t i = 0; i + (fatal ? 1 : 0) < problems.size(); ++i) say(problems[i]);
  if (fatal) throw Error(ErrorCode::kInputUnreadable, problems.back());
}

}  // namespace

PhotoList list_photos(const std::vector<fs::path>& arguments) {
  PhotoList list;
  std::vector<std::string> problems;
  for (const fs::path& argument : arguments) {
    std::error_code ignored;
    if (!fs::is_directory(argument, ignored)) {  // what cannot be looked at is named by who opens it
      list.photos.push_back(argument);
      continue;
    }
    try {
      PhotoTree tree = read_photo_tree(argument);
      const std::string left_out = tree.left_out.text();
      if (!left_out.empty()) say("left out in " + argument.string() + ": " + left_out);
      for (LabelledPhoto& photo : tree.photos) list.photos.push_back(std::move(photo.file));
      problems.insert(problems.end(), tree.problems.begin(), tree.problems.end());
      if (tree.photos.empty()) problems.push_back("no photos in " + argument.string());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInputUnreadable) throw;
      problems.emplace_back(error.what());
    }
  }
  say_problems(problems, list.photos.empty());
  list.failed = problems.size();
  return list;
}

PeopleList list_people(const std::vector<fs::path>& folders, bool keep_loose) {
  PeopleList list;
  std::vector<std::string> problems;
  for (const fs::path& folder : folders) {
    try {
      const PeopleFolder people = read_people_folder(folder);
      for (const std::string& note : people.notes) say(note);
      if (!people.left_out.empty()) say("left out " + people.left_out);
      if (!people.loose.empty() && !keep_loose) {
        say("left out " + counted(people.loose.size(), "photo") + " in no person's folder, the first is " +
            people.loose.front().string());
      }
      problems.insert(problems.end(), people.problems.begin(), people.problems.end());
      const std::vector<LabelledPhoto> photos = people.all();
      list.photos.insert(list.photos.end(), photos.begin(), photos.end());
      if (keep_loose) list.loose.insert(list.loose.end(), people.loose.begin(), people.loose.end());
      if (photos.empty() && !(keep_loose && !people.loose.empty()))
        problems.push_back(folder.string() + ": no folder of a person with photos in it");
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInputUnreadable) throw;
      problems.emplace_back(error.what());
    }
  }
  say_problems(problems, list.photos.empty() && list.loose.empty());
  list.failed = problems.size();
  return list;
}

bool InputCount::count(const PhotoFaces& photo, ProgressBar& bar) {
  if (photo.error.empty()) return true;
  fail(photo.error, bar);
  return false;
}

void InputCount::fail(const std::string& error, ProgressBar& bar) {
  ++failed_;
  bar.say("likeness: " + error);
}

Exit InputCount::exit() const {
  if (failed_ == 0) return Exit::kDone;
  return failed_ == total_ ? Exit::kNoInput : Exit::kSomeInputsFailed;
}

std::string dump_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string counted(std::size_t count, const std::string& noun) {
  if (count != 1 && noun == "person") return std::to_string(count) + " people";
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace likeness::cli
