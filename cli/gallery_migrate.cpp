#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/recognize/migrate_gallery.h"

namespace likeness::cli {

Exit gallery_migrate(const GalleryCommandArgs& args) {
  const GalleryArgs into{args.file, args.gallery.key_file};
  into.require_writable();
  const CreateOptions create = args.create_options();
  const Gallery old = args.gallery.open(true);
  Setup setup = args.models;
  setup.quality = old.store().space().quality;
  const Recognizer recognizer(setup);
  if (into.is(args.gallery)) throw std::invalid_argument("--into names the gallery itself; name a new one");

  ProgressBar bar("migrating");
  std::map<std::string, std::size_t> left;  // by why
  std::optional<Gallery> gallery;
  const auto opened = [&]() -> Gallery& {
    if (!gallery) gallery = into.open_or_create(recognizer.space(), create);
    return *gallery;
  };
  const auto each = [&](const MigratedFace& face) {
    const std::string status(to_string(face.status));
    if (args.json) {
      std::cout << dump_line({{"face", face.face},
                              {"person", face.person},
                              {"file", face.photo},
                              {"status", status}})
                << '\n';
    }
    if (face.status == MigrationStatus::kMigrated || face.status == MigrationStatus::kKnown) return;
    ++left[status];
    if (!args.json)
      bar.say(
          "likeness: face " + std::to_string(face.face) + " of " + face.person + " stays behind: " +
          (face.error.empty() ? status + (face.photo.empty() ? "" : " (" + face.photo + ")") : face.error));
  };
  const MigrationSummary sum = migrate_gallery(old.store(), opened, recognizer, each, bar.callback());
  if (!args.json) {
    std::cout << sum.migrated << " of " << counted(sum.faces, "face") << " -> "
              << (gallery ? gallery->store().name() : args.file.string()) << ", model "
              << recognizer.space().id();
    for (const auto& [why, count] : left) std::cout << "; " << count << " " << why;
    std::cout << "; calibrate it with `likeness gallery calibrate`\n";
  }
  return sum.migrated == sum.faces ? Exit::kDone : Exit::kSomeInputsFailed;
}

}  // namespace likeness::cli
