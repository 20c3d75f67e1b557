// Copies of a gallery, made while others write.
#include <algorithm>
#include <chrono>
#include <ctime>

#include "serve/api_v1/json.h"
#include "serve/refusal.h"

namespace likeness::serve {
namespace {

/// A file's name for the gallery at this moment: its own name with whatever no file name holds replaced.
std::string file_name(const std::string& gallery) {
  std::string name = gallery;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '_'; },
      '_');
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> time{};
  std::strftime(time.data(), time.size(), "-%Y%m%dT%H%M%SZ", &utc);
  return name + time.data() + "-" + new_request_id().substr(0, 4) + ".gallery";
}

Done backup(Service& service, const Call& call) {
  const ServedGallery& served = service.gallery_of(call);
  if (service.backups().empty())
    throw Refusal(409, "conflict", "this server has no folder for backups: start it with --backups FOLDER");
  const std::filesystem::path file = service.backups() / file_name(served.name);
  served.gallery->store().backup_to(file);
  std::error_code ignored;
  return {json_response(
      {{"file", file.filename().string()}, {"bytes", std::filesystem::file_size(file, ignored)}})};
}

}  // namespace

void add_backup_operations(Operations& table) { table["backupGallery"] = backup; }

}  // namespace likeness::serve
