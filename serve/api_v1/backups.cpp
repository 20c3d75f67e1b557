// Copies of a gallery, made and put back while others work.
#include <algorithm>
#include <chrono>
#include <ctime>

#include "serve/api_v1/json.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtension = ".gallery";
/// Of the time and the four digits after a gallery's name, dashes and all.
constexpr std::size_t kStampLength = std::string_view("-20261128T023000Z-0a1b").size();

/// A gallery's own name with whatever no file name holds replaced.
std::string stem_of(const std::string& gallery) {
  std::string name = gallery;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '_'; },
      '_');
  return name;
}

/// A file's name for the gallery at this moment.
std::string file_name(const std::string& gallery) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> time{};
  std::strftime(time.data(), time.size(), "-%Y%m%dT%H%M%SZ", &utc);
  return stem_of(gallery) + time.data() + "-" + new_request_id().substr(0, 4) + std::string(kExtension);
}

const fs::path& folder_of(const Service& service) {
  if (service.backups().empty())
    throw Refusal(409, "conflict", "this server has no folder for backups: start it with --backups FOLDER");
  return service.backups();
}

/// The names of a gallery's backups, oldest first.
std::vector<std::string> backups_of(const Service& service, const std::string& gallery) {
  std::vector<std::string> names;
  const std::string stem = stem_of(gallery);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_of(service), error)) {
    const std::string name = entry.path().filename().string();
    if (name.size() == stem.size() + kStampLength + kExtension.size() && name.starts_with(stem + "-2") &&
        name.ends_with(kExtension) && entry.is_regular_file(error))
      names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Json file_json(const fs::path& file) {
  std::error_code ignored;
  return {{"file", file.filename().string()}, {"bytes", fs::file_size(file, ignored)}};
}

Done backup(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  const fs::path file = folder_of(service) / file_name(served.name);
  served.gallery->store().backup_to(file);
  return {json_response(file_json(file))};
}

Done list(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  Json files = Json::array();
  for (const std::string& name : backups_of(service, served.name))
    files.push_back(file_json(folder_of(service) / name));
  return {json_response({{"backups", std::move(files)}})};
}

Done restore(Service& service, const Call& call) {
  ServedGallery& served = service.gallery_of(call);
  const auto name = call.get<std::string>("file");
  const auto names = backups_of(service, served.name);
  if (std::ranges::find(names, name) == names.end()) throw not_found("backup " + name + " of this gallery");
  const std::int64_t faces = restore_gallery_from(service, served, folder_of(service) / name);
  const GalleryStore& store = served.gallery->store();
  return {json_response({{"file", name}, {"people", store.people().size()}, {"faces", faces}}), {}, faces};
}

}  // namespace

std::int64_t restore_gallery_from(Service& service, ServedGallery& served, const fs::path& copy) {
  const std::string name = copy.filename().string();
  const std::lock_guard lock(served.changing);
  try {
    served.gallery->store().restore_from(copy);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDataInvalid) throw;
    throw Refusal(409, "conflict", name + " is damaged, or no copy of this gallery as it has grown since");
  }
  served.gallery->purge();  // of people who were enrolled since, as of others who are removed
  service.events().publish({"restored", served.name, {{"file", name}}});
  return served.gallery->store().face_count();
}

void add_backup_operations(Operations& table) {
  table["backupGallery"] = backup;
  table["listBackups"] = list;
  table["restoreGallery"] = restore;
}

}  // namespace likeness::serve
