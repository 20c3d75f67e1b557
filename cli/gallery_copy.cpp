#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/gallery/copy.h"

namespace likeness::cli {

Exit gallery_copy(const GalleryCommandArgs& args) {
  const Gallery from = args.gallery.open(true);
  GalleryArgs target{.path = args.file,
                     .key_file = args.new_key_file ? args.new_key_file : args.gallery.key_file};
  target.require_writable();
  if (target.is(args.gallery)) throw std::invalid_argument("the gallery cannot be copied into itself");
  CreateOptions create{.format = from.store().format()};
  // As the original is: a copy that anybody can read must be asked for in other words (export).
  if (from.store().encrypted() || args.new_key_file) create.passphrase = target.passphrase();
  Gallery to = target.open_or_create(from.store().space(), create);
  ProgressBar bar("copying people");
  const CopyReport report = copy_gallery(from.store(), to.store(), bar.callback());
  for (const std::string& one : report.elsewhere) std::cerr << "likeness: " << one << '\n';
  if (args.json) {
    std::cout << dump_line({{"people", report.people},
                            {"faces", report.faces},
                            {"added", report.added},
                            {"elsewhere", report.elsewhere.size()},
                            {"seen", report.seen.faces},
                            {"seen_added", report.seen.added},
                            {"output", to.store().name()}})
              << '\n';
  } else {
    std::cout << counted(report.faces, "face") << " of " << report.people << " people -> "
              << to.store().name() << ", " << report.added << " of them now";
    if (report.seen.faces > 0) {
      std::cout << "; " << counted(report.seen.faces, "face") << " without a name, " << report.seen.added
                << " of them now";
    }
    std::cout << "; all compared\n";
  }
  return report.elsewhere.empty() ? Exit::kDone : Exit::kSomeInputsFailed;
}

}  // namespace likeness::cli
