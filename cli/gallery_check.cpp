#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "likeness/gallery/repair.h"

namespace likeness::cli {
namespace {

using Json = nlohmann::ordered_json;

void print_text(const std::vector<std::string>& wrong, const GalleryRepairs& repairs) {
  for (const std::string& line : wrong) std::cout << line << '\n';
  for (const std::string& name : repairs.nobodys_names)
    std::cout << "\"" << name << "\" cannot be a person's name: rename this person\n";
  for (const auto& one : repairs.names) {
    std::cout << "\"" << one.from << "\" is written otherwise than \"" << one.into
              << (one.merge ? "\", though they look alike: to be made one\n"
                            : "\", as names are kept: to be renamed\n");
  }
  for (const auto& one : repairs.doubles) {
    std::cout << "face " << one.face << " of " << one.person;
    if (!one.photo.empty()) std::cout << " (" << one.photo << ")";
    std::cout << " is face " << one.of << " again: to be removed\n";
  }
  for (const auto& one : repairs.shared) {
    std::cout << "face " << one.face << " of " << one.person << " and face " << one.other << " of "
              << one.other_person << " are the same: remove the wrong one with `gallery remove --face`\n";
  }
  std::cout << std::flush;  // a list first
}

Json json_of(const std::vector<std::string>& wrong, const GalleryRepairs& repairs) {
  Json line = {
      {"problems", wrong}, {"names", Json::array()}, {"doubles", Json::array()}, {"shared", Json::array()}};
  for (const std::string& name : repairs.nobodys_names)
    line["problems"].push_back("\"" + name + "\" cannot be a person's name");
  for (const auto& one : repairs.names)
    line["names"].push_back({{"from", one.from}, {"into", one.into}, {"merge", one.merge}});
  for (const auto& one : repairs.doubles) {
    line["doubles"].push_back(
        {{"face", one.face}, {"of", one.of}, {"person", one.person}, {"photo", one.photo}});
  }
  for (const auto& one : repairs.shared) {
    line["shared"].push_back({{"face", one.face},
                              {"person", one.person},
                              {"other", one.other},
                              {"other_person", one.other_person}});
  }
  return line;
}

}  // namespace

Exit gallery_check(const GalleryCommandArgs& args) {
  Gallery gallery = args.gallery.open(!args.repair);
  const auto wrong = gallery.store().check();
  // A damaged gallery is not changed: nobody knows what would be lost with it.
  const GalleryRepairs repairs = wrong.empty() ? find_repairs(gallery.store()) : GalleryRepairs();
  const bool fine = wrong.empty() && repairs.nobodys_names.empty() && repairs.shared.empty();
  const std::string file = gallery.store().name();
  if (!args.json) print_text(wrong, repairs);
  if (args.repair && !repairs.empty()) {
    repair(gallery.store(), repairs);
    gallery.purge();
    if (!args.json) {
      std::cout << file << ": " << counted(repairs.names.size(), "name") << " mended, "
                << counted(repairs.doubles.size(), "face") << " removed\n";
    }
  } else if (!args.json) {
    if (!repairs.empty()) std::cout << file << ": `gallery check --repair` does all this\n";
    if (fine && repairs.empty()) std::cout << file << ": all is well\n";
  }
  const bool repaired = args.repair && !repairs.empty();
  if (args.json) {
    Json line = {{"ok", fine && (repairs.empty() || repaired)}};
    line.update(json_of(wrong, repairs));
    line["repaired"] = repaired;
    std::cout << dump_line(line) << '\n';
  }
  return fine && (repairs.empty() || repaired) ? Exit::kDone : Exit::kData;
}

}  // namespace likeness::cli
