#include "likeness/embed/new_pack.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "likeness/embed/check_pack.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSelfTest = "selftest.npz";

[[noreturn]] void unwritable(const fs::path& path, const std::string& reason) {
  throw Error(ErrorCode::kOutputUnwritable, "cannot write " + path.string() + ": " + reason);
}

}  // namespace

void check_pack_name(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= 100 && name[0] != '.' && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
      });
  if (!good)
    throw std::invalid_argument("a pack's name has letters, digits, '.', '_' and '-' only: \"" + name + "\"");
}

NewPack::NewPack(fs::path place) : place_(std::move(place)) {
  const fs::path beside = place_.has_parent_path() ? place_.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(beside, error);
  std::string name = (beside / ".import.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorCode::kOutputUnwritable,
                "cannot write in " + beside.string() + ": " + std::strerror(errno));
  }
  folder_ = name;
  fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                               fs::perms::others_read | fs::perms::others_exec);
}

NewPack::~NewPack() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

ModelPack NewPack::publish(const Contract& contract, const std::vector<std::string>& files, bool replace,
                           const std::map<Precision, std::string>& networks) {
  ModelPack pack{.folder = folder_};
  pack.contract = contract;
  pack.networks = networks;
  pack.self_test = kSelfTest;
  write_self_test(folder_ / kSelfTest, make_self_test(pack));
  const auto list = [&](const std::string& name) {
    pack.files.push_back({name, fs::file_size(folder_ / name), sha256_file(folder_ / name)});
  };
  for (const std::string& name : files) list(name);
  list(kSelfTest);
  write_file(folder_ / "model.json", to_json(pack));

  // An older pack goes aside first, and away at last.
  std::error_code error;
  const fs::path old = folder_.string() + ".old";
  if (fs::exists(place_) && !replace) unwritable(place_, "it is there already");
  if (fs::exists(place_)) fs::rename(place_, old, error);
  if (!error) fs::rename(folder_, place_, error);
  if (error) {
    std::error_code ignored;
    if (fs::exists(old)) fs::rename(old, place_, ignored);
    unwritable(place_, error.message());
  }
  fs::remove_all(old, error);
  return load_pack(place_);
}

}  // namespace likeness
