#include "cli/photos.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/standard_input.h"

namespace likeness::cli {

namespace fs = std::filesystem;

namespace {

void say(const std::string& line) { std::cerr << "likeness: " << line << '\n'; }

/// Each on a line of its own. Where there is `nothing` else to do, the last is an error. `told`: by --json.
void say_problems(const std::vector<std::string>& problems, bool nothing, bool told) {
  const bool fatal = nothing && !problems.empty();
  for (std::size_t i = 0; i + (fatal ? 1 : 0) < problems.size(); ++i) say(problems[i]);
  if (!fatal) return;
  const Error error(ErrorCode::kInputUnreadable, problems.back());
  if (told) throw ToldError(error);
  throw error;  // NOLINT(cert-err09-cpp,cert-err61-cpp): thrown once
}

}  // namespace

PhotoSource PhotoList::source() const {
  std::vector<Photo> all;
  for (const fs::path& photo : photos) all.push_back({.id = called(photo), .content = photo});
  return PhotoSource::list(std::move(all));
}

void print_json_error(const std::string& input, const std::string& error) {
  std::cout << dump_line({{"file", input}, {"error", error}}) << std::endl;
}

void print_json_no_face(const std::string& photo) {
  std::cout << dump_line({{"file", photo}, {"faces", 0}}) << '\n';
}

PhotoList list_photos(const std::vector<fs::path>& arguments, bool json) {
  PhotoList list;
  std::vector<std::string> problems;
  std::size_t told = 0;
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
    for (; json && told < problems.size(); ++told) print_json_error(argument.string(), problems[told]);
  }
  list.failed = problems.size();
  say_problems(problems, list.photos.empty(), json);
  return list;
}

PeopleList list_people(const std::vector<fs::path>& folders, bool keep_loose, bool json) {
  PeopleList list;
  std::vector<std::string> problems;
  std::size_t told = 0;
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
    for (; told < problems.size(); ++told) {
      list.problems.push_back({folder.string(), problems[told]});
      if (json) print_json_error(folder.string(), problems[told]);
    }
  }
  list.failed = problems.size();
  say_problems(problems, list.photos.empty() && list.loose.empty(), json);
  return list;
}

bool InputCount::count(const PhotoFaces& photo, ProgressBar& bar) {
  if (photo.error.empty()) return true;
  if (json_) print_json_error(photo.id, photo.error);
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

}  // namespace likeness::cli
